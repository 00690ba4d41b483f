"""Hostile and damaged classes: a sentence, soon, with little memory; nothing runs and nothing is written."""

# ruff: noqa: E501 (lines as people write them)

import builtins
import resource
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models.graph import read_graph
from models.parse import ParseError, candidates, needs, parse_network
from tests.models.pasted_networks import NETWORKS

SHAPE = (1, 3, 8, 8)


def module(
    init: str = "self.conv = nn.Conv2d(3, 3, 3, padding=1)", forward: str = "return self.conv(x)", top=""
) -> str:
    def lines(text):
        return text.replace("\n", "\n        ")

    return (
        f"import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n{top}\nclass Net(nn.Module):\n"
        f"    def __init__(self):\n        super().__init__()\n        {lines(init)}\n"
        f"    def forward(self, x):\n        {lines(forward)}\n"
    )


BUILT = {
    "attribute walk": module("self.a = nn.ReLU().__class__.__bases__[0].__subclasses__()"),
    "mro of a number": module("self.a = (1).__class__.__mro__"),
    "globals of init": module("self.a = self.__init__.__globals__"),
    "code of forward": module("self.a = self.forward.__code__"),
    "builtins": module("__builtins__['eval']('1')"),
    "import": module("__import__('os').system('touch /tmp/x')"),
    "os": module("os.system('touch /tmp/x')", top="import os"),
    "subprocess": module("subprocess.run(['id'])", top="import subprocess"),
    "pickle": module("self.a = pickle.loads('x')", top="import pickle"),
    "eval": module("self.a = eval('1 + 1')"),
    "exec": module("exec('x = 1')"),
    "compile": module("compile('1', '', 'eval')"),
    "open": module("open('/tmp/x', 'w').write('x')"),
    "input": module("input()"),
    "breakpoint": module("breakpoint()"),
    "globals": module("globals()['nn'] = 1"),
    "large grid": module("self.g = F.affine_grid(torch.zeros(1, 2, 3), (1, 1, 10**5, 10**5))"),
    "layers by hand": module("self._modules['a'] = 3"),
    "layers taken out": module("self.a = nn.ReLU()\nself._modules.pop('a')"),
    "private of a class": module("self.__class"),
    "large tensor": module("self.w = torch.Tensor(10**5, 10**5)"),
    "vars": module("vars(self)['_modules'] = {}"),
    "dir": module("self.a = dir(nn)"),
    "getattr dunder": module("self.a = getattr(self, '__' + 'class__')"),
    "getattr of nn": module("self.a = getattr(nn, '__dict__')"),
    "setattr dunder": module("setattr(self, '__class__', nn.ReLU)"),
    "setattr of modules": module("setattr(self, '_modules', {})\nself.conv = nn.ReLU()\nself.conv.forward = 1"),
    "delattr": module("delattr(self, 'conv')"),
    "type of three": module("self.a = type('X', (nn.Module,), {})"),
    "lambda of a lambda": module("f = lambda g: g(g)\nf(f)"),
    "Y combinator": module("f = lambda g: lambda n: g(g)(n)\nf(f)(3)"),
    "decorator": module(top="@eval\ndef f(): return 1", init="self.a = f()"),
    "decorated class": "@exec\nclass Net(nn.Module):\n  def __init__(self):\n    super().__init__()\n  def forward(self, x): return x",
    "metaclass": "class Net(nn.Module, metaclass=type):\n  def forward(self, x): return x",
    "base by call": "class Net(eval('nn.Module')):\n  def forward(self, x): return x",
    "base of another kind": "class Net(int):\n  def forward(self, x): return x\nNet()",
    "new": "class Net(nn.Module):\n  def __new__(cls): return eval('1')\n  def forward(self, x): return x",
    "getattribute": "class Net(nn.Module):\n  def __getattribute__(self, n): return 1\n  def forward(self, x): return x",
    "recursion": module("self.f()\n    def f(self):\n        self.f()".replace("\n    def", "\ndef").split("\ndef")[0])
    + "    def f(self):\n        return self.f()\n",
    "function recursion": module("f(1)", top="def f(n):\n    return f(n + 1)"),
    "module recursion": module("self.a = Net()"),
    "two that make each other": "class A(nn.Module):\n  def __init__(self):\n    super().__init__()\n    self.b = B()\n"
    "class B(nn.Module):\n  def __init__(self):\n    super().__init__()\n    self.a = A()\n  def forward(self, x): return x\nnet = B()",
    "a module in itself": module("self.a = self"),
    "a module in its child": module("self.a = nn.Sequential()\nself.a.add_module('b', self)\nself.c = self.a"),
    "while": module("while True:\n    pass"),
    "while that counts": module("n = 0\nwhile n >= 0:\n    n += 1"),
    "10^12 iterations": module("for i in range(10 ** 12):\n    pass"),
    "nested loops": module("for i in range(999):\n  for j in range(999):\n    for k in range(999):\n      pass"),
    "comprehension of 10^9": module("a = [i * j * k for i in range(1000) for j in range(1000) for k in range(1000)]"),
    "exponential class tree": "\n".join(
        [
            "class C0(nn.Module):\n  def __init__(self):\n    super().__init__()\n    self.l = nn.ReLU()\n  def forward(self, x): return x"
        ]
        + [
            f"class C{i}(nn.Module):\n  def __init__(self):\n    super().__init__()\n    self.a = C{i - 1}()\n    self.b = C{i - 1}()\n"
            "  def forward(self, x): return self.a(self.b(x))"
            for i in range(1, 40)
        ]
    ),
    "exponential sharing": "class C0(nn.Module):\n  def forward(self, x): return x\n"
    + "\n".join(
        f"class C{i}(nn.Module):\n  def __init__(self, c):\n    super().__init__()\n    self.a = c\n    self.b = nn.Sequential(c)\n"
        "  def forward(self, x): return self.a(self.b(x))"
        for i in range(1, 24)
    )
    + "\nnet = C0()\n"
    + "\n".join(f"net = C{i}(net)" for i in range(1, 24)),
    "list of 10^9": module("a = [0] * 10 ** 9"),
    "doubling a list": module("a = [1]\nfor i in range(60):\n    a = a + a"),
    "doubling in place": module("a = [1]\nfor i in range(60):\n    a += a"),
    "doubling by extend": module("a = [1]\nfor i in range(60):\n    a.extend(a)"),
    "list of itself": module("a = []\na.append(a)\nself.a = nn.Sequential(*a)"),
    "doubling a tuple": module("a = (1,)\nfor i in range(60):\n    a = (a, a)\nself.a = nn.Conv2d(a, a, a)"),
    "doubling a text": module("a = 'x'\nfor i in range(60):\n    a = a + a"),
    "text of 10^9": module("a = 'x' * 10 ** 9"),
    "joined text": module("a = ('x' * 4000).join(['y'] * 4000)"),
    "replaced text": module("a = ('x' * 4000).replace('x', 'y' * 4000)"),
    "format width": module("a = f'{1:>999999999}'"),
    "format width by name": module("a = '{:999999999}'.format(1)"),
    "format attribute": module("a = '{0.__class__}'.format(self)"),
    "percent width": module("a = '%0999999999d' % 1"),
    "growing dictionary": module("d = {}\nfor i in range(999):\n  for j in range(999):\n    d[i * 1000 + j] = i"),
    "huge power": module("self.a = nn.Linear(9 ** 9 ** 9, 1)"),
    "growing number": module("a = 2\nfor i in range(200):\n    a = a * a\nself.a = nn.Linear(a, 1)"),
    "huge shift": module("a = 1 << 10 ** 9"),
    "int of a long text": module("a = int('9' * 4000)"),
    "10^12 weights": module("self.a = nn.Linear(10 ** 6, 10 ** 6)"),
    "weights in parts": module("self.a = nn.ModuleList([nn.Linear(10 ** 4, 10 ** 4) for i in range(100)])"),
    "parameter of 10^12": module("self.a = nn.Parameter(torch.zeros(10 ** 6, 10 ** 6))"),
    "buffer of 10^12": module("self.register_buffer('a', torch.zeros(10 ** 6, 10 ** 6))"),
    "tensor of 10^18": module("a = torch.zeros(10 ** 9, 10 ** 9)"),
    "tensor of 10^27": module("a = torch.empty(10 ** 9, 10 ** 9, 10 ** 9)"),
    "arange": module("a = torch.arange(10 ** 9)"),
    "product in init": module("a = torch.ones(9000, 9000)\nfor i in range(100):\n    a = a @ a"),
    "repeated tensor": module("a = torch.ones(1000)\nfor i in range(60):\n    a = torch.cat([a, a])"),
    "copies": module(
        "a = nn.Linear(1000, 1000)\nself.a = nn.ModuleList([copy.deepcopy(a) for i in range(900)])", top="import copy"
    ),
    "many layers": module("self.a = nn.Sequential(*[nn.ReLU() for i in range(900)], *[nn.ReLU() for i in range(900)])"),
    "transformer of many": module("self.a = nn.TransformerEncoder(nn.TransformerEncoderLayer(512, 8), 100)"),
    "torch.load": module("self.a = torch.load('x.pt')"),
    "torch.save": module("torch.save(self, '/tmp/x')"),
    "torch.ops": module("torch.ops.load_library('x.so')"),
    "torch.hub": module("self.a = torch.hub.load('evil/repo', 'x', trust_repo=True)"),
    "torch.jit": module("self.a = torch.jit.load('x.pt')"),
    "torch.utils": module("torch.utils.cpp_extension.load('x', ['x.cpp'])"),
    "torch.classes": module("torch.classes.load_library('x.so')"),
    "torch.compile by text": module("torch._dynamo.reset()"),
    "forward hook": module("self.conv = nn.ReLU()\nself.conv.register_forward_hook(print)"),
    "backward hook": module("self.register_full_backward_hook(lambda *a: None)"),
    "tensor hook": module("self.a = nn.Parameter(torch.zeros(3))\nself.a.register_hook(print)"),
    "apply_": module("torch.zeros(3).apply_(lambda v: 1)"),
    "map_": module("torch.zeros(3).map_(torch.zeros(3), lambda a, b: 1)"),
    "numpy": module("self.a = torch.zeros(3).numpy()"),
    "storage": module("self.a = torch.zeros(3).untyped_storage()"),
    "set_": module("torch.zeros(3).set_(torch.zeros(4))"),
    "resize_": module("torch.zeros(3).resize_(10 ** 9)"),
    "as_strided": module("torch.zeros(3).as_strided((10 ** 9,), (0,))"),
    "weights of torchvision": module(
        "self.a = torchvision.models.resnet18(weights='http://x/y.pth', block=3)", top="import torchvision"
    ),
    "unknown network": module("self.a = timm.create_model('http://x')", top="import timm"),
    "name with dots": module("self.add_module('a.b', nn.ReLU())"),
    "name of state": module("self.add_module('_modules', nn.ReLU())"),
    "name that is code": module("""self.add_module('a", __import__("os").system("id"))', nn.ReLU())"""),
    "key that is code": module("""self.a = nn.ModuleDict({'a"] or eval("1': nn.ReLU()})"""),
    "forward replaced": module("self.forward = nn.ReLU()"),
    "training replaced": module("self.training = 3"),
    "zero stride": module("self.a = nn.MaxPool2d(2, stride=0)"),
    "nn.Module assigned": module("nn.Module = 3"),
    "class attribute of nn": module("nn.Conv2d.forward = 3"),
    "global": module("global nn\nnn = 3"),
    "yield": module("yield 1"),
    "async": "class Net(nn.Module):\n  async def forward(self, x): return x",
    "try": module("try:\n    self.a = eval('1')\nexcept Exception:\n    self.a = 2"),
    "match": module("match 1:\n    case 1: pass"),
    "deep nesting": "class Net(nn.Module):\n"
    + "".join(f"{'  ' * i}if 1:\n" for i in range(1, 99))
    + "  " * 99
    + "pass",
    "many elifs": module("if 0: pass\n" + "elif 0: pass\n" * 3_000 + "self.a = eval('1')"),
    "many classes": "\n".join(f"class C{i}(nn.Module): pass" for i in range(1_900)),
    "60 KB of defaults": module(top="def f(" + ", ".join(f"a{i}=[{i}] * 4000" for i in range(2_000)) + "): pass"),
    "conflicting bases": "class A(nn.Module): pass\nclass B(A): pass\nclass C(A, B):\n  def forward(self, x): return x\nC()",
    "raises": module("raise ValueError('this network wants more')"),
    "asserts": module("assert 1 == 2, 'never'"),
    "no super": "class Net(nn.Module):\n  def __init__(self):\n    self.a = nn.ReLU()\n  def forward(self, x): return x",
    "no forward": "class Net(nn.Module):\n  def __init__(self):\n    super().__init__()",
    "dry run that does not fit": module("self.a = nn.Linear(3, 4)\nn = self.a(torch.zeros(1, 5)).numel()"),
    "unpacked wrongly": module("a, b, c = [1, 2]"),
    "unknown argument": module("self.a = nn.Conv2d(3, 3, 3, kernal=2)"),
}
RUN = {
    "item": module(forward="return x * x.mean().item()"),
    "if on numbers": module(forward="if x.sum() > 0:\n    return x\nreturn -x"),
    "while on numbers": module(forward="while x.sum() > 0:\n    x = x - 1\nreturn x"),
    "endless": module(forward="while True:\n    x = x + 1"),
    "endless without tensors": module(forward="while True:\n    pass"),
    "doubling": module(forward="for i in range(60):\n    x = torch.cat([x, x], 1)\nreturn x"),
    "outer products": module(
        forward="x = x.flatten()\nfor i in range(9):\n    x = torch.outer(x, x).flatten()\nreturn x"
    ),
    "padding of 10^9": module(forward="return F.pad(x, (10 ** 9, 10 ** 9, 10 ** 9, 10 ** 9))"),
    "interpolated to 10^9": module(forward="return F.interpolate(x, size=10 ** 6)"),
    "repeat": module(forward="return x.repeat(10 ** 4, 10 ** 4, 10 ** 4, 1)"),
    "zero stride": module(forward="return F.max_pool2d(x, 2, stride=0)"),
    "zero kernel": module(forward="return F.avg_pool2d(x, 0)"),
    "zero groups": module(forward="return F.conv2d(x, self.conv.weight, groups=0)"),
    "zero dilation": module(forward="return F.conv2d(x, self.conv.weight, None, 1, 1, 0)"),
    "negative unfold": module(forward="return F.unfold(x, -3)"),
    "recursion": module(forward="return self.forward(x)"),
    "recursion by call": module(forward="return self(x)"),
    "a layer in forward": module(forward="return nn.Conv2d(3, 3, 3)(x)"),
    "a class in forward": module(forward="return Net()(x)"),
    "eval": module(forward="return eval('x')"),
    "dunder": module(forward="return x.__class__"),
    "data_ptr": module(forward="return x.data_ptr()"),
    "numpy": module(forward="return torch.from_numpy(x.numpy())"),
    "torch.load": module(forward="return torch.load('x')"),
    "backward": module(forward="x.sum().backward()\nreturn x"),
    "hook": module(forward="x.register_hook(print)\nreturn x"),
    "apply_": module(forward="return x.apply_(lambda v: 1)"),
    "as_strided": module(forward="return torch.as_strided(x, (10 ** 9,), (0,))"),
    "ops": module(forward="return torch.ops.aten.relu(x)"),
    "keyword that is code": module(
        forward="""return torch.relu(x, **{'a=1)\\n__import__("os").system("id")\\n(b': 1})"""
    ),
    "keyword of a method that is code": module(
        forward="""return x.view(**{'a=1)\\n__import__("os").system("id")\\n(b': 1})"""
    ),
    "unknown function": module(forward="return F.reluu(x)"),
    "unknown attribute": module(forward="return self.cnov(x)"),
    "unknown name": module(forward="return y"),
    "nothing returned": module(forward="self.conv(x)"),
    "a number returned": module(forward="return 3"),
    "no input": module().replace("def forward(self, x)", "def forward(self)"),
    "settings within settings": "from easydict import EasyDict\nd = {}\n"
    + "".join("d = {'a': d, 'b': d}\n" for _ in range(60))
    + "n = EasyDict(d)\n"
    + module("self.n = n.c"),
    "layer outside the network": "a = nn.Conv2d(3, 3, 3)\n" + module(forward="return a(x)"),
    "out of range": module("self.a = nn.ModuleList([nn.ReLU()])", "return self.a[3](x)"),
    "wrong unpacking": module(forward="a, b = x.shape\nreturn x"),
    "setting of tensors": module(forward="x[:, 0] = 0\nreturn x"),
    "text added": module(forward="return x + 'a'"),
    "division by zero": module(forward="return x / (1 // 0)"),
    "assert": module(forward="assert x.shape[1] == 5, 'five channels are wanted'\nreturn x"),
    "raise": module(forward="raise NotImplementedError"),
}


@pytest.fixture
def tripwires(monkeypatch):
    """Any evaluation, import of the text's or file access fails the test."""

    def forbidden(*args, **kwargs):
        raise AssertionError(f"something was executed: {args[:1]}")

    for name in ("open", "print", "input", "breakpoint"):
        monkeypatch.setattr(builtins, name, forbidden)
    for name in ("os.system", "os.popen", "subprocess.Popen", "torch.load", "torch.save", "torch.hub.load"):
        monkeypatch.setattr(name, forbidden)


def told(error: ValueError, text: str) -> None:
    """It is one sentence."""
    message = str(error)
    assert message.endswith((".", "?")), message
    assert "\n" not in message
    assert len(message) < 500
    assert "Error(" not in message
    if isinstance(error, ParseError) and error.line:
        assert 1 <= error.line <= text.count("\n") + 1


def memory() -> int:
    """The most that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """torch loads parts of itself at first use, and torch.fx compiles the graphs that it makes."""
    read_graph(parse_network(module(), device="meta"), SHAPE)
    parse_network(module())


@pytest.mark.parametrize("case", BUILT)
def test_what_cannot_be_built_gets_its_sentence(case, tripwires, monkeypatch):
    for name in (
        "eval",
        "exec",
    ):
        monkeypatch.setattr(builtins, name, builtins.open)
    before, begun = memory(), time.process_time()
    with pytest.raises(ParseError) as caught:
        parse_network(BUILT[case])
    told(caught.value, BUILT[case])
    assert time.process_time() - begun < 4  # two seconds where nothing else runs
    assert memory() - before < 200


@pytest.mark.parametrize("case", RUN)
def test_what_cannot_be_drawn_gets_its_sentence(case, tripwires):
    before, begun = memory(), time.process_time()
    try:
        sketch = parse_network(RUN[case], device="meta")
        graph = read_graph(sketch, SHAPE)
    except ValueError as error:
        told(error, RUN[case])
    else:
        assert graph.broken is not None, case
        assert graph.broken.line
        assert "\n" not in graph.broken.message
    assert time.process_time() - begun < 4
    assert memory() - before < 200


def test_there_are_enough_attempts():
    assert len(BUILT) + len(RUN) >= 120


PIECES = [
    *("(", ")", "[", "]", "{", "}", ",", ":", "=", ".", "*", "**", "-", "\n", "\n    ", " ", "'", '"', "#", "\\\n"),
    *("self", "super()", "x", "0", "1", "-1", "1e9", "None", "True", "nn.", "torch.", "F.", "range(9)", "lambda: "),
    *("def f(self, x):", "class A(nn.Module):", "return ", "for i in x:", "if x:", "while 1:", "import os", "f'{x}'"),
    *("nn.Conv2d(3, 3, 3)", "nn.ReLU", "[1] * 999", "x.shape", "__class__", "del x", "é", "“", "yield", "@"),
]


def answer(text: str, shape: tuple[int, ...]) -> None:
    """A network that is drawn, or a sentence; nothing else leaves."""
    try:
        names = candidates(text)
        needs(text)
    except ParseError:
        names = ()
    said = ""
    try:
        sketch = parse_network(text, device="meta", name=names[0] if len(names) > 1 else None)
        assert isinstance(sketch, nn.Module)
        graph = read_graph(sketch, shape)
        said = graph.broken.message if graph.broken else ""
    except ValueError as error:
        said = str(error)
    assert "\n" not in said


@settings(max_examples=400)
@given(st.sampled_from(sorted(NETWORKS)), st.data())
def test_damaged_classes_are_read_or_refused(name, data):
    text, shape = NETWORKS[name]
    for _ in range(data.draw(st.integers(1, 3))):
        cut, width = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 30))
        text = text[:cut] + data.draw(st.sampled_from(PIECES)) + text[cut + width :]
    answer(text, shape)


@settings(max_examples=300)
@given(st.sampled_from(sorted(NETWORKS)), st.data())
def test_classes_with_lines_moved_and_words_swapped_are_read_or_refused(name, data):
    text, shape = NETWORKS[name]
    lines = text.split("\n")
    for _ in range(data.draw(st.integers(1, 4))):
        at, other = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        lines[at], lines[other] = lines[other], lines[at]
    words = "\n".join(lines).split(" ")
    for _ in range(data.draw(st.integers(0, 3))):
        at, other = (data.draw(st.integers(0, len(words) - 1)) for _ in range(2))
        words[at] = words[other]
    answer(" ".join(words), shape)
