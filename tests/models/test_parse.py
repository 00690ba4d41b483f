"""Pasted text becomes layers, or one sentence. Nothing else happens."""

import builtins
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models import parse
from models.graph import read_graph
from models.parse import EXAMPLES, LAYERS, ParseError, parse_network, to_code
from models.parse.words import MAX_LAYERS, quotable


def sketch(text: str) -> nn.Sequential:
    return parse_network(text, device="meta")


def refusal(text: object) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse_network(text)
    return caught.value


# --- what is read ----------------------------------------------------------------------------------------------------

CONV_RELU = "Sequential(\n  (0): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))\n  (1): ReLU()\n)"


@pytest.mark.parametrize(
    "text",
    [
        "nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())",
        "torch.nn.Sequential(torch.nn.Conv2d(3, 8, kernel_size=3), torch.nn.ReLU())",
        "Sequential(Conv2d(3, 8, (3, 3)), ReLU())",
        "[nn.Conv2d(3, 8, 3), nn.ReLU()]",
        "(nn.Conv2d(3, 8, 3), nn.ReLU())",
        "nn.Conv2d(3, 8, 3),\nnn.ReLU(),",
        "nn.Conv2d(3, 8, 3)\nnn.ReLU()",
        "    nn.Conv2d(3, 8, 3)\n    nn.ReLU()",
        "nn.ModuleList([nn.Conv2d(3, 8, 3), nn.ReLU()])",
        "model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())",
        "model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())\nmodel",
        "self.net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())",
        "layers = [nn.Conv2d(3, 8, 3)]\nlayers += [nn.ReLU()]\nmodel = nn.Sequential(*layers)",
        "import torch\nfrom torch import nn\nk = 3\nm = nn.Sequential(nn.Conv2d(k, 2**k, k), nn.ReLU())",
        "from torch.nn import Conv2d, ReLU\n[Conv2d(3, 4 * 2, 9 // 3), ReLU()]  # done",
        "# 説明: a comment in any script\r\n[nn.Conv2d(3, 8, 3),\r\n nn.ReLU()]",
        "\ufeff[nn.Conv2d(3, 8, 3), nn.ReLU()]",
        "# \0 \ud800 (0): `\n[nn.Conv2d(3, 8, 3),  # )))\n nn.ReLU()] # \\",
        "c = [3, 8]\n[nn.Conv2d(c[0], c[-1], 3), nn.ReLU()]",
        "[layer for a, b in [(3, 8)] for layer in (nn.Conv2d(a, b, 3), nn.ReLU())]",
        "nn.Sequential(*[nn.Conv2d(3, 8, 3)], *[nn.ReLU()] * 1)",
        "Sequential(\n (0): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))\n (1): ReLU()\n)",
        "ModuleList(\n (0): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))\n (1): ReLU()\n)",
        "(0): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))\n(1): ReLU()",
    ],
)
def test_spellings_of_one_network(text):
    assert repr(sketch(text)) == CONV_RELU


def test_comprehension_over_range_gives_each_layer_its_own_weights():
    net = sketch("nn.Sequential(*[nn.Conv2d(8, 8, 3, padding=2**i, dilation=2**i) for i in range(4)])")
    assert [layer.dilation for layer in net] == [(1, 1), (2, 2), (4, 4), (8, 8)]
    assert sum(p.numel() for p in net.parameters()) == 4 * (8 * 8 * 9 + 8)


def test_a_repeated_list_shares_its_weights_as_python_does():
    net = sketch("nn.Sequential(*[nn.Conv2d(8, 8, 3, padding=1)] * 3)")
    assert net[0] is net[1] is net[2]
    assert sum(p.numel() for p in net.parameters()) == 8 * 8 * 9 + 8


def test_a_printed_repetition_does_not_share():
    net = sketch("Sequential(\n  (0-2): 3 x Conv2d(8, 8, kernel_size=(3, 3), stride=(1, 1))\n  (3): ReLU()\n)")
    assert len(net) == 4
    assert sum(p.numel() for p in net.parameters()) == 3 * (8 * 8 * 9 + 8)


@pytest.mark.parametrize(
    "text",
    [
        'nn.Sequential(OrderedDict([("conv", nn.Conv2d(3, 8, 3)), ("act", nn.ReLU())]))',
        "import collections\nnn.Sequential(collections.OrderedDict({'conv': nn.Conv2d(3, 8, 3), 'act': nn.ReLU()}))",
        'nn.Sequential([("conv", nn.Conv2d(3, 8, 3)), ("act", nn.ReLU())])',
        "Sequential(\n  (conv): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))\n  (act): ReLU()\n)",
    ],
)
def test_names_are_kept(text):
    assert [name for name, _ in sketch(text).named_children()] == ["conv", "act"]


def test_a_comprehension_leaves_no_name_behind():
    assert refusal("a = [nn.ReLU() for i in range(2)]\nnn.Sequential(*a, nn.Conv2d(i, 1, 1))").name == "i"
    assert sketch("i = 3\na = [nn.ReLU() for i in range(2)]\nnn.Sequential(*a, nn.Conv2d(i, 1, 1))")[2].in_channels == 3


def test_real_weights_lie_on_the_device_asked_for():
    assert next(parse_network("nn.Linear(2, 3)").parameters()).device.type == "cpu"
    assert next(sketch("nn.Linear(2, 3)").parameters()).device.type == "meta"


def test_layers_that_stay_outside_the_network_are_reported():
    error = refusal("features = nn.Sequential(nn.Conv2d(3, 8, 3))\nhead = nn.Sequential(nn.Flatten())")
    assert (error.line, error.name) == (1, "features")


# --- published counts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_have_their_published_parameter_counts(name):
    example = EXAMPLES[name]
    net = sketch(example.code)
    assert sum(p.numel() for p in net.parameters()) == example.parameters
    graph = read_graph(net, example.input_shape)
    assert (graph.broken, graph.parameters) == (None, example.parameters)


def test_lenet_layers_count_as_in_the_paper():
    # LeCun et al. 1998, section II.B: C1 has 156, C5 48,120 and F6 10,164 trainable parameters.
    counts = [sum(p.numel() for p in layer.parameters()) for layer in sketch(EXAMPLES["lenet5"].code)]
    assert (counts[0], counts[6], counts[9]) == (156, 48_120, 10_164)


def test_small_vgg_has_the_convolutions_of_vgg11():
    torchvision = pytest.importorskip("torchvision")
    with torch.device("meta"):
        published = torchvision.models.vgg11().features
    ours = [p.shape for p in sketch(EXAMPLES["small_vgg"].code)[:-2].parameters()]
    assert ours == [p.shape for p in published.parameters()]


def test_context_module_has_64_c_squared_weights():
    net = sketch(EXAMPLES["context"].code)
    assert sum(layer.weight.numel() for layer in net if isinstance(layer, nn.Conv2d)) == 64 * 21**2


# --- what is refused -------------------------------------------------------------------------------------------------

NEST = 10_000
HOSTILE = {
    "import os": ("import os\nos.system('id')", "system"),
    "from os": ("from os import system\nsystem('id')", "system"),
    "torch.hub": ("import torch.hub\ntorch.hub.load('a/b', 'c')", "load"),
    "import os as torch": ("import os as torch\ntorch.nn.ReLU()", "ReLU"),
    "import two": ("import torch, os\nos.remove('x')", "remove"),
    "relative import": ("from . import nn\nnn.ReLU()", "ReLU"),
    "__import__": ("__import__('os').system('id')", "__import__"),
    "eval": ("eval('1')", "eval"),
    "exec": ("exec('1')", "exec"),
    "open": ("open('x')", "open"),
    "compile": ("compile('1', 'a', 'eval')", "compile"),
    "getattr": ("getattr(nn, '__class__')(1, 1, 1)", "__class__"),
    "getattr of a layer": ("getattr(nn.ReLU(), '_' + '_init__')()", None),
    "globals": ("globals()", "globals"),
    "print": ("print(nn.ReLU())", ""),
    "torch.load": ("torch.load('x.pt')", "load"),
    "torch.ops": ("torch.ops.load_library('x')", "load_library"),
    "torch.tensor": ("nn.Conv2d(torch.tensor(1), 1, 1)", "Conv2d"),
    "nn.Module": ("nn.Module()", "Module"),
    "nn.modules": ("nn.modules.os.system(1, 1, 1)", "system"),
    "nn.init": ("nn.init.os.system('id')", "system"),
    "nn.Parameter": ("nn.Parameter(3)", "Parameter"),
    "nn.DataParallel": ("nn.parallel.DistributedDataParallel(nn.ReLU())", None),
    "functional": ("import torch.nn.functional as F\nF.relu(3)", "F.relu"),
    "method": ("nn.ReLU().share_memory()", "share_memory"),
    "dump_patches": ("model = nn.ReLU()\nmodel.dump_patches", "dump_patches"),
    "hook": ("nn.ReLU().register_forward_hook(print)", "register_forward_hook"),
    "attribute": ("nn.ReLU().training", "Sequential"),
    "attribute of a number": ("nn.Linear((3).real, 1)", "real"),
    "dunder class": ("().__class__.__bases__", "__class__"),
    "dunder of a layer": ("nn.ReLU.__init__.__globals__", "__globals__"),
    "dunder builtins": ("__builtins__['eval']", "__builtins__"),
    "dunder assignment": ("__loader__ = 3\nnn.ReLU()", "__loader__"),
    "assign into a layer": ("nn.Conv2d = nn.ReLU\nnn.Conv2d()", None),
    "assign to nn": ("nn = 3\nnn.ReLU()", "nn"),
    "assign to an item": ("a = [1]\na[1] = 2\nnn.ReLU()", "list"),
    "unpacking": ("a, b = 1, 2, 3\nnn.ReLU()", "="),
    "lambda": ("(lambda: 1)()", "Sequential"),
    "def": ("def f():\n  pass", ""),
    "class": ("class Net(nn.Module):\n  pass", "Net"),
    "async": ("async def f(): pass", "async"),
    "while": ("while True: pass", "range"),
    "for": ("for i in range(3):\n  nn.ReLU()", "for"),
    "if": ("nn.ReLU() if torch.ones(1) else nn.Tanh()", "if"),
    "comprehension with if": ("[nn.ReLU() for i in range(3) if eval('i')]", "eval"),
    "with": ("with open('x') as f: pass", "open"),
    "with a layer": ("with nn.ReLU() as f: pass", "with"),
    "try": ("try:\n  nn.ReLU()\nexcept: pass", "for"),
    "del": ("del nn.ReLU", "del"),
    "assert": ("assert 0", "assert"),
    "yield": ("yield 1", "yield"),
    "await": ("await nn.ReLU()", "await"),
    "global": ("global nn", "global"),
    "match": ("match 1:\n  case 1: nn.ReLU()", None),
    "semicolon": ("nn.ReLU(); open('x')", "open"),
    "decorator": ("@nn.ReLU\ndef f(): return nn.ReLU()\nf()", None),
    "matrix product": ("nn.ReLU() @ nn.ReLU()", "@"),
    "walrus": ("nn.Conv2d((nn := 3), nn, 1)", "nn"),
    "f-string": ("nn.Upsample(mode=f'{eval(1)}')", "eval"),
    "f-string format": ("nn.Upsample(mode=f'{1:999999999}')", "format"),
    "f-string nested": ("nn.Upsample(mode=f'" + "{(" * 200 + "1" + ")}" * 200 + "')", "f"),
    "bytes": ("nn.Upsample(mode=b'nearest')", "b'nearest'"),
    "escape": ("nn.Upsample(mode='\\x6e')", "Upsample"),
    "triple quotes": ('"""nn.ReLU()"""', ""),
    "open string": ("nn.Upsample(mode='near", "'"),
    "format method": ("nn.Upsample(mode='{0.__class__}'.format(1))", "format"),
    "percent": ("nn.Upsample(mode='%999999999d' % 1)", "%"),
    "string times": ("nn.Upsample(mode='a' * 10**9)", None),
    "endless generator": ("nn.Sequential(*(nn.ReLU() for i in iter(int, 1)))", None),
    "set": ("{nn.ReLU()}", None),
    "dict": ("{'a': nn.ReLU()}", None),
    "dict comprehension": ("OrderedDict({i: nn.ReLU() for i in range(3)})", None),
    "double star": ("nn.Conv2d(**[3])", "**"),
    "slice": ("a = [nn.ReLU()]\nnn.Sequential(*a['x':1])", ":"),
    "comparison": ("nn.Conv2d(3 == 3, 1, 1)", None),
    "ellipsis": ("nn.Conv2d(..., 1, 1)", None),
    "complex": ("nn.Conv2d(1j, 1, 1)", "1j"),
    "annotation": ("x: nn.ReLU() = 3", None),
    "NFKC nn": ("ｎｎ.ReLU()", "U+FF4E"),
    "NFKC dunder": ("nn.ReLU()._＿class__", "U+FF3F"),
    "NFKC letter": ("nn.𝐑eLU()", "U+1D411"),
    "bidi override": ("nn.ReLU(\u202e)", "U+202E"),
    "zero width": ("nn\u200b.ReLU()", "U+200B"),
    "word joiner": ("nn.ReLU(\u2060)", "U+2060"),
    "Arabic digits": ("nn.Linear(٣, 1)", "U+0663"),
    "null byte": ("nn.ReLU()\0", "U+0000"),
    "lone surrogate": ("nn.ReLU()\ud800", "U+D800"),
    "carriage return in a comment": ("# fine\ropen(1)\rnn.ReLU()", "open"),
    "encoding line": ("# -*- coding: utf-7 -*-\n+AG8AcwA-\nnn.ReLU()", None),
    "10**10**10": ("nn.Linear(10**10**10, 1)", "**"),
    "9**9**9": ("nn.Linear(9**9**9, 1)", "**"),
    "shift": ("nn.Linear(1 << 10**9, 1)", "<<"),
    "long digits": ("nn.Linear(" + "9" * 5_000 + ", 1)", None),
    "digit bomb": ("nn.Linear(int('9' * 10**8), 1)", None),
    "multiplied up": ("a = 10**9\nb = a * a\nnn.Linear(b, 1)", None),
    "float overflow": ("nn.Linear(1e308 * 10, 1)", None),
    "infinite": ("nn.Threshold(1e999, 0)", None),
    "negative root": ("nn.Threshold((-8) ** 0.5, 0)", None),
    "division by zero": ("nn.Linear(1 // 0, 1)", None),
    "hex": ("nn.Linear(0xff, 1)", None),
    "long list": ("a = [1] * 10**9\nnn.ReLU()", None),
    "doubling lists": ("a = [1, 1]\n" + "a = a + a\n" * 40 + "nn.ReLU()", None),
    "many lists": ("a = [[0] * 4000 for i in range(1000) for j in range(1000)]\nnn.ReLU()", None),
    "range": ("[nn.ReLU() for i in range(10**9)]", "range"),
    "nested ranges": ("[nn.ReLU() for i in range(999) for j in range(999) for k in range(999)]", None),
    "four ranges": ("[nn.ReLU() for i in range(9) for j in range(9) for k in range(9) for l in range(9)]", None),
    "too many layers": ("nn.Sequential(*[nn.ReLU()] * 1001)", "Sequential"),
    "doubling stacks": ("a = nn.Sequential(nn.ReLU())\n" + "a = nn.Sequential(a, a)\n" * 20, "Sequential"),
    "doubling nothing": ("a = nn.Sequential()\n" + "a = nn.Sequential(a, a)\n" * 20, "Sequential"),
    "doubling list of lists": ("a = [nn.ReLU()]\n" + "a = [nn.ReLU(), a, a]\n" * 60 + "nn.ReLU()", None),
    "printed many": ("Sequential(\n (0-999999998): 999999999 x ReLU()\n)", None),
    "printed custom names": ("Sequential(\n  (a b): ReLU()\n)", None),
    "printed nested many": ("(0-999): 1000 x Sequential(\n" * 20 + "(0-999): 1000 x ReLU()\n" + ")" * 20, None),
    "printed class": ("Net(\n  (0): Swish()\n)", "Swish"),
    "printed block": ("Sequential(\n  (0): BasicBlock(\n    (conv1): Swish()\n  )\n)", "Swish"),
    "10^9 channels": ("nn.Conv2d(3, 10**9, 3)", "Conv2d"),
    "memory bomb": ("nn.Sequential(nn.Linear(10**6, 10**6))", "Linear"),
    "memory bomb in parts": ("[nn.Linear(10**4, 10**4) for i in range(900)]", "Linear"),
    "buffer bomb": ("[nn.BatchNorm2d(10**6, affine=False) for i in range(900)]", None),
    "shape bomb": ("nn.LayerNorm((10**6,) * 8)", "LayerNorm"),
    "tuple bomb": ("nn.LayerNorm((1,) * 4000)", "LayerNorm"),
    "kernel bomb": ("nn.Conv3d(1, 1, 10**6)", "Conv3d"),
    "zero stride": ("nn.MaxPool2d(2, stride=0)", "MaxPool2d"),
    "zero groups": ("nn.Conv2d(1, 1, 1, groups=0)", "Conv2d"),
    "negative kernel": ("nn.Conv2d(1, 1, -1)", "Conv2d"),
    "True as a number": ("nn.Conv2d(True, 1, 1)", "Conv2d"),
    "float channels": ("nn.Conv2d(64 / 2, 1, 1)", "Conv2d"),
    "None channels": ("nn.Conv2d(None, 1, 1)", "Conv2d"),
    "string kernel": ("nn.Conv2d(1, 1, '3')", "Conv2d"),
    "layer as a setting": ("nn.Conv2d(1, 1, nn.ReLU())", "Conv2d"),
    "list in a tuple": ("nn.Conv2d(1, 1, ([1], [1]))", "Conv2d"),
    "device": ("nn.Conv2d(1, 1, 1, device='cuda')", "Conv2d"),
    "dtype": ("nn.Linear(1, 1, dtype='float64')", "Linear"),
    "indices": ("nn.MaxPool2d(2, return_indices=True)", "MaxPool2d"),
    "uneven groups": ("nn.Conv2d(3, 4, 1, groups=2)", "Conv2d"),
    "same with stride": ("nn.Conv2d(3, 4, 3, stride=2, padding='same')", "Conv2d"),
    "empty interval": ("nn.Hardtanh(0, 0)", "Hardtanh"),
    "unknown setting": ("nn.Conv2d(3, 4, kernal_size=3)", "Conv2d"),
    "missing setting": ("nn.Conv2d(3)", "Conv2d"),
    "too many values": ("nn.ReLU(True, 1, 2)", "ReLU"),
    "twice": ("nn.Linear(1, 2, in_features=3)", "Linear"),
    "keyword twice": ("nn.Linear(in_features=1, in_features=2, out_features=3)", "Linear"),
    "list in Sequential": ("nn.Sequential([nn.ReLU()])", "Sequential"),
    "class in Sequential": ("nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU)", "ReLU"),
    "ModuleList inside": ("nn.Sequential(nn.ModuleList([nn.ReLU()]))", "ModuleList"),
    "names twice": ("nn.Sequential(OrderedDict([('a', nn.ReLU()), ('a', nn.ReLU())]))", None),
    "dotted name": ("nn.Sequential(OrderedDict([('a.b', nn.ReLU())]))", None),
    "name of a method": ("nn.Sequential(OrderedDict([('forward', nn.ReLU())]))", None),
    "name of state": ("nn.Sequential(OrderedDict([('_modules', nn.ReLU())]))", None),
    "index out of range": ("a = [1]\nnn.Linear(a[5], 1)", "a"),
    "LSTM": ("nn.LSTM(3, 4)", "LSTM"),
    "markup": ("nn.Conv2d(<script>alert(1)</script>)", None),
    "empty": ("", ""),
    "blank": (" \n\t\n", ""),
    "only a number": ("42", None),
    "only an import": ("import torch", ""),
    "empty Sequential": ("nn.Sequential()", ""),
    "prose": ("please build a network", None),
    "not text": (b"nn.ReLU()", "bytes"),
    "200 KB of layers": ("nn.Sequential(" + "nn.ReLU(), " * 19_000 + ")", "text"),
    "almost 64 KB": ("nn.Sequential(" + "nn.ReLU(), " * 5_700 + ")", "range"),
    "60 KB of brackets": ("(" * 60_000, "("),
    "60 KB of closing": (")" * 60_000, ")"),
    "60 KB of minus": ("-" * 60_000 + "1", "-"),
    "60 KB of plus": ("1+" * 30_000 + "1", "+"),
    "plus over lines": ("(" + "1+\n" * 20_000 + "1)", "+"),
    "joined lines": ("1+\\\n" * 15_000 + "1", "+"),
    "60 KB of powers": ("2**" * 20_000 + "2", "**"),
    "60 KB of dots": ("nn" + ".a" * 30_000, "."),
    "60 KB of calls": ("nn.ReLU" + "()" * 30_000, ")"),
    "60 KB of indexing": ("a = [1]\na" + "[0]" * 20_000, "]"),
    "60 KB of for": ("[1 " + "for i in [1] " * 4_500 + "]", None),
    "60 KB of assignments": ("a = " * 15_000 + "1", "="),
    "60 KB of spaces": (" " * 60_000 + "x", None),
    "60 KB of newlines": ("\n" * 60_000, ""),
    "60 KB of commas": ("nn.ReLU()" + "," * 60_000, None),
    "60 KB of one name": ("a" * 60_000, None),
    "60 KB of quotes": ('"' * 60_001, None),
    "60 KB of escapes": ("é" + '\\"' * 30_000, None),
    "60 KB of typographic quotes": ("“" * 60_000, None),
    "60 KB of underscores": ("_" * 60_000, None),
    "60 KB of percent": ("%" * 60_000, None),
    "60 KB of headers": ("(0):\n" * 12_000, None),
    "60 KB of indentation": ("".join(" " * i + "x\n" for i in range(340)), None),
    "nested Sequential in time": ("Sequential(" * 5_000 + ")" * 5_000, "("),
    "nested Sequential": ("nn.Sequential(" * NEST + ")" * NEST, "text"),
    "nested to the limit": ("nn.Sequential(" * 30 + "nn.ReLU()" + ")" * 30, "Sequential"),
    "nested by names": ("a = nn.ReLU()\n" + "a = nn.Sequential(a)\n" * 3_000, "Sequential"),
    "nested lists": ("[" * NEST + "]" * NEST, "["),
    "nested printed": ("Sequential(\n(0): " * 5_000 + "ReLU()" + ")" * 5_000, None),
}


@pytest.fixture
def tripwires(monkeypatch):
    """Any evaluation, import or file access during a parse fails the test."""

    def forbidden(*args, **kwargs):
        raise AssertionError(f"something was executed: {args[:1]}")

    def install():
        monkeypatch.setattr(builtins, "eval", forbidden)
        monkeypatch.setattr(builtins, "exec", forbidden)
        monkeypatch.setattr(builtins, "open", forbidden)
        monkeypatch.setattr(builtins, "print", forbidden)
        monkeypatch.setattr("os.system", forbidden)
        monkeypatch.setattr("torch.load", forbidden)

    return install


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_text_gets_its_sentence_and_does_nothing(case, tripwires):
    text, name = HOSTILE[case]
    tripwires()
    error = refusal(text)
    assert isinstance(error, ValueError)
    assert str(error) == error.message
    assert error.message.endswith((".", "?"))
    assert "\n" not in error.message
    assert len(error.message) < 400
    assert error.message.replace("\u202f", "").isprintable()
    assert "<" not in error.message
    if name is not None:
        assert error.name == quotable(name) or error.name == name
    if error.line:
        assert error.message.startswith(f"Line {error.line}: ")
        assert 1 <= error.line <= str(text).count("\n") + str(text).count("\r") + 1


def test_there_are_enough_attempts():
    assert len(HOSTILE) >= 60


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("nn.Sequential(\n  nn.Conv2D(3, 8, 3),\n)", 2, "did you mean nn.Conv2d?"),
        ("nn.Sequential(\n  nn.ReLU(),\n  nn.Conv2d(3, 8, kernal_size=3),\n)", 3, "did you mean kernel_size?"),
        ("nn.Sequential(\n  nn.ReLU()\n  nn.ReLU()\n)", 2, "comma"),
        ("nn.Sequential(\n  nn.Conv2d(3, 8),\n)", 2, "nn.Conv2d needs kernel_size."),
        (
            "nn.Sequential(\n\n  nn.Conv2d(3, 8, 3, groups=2))",
            3,
            "groups=2, which do not divide in_channels=3: set groups to 1",
        ),
        ("nn.Linear(1, 2)\n[nn.ReLU()].sort_all(3)", 2, "sort_all"),
        ("nn.Sequential(nn.ReLU()", 1, "never closed"),
        ("nn.Sequential(\n  nn.Conv2d(64 / 2, 1, 1))", 2, "// divides"),
        ("nn.Sequential(nn.Conv2d(3, 8, 3),\n  nn.ReLU)", 2, "nn.ReLU()"),
        (
            "class Net(nn.Module):\n  def __init__(self):\n    self.a = nn.ReLU()\n  def forward(self, x): return x",
            3,
            "super()",
        ),
        ("nn.ReLU()\nfor i in range(3):\n  nn.ReLU()", 3, "list comprehension"),
        ("nn.ReLU()\n3", 2, "not a layer"),
        ("Sequential(\n  (0): Conv2d(3, 8, kernel_size=(3, 3))\n  (1): Bottleneck(\n  )\n)", 3, "Bottleneck"),
    ],
)
def test_the_sentence_names_line_and_cure(text, line, words):
    error = refusal(text)
    assert error.line == line
    assert words in error.message


def test_limits_are_met_on_the_spot():
    assert len(sketch("nn.Sequential(*[nn.ReLU()] * 1000)")) == MAX_LAYERS
    width = math.isqrt(parse.MAX_PARAMETERS)
    assert sketch(f"nn.Linear({width}, {width}, bias=False)")
    assert "parameters" in refusal(f"nn.Linear({width + 1}, {width + 1}, bias=False)").message
    # VGG-16, the largest network that people paste, has 138,357,544 parameters (table 2 of the paper: 138 million).
    assert parse.MAX_PARAMETERS > 138_357_544


def test_a_refused_network_takes_no_memory(monkeypatch):
    built = []
    original = nn.Linear.__init__

    def spy(self, *args, **kwargs):
        built.append(torch.empty(0).device.type)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(nn.Linear, "__init__", spy)
    refusal("nn.Linear(10**5, 10**5)")
    assert set(built) == {"meta"}


PIECES = [
    *[
        "nn.",
        "torch.",
        "Sequential",
        "Conv2d",
        "ReLU",
        "Linear",
        "range",
        "OrderedDict",
        "ModuleList",
        "self.",
        "lambda",
    ],
    *[
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        "=",
        "*",
        "**",
        "//",
        "-",
        "+",
        ":",
        ".",
        "for ",
        " in ",
        "import ",
        "\n",
        " ",
        "#",
    ],
    *[
        "0",
        "1",
        "3",
        "64",
        "1e9",
        "True",
        "None",
        "'same'",
        '"a"',
        "x",
        "_",
        "é",
        "(0): ",
        "3 x ",
        "\r",
        "\\\n",
        "in_channels=",
    ],
]


def outcome(text: str) -> nn.Module | ParseError:
    try:
        return sketch(text)
    except ParseError as error:
        return error


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=40).map("".join)))
def test_any_text_is_a_network_or_a_parse_error(text):
    result = outcome(text)
    assert isinstance(result, nn.Module) or result.message.isprintable()


@settings(max_examples=200)
@given(st.sampled_from([example.code for example in EXAMPLES.values()]), st.data())
def test_damaged_networks_are_read_or_refused(code, data):
    cut = data.draw(st.integers(0, len(code)))
    width = data.draw(st.integers(0, 12))
    damaged = code[:cut] + data.draw(st.sampled_from(PIECES)) + code[cut + width :]
    result = outcome(damaged)
    assert isinstance(result, nn.Module) or result.line <= damaged.count("\n") + damaged.count("\r") + 1


VALUES = st.one_of(
    st.sampled_from(
        ["None", "True", "False", "'same'", "'zeros'", "'reflect'", "'area'", "(1, 2)", "(3, 3)", "[2, 2]"]
    ),
    st.integers(-10, 10**7).map(str),
    st.floats(-2, 2).map(repr),
    st.lists(st.integers(-2, 5), max_size=7).map(lambda sizes: repr(tuple(sizes))),
)


@settings(max_examples=400)
@given(st.sampled_from(sorted(LAYERS)), st.data())
def test_any_settings_build_or_are_refused(name, data):
    """No combination of settings that the rules let through makes PyTorch raise anything of its own."""
    schema = LAYERS[name]
    chosen = data.draw(st.lists(st.sampled_from(sorted(schema.rules)), unique=True)) if schema.rules else []
    given_ = ", ".join(f"{setting}={data.draw(VALUES)}" for setting in {*schema.required, *chosen})
    result = outcome(f"nn.{name}({given_})")
    assert isinstance(result, ParseError) or type(result[0]) is schema.cls


# --- round trips -----------------------------------------------------------------------------------------------------

SAMPLES = """
Conv1d(2, 4, 3) Conv2d(4, 8, (3, 5), stride=2, padding=(1, 0), groups=2, bias=False)
Conv3d(1, 2, 3, dilation=(1, 2, 3))
Conv2d(4, 8, 3, padding='same', padding_mode='reflect')
ConvTranspose2d(4, 8, 4, stride=2, padding=1, output_padding=1)
ConvTranspose1d(1, 2, 3, dilation=2) ConvTranspose3d(1, 1, 2) Linear(3, 4, bias=False) Flatten() Flatten(2, 3)
Identity()
Unflatten(1, (2, 2)) Unfold(3, padding=1) Fold((4, 5), 3) MaxPool1d(2) MaxPool2d((2, 3), stride=(2, 1), padding=1)
MaxPool3d(2, ceil_mode=True) AvgPool1d(3, stride=1) AvgPool2d(3, 2, 1, count_include_pad=False, divisor_override=2)
AvgPool3d(2) LPPool1d(2, 3) LPPool2d(1.5, 2, stride=2) LPPool3d(2, 2) AdaptiveAvgPool1d(3) AdaptiveAvgPool2d((None, 3))
AdaptiveAvgPool3d(None) AdaptiveMaxPool1d(1) AdaptiveMaxPool2d(2) AdaptiveMaxPool3d((1, 2, 3)) BatchNorm1d(3)
BatchNorm2d(3, momentum=None, affine=False) BatchNorm2d(3, bias=False) BatchNorm3d(2, track_running_stats=False)
InstanceNorm1d(3) InstanceNorm2d(3, affine=True) InstanceNorm3d(2, track_running_stats=True) GroupNorm(2, 4, eps=0.001)
LayerNorm((3, 4), elementwise_affine=False) LayerNorm(5, bias=False) RMSNorm(5, eps=1e-06) LocalResponseNorm(5, k=2)
ReLU(inplace=True) ReLU6() LeakyReLU(0.2) PReLU(3, init=0.1) RReLU() ELU(2.0) SELU() CELU() GELU('tanh') SiLU() Mish()
Sigmoid() Tanh() Softplus(2.0) Softsign() Softshrink(0.2) Hardshrink() Hardsigmoid() Hardswish() Hardtanh(-2, 2)
Tanhshrink() LogSigmoid() Threshold(1, 2) GLU(1) Softmax(1) Softmin(1) Softmax2d() LogSoftmax(dim=1) ZeroPad1d(1)
ZeroPad2d((1, 2, 3, 4)) ZeroPad3d(1) ConstantPad1d(2, 0.5) ConstantPad2d(1, 2) ConstantPad3d(-1, 2) ReflectionPad1d(1)
ReflectionPad2d(1) ReflectionPad3d(1) ReplicationPad1d(1) ReplicationPad2d((1, 0, 1, 0)) ReplicationPad3d(1)
CircularPad1d(1) CircularPad2d(1) CircularPad3d(1) Upsample(scale_factor=2) Upsample(scale_factor=1.5, mode='nearest')
Upsample(size=(3, 4), mode='bilinear', align_corners=True) UpsamplingNearest2d(scale_factor=2) PixelShuffle(2)
UpsamplingBilinear2d(size=7) PixelUnshuffle(2) ChannelShuffle(2) Dropout(0.1) Dropout1d() Dropout2d() Dropout3d()
AlphaDropout() FeatureAlphaDropout()
"""
SAMPLES = [piece + ")" for piece in SAMPLES.replace("\n", " ").strip().split(") ")]
SAMPLES[-1] = SAMPLES[-1][:-1]


def settings_of(layer: nn.Module) -> dict:
    public = {key: value for key, value in vars(layer).items() if not key.startswith("_") and key != "training"}
    return public | {key: value if value is None else tuple(value.shape) for key, value in layer._parameters.items()}


def same(a: nn.Module, b: nn.Module) -> bool:
    if isinstance(a, nn.Sequential):
        names = list(a._modules) == list(b._modules)
        return names and all(same(x, y) for x, y in zip(a._modules.values(), b._modules.values(), strict=True))
    return type(a) is type(b) and settings_of(a) == settings_of(b)


def test_the_samples_cover_every_layer():
    assert {sample.partition("(")[0] for sample in SAMPLES} == set(LAYERS)


@pytest.mark.parametrize("sample", SAMPLES)
def test_each_layer_survives_code_and_printout(sample):
    net = sketch(f"nn.{sample}")
    assert same(sketch(to_code(net)), net)
    assert repr(sketch(repr(net))) == repr(net)


NESTED = st.recursive(
    st.sampled_from(SAMPLES).map(lambda sample: f"nn.{sample}"),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map(lambda parts: f"nn.Sequential({', '.join(parts)})"),
        st.lists(inner, min_size=1, max_size=4).map(
            lambda parts: (
                "nn.Sequential(OrderedDict(["
                + ", ".join(f'("part{number}", {part})' for number, part in enumerate(parts))
                + "]))"
            )
        ),
    ),
    max_leaves=12,
)


@settings(max_examples=100)
@given(NESTED)
def test_code_and_printout_of_any_network_lead_back_to_it(text):
    net = sketch(text)
    assert same(sketch(to_code(net)), net)
    assert repr(sketch(repr(net))) == repr(net)


def test_code_runs_as_python():
    namespace: dict = {}
    net = parse_network('nn.Sequential(OrderedDict([("a", nn.Conv2d(1, 2, 3)), ("b", nn.Sequential(nn.ReLU()))]))')
    exec(to_code(net, name="net"), namespace)
    assert same(namespace["net"], net)


def test_shared_weights_stay_shared_in_the_code():
    net = sketch("c = nn.Conv2d(4, 4, 3)\nblock = nn.Sequential(c, nn.ReLU())\nnn.Sequential(block, c, block)")
    again = sketch(to_code(net))
    assert again[0] is again[2]
    assert again[0][0] is again[1]
    assert sum(p.numel() for p in again.parameters()) == 4 * 4 * 9 + 4


def test_code_of_a_foreign_layer_is_refused():
    with pytest.raises(ValueError, match="LSTM"):
        to_code(nn.Sequential(nn.LSTM(2, 3)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "so I ran it and got\nRuntimeError: mat1 and mat2 shapes cannot be multiplied\nhelp",
            "error message, not",
        ),
        ("nc: 80\nbackbone:\n  - [-1, 1, Conv, [64, 3, 2]]\n  - [-1, 3, C2f, [128, True]]\n", "YOLO network"),
        ("head:\n  - [[-1, 6], 1, Concat, [1]]\n", "YOLO network"),
    ],
)
def test_what_is_no_network_is_named(text, said):
    with pytest.raises(ParseError, match=said):
        parse_network(text)
