"""Networks as text: the code that rebuilds one, and four well-known ones to start from."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf

from torch import nn

from models.measure import kind_of
from models.parse.layers import EVERY_LAYER, LAYER_KINDS, LAYERS, LAZY_LAYERS
from models.parse.source import read_source
from models.parse.words import ParseError
from models.syntax import parse

# --- and back to text ------------------------------------------------------------------------------------------------


def settings_of(layer: nn.Module) -> dict[str, object]:
    """The settings that rebuild a layer in `LAYERS`, those at their default left out."""
    name = kind_of(layer)
    schema = EVERY_LAYER[name]
    found: dict[str, object] = {}
    for setting, default in schema.defaults.items():
        if setting == "bias":
            learns = getattr(layer, "affine", getattr(layer, "elementwise_affine", True))
            if learns and layer.bias is None:
                found["bias"] = False
            continue
        value = getattr(layer, setting, default)
        if name.startswith(("Conv", "LazyConv", "AvgPool1d")) or name.endswith(("Pad1d", "Pad2d", "Pad3d")):
            # These layers store one number per axis whatever they were given.
            value = value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
        if isinstance(value, float) and value.is_integer() and setting == "scale_factor":
            value = int(value)
        if setting == "stride" and name.startswith(("MaxPool", "AvgPool")):
            default = found["kernel_size"]
        if value != default:
            found[setting] = value
    return found


def _spelled(value: object) -> str:
    """As Python writes it, which has no word for infinity."""
    return f'float("{value}")' if value in (inf, -inf) else repr(value)


def layer_code(layer: nn.Module) -> str:
    """`nn.Conv2d(3, 8, kernel_size=3)`: the call that makes a layer. Raises `ValueError` for one not in `LAYERS`."""
    name = type(layer).__name__
    if name not in {**LAYERS, **LAZY_LAYERS} or type(layer) is not EVERY_LAYER[name].cls:
        raise ValueError(f'"{name}" has no line of code here; {LAYER_KINDS} of torch.nn have.')
    schema, pieces, settings = EVERY_LAYER[name], [], settings_of(layer)
    for setting in schema.positional:
        if (
            setting not in settings
            or setting == "kernel_size"
            or schema.defaults[setting] is not inspect.Parameter.empty
        ):
            break
        pieces.append(_spelled(settings.pop(setting)))
    pieces += [f"{setting}={_spelled(value)}" for setting, value in settings.items()]
    return f"nn.{name}({', '.join(pieces)})"


_IMPORTS = {
    "torch": "import torch",
    "torchvision": "import torchvision",
    "math": "import math",
    "OrderedDict": "from collections import OrderedDict",
    "partial": "from functools import partial",
    "nn": "from torch import nn",
    "Tensor": "from torch import Tensor",
    "F": "from torch.nn import functional as F",
    "init": "from torch.nn import init",
    "models": "from torchvision import models",
    **{
        name: f"from typing import {name}" for name in ("Any", "Callable", "Dict", "List", "Optional", "Tuple", "Union")
    },
}
"""Names that a pasted text takes for granted, and the line that brings each."""


def with_imports(text: str, *needed: str) -> str:
    """Pasted code with the imports that it lacks, so that it runs by itself; itself where Python does not read it.
    ``needed``: names that lines after it need besides."""
    with suppress(ParseError):
        text = read_source(text).text
    try:
        tree = parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text
    used, made = set(needed), set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name) | ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                made.add(name)
            case ast.alias(name=name, asname=other):
                made.add(other or name.partition(".")[0])
    lacking = [line for name, line in _IMPORTS.items() if name in used - made]
    if not lacking:
        return text
    # What is said of the file, and what it asks of a future Python, stands first.
    first = 0
    for node in tree.body:
        said = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not said and not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            break
        first = node.end_lineno or first
    lines = text.split("\n")
    return "\n".join([*lines[:first], *lacking, *lines[first:]])


def made_in(text: str, name: str, arguments: Mapping[str, str]) -> str:
    """The expression that is the network of this name after the text: what the text has put there, or a call of its
    class or function. Empty where the text holds it nowhere that a line after it can reach."""
    for node in reversed(read_source(text).tree.body):
        match node:
            case ast.ClassDef(name=found) | ast.FunctionDef(name=found) if found == name:
                return f"{name}({', '.join(f'{each}={value}' for each, value in arguments.items())})"
            case ast.Assign(targets=[ast.Name(id=found)]) | ast.AnnAssign(target=ast.Name(id=found)) if found == name:
                return name
    return ""


def to_code(module: nn.Module, name: str = "model") -> str:
    """Runnable code for an `nn.Sequential` (nested ones included) of the layers in `LAYERS`: settings, not weights.

    `parse_network(to_code(m))` has the structure of `m`. A layer with weights that stands in two places gets a name
    first, so that it stays one layer. Raises `ValueError` for a layer that is not in `LAYERS`.
    """
    module = module if isinstance(module, nn.Sequential) else nn.Sequential(module)
    stacks = (part for part in module.modules() if isinstance(part, nn.Sequential))
    seen = Counter(id(child) for stack in stacks for child in stack._modules.values())
    shared: dict[int, str] = {}
    before: list[str] = []
    _name_shared(module, seen, shared, before)
    body = _sequential_code(module, shared, "")
    imports = ["from torch import nn"]
    if "OrderedDict(" in body or any("OrderedDict(" in each for each in before):
        imports.insert(0, "from collections import OrderedDict\n")
    return "\n".join([*imports, "", *before, f"{name} = {body}", ""])


def _name_shared(module: nn.Module, seen: Counter[int], shared: dict[int, str], before: list[str]) -> None:
    if id(module) in shared:
        return
    if isinstance(module, nn.Sequential):
        for child in module._modules.values():
            _name_shared(child, seen, shared, before)
    if seen[id(module)] > 1 and next(module.parameters(), None) is not None:
        code = _sequential_code(module, shared, "") if isinstance(module, nn.Sequential) else layer_code(module)
        shared[id(module)] = f"shared_{len(shared) + 1}"
        before.append(f"{shared[id(module)]} = {code}")


def _sequential_code(module: nn.Sequential, shared: dict[int, str], indent: str) -> str:
    deeper = indent + "    "
    names = list(module._modules)
    ordered = names == [str(number) for number in range(len(names))]
    lines = []
    for name, child in module._modules.items():
        if id(child) in shared:
            code = shared[id(child)]
        elif isinstance(child, nn.Sequential):
            code = _sequential_code(child, shared, deeper)
        else:
            code = layer_code(child)
        lines.append(f"{deeper}{code}," if ordered else f'{deeper}("{name}", {code}),')
    opening, closing = ("nn.Sequential(", ")") if ordered else ("nn.Sequential(OrderedDict([", "]))")
    return "\n".join([opening, *lines, indent + closing])


# --- networks to start from ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Example:
    """A network to start from: its code, an input that fits (with the batch axis), its parameter count.

    The count is the source's, unless this is a ``variant`` of what it describes; the code's first line says how.
    """

    title: str
    code: str
    input_shape: tuple[int, ...]
    parameters: int
    source: str
    variant: bool = False


EXAMPLES: dict[str, Example] = {
    "lenet5": Example(
        "LeNet-5",
        """# LeNet-5 with every map of C3 connected; its layers C1, C5 and F6 as published.
model = nn.Sequential(
    nn.Conv2d(1, 6, kernel_size=5),
    nn.Tanh(),
    nn.AvgPool2d(2),
    nn.Conv2d(6, 16, kernel_size=5),
    nn.Tanh(),
    nn.AvgPool2d(2),
    nn.Conv2d(16, 120, kernel_size=5),
    nn.Tanh(),
    nn.Flatten(),
    nn.Linear(120, 84),
    nn.Tanh(),
    nn.Linear(84, 10),
)
""",
        (1, 1, 32, 32),
        61_706,
        "LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998, section II.B",
        variant=True,
    ),
    "small_vgg": Example(
        "Small VGG (configuration A for 32×32 pictures)",
        """# The eight convolutions of VGG-11, with one linear layer for ten classes.
model = nn.Sequential(
    nn.Conv2d(3, 64, kernel_size=3, padding=1), nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(64, 128, kernel_size=3, padding=1), nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(128, 256, kernel_size=3, padding=1), nn.ReLU(),
    nn.Conv2d(256, 256, kernel_size=3, padding=1), nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(256, 512, kernel_size=3, padding=1), nn.ReLU(),
    nn.Conv2d(512, 512, kernel_size=3, padding=1), nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(512, 512, kernel_size=3, padding=1), nn.ReLU(),
    nn.Conv2d(512, 512, kernel_size=3, padding=1), nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(512, 10),
)
""",
        (1, 3, 32, 32),
        9_225_610,
        "Simonyan & Zisserman, Very Deep Convolutional Networks, 2015, table 1, configuration A",
    ),
    "context": Example(
        "Dilated context module",
        """# Seven 3x3 convolutions whose dilation grows, then a 1x1: every unit sees 67x67 pixels.
C = 21
model = nn.Sequential(
    *[layer for d in [1, 1, 2, 4, 8, 16, 1] for layer in (nn.Conv2d(C, C, 3, padding=d, dilation=d), nn.ReLU())],
    nn.Conv2d(C, C, kernel_size=1),
)
""",
        (1, 21, 64, 64),
        28_392,
        "Yu & Koltun, Multi-Scale Context Aggregation by Dilated Convolutions, 2016, table 1 (basic: 64C² weights)",
    ),
    "dcgan": Example(
        "DCGAN generator",
        """# 100 random numbers become a 64x64 picture; each transposed layer doubles the side.
model = nn.Sequential(
    nn.ConvTranspose2d(100, 512, kernel_size=4, bias=False),
    nn.BatchNorm2d(512), nn.ReLU(),
    nn.ConvTranspose2d(512, 256, kernel_size=4, stride=2, padding=1, bias=False),
    nn.BatchNorm2d(256), nn.ReLU(),
    nn.ConvTranspose2d(256, 128, kernel_size=4, stride=2, padding=1, bias=False),
    nn.BatchNorm2d(128), nn.ReLU(),
    nn.ConvTranspose2d(128, 64, kernel_size=4, stride=2, padding=1, bias=False),
    nn.BatchNorm2d(64), nn.ReLU(),
    nn.ConvTranspose2d(64, 3, kernel_size=4, stride=2, padding=1, bias=False),
    nn.Tanh(),
)
""",
        (1, 100, 1, 1),
        3_576_704,
        "Radford et al., Unsupervised Representation Learning with DCGANs, 2016, sizes of PyTorch's DCGAN tutorial",
    ),
}
