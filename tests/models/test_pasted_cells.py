"""Notebook cells that call their layers one by one: read as the network that Python runs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.graph import read_graph
from models.parse import ParseError, parse_network

CELLS = {
    "a forward without a class": """
conv = nn.Conv2d(3, 8, 3)
pool = nn.MaxPool2d(2)
x = torch.randn(2, 3, 32, 32)
y = F.relu(conv(x))
y = pool(y)
print(y.shape)
y = y.view(y.size(0), -1)
fc = nn.Linear(8 * 15 * 15, 10)
answer = fc(y)
print(answer.shape)
""",
    "functions and layers": """
features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
classifier = nn.Linear(8, 10)
x = torch.randn(1, 3, 32, 32)
feats = features(x)
answer = classifier(feats.flatten(1))
""",
    "a list of layers": """
layers = []
for i in range(3):
    layers.append(nn.Conv2d(3 if i == 0 else 8, 8, 3))
x = torch.randn(1, 3, 16, 16)
answer = x
for layer in layers:
    answer = layer(answer)
answer = answer.mean(dim=(2, 3))
head = nn.Linear(8, 10)
answer = head(answer)
target = torch.zeros(1, dtype=torch.long)
criterion = nn.CrossEntropyLoss()
loss = criterion(answer, target)
loss.backward()
""",
    "a function that reads its layers": """
conv1 = nn.Conv2d(1, 10, 5)
conv2 = nn.Conv2d(10, 20, 5)
def forward(x):
    x = F.relu(F.max_pool2d(conv1(x), 2))
    x = F.relu(F.max_pool2d(conv2(x), 2))
    return x.flatten(1)
x = torch.randn(1, 1, 28, 28)
answer = forward(x)
""",
    "a residual": """
a, b = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3).eval()
x = torch.rand(1, 3, 12, 12)
y = b(a(x))
y += x
with torch.no_grad():
    answer = torch.cat([y, x], dim=1)
""",
}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_computes_what_python_computes(name):
    names: dict = {"torch": torch, "nn": nn, "F": nn.functional, "print": lambda *_: None}
    exec(CELLS[name], names)
    network = parse_network(CELLS[name]).eval()
    with torch.no_grad():
        for path, parameter in network.named_parameters():
            first, _, rest = path.partition(".")
            own = nn.ModuleList(names[first]) if isinstance(names[first], list) else names[first]
            parameter.copy_(own.get_parameter(rest))
        assert torch.equal(network(names["x"]), names["answer"])
    modules = [nn.ModuleList(one) if isinstance(one, list) else one for one in names.values()]
    made = {id(p): p.numel() for one in modules if isinstance(one, nn.Module) for p in one.parameters()}
    assert sum(p.numel() for p in network.parameters()) == sum(made.values())


def test_a_name_that_is_made_twice_is_two_layers():
    text = """
x = torch.randn(1, 3, 32, 32)
conv = nn.Conv2d(3, 6, 5)
x = conv(x)
print(x.shape)
conv = nn.Conv2d(6, 16, 5)
x = conv(x)
conv = nn.Conv2d(16, 32, 5, stride=2); x = conv(x); print(x.size())
"""
    graph = read_graph(parse_network(text, device="meta"), (1, 3, 32, 32))
    assert [node.shapes[0] for node in graph.nodes[1:-1]] == [(1, 6, 28, 28), (1, 16, 24, 24), (1, 32, 10, 10)]
    assert [node.line for node in graph.nodes[1:-1]] == [3, 6, 8]
    assert graph.parameters == sum(
        p.numel() for c in ((3, 6), (6, 16), (16, 32)) for p in nn.Conv2d(*c, 5).parameters()
    )


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("print(nn.Conv2d(3, 8, 3)(torch.randn(1, 3, 32, 32)).shape)", ["Conv2d"]),
        ("c = nn.Conv2d(3, 8, 3)\np = nn.ReLU()\np(c(torch.randn(1, 3, 8, 8)))", ["Conv2d", "ReLU"]),
        ("x = torch.rand(1, 3, 8, 8)\nw = torch.randn(6, 3, 5, 5)\ny = F.conv2d(x, w)\ny.shape", ["conv2d"]),
        ("w = torch.randn(6, 3, 5, 5)\nx = torch.rand(1, 3, 8, 8)\ny = F.conv2d(x, w)\nF.relu(y)", ["conv2d", "relu"]),
    ],
)
def test_short_cells(text, kinds):
    graph = read_graph(parse_network(text, device="meta"), (1, 3, 8, 8))
    assert graph.broken is None
    assert [node.kind for node in graph.nodes[1:-1]] == kinds


@pytest.mark.parametrize(
    "run",
    [
        "y = net(torch.randn(1, 3, 8, 8))",
        "x = torch.randn(1, 3, 8, 8)\nfor layer in net:\n    x = layer(x); print(layer.__class__.__name__, x.size())",
        "x = torch.randn(1, 3, 8, 8)\nprint(net(x).shape)",
    ],
)
def test_one_network_that_is_run_stays_what_it_is(run):
    network = parse_network(f"net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())\n{run}", device="meta")
    assert type(network) is nn.Sequential


def test_a_function_keeps_names_of_its_own():
    text = """
def block(conv, width):
    return nn.Sequential(nn.Conv2d(width, width, 3), nn.ReLU()) if conv else nn.ReLU()
conv, width = nn.Conv2d(3, 8, 3), 8
body = block(True, width)
x = torch.rand(1, 3, 12, 12)
y = body(conv(x))
"""
    graph = read_graph(parse_network(text, device="meta"), (1, 3, 12, 12))
    assert [node.name for node in graph.nodes[1:-1]] == ["conv", "body.0", "body.1"]


def test_calls_without_an_input_are_told():
    with pytest.raises(ParseError, match="no line says what goes into the first") as refused:
        parse_network("a = nn.Conv2d(1, 8, 3)\nb = nn.Conv2d(8, 8, 3)\ny = b(a(img))")
    assert refused.value.line == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("RuntimeError: mat1 and mat2 shapes cannot be multiplied (64x400 and 512x10)", "this is an error message"),
        ('Traceback (most recent call last):\n  File "a.py", line 3\nRuntimeError: no', "this is an error message"),
        ("E   torch.nn.modules.module.ModuleAttributeError: no", "this is an error message"),
        ("<pre><code>nn.Conv2d(3, 8, 3)</code></pre>", "this is HTML"),
        ("<!DOCTYPE html>\n<html>", "this is HTML"),
        ("# Net\nHere it is:\n\n```bash\npip install torch\n```\n", "this is Markdown"),
        (
            "Hi all, I have been trying to build a CNN for MNIST with two conv layers and (maybe) a pool after each, "
            "what do you think?\n\nThanks a lot in advance!",
            "this is text, not code; paste the code of the network.",
        ),
        ("# Net\n\nSee [the page](https://example.org):\n\n- a conv\n", "this is Markdown"),
    ],
)
def test_what_is_no_code_is_named(text, said):
    with pytest.raises(ParseError, match=said) as raised:
        parse_network(text)
    assert raised.value.line == ("not code" in said)
    assert "paste the code" in str(raised.value)


@pytest.mark.parametrize("mark", ["python", "py", ""])
def test_of_markdown_what_stands_between_the_fences_is_read_on_its_own_line(mark):
    around = "# Net\nHere it is:\n\n```bash\npip install torch\n```\nthen\n"
    network = parse_network(f"{around}```{mark}\na = nn.Conv2d(3, 8, 3)\n```\nand\n```{mark}\nnn.Sequential(a)\n```\n")
    assert [type(layer).__name__ for layer in network] == ["Conv2d"]
    with pytest.raises(ParseError, match="Line 9: Python cannot read this"):
        parse_network(f"{around}```{mark}\nnn.Sequential(nn.Conv2d(3 8))\n```\nWhy is that?")
    text = 'class Net(nn.Module):\n    """A net:\n\n    ```python\n    Net()(x y)\n    ```\n    """\n'
    parse_network(text + "    def forward(self, x):\n        return x")


def test_code_between_fences_is_read_and_its_faults_are_told():
    assert len(parse_network("```python\nnn.Sequential(nn.Conv2d(3, 8, 3))\n```", device="meta")) == 1
    with pytest.raises(ParseError, match="Line 2: Python cannot read this"):
        parse_network("```python\nnn.Sequential(nn.Conv2d(3 8))\n```")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (
            "nn.Conv2d(3, 8, 3) nn.ReLU()", 1,
            'from column 20 on: before "nn.ReLU" a comma, a colon, an operator or a new line is missing.',
        ),
        ("    nn.Conv2d(3, 8, 3),, nn.ReLU()", 1, 'from column 24 on: "," cannot stand here.'),
        ("nn.Conv2d(3, 8, 3)  # one\nConv2d(8, 8) -> ReLU", 2, 'from column 14 on: "-" cannot stand here.'),
        (">>> x = 3\n>>> y = ", 2, "from column 9 on: the line ends before it is complete."),
        ("nn.Conv2d(3, 8, kernel size=3)", 1, "from column 17 on: invalid syntax. Perhaps you forgot a comma?"),
        ("class Net(nn.Module)\n    pass", 1, "from column 21 on: expected ':'."),
        ("Sequential(\n  (0): Conv2d(3, 8, kernel_size=(3 3))\n)", 2, "this: invalid syntax. Perhaps you forgot a"),
        ("nn.Conv2d(3, 8, 3)\nWhy does it not fit?", 2, "this is text, not code; leave it out, or put # before it."),
        ("My network is this:\nnn.Conv2d(3, 8, 3)", 1, "this is text, not code; leave it out, or put # before it."),
    ],
)  # fmt: skip
def test_where_python_cannot_read_it_and_what_is_missing_is_said(text, line, said):
    with pytest.raises(ParseError) as raised:
        parse_network(text)
    assert raised.value.line == line
    assert said in raised.value.message


def test_layers_without_a_forward_are_said_to_be_taken_as_written():
    net = parse_network("self.a = nn.Conv2d(1, 6, 5)\nself.b = nn.Conv2d(6, 16, 5)", device="meta")
    told = "There is no forward here: the layers are taken in the order in which they are written; "
    assert [note.startswith(told) for note in read_graph(net, (1, 1, 16, 16)).notes] == [True]
    whole = parse_network("nn.Sequential(nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5))", device="meta")
    assert read_graph(whole, (1, 1, 16, 16)).notes == ()
