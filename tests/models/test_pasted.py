"""A class built from its text computes what Python's own class computes."""

# ruff: noqa: E501 (lines as people write them)

import inspect

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from models.advice import advise
from models.graph import read_graph
from models.measure import measure
from models.parse import (
    MissingArguments,
    ParseError,
    Pasted,
    SeveralNetworks,
    candidates,
    give_others,
    needs,
    notes_of,
    parse_network,
)
from models.parse.code import to_code, with_imports
from models.receptive_field import receptive_field, subnetwork
from tests.models.pasted_networks import NETWORKS


def own(text: str) -> nn.Module:
    """What Python makes of the text: the instance that it ends with, else its last function or class."""
    names: dict = {"__name__": "pasted"}
    exec(text, names)
    made = [value for value in names.values() if isinstance(value, nn.Module)]
    if made:
        return made[-1]
    makers = [
        value
        for value in names.values()
        if (inspect.isclass(value) and issubclass(value, nn.Module) and value.__module__ == "pasted")
        or (inspect.isfunction(value) and isinstance(value.__defaults__ or (), tuple) and "Net" in value.__name__)
    ]
    return makers[-1]()


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_and_outputs_are_those_of_pythons_own_class(name):
    text, shape = NETWORKS[name]
    torch.manual_seed(1)
    theirs = own(text).eval()
    torch.manual_seed(1)
    ours = parse_network(text).eval()
    assert type(ours).__name__ == type(theirs).__name__
    told, wanted = ours.state_dict(), theirs.state_dict()
    assert {key: value.shape for key, value in told.items()} == {key: value.shape for key, value in wanted.items()}
    assert list(told) == list(wanted)
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    ours.load_state_dict(wanted)
    x = torch.randn(shape)
    with torch.no_grad():
        assert torch.equal(ours(x.clone()), theirs(x.clone()))


@pytest.mark.parametrize("name", NETWORKS)
def test_without_weights_it_is_the_same_network(name):
    text, shape = NETWORKS[name]
    sketch = parse_network(text, device="meta").eval()
    real = parse_network(text).eval()
    assert all(value.is_meta for value in sketch.state_dict().values())
    assert {k: v.shape for k, v in sketch.state_dict().items()} == {k: v.shape for k, v in real.state_dict().items()}
    with torch.no_grad():
        assert sketch(torch.empty(shape, device="meta")).shape == real(torch.randn(shape)).shape


def test_there_are_enough_networks():
    assert len(NETWORKS) >= 40


@pytest.mark.parametrize("name", NETWORKS)
def test_the_graph_has_the_shapes_parameters_and_macs_of_a_plain_run(name):
    text, shape = NETWORKS[name]
    sketch = parse_network(text, device="meta").eval()
    graph = read_graph(sketch, shape)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        answer = sketch(torch.empty(shape, device="meta"))
    assert graph.broken is None
    assert graph.nodes[-1].shapes == (tuple(answer.shape),)
    assert graph.macs == counter.get_total_flops() // 2
    assert graph.parameters + graph.unused == sum(p.numel() for p in sketch.parameters())
    lines = text.split("\n")
    for node in graph.nodes[1:-1]:
        assert 1 <= node.line <= len(lines)


BRANCHED = (
    *("resnet", "densenet", "inception", "tcn", "wavenet", "mobilenet v2", "fire modules", "convnext block"),
    *("feature pyramid", "aspp", "hourglass", "style transfer", "octave and blur", "partial convolution"),
    *("gan pair generator", "super resolution", "autoencoder", "deep supervision by property", "activation by name"),
)


@pytest.mark.parametrize("name", BRANCHED)
def test_the_traced_receptive_field_is_where_the_gradient_is(name):
    text, shape = NETWORKS[name]
    network = parse_network(text).eval()
    maps = [each for each in receptive_field(network, shape).layers if each.size and not each.sees_everything]
    found = receptive_field(network, shape, layer=maps[-1].name, measured=True)
    assert max(found.size) > 1
    assert found.agrees is True


@pytest.mark.parametrize(
    ("layer", "call", "settings"),
    [
        ("nn.MultiheadAttention(50, 5, batch_first=True)", "self.a(x, x, x)[0]", "50, 5, batch_first=True"),
        (
            "nn.TransformerEncoderLayer(50, 5, 64, batch_first=True)",
            "self.a(x)",
            "50, 5, dim_feedforward=64, batch_first=True",
        ),
    ],
)
def test_attention_to_raw_tokens_sees_all_of_them(layer, call, settings):
    text = (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.a = {layer}\n    def forward(self, x):\n        return {call}\n"
    )
    net = parse_network(text).eval()
    x = torch.rand(1, 64, 50, requires_grad=True)
    with torch.enable_grad():
        net(x)[0, 3, 7].backward()
    node = next(node for node in read_graph(net, (1, 64, 50)).nodes if node.name == "a")
    assert (node.everything, node.size) == (bool((x.grad != 0).all()), (50,))
    assert node.settings == f"{node.kind}({settings})"


def test_the_path_of_forward_follows_the_shape():
    text = (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.grey = nn.Conv2d(1, 4, 3)\n"
        "        self.colour = nn.Conv2d(3, 4, 5)\n    def forward(self, x):\n        if x.shape[1] == 3:\n"
        "            return self.colour(x)\n        return self.grey(x)\n"
    )
    net = parse_network(text, device="meta")
    assert [node.kind for node in read_graph(net, (1, 3, 9, 9)).nodes] == ["input", "Conv2d", "output"]
    assert read_graph(net, (1, 3, 9, 9)).nodes[-1].shapes == ((1, 4, 5, 5),)
    assert read_graph(net, (1, 1, 9, 9)).nodes[-1].shapes == ((1, 4, 7, 7),)
    broken = read_graph(net, (1, 2, 9, 9)).broken
    assert (broken.node, broken.line) == (1, 4)
    assert broken.message == "layer grey (Conv2d) got 1×2×9×9, which is 2 channels, but in_channels=1."


def test_a_line_that_is_not_read_is_told_when_it_is_drawn():
    net = parse_network(
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.a = nn.ReLU()\n"
        "    def forward(self, x):\n        x = self.a(x)\n        return F.reluu(x)\n",
        device="meta",
    )
    with pytest.raises(ParseError) as caught:
        read_graph(net, (1, 3, 8, 8))
    assert (caught.value.line, caught.value.name) == (7, "reluu")
    assert "did you mean F.relu" in caught.value.message


def test_layers_may_be_named_by_words_of_python():
    net = parse_network(
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.a = nn.ModuleDict({'in': nn.Conv2d(3, 4, 3), 'class': nn.Conv2d(4, 5, 3)})\n"
        "    def forward(self, x):\n        return self.a['class'](self.a['in'](x))\n",
        device="meta",
    )
    graph = read_graph(net, (1, 3, 9, 9))
    assert [(node.name, node.size) for node in graph.nodes[1:3]] == [("a.in", (3, 3)), ("a.class", (5, 5))]
    assert read_graph(net, (1, 3, 4, 4)).broken.node == 2


@pytest.mark.parametrize(
    ("pattern", "sizes", "wanted"),
    [
        ("b c h w -> b (h w) c", "", lambda x: x.flatten(2).transpose(1, 2)),
        ("b c (h p) (w q) -> b (h w) (p q c)", ", p=2, q=4",
         lambda x: x.reshape(2, 3, 4, 2, 2, 4).permute(0, 2, 4, 3, 5, 1).reshape(2, 8, 24)),
        ("b ... -> ... b", "", lambda x: x.permute(1, 2, 3, 0)),
        ("(b n) c h w -> b n c 1 (h w)", ", n=2", lambda x: x.reshape(1, 2, 3, 1, 64)),
        ("b c h w -> b k c h (w r)", ", k=5, r=2", lambda x: x.repeat_interleave(2, 3).unsqueeze(1).repeat(1, 5, 1, 1, 1)),
    ],
)  # fmt: skip
def test_patterns_of_einops(pattern, sizes, wanted):
    x = torch.randn(2, 3, 8, 8)
    function = "repeat" if "r=" in sizes else "rearrange"
    called = (
        f"from einops import {function}\nclass Net(nn.Module):\n    def forward(self, x):\n"
        f"        return {function}(x, '{pattern}'{sizes})\n"
    )
    layer = f"from einops.layers.torch import Rearrange\nmodel = nn.Sequential(nn.Identity(), Rearrange('{pattern}'{sizes}))"
    for text in (called, layer):
        net = parse_network(text)
        assert torch.equal(net(x), wanted(x))
        assert read_graph(net, x.shape).nodes[-1].shapes == (tuple(wanted(x).shape),)


@pytest.mark.parametrize(
    "pattern", ["b c h w", "b c -> c b", "b c h w -> b (c h", "a b c d -> a b b d", "a b c d -> a b", "b c h w -> %"]
)
def test_patterns_that_do_not_fit_are_refused(pattern):
    net = parse_network(
        f"from einops import rearrange\nclass Net(nn.Module):\n    def forward(self, x):\n        return rearrange(x, '{pattern}')"
    )
    with pytest.raises(ValueError, match=r"pattern|name"):
        read_graph(net, (2, 3, 8, 8))


def test_a_run_on_another_thread_is_a_run_of_its_own():
    from concurrent.futures import ThreadPoolExecutor

    text, shape = NETWORKS["resnet"]
    net, x = parse_network(text).eval(), torch.randn(shape)
    with torch.no_grad():
        alone = net(x)
    sketch = parse_network(text, device="meta")

    def run(turn: int):
        with torch.no_grad():
            return len(read_graph(sketch, shape).nodes) if turn % 2 else net(x)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(run, range(8)))
    assert all(torch.equal(answer, alone) for answer in answers[::2])
    assert len(set(answers[1::2])) == 1


# --- what else is pasted ---------------------------------------------------------------------------------------------

CONV = "Sequential(\n  (0): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))\n  (1): ReLU()\n)"
NET = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.fc = nn.Linear(6, 10)

    def forward(self, x):
        return self.fc(self.conv1(x).mean((2, 3)))
"""
NEEDY = NET.replace("(self):", "(self, width: int, act, *, depth=1):", 1)


@pytest.mark.parametrize(
    "text",
    [
        "device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')\n"
        "net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()).to(device).eval()",
        "net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()).cuda()\nnet.train()",
        "net = nn.Sequential()\nfor layer in [nn.Conv2d(3, 8, 3), nn.ReLU()]:\n    net.append(layer)",
        "layers = []\nfor c in [8]:\n    layers.append(nn.Conv2d(3, c, 3))\n    layers.append(nn.ReLU())\nnn.Sequential(*layers)",
        "def block(a, b):\n    return nn.Sequential(nn.Conv2d(a, b, 3), nn.ReLU())\nmodel = block(3, 8)",
        ">>> import torch\n>>> m = nn.Sequential(\n...     nn.Conv2d(3, 8, 3),\n...     nn.ReLU())\n>>> m\nSequential()",
        "In [1]: import torch\nIn [2]: [nn.Conv2d(3, 8, 3), nn.ReLU()]",
        "%matplotlib inline\n!pip install torch\n[nn.Conv2d(3, 8, 3), nn.ReLU()]",
        "```python\n[nn.Conv2d(3, 8, 3), nn.ReLU()]\n```",
        "nn.Sequential(\n\u00a0\u00a0\u00a0nn.Conv2d(3, 8, 3, padding_mode=“zeros”),\n\u00a0nn.ReLU())",
        "net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())\nx = torch.randn(1, 3, 8, 8)\nprint(net(x).shape)",
        "from torchsummary import summary\nnet = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())\nsummary(net, (3, 8, 8))",
        "nn.Sequential(*(layer() for layer in (lambda: nn.Conv2d(3, 8, 3), nn.ReLU)))",
        "cfg = {'in_channels': 3, 'out_channels': 8}\nnn.Sequential(nn.Conv2d(**cfg, kernel_size=3), nn.ReLU())",
    ],
)
def test_other_spellings_of_a_stack(text):
    assert repr(parse_network(text, device="meta")) == CONV


def test_names_may_have_any_letters():
    text = NET.replace("Net", "Réseau").replace("conv1", "conv_entrée").replace("fc", "слой")
    spelled = text.replace("self.conv_entrée(x)", "self.conv_entre\u0301e(x)")
    net = parse_network(spelled)
    theirs = own("import torch.nn as nn\n" + spelled)
    assert type(net).__name__ == type(theirs).__name__ == "Réseau"
    net.load_state_dict(theirs.state_dict())
    x = torch.rand(1, 1, 16, 16)
    with torch.no_grad():
        assert torch.equal(net(x), theirs(x))
    assert [node.name for node in read_graph(net, (1, 1, 16, 16)).nodes][1] == "conv_entrée"
    assert receptive_field(net, (1, 1, 16, 16), layer="conv_entrée", measured=True).agrees
    with pytest.raises(ParseError, match=r"did you mean self\.conv_entrée"):
        parse_network(text.replace("self.слой", "self.zahl = self.conv_entré\n        self.слой", 1))
    found = parse_network("Sequential(\n  (entrée): Conv2d(1, 6, kernel_size=(5, 5))\n)")
    assert list(found._modules) == ["entrée"]


def test_wide_signs_are_put_right():
    text = NET.replace("(1, 6, 5)", "（1，6, 5）").replace("(self):", "(self)：").replace("Net", "网络")
    net = parse_network(text)
    assert repr(net).replace("网络", "Net") == repr(parse_network(NET))
    with pytest.raises(ParseError, match=r"padding_mode='zeU\+FF0Cros'"):  # a string stays as it is
        parse_network("nn.Sequential(nn.Conv2d(1， 6, 3, padding_mode='ze，ros'))")


@pytest.mark.parametrize("sign", ["\u200b", "²", "ﬁ", "。"])
def test_other_signs_in_a_name_are_told(sign):
    with pytest.raises(ParseError, match=f"U\\+{ord(sign):04X}") as caught:
        parse_network(NET.replace("fc", f"conve\u0301{sign}"))
    assert caught.value.line == 5


SESSIONS = {
    "IPython": (
        "$ ipython\nPython 3.11.7 (main)\n\nIn [1]: from torch import nn\n\nIn [2]: "
        + NET.replace("\n", "\n   ...: ")
        + "\n\nIn [10]: net = Net()\n\nIn [11]: net\nOut[11]: \nNet(\n  (conv1): Conv2d(1, 6, kernel_size=(5, 5))\n)\n"
    ),
    "notebook": "In [1]:\nfrom torch import nn\n" + NET + "In [2]:\nNet()\nOut[2]:\nNet(\n  (conv1): Conv2d(1, 6)\n)\n",
    "shell": "$ pip install torch\n$ python net.py\n" + NET,
}


@pytest.mark.parametrize("session", SESSIONS)
def test_what_a_session_shows_around_a_network_is_left_out(session):
    found = parse_network(SESSIONS[session])
    assert repr(found) == repr(parse_network(NET))
    line = next(at for at, each in enumerate(SESSIONS[session].split("\n"), 1) if "self.conv1 =" in each)
    assert read_graph(found, (1, 1, 16, 16)).nodes[1].line == line


class Printed(nn.Module):
    def __init__(self, pooled=28):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.convs = nn.ModuleList([nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 3)])
        self.fc1 = nn.Linear(4 * pooled * pooled, 10)
        self.drop = nn.Dropout(0.5)
        self.fc2 = nn.Linear(10, 2)

    def forward(self, x):
        x = self.bn(self.conv(x)).relu()
        for layer in self.convs:
            x = layer(x)
        return self.fc2(self.drop(self.fc1(x.flatten(1)).relu()))


@pytest.mark.parametrize("before", ["", "print(net)\n", ">>> net\n", "In [3]: print(net)\nOut[3]: \n"])
def test_a_printout_of_a_class_is_read_in_its_order_and_says_so(before):
    theirs = Printed()
    ours = parse_network(before + str(theirs))
    assert [(n, p.shape) for n, p in ours.named_parameters()] == [(n, p.shape) for n, p in theirs.named_parameters()]
    graph = read_graph(ours, (1, 3, 32, 32))
    made = measure(theirs, (1, 3, 32, 32))
    assert (graph.macs, graph.nodes[-1].shapes) == (made.macs, (made.output_shape,))
    assert graph.notes[0].startswith("A printout does not hold forward: the layers are taken in the order")
    assert advise(ours, (1, 3, 32, 32), graph) == ()


def test_a_dropout_before_the_first_linear_layer_does_not_hide_that_it_wants_rows():
    text = """
Net(
  (features): Sequential(
    (0): Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1))
  )
  (drop): Dropout(p=0.5, inplace=False)
  (classifier): Sequential(
    (0): Dropout(p=0.5, inplace=False)
    (1): Linear(in_features=144, out_features=10, bias=True)
    (2): ReLU()
  )
  (last): Linear(in_features=10, out_features=2, bias=True)
)"""
    graph = read_graph(parse_network(text), (1, 3, 8, 8))
    assert (graph.broken, graph.returned[0].shapes) == (None, ((1, 2),))
    kinds = [node.kind for node in graph.nodes]
    assert kinds == ["input", "Conv2d", "Dropout", "Flatten", "Dropout", "Linear", "ReLU", "Linear", "output"]


@pytest.mark.parametrize(
    ("error", "line", "shape"),
    [
        ("", "kept = kept[:, :, -y.size(2):]", (1, 4, 12)),
        (" TypeError", "kept = kept[0]", (1, 4, 12)),
        (" (KeyError, TypeError) as e", "kept = kept[0]", (1, 4, 12)),
        (" Exception", "kept = [0][5]", (1, 4, 12)),
        (" AttributeError", "kept = kept.clone()", (1, 4, 12)),
    ],
)
def test_an_except_is_taken_where_python_takes_it(error, line, shape):
    text = f"""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 4, 3)
    def forward(self, x):
        kept = 3
        y = self.conv(x)
        try:
            {line}
        except{error}:
            kept = 0
        return y + kept
"""
    space = {"nn": nn}
    exec(text, space)
    network = parse_network(text)
    theirs = space["Net"]()
    theirs.load_state_dict(network.state_dict())
    x = torch.randn(1, 1, 14)
    assert torch.equal(network(x), theirs(x))
    assert network(x).shape == shape
    # An except for another error does not catch it.
    with pytest.raises(ParseError, match="Line 10"):
        read_graph(parse_network(text.replace(f"except{error}:", "except ZeroDivisionError:")), (1, 1, 14))


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        ("F.pairwise_distance(x, y, keepdim=True)", (2, 1)),
        ("F.cosine_similarity(x, y)", (2,)),
        ("torch.cosine_similarity(x, y)", (2,)),
        ("F.cosine_embedding_loss(x, y, torch.ones(2))", ()),
        ("F.mse_loss(x, y)", ()),
        ("torch.cdist(x, y)", (2, 2)),
        ("x if torch.is_tensor(x) and not torch.is_tensor(3) else x.sum()", (2, 5)),
        ("F.one_hot(x.long(), 7)", (2, 5, 7)),
        ("torch.sort(x, dim=1)[0]", (2, 5)),
        ("torch.lerp(x, y, 0.3).ravel()", (10,)),
    ],
)
def test_what_stands_at_the_end_of_networks_is_read(call, shape):
    text = "class Net(nn.Module):\n    def forward(self, a):\n        x, y = a.relu(), a * 0.5\n"
    text += f"        return {call}\n"
    space = {"nn": nn, "F": nn.functional, "torch": torch}
    exec(text, space)
    network, a = parse_network(text), torch.rand(2, 5)
    assert read_graph(network, (2, 5)).returned[0].shapes == (shape,)
    assert torch.equal(network(a), space["Net"]()(a))


@pytest.mark.parametrize("points", [5, 40])  # of more than 25 torch multiplies matrices
def test_distances_between_points_cost_what_their_product_costs(points):
    text = "class Net(nn.Module):\n    def forward(self, x):\n        return torch.cdist(x, x[:, 1:])\n"
    x = torch.empty(2, points, 3, device="meta")
    with FlopCounterMode(display=False) as counter:
        x @ x[:, 1:].mT
    assert read_graph(parse_network(text), tuple(x.shape)).macs == counter.get_total_flops() // 2 > 0


def test_a_one_hot_vector_is_no_way_to_fill_the_memory():
    text = "class Net(nn.Module):\n    def forward(self, x):\n        return F.one_hot(torch.tensor([1]), 10**8) + x\n"
    with pytest.raises(ParseError, match="num_classes must be a whole number from 1 to 65536"):
        read_graph(parse_network(text), (1, 1))


def test_a_printout_that_does_not_run_in_its_order_gets_no_repairs():
    (advice,) = advise(parse_network(str(Printed(14)), device="meta"), (1, 3, 32, 32))
    assert advice.repairs == ()
    assert "layer fc1 (Linear) got 1×3136, but in_features=784." in advice.why
    assert advice.why.endswith("paste the class itself.")


@pytest.mark.parametrize(
    "part",
    [
        "(a): Swish()",
        "(a): Gate(\n    (pool): AdaptiveAvgPool2d(output_size=1)\n    (fc): Conv2d(8, 8, kernel_size=(1, 1), stride=(1, 1))\n  )",
    ],
)
def test_a_printout_that_hides_what_runs_is_refused(part):
    text = f"Net(\n  (conv): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))\n  {part}\n  (out): Conv2d(8, 4, kernel_size=(1, 1), stride=(1, 1))\n)"
    with pytest.raises(ParseError, match="whose printout does not say how its layers run"):
        parse_network(text)


def test_layers_assigned_to_self_stand_in_their_order():
    net = parse_network("self.conv1 = nn.Conv2d(1, 6, 5)\nself.relu = nn.ReLU()\nself.conv2 = nn.Conv2d(6, 16, 5)")
    assert [name for name, _ in net.named_children()] == ["conv1", "relu", "conv2"]


def test_methods_without_their_class_get_one():
    body = "\n".join(NET.split("\n")[1:])
    lines = "self.conv1 = nn.Conv2d(1, 6, 5)\nself.fc = nn.Linear(6, 10)\n\ndef forward(self, x):\n    return self.fc(self.conv1(x).mean((2, 3)))"
    for text in (body, lines):
        net = parse_network(text)
        assert repr(net) == repr(parse_network(NET))
        assert net(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize(
    ("text", "name", "settings"),
    [
        ("resnet18", "resnet18", {}),
        ("import torchvision\ntorchvision.models.resnet18(weights=None)", "resnet18", {}),
        ("from torchvision.models import resnet18, ResNet18_Weights\nm = resnet18(weights=ResNet18_Weights.DEFAULT)\nm.eval()", "resnet18", {}),
        ("import timm\nmodel = timm.create_model('resnet18', pretrained=True, num_classes=10)", "resnet18", {"num_classes": 10}),
        ("torch.hub.load('pytorch/vision:v0.10.0', 'resnet18', pretrained=True)", "resnet18", {}),
        ("model = models.resnet18(pretrained=True)\nmodel.fc = nn.Linear(model.fc.in_features, 10)", "resnet18", {"num_classes": 10}),
        ("models.mobilenet_v2()", "mobilenet_v2", {}),
    ],
)  # fmt: skip
def test_networks_of_torchvision_by_name(text, name, settings):
    import torchvision

    with torch.device("meta"):
        wanted = torchvision.models.get_model(name, weights=None, **settings)
    assert repr(parse_network(text, device="meta")) == repr(wanted)


@pytest.mark.parametrize(
    "text",
    [
        "resnet19",
        "resnet19()",
        "from torchvision import models\nmodels.resnet19(num_classes=3)",
        "from torchvision.models import resnet19\nnet = resnet19()",
        "import timm\nnet = timm.create_model('resnet19')",
        "import torchvision\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.a = torchvision.models.resnet19()\n    def forward(self, x): return self.a(x)",
    ],
)
def test_the_nearest_network_of_torchvision_is_named(text):
    with pytest.raises(ParseError, match=r'torchvision has no network "resnet19"; did you mean resnet18\?') as caught:
        parse_network(text)
    lines = text.split("\n")
    assert caught.value.line == next(at for at, each in enumerate(lines, 1) if "19" in each and "import" not in each)
    assert caught.value.name == "resnet19"


def test_what_torchvision_has_and_is_not_read_is_no_misspelling():
    for call in ("models.detection.fasterrcnn_resnet50_fpn()", "models.ResNet()"):
        with pytest.raises(ParseError, match="is not read here"):
            parse_network(f"from torchvision import models\n{call}")


def test_parts_of_torchvisions_networks():
    assert len(parse_network("models.vgg11().features", device="meta")) == 21
    cut = parse_network("m = models.resnet18()\nnn.Sequential(*list(m.children())[:-2])", device="meta")
    assert cut(torch.empty(1, 3, 64, 64, device="meta")).shape == (1, 512, 2, 2)


@pytest.mark.parametrize(
    ("name", "classes"), [("resnet18", 1_000), ("resnet34", 7), ("vgg11", 10), ("mobilenet_v2", 5)]
)
def test_printouts_of_torchvisions_networks(name, classes):
    import torchvision

    with torch.device("meta"):
        wanted = torchvision.models.get_model(name, weights=None, num_classes=classes)
    found = parse_network(repr(wanted), device="meta")
    assert type(found) is type(wanted)
    assert repr(found) == repr(wanted)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("from tensorflow.keras import layers\nmodel = keras.Sequential([layers.Conv2D(3)])", "Keras"),
        ("model = Sequential()\nmodel.add(Dense(64, activation='relu'))", "Keras"),
        ('Model: "sequential"\n____\n Layer (type)                Output Shape              Param #\n', "Keras"),
        ("====\nLayer (type:depth-idx)                   Output Shape              Param #\n====", "torchinfo"),
        (
            "        Layer (type)               Output Shape         Param #\n====\n  Conv2d-1  [-1, 64]  9,408",
            "torchinfo",
        ),
        ("graph torch-jit-export (\n  %input.1[FLOAT, 1x3x224x224]\n)", "ONNX"),
        ("from flax import linen as nn\nclass Net(nn.Module):\n  pass", "Flax"),
    ],
)
def test_other_packages_are_named(text, name):
    with pytest.raises(ParseError) as caught:
        parse_network(text)
    assert caught.value.name == name
    assert "paste" in caught.value.message


# --- which network, and what it still needs --------------------------------------------------------------------------


def test_two_networks_are_a_question():
    text = NET.replace("Net", "Generator") + NET.replace("Net", "Critic").replace("10", "1")
    assert candidates(text) == ("Generator", "Critic")
    with pytest.raises(SeveralNetworks) as caught:
        parse_network(text)
    assert caught.value.candidates == ("Generator", "Critic")
    assert type(parse_network(text, name="Critic")).__name__ == "Critic"
    with pytest.raises(ParseError):
        parse_network(text, name="Discriminator")
    assert candidates(text + "net = Critic()\nloss = nn.ReLU()") == ("net",)
    assert type(parse_network(text + "net = Critic()\nnet", device="meta")).__name__ == "Critic"


def test_functions_that_make_a_network_are_offered():
    text, _ = NETWORKS["resnet"]
    text = text.replace(
        "model = ResNet(Bottleneck, [2, 2])",
        "def small():\n    return ResNet(BasicBlock, [1, 1])\ndef large():\n    return ResNet(Bottleneck, [2, 3])",
    )
    assert candidates(text) == ("small", "large")
    assert len(parse_network(text, name="large", device="meta").layer2) == 3
    given = parse_network(text, name="ResNet", arguments={"block": "BasicBlock", "layers": "[1, 4]"}, device="meta")
    assert len(given.layer2) == 4
    given = parse_network(text, name="ResNet", arguments={"block": "BasicBlock", "layers": [1, 4]}, device="meta")
    assert len(given.layer2) == 4


def test_arguments_without_a_value_are_asked_for():
    assert [(each.name, each.hint, each.line) for each in needs(NEEDY)] == [("width", "int", 2), ("act", "", 2)]
    with pytest.raises(MissingArguments) as caught:
        parse_network(NEEDY, arguments={"width": 3})
    assert (caught.value.network, [each.name for each in caught.value.needs]) == ("Net", ["act"])
    assert isinstance(parse_network(NEEDY, arguments={"width": "2 ** 3", "act": "nn.ReLU"}), Pasted)
    assert needs(NEEDY + "net = Net(3, nn.ReLU)") == ()
    for wrong in ("__import__('os')", "open('x')", "((((", "x" * 2_000):
        with pytest.raises(ParseError):
            parse_network(NEEDY, arguments={"width": wrong, "act": "1"})


def test_what_stands_under_main_is_left_out_unless_it_says_the_arguments():
    main = "if __name__ == '__main__':\n    net = Net(4, act=nn.ReLU)\n    net.load_state_dict(torch.load('x'))\n"
    assert isinstance(parse_network(NEEDY + main), Pasted)
    assert isinstance(parse_network(NET + "if __name__ == '__main__':\n    open('x')\n    while True: pass\n"), Pasted)


def test_training_around_a_network_is_passed_over():
    text = (
        "import os, argparse\nimport numpy as np\nfrom torch.utils.data import DataLoader\nfrom tqdm import tqdm\n"
        "parser = argparse.ArgumentParser()\nargs = parser.parse_args()\n"
        + NET
        + "model = Net().to(args.device).eval()\ncriterion = nn.CrossEntropyLoss()\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)\n"
        "for epoch in range(10):\n    for x, y in tqdm(DataLoader(data)):\n        optimizer.zero_grad()\n"
        "        criterion(model(x), y).backward()\n"
        "torch.save(model.state_dict(), os.path.join('a', 'b'))\nprint('done')\n"
    )
    assert repr(parse_network(text)) == repr(parse_network(NET))


@pytest.mark.parametrize("network", ["nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU())", "Net()"])
def test_weights_that_are_loaded_or_saved_around_a_network_are_passed_over(network):
    text = (NET if network == "Net()" else "") + (
        "state = torch.load('w.pth', map_location='cpu')\n"
        f"model = {network}\nmodel.load_state_dict(torch.load('w.pth'))\n"
        "model.load_state_dict(state['model'], strict=False)\nmodel.eval()\ntorch.save(model.state_dict(), 'w.pth')\n"
    )
    found = parse_network(text)
    assert sum(p.numel() for p in found.parameters()) == 156 + 70 * (network == "Net()")
    assert not found.training
    for lines in ("model = torch.load('w.pth')\n", "a = nn.ReLU()\nmodel = nn.Sequential(a, torch.load('w.pth'))\n"):
        with pytest.raises(ParseError, match="nothing is loaded"):
            parse_network(lines)


LOADED = """
class Net(nn.Module):
    def __init__(self, weights="w.pth"):
        super().__init__()
        self.c = nn.Conv2d(3, 8, 3)
        if weights is not None:
            self.load_state_dict(torch.load(weights, map_location="cpu"))

    def forward(self, x):
        return self.c(x)

def get_model():
    net = Net()
    state = torch.load("best.pt")["model"]
    state = {k.replace("module.", ""): v for k, v in state.items()}
    net.load_state_dict(state, strict=False)
    return net

net = get_model()
"""


def test_weights_that_are_loaded_inside_a_class_or_function_are_passed_over(monkeypatch):
    monkeypatch.setattr("torch.load", lambda *_, **__: pytest.fail("something was loaded"))
    network = parse_network(LOADED)
    assert [name for name, _ in network.named_parameters()] == ["c.weight", "c.bias"]
    told = "Lines 7, 14, 15 and 16 load or save weights: nothing is loaded here, and the network has new ones."
    assert read_graph(network, (1, 3, 8, 8)).notes[0] == told
    with pytest.raises(ParseError, match="nothing is loaded"):
        parse_network(LOADED.replace("self.load_state_dict(", "self.w = ("))


def test_a_wrong_argument_is_told_as_such():
    for value, words in (("[", "was never closed"), ("foo", '"foo" is not known'), ("8 8", "is missing")):
        with pytest.raises(ParseError) as refused:
            parse_network(NEEDY, arguments={"width": value, "act": "nn.ReLU"})
        assert refused.value.line == 0
        assert refused.value.message.startswith(f"the value {value} of width is not read: ")
        assert words in refused.value.message


TWINS = """
from torch import nn
import torch
class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.head = nn.Linear(32, 1)

    def forward(self, left, right):
        return self.head(torch.abs(self.trunk(left) - self.trunk(right)))
"""


def test_a_network_of_two_inputs_is_drawn_with_the_same_for_both():
    theirs, ours = own(TWINS).eval(), parse_network(TWINS).eval()
    ours.load_state_dict(theirs.state_dict())
    one, other = torch.rand(2, 1, 20, 20), torch.rand(2, 1, 20, 20)
    assert torch.equal(ours(one, other), theirs(one, other))
    assert torch.equal(ours(one), theirs(one, one))
    graph = read_graph(ours, (1, 1, 20, 20))
    assert graph.notes[0] == (
        "forward asks for left and right: each is given this input; where theirs differ, write one for each, as "
        "1x20x20; 1x20x20."
    )
    convs = [node for node in graph.nodes if node.kind == "Conv2d"]
    assert [node.shapes[0] for node in convs] == [(1, 8, 18, 18)] * 2
    with FlopCounterMode(display=False) as counter:
        theirs(one[:1], other[:1])
    assert graph.macs == counter.get_total_flops() // 2


@pytest.mark.parametrize(
    "settings",
    [
        "parser = argparse.ArgumentParser('gan')\nparser.add_argument('-w', '--width', type=int, default=6, help='x')\nparser.add_argument('--no-bias', action='store_true')\nopt = parser.parse_args()",
        "p = argparse.ArgumentParser()\ng = p.add_argument_group('model')\ng.add_argument('--width', default=6)\np.set_defaults(no_bias=False)\nopt, rest = p.parse_known_args()",
    ],
)
def test_settings_of_a_command_line_have_their_defaults(settings):
    text = f"import argparse\n{settings}\n" + NET.replace(
        "Conv2d(1, 6, 5)", "Conv2d(1, opt.width, 5, bias=not opt.no_bias)"
    )
    assert repr(parse_network(text)) == repr(parse_network(NET))


def test_the_kind_of_a_norm_is_asked_as_people_ask_it():
    text = "import functools\ndef make(norm):\n    one = norm.func if type(norm) == functools.partial else norm\n    return nn.Sequential(nn.Conv2d(3, 8, 3, bias=one == nn.InstanceNorm2d), norm(8))\n"
    for norm, bias in (("nn.BatchNorm2d", False), ("functools.partial(nn.InstanceNorm2d, affine=True)", True)):
        network = parse_network(f"{text}net = make({norm})")
        assert (network[0].bias is not None) is bias


LISTED = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Conv2d(3, 8, 3)]
        self.layers.append(nn.Conv2d(8, 8, 3))
        self.heads = {"a": nn.Linear(8, 10)}
        self.steps = [nn.ReLU()]
    def forward(self, x):
        for layer in self.layers:
            x = self.steps[0](layer(x))
        return self.heads["a"](x.mean((2, 3)))
"""


def test_layers_in_plain_lists_are_read_and_one_sentence_says_that_torch_does_not_find_them():
    network = parse_network(LISTED)
    # Conv2d(3, 8, 3) has 224 parameters, Conv2d(8, 8, 3) 584, Linear(8, 10) 90.
    assert sum(p.numel() for p in network.parameters()) == 224 + 584 + 90
    assert network(torch.rand(2, 3, 9, 9)).shape == (2, 10)
    graph = read_graph(network, (1, 3, 9, 9))
    assert (graph.parameters, graph.unused, graph.broken) == (898, 0, None)
    assert [note for note in graph.notes if "plain" in note] == [
        "self.layers is a plain list (line 5), so its weights are in no parameters() and are not trained: use "
        "nn.ModuleList; here they are counted.",
        "self.heads is a plain dict (line 7), so its weights are in no parameters() and are not trained: use "
        "nn.ModuleDict; here they are counted.",
    ]


@pytest.mark.parametrize(
    "settings",
    [
        "from types import SimpleNamespace\nhparams = SimpleNamespace(cin=3, net=SimpleNamespace(width=16))",
        "from argparse import Namespace\nhparams = Namespace(cin=3, net=Namespace(width=16))",
        "@dataclass\nclass Inner:\n    width: int = 16\n@dataclass\nclass H:\n    cin: int = 3\n    net: Inner = Inner()\nhparams = H()",
        "from collections import namedtuple\nI = namedtuple('I', 'width', defaults=[16])\nhparams = namedtuple('H', ['cin', 'net'])(3, net=I())",
        "from easydict import EasyDict as edict\nhparams = edict({'cin': 3, 'net': {'width': 16}})",
        "from omegaconf import OmegaConf\nhparams = OmegaConf.create(dict(cin=3, net=dict(width=16)))",
    ],
)
def test_attributes_of_settings_are_read_as_values(settings):
    text = f"""from dataclasses import dataclass
{settings}
class Net(nn.Module):
    def __init__(self, hparams):
        super().__init__()
        self.hparams = hparams
        self.a = nn.Conv2d(self.hparams.cin, hparams.net.width, 3)
    def forward(self, x):
        return self.a(x).flatten(self.hparams.cin)
net = Net(hparams)
"""
    network = parse_network(text)
    assert sum(p.numel() for p in network.parameters()) == 16 * 3 * 9 + 16
    assert network(torch.rand(1, 3, 5, 5)).shape == (1, 16, 3, 3)


MIXED = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.words = nn.Embedding(1000, 100)
        self.code = nn.Linear(100, 8)
        self.out = nn.Conv2d(8, 4, 3)
    def forward(self, x, z):
        return self.out(self.conv(x) + self.code(self.words(z).mean(1))[:, :, None, None])
"""


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_inputs_of_different_shapes_are_drawn_each_with_its_own(device):
    network = parse_network(MIXED, device=device)
    give_others(network, [(1, 12)])
    graph = read_graph(network, (1, 3, 32, 32))
    assert graph.broken is None
    assert [node.shapes for node in graph.nodes if node.kind == "input"] == [((1, 3, 32, 32),), ((1, 12),)]
    assert [node.name for node in graph.nodes[:2]] == ["input x", "input z"]
    real = own("from torch import nn\n" + MIXED)(torch.rand(1, 3, 32, 32), torch.zeros(1, 12, dtype=torch.long))
    assert graph.returned[0].shapes == (tuple(real.shape),)
    # 3·8·9·32² + 100·8 + 8·4·9·30²
    assert graph.macs == 221_184 + 800 + 259_200
    assert next(node.size for node in graph.nodes if node.name == "out") == (5, 5)
    with pytest.raises(ValueError, match="forward asks for x and z: write 2 inputs, not 3"):
        give_others(network, [(1, 12), (1, 12)])
    with pytest.raises(ValueError, match="forward asks for x: write one input, not 2"):
        give_others(parse_network("nn.ReLU()"), [(1, 12)])


def test_what_the_second_input_does_not_fit_is_mended_for_it():
    network = parse_network(MIXED.replace("Embedding(1000, 100)", "Linear(50, 90)").replace(".mean(1)", ""))
    give_others(network, [(1, 50)])
    (advice,) = advise(network, (1, 3, 32, 32))
    assert advice.why == "layer code (Linear) got 1×90, but in_features=100."
    assert [(one.words, one.gives) for one in advice.repairs] == [
        ("set in_features=90", (1, 4, 30, 30)),
        ("set out_features=100 in layer words (Linear)", (1, 4, 30, 30)),
    ]


def test_what_is_missing_alone_is_imported_below_what_must_stand_first():
    text = (
        '"""Mine."""\nfrom __future__ import annotations\nfrom torch import nn\nnet = nn.Sequential(nn.ReLU(), math.pi)'
    )
    assert with_imports(text).split("\n")[2:4] == ["import math", "from torch import nn"]
    assert with_imports("from torch import nn\nnet = nn.ReLU()") == "from torch import nn\nnet = nn.ReLU()"
    assert with_imports(">>> net = nn.ReLU()") == "from torch import nn\nnet = nn.ReLU()"


def test_several_answers_are_told():
    text = TWINS.replace("return self.head(torch.abs(self.trunk(left) - self.trunk(right)))", "return left, right")
    notes = read_graph(parse_network(text), (1, 1, 8, 8)).notes
    assert "The network returns 2 tensors; the receptive field is that of the first." in notes


WORDS = """
from torch import nn
class Tagger(nn.Module):
    def __init__(self, words=1000, width=64, hidden=32):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.lstm = nn.LSTM(width, hidden, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hidden, 5)

    def forward(self, x):
        out, (h, c) = self.lstm(self.embedding(x))
        return self.fc(out[:, -1])
"""


def test_words_are_looked_up():
    theirs, ours = own(WORDS).eval(), parse_network(WORDS).eval()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randint(0, 1000, (2, 12))
    assert torch.equal(ours(x), theirs(x))
    graph = read_graph(ours, (1, 12))
    assert (graph.broken, graph.nodes[-1].shapes) == (None, ((1, 5),))
    assert graph.parameters == sum(p.numel() for p in theirs.parameters())
    assert graph.nodes[1].macs == 0


LAZY = """
from torch import nn
import torch
class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.LazyConv2d(8, 3, padding=1), nn.LazyBatchNorm2d(), nn.ReLU(), nn.LazyConvTranspose2d(4, 2, stride=2))
        self.fc1, self.fc2 = nn.LazyLinear(16), nn.LazyLinear(10, bias=False)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(self.body(x).flatten(1))))
"""


def test_lazy_layers_take_their_size_from_the_shape():
    x = torch.rand(2, 3, 10, 10)
    theirs, ours = own(LAZY).eval(), parse_network(LAZY).eval()
    sketch = parse_network(LAZY, device="meta")
    theirs(x), ours(x)
    ours.load_state_dict(theirs.state_dict())
    assert torch.equal(ours(x), theirs(x))
    for side in (10, 12):  # each shape makes layers of its own
        wanted = own(LAZY).eval()
        with FlopCounterMode(display=False) as counter:
            wanted(torch.rand(1, 3, side, side))
        graph = read_graph(sketch, (1, 3, side, side))
        assert (graph.broken, graph.nodes[-1].shapes) == (None, ((1, 10),))
        assert graph.parameters == sum(p.numel() for p in wanted.parameters())
        assert graph.macs == counter.get_total_flops() // 2
        assert [node.kind for node in graph.nodes[1:5]] == ["Conv2d", "BatchNorm2d", "ReLU", "ConvTranspose2d"]
        assert advise(sketch, (1, 3, side, side)) == ()


def test_lazy_layers_behind_a_fault_have_no_weights_yet():
    text = "[nn.LazyConv2d(8, 3), nn.MaxPool2d(2), nn.Conv2d(16, 8, 3), nn.Flatten(), nn.LazyLinear(10)]"
    network = parse_network(text, device="meta")
    graph = read_graph(network, (1, 3, 10, 10))
    assert [node.parameters for node in graph.nodes[1:-1]] == [8 * 27 + 8, 0]
    assert [(node.kind, node.parameters) for node in graph.rest] == [("Flatten", 0), ("LazyLinear", 0)]
    (advice,) = advise(network, (1, 3, 10, 10), graph)
    assert advice.repairs[0].words == "set in_channels=8"
    assert parse_network(to_code(network), device="meta")[4].out_features == 10
    assert "nn.LazyConv2d(8, kernel_size=3)" in to_code(network)


def test_labels_that_are_given_fractions_are_told():
    text = WORDS.replace("super().__init__()", "super().__init__()\n        self.first = nn.Linear(12, 12)")
    graph = read_graph(parse_network(text.replace("embedding(x)", "embedding(self.first(x))")), (1, 12))
    assert graph.broken.message == (
        "layer embedding (Embedding) got 1×12, but looks up whole numbers, such as words or labels, and these are "
        "fractions."
    )


@pytest.mark.parametrize(
    ("function", "name"), [("lambda x: x", "lambda"), ("F.relu", "F.relu"), ("torch.tanh", "torch.tanh")]
)
def test_a_function_in_a_stack_is_named(function, name):
    with pytest.raises(ParseError, match="a function") as caught:
        parse_network(f"nn.Sequential(nn.Conv2d(3, 4, 3), {function})")
    assert caught.value.name == name


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("self.a = nn.Conv2D(1, 2, 3)", "did you mean nn.Conv2d?"),
        ("self.a = nn.Conv2d(1, 2)", "needs kernel_size"),
        ("self.a = nn.Conv2d(1, 2, kernal_size=3)", "did you mean kernel_size?"),
        ("self.a = eval('3')", '"eval" is not known'),
        ("self.fc = 3", '"fc" is a layer'),
        ("self.a = torch.load('x')", "nothing is loaded"),
        ("self.a = self.conv2", "did you mean self.conv1?"),
    ],
)
def test_a_fault_in_a_class_is_told_with_its_line(line, words):
    text = NET.replace("        self.fc = nn.Linear(6, 10)\n", f"        self.fc = nn.Linear(6, 10)\n        {line}\n")
    for ending in ("", "net = Net()\n", "print(Net())\n"):
        with pytest.raises(ParseError) as caught:
            parse_network(text + ending)
        assert caught.value.line == 6
        assert words in caught.value.message


@pytest.mark.parametrize("place", ["nn.utils", "nn.utils.parametrizations"])
@pytest.mark.parametrize("norm", ["weight_norm", "spectral_norm"])
def test_a_normed_layer_is_drawn_before_and_after_a_run(place, norm):
    text = NET.replace("nn.Linear(6, 10)", f"{place}.{norm}(nn.Linear(6, 10))")
    net = parse_network(text)
    for _ in range(2):
        node = next(node for node in read_graph(net, (1, 1, 16, 16)).nodes if node.name == "fc")
        assert node.parameters == 70 + 10 * (norm == "weight_norm")
        assert node.macs == 60
        with torch.enable_grad():
            net(torch.rand(2, 1, 16, 16)).sum().backward()
    assert len(net.fc(torch.rand(1, 6))[0]) == 10
    names = [layer.name for layer in measure(net, (1, 1, 16, 16)).layers]
    assert names == [layer.name for layer in measure(parse_network(NET), (1, 1, 16, 16)).layers]
    assert node.kind == "Linear"


@pytest.mark.parametrize("place", ["nn.utils", "nn.utils.parametrizations"])
@pytest.mark.parametrize("norm", ["weight_norm", "spectral_norm"])
def test_a_normed_layer_is_mended_as_the_plain_one_is(place, norm):
    text = f"class N(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.a = nn.Conv2d(3, 8, 3)\n        self.b = {place}.{norm}(nn.Conv2d(16, 4, 3, padding=1))\n    def forward(self, x):\n        return self.b(self.a(x))"
    (advice,) = advise(parse_network(text, device="meta"), (1, 3, 16, 16))
    assert advice.why == "layer b (Conv2d) got 1×8×14×14, which is 8 channels, but in_channels=16."
    assert advice.repairs[0].words == "set in_channels=8"
    right = parse_network(text.replace("Conv2d(16", "Conv2d(8"))
    assert advice.repairs[0].parameters == sum(p.numel() for p in right.parameters())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("parametrizations.orthogonal(nn.Linear(6, 10))", "write the layer alone"),
        ("prune.l1_unstructured(nn.Linear(6, 10), 'weight', 0.2)", "l1_unstructured"),
        ("spectral_norm(nn.Linear(6, 10), n_power_iterations=10**8)", "from 1 to 100"),
        ("weight_norm(nn.Linear(6, 10), 'weights')", "weights"),
        ("weight_norm(nn.ReLU())", "takes a layer with weights"),
    ],
)
def test_what_is_not_read_of_torchs_utils_is_told_with_its_line(call, words):
    text = NET.replace("nn.Linear(6, 10)", f"nn.utils.{call}")
    with pytest.raises(ParseError) as caught:
        parse_network(text)
    assert caught.value.line == 5
    assert words in caught.value.message


CELL = """
class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.gates = nn.Conv2d(11, 32, 3, padding=1)
    def forward(self, x, state):
        {}
        i, f, o, g = torch.chunk(self.gates(torch.cat([x, h], 1)), 4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), (h, c)
"""


@pytest.mark.parametrize(
    ("apart", "others", "parts"),
    [
        ("h, c = state", [(1, 8, 32, 32), (1, 8, 32, 32)], (0, 2)),
        ("h, c = state", [(1, 8, 32, 32), (1, 8, 32, 32)], ()),
        ("h, c = state", [(1, 8, 32, 32)], ()),
        ("(h, c) = state", [(1, 8, 32, 32)], ()),
        ("h, c = state[0], state[1]", [(1, 8, 32, 32), (1, 8, 32, 32)], (0, 2)),
    ],
)
def test_an_input_that_is_a_tuple_is_drawn_tensor_by_tensor(apart, others, parts):
    text = CELL.format(apart)
    network = parse_network(text, device="meta")
    give_others(network, others, parts)
    graph = read_graph(network, (1, 3, 32, 32))
    assert not graph.broken
    assert [node.name for node in graph.nodes if node.kind == "input"] == [
        "input x",
        "input state[0]",
        "input state[1]",
    ]
    state = (torch.zeros(1, 8, 32, 32), torch.zeros(1, 8, 32, 32))
    real = own("from torch import nn\nimport torch\n" + text)(torch.rand(1, 3, 32, 32), state)
    assert graph.returned[0].shapes == (tuple(real[0].shape),)
    assert graph.macs == 11 * 32 * 9 * 32 * 32
    # What is tried with two examples gives them to the parts of the tuple too.
    assert advise(network, (1, 3, 32, 32)) == ()
    assert next(node.size for node in graph.nodes if node.name == "gates") == (3, 3)
    alone = subnetwork(network, "sigmoid", (1, 3, 32, 32))
    assert alone(*(torch.empty(shape, device="meta") for shape in [(1, 3, 32, 32), *network._others])).shape[1] == 8


def test_how_a_tuple_is_written_is_told_where_there_is_none():
    network = parse_network(CELL.format("h, c = state"), device="meta")
    assert notes_of(network) == (
        "forward asks for x and state, a tuple of 2: each is given this input; where theirs differ, write one for each, "
        "as 3x32x32; (16x32x32, 16x32x32).",
    )
    with pytest.raises(ValueError, match=r"forward asks for x and state, a tuple of 2: write them as 3x32x32; \(16x"):
        give_others(network, [(1, 8), (1, 8), (1, 8)])
    hidden = parse_network(CELL.format("") + HANDED_ON, device="meta")
    give_others(hidden, [(1, 8, 32, 32)])
    with pytest.raises(ParseError, match=r"2 values are wanted here, not 1.* in brackets, as 3x32x32; \(16x"):
        read_graph(hidden, (1, 3, 32, 32))
    give_others(hidden, [(1, 8, 32, 32)] * 2, (0, 2))
    assert not read_graph(hidden, (1, 3, 32, 32)).broken


HANDED_ON = """
    def own(self, state):
        h, c = state
        return h, c
    def forward(self, x, state):
        h, c = self.own(state)
        return self.gates(torch.cat([x, h], 1)) + torch.cat([c, c, c, c], 1)
"""


def test_an_argument_with_a_default_may_be_given_and_brackets_around_all_are_no_tuple():
    text = (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.conv = nn.Conv2d(3, 8, 3)\n"
        "    def forward(self, x, mask=None):\n        return self.conv(x if mask is None else x * mask)\n"
    )
    network = parse_network(text, device="meta")
    for parts in ((), (0, 0)):
        give_others(network, [(1, 1, 32, 32)], parts)
        assert [node.name for node in read_graph(network, (1, 3, 32, 32)).nodes[:2]] == ["input x", "input mask"]
    pair = parse_network(text.replace("mask=None", "mask"), device="meta")
    give_others(pair, [(1, 1, 32, 32)], (2,))
    assert pair.inputs() == {"x": 0, "mask": 0}
    taken = text.replace("x, mask=None", "both").replace("        return", "        x, mask = both\n        return")
    one = parse_network(taken, device="meta")
    assert one.inputs() == {"both": 2}
    give_others(one, [(1, 1, 32, 32)], (2,))
    assert [node.name for node in read_graph(one, (1, 3, 32, 32)).nodes[:2]] == ["input both[0]", "input both[1]"]


PLACED_WORDS = """
class Places(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("place", torch.zeros(50, 1, 8))
        self.mix = nn.Linear(8, 8)
    def forward(self, x):
        return self.mix(x + self.place[: x.size(0)])

class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.places = Places()
        self.words = nn.Embedding(100, 8)
        self.out = nn.Linear(8, 100)
    def forward(self, src):
        src = self.words(src) * 8 ** 0.5
        return self.out(self.places(src))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(100, 2)
        self.body = Words()
    def forward(self, src):
        return self.head(self.body(src))
"""


def test_words_are_whole_numbers_wherever_their_embedding_is_made():
    graph = read_graph(parse_network(PLACED_WORDS, device="meta"), (1, 12))
    assert not graph.broken
    assert graph.returned[0].shapes == ((1, 12, 2),)
    other = PLACED_WORDS.replace("self.words(src)", "self.words(self.out(src))").replace(
        "Linear(8, 100)", "Linear(12, 100)"
    )
    assert "looks up whole numbers" in read_graph(parse_network(other, device="meta"), (1, 12)).broken.message


MISTAKEN = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
    def forward(self, x):
        return F.relu(self.conv(x))
"""


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("F.relu", "nn.relu", '"nn.relu" is no layer; the function is F.relu, with import'),
        (
            "F.relu(self.conv(x))",
            "nn.ReLU(self.conv(x))",
            "is given a tensor; make it in __init__, or write nn.ReLU()(x)",
        ),
        ("self.conv(x)", "nn.Conv2d(3, 8, 3)(x)", "nn.Conv2d is made in forward, with new weights in each run"),
        ("self.conv(x)", "conv(x)", 'the name "conv" is not known here; did you mean self.conv?'),
        ("self.conv(x)", "torch.fft.fft2(x)", "complex numbers are not followed; leave it out"),
        (
            "self.conv(x)",
            "self.conv(x) * x.max().item()",
            ": numbers in tensors are not known while a network is drawn",
        ),
        ("def forward", "def Forward", 'has no forward(self, x); is "Forward" meant for it?'),
        ("__init__(self)", "__int__(self)", '"__int__" is not allowed here; did you mean "__init__"?'),
        ("super()", "super", "super stands without brackets; write super().__init__(...)"),
        ("class", "@register_model\nclass", 'the decorator "register_model" is not read here; leave it out'),
        ("nn.Conv2d(3, 8, 3)", "smp.Unet('a')", "paste the class that it makes, or what print(model) shows"),
    ],
)
def test_a_usual_mistake_is_told_with_what_is_meant(right, wrong, said):
    text = MISTAKEN.replace(right, wrong)
    text = "import segmentation_models_pytorch as smp\n" + text if "smp" in text else text
    with pytest.raises(ParseError) as caught:
        read_graph(parse_network(text, device="meta"), (1, 3, 16, 16))
    assert said in caught.value.message


def test_a_layer_without_weights_may_be_made_in_forward():
    text = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n" + MISTAKEN.replace(
        "F.relu(self.conv(x))", "nn.Softmax(dim=1)(nn.MaxPool2d(2)(nn.ReLU()(self.conv(x))))"
    )
    torch.manual_seed(0)
    theirs = own(text).eval()
    torch.manual_seed(0)
    ours = parse_network(text).eval()
    x = torch.rand(2, 3, 16, 16)
    assert torch.equal(ours(x), theirs(x))
    graph = read_graph(ours, (1, 3, 16, 16))
    assert [node.kind for node in graph.nodes] == ["input", "Conv2d", "relu", "max_pool2d", "softmax", "output"]
    assert receptive_field(ours, (1, 3, 16, 16), layer="max_pool2d").size == (4, 4)
