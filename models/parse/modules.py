"""Real modules from what the text says: layers with checked settings, stacks, and objects of the text's own classes."""

from __future__ import annotations

import ast
import copy
import difflib
import itertools
import math
import re
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import is_parametrized

from models.parse.faults import refused_settings
from models.parse.layers import EVERY_LAYER, LAZY_LAYERS, MORE_LAYERS
from models.parse.refusals import refuse_name
from models.parse.values import Class, Function, Known, is_tensor, real_base, written_attribute
from models.parse.words import MAX_LAYERS, ParseError, is_name, quotable, quotable_sentence
from models.text import big, listed

if TYPE_CHECKING:
    from models.parse.interpreter import Interpreter

MAX_PARAMETERS = 200_000_000
MAX_DEPTH = 24
_EMPTY = nn.Sequential()
_STACKS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


class FollowsShape(nn.Module):
    """A module whose forward looks at the shape that it is given, so that it is traced for one shape."""


class Pasted(FollowsShape):
    """A network of a class in pasted text. Its layers and parameters are real; its `forward` is read, not run.

    Each class of the text is a type of its own with the text's name; `_written` is what the text says of it.
    """

    _written: Class
    _own: dict[str, Any]
    """What the text sets on `self` and torch does not register: numbers, lists, functions."""
    _others: tuple[tuple[int, ...], ...] = ()
    """The shapes of what `forward` asks for after its first tensor; none: each is given what the first is."""
    _parts: tuple[int, ...] = ()
    """Of each input, how many tensors it holds in a tuple; 0: it is a tensor. None: as the text takes them apart."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the text's `forward` answers.

        Raises:
            ParseError: a line of it is not read, or the network refuses what it is given.
            RuntimeError, ValueError: torch's own, where a shape does not fit.
        """
        if written_attribute(type(self), "forward") is None:
            if real_base(type(self)) is nn.Module:
                raise ParseError("the class has no forward(self, x).", self._written.line, self._written.name)
            return super().forward(*args, **kwargs)
        return self._written.program.forward(self, args, kwargs)

    def asks(self) -> list[str]:
        """Names of what its `forward` must be given."""
        found = written_attribute(type(self), "forward")
        return [argument.arg for argument in found[0].asks()] if found else ["input"]

    def inputs(self) -> dict[str, int]:
        """What its `forward` is given, by name: how many tensors in a tuple, or 0 for a tensor alone."""
        found = written_attribute(type(self), "forward")
        known = (taken_apart(found[0], name) if found else 0 for name in self.asks())
        return dict(zip(self.takes(), self._parts or known, strict=False))

    def takes(self) -> list[str]:
        """Names of what its `forward` may be given by place, those with defaults too."""
        found = written_attribute(type(self), "forward")
        return [one.arg for one in found[0].arguments.args][found[0].role != "static" :] if found else ["input"]

    def takes_words(self) -> bool:
        """Whether the first layer that its first input goes to is an `nn.Embedding`, here or in what that is."""
        found = written_attribute(type(self), "forward")
        body = found[0].body if found and isinstance(found[0].body, list) else []
        calls = (node for part in body for node in ast.walk(part) if isinstance(node, ast.Call))
        for call in sorted(calls, key=lambda node: (node.lineno, -node.col_offset)):
            match call:
                case ast.Call(func=ast.Attribute(value=ast.Name(), attr=name), args=[ast.Name(id=given), *_]):
                    layer = self._modules.get(name) if given == next(iter(self.takes()), None) else None
                    if layer is not None:
                        return isinstance(layer, nn.Embedding) or (isinstance(layer, Pasted) and layer.takes_words())
        return False

    def arranged(self, tensors: Sequence[Any]) -> list[Any]:
        """The tensors as its inputs, tuples among them; where there is one alone, each is the same."""
        parts = self.inputs().values()
        tensors = tensors if len(tensors) > 1 else [*tensors] * sum(max(1, part) for part in parts)
        row = iter(tensors)
        return [tuple(itertools.islice(row, part)) if part else next(row) for part in parts]

    def others(self, device: torch.device) -> list[torch.Tensor]:
        """Tensors without numbers after the first."""
        return [torch.zeros((), device=device).expand(shape) for shape in self._others]


def taken_apart(function: Function, name: str) -> int:
    """Into how many values a function takes an argument apart, `h, c = state`, while it is what was given; 0: none."""
    rows = [function.body] if isinstance(function.body, list) else []
    for row in rows:
        for node in row:
            if isinstance(node, ast.If):
                rows += [node.body, node.orelse]
            elif isinstance(node, ast.Assign):
                stores = [part for part in node.targets if isinstance(part, (ast.Tuple, ast.List))]
                if isinstance(node.value, ast.Name) and node.value.id == name and stores:
                    return 0 if any(isinstance(one, ast.Starred) for one in stores[0].elts) else len(stores[0].elts)
                if any(isinstance(one, ast.Name) and one.id == name for part in node.targets for one in ast.walk(part)):
                    break
    return 0


def line_of(module: nn.Module) -> int:
    """The line of the pasted text in which a layer is made; 0: none."""
    return module.__dict__.get("_line", 0)


def operands_at(module: nn.Module, line: int) -> tuple[str, ...]:
    """What the text writes on both sides of the only sum, product or the like in a line of a module's class; empty
    where there is not exactly one, or no text."""
    cls = getattr(type(module), "_written", None)
    found: list[tuple[ast.expr, ast.expr]] = []
    for function in cls.attributes.values() if cls else ():
        for part in function.body if isinstance(function, Function) and isinstance(function.body, list) else ():
            for node in ast.walk(part):
                if isinstance(node, ast.BinOp) and node.lineno == line:
                    found.append((node.left, node.right))
                elif isinstance(node, ast.AugAssign) and node.lineno == line:
                    found.append((node.target, node.value))
    return tuple(map(ast.unparse, found[0])) if len(found) == 1 else ()


def notes_of(module: nn.Module, fitting: Iterable[tuple[int, ...]] | None = None) -> tuple[str, ...]:
    """What is to be said of how a network was read. `fitting`: shapes that its inputs may have, batch first, if such
    are known."""
    notes = module.__dict__.get("_notes", ())
    return (*notes, *([told] if (told := inputs_told(module, fitting)) else ()))


def inputs_told(module: nn.Module, fitting: Iterable[tuple[int, ...]] | None = None) -> str:
    """How a network is given its inputs, and how others are written; nothing where it asks for one tensor."""
    if not isinstance(module, Pasted) or not (len(asked := module.inputs()) > 1 or any(asked.values())):
        return ""
    if module._others:
        told = f"{next(iter(asked))} is given the first input, and so on" if len(asked) > 1 else "it is given these"
    else:
        known = fitting is not None or any(asked.values())
        how = f", as {inputs_as_written(asked, fitting)}" if known else ", with a semicolon between them"
        told = f"each is given this input; where theirs differ, write one for each{how}"
    return f"forward asks for {_listed(asked)}: {told}."


def _listed(asked: Mapping[str, int]) -> str:
    """`x and state, a tuple of 2`."""
    return listed([f"{name}, a tuple of {part}," if part else name for name, part in asked.items()], "and").rstrip(",")


def inputs_as_written(asked: Mapping[str, int], shapes: Iterable[tuple[int, ...]] | None = None) -> str:
    """Inputs as they are written, of which those in a tuple stand in brackets; of these shapes, batch first, if such
    are given."""
    shapes = itertools.chain([(1, 3, 32, 32)], itertools.repeat((1, 16, 32, 32))) if shapes is None else shapes
    sizes = ("x".join(map(str, one[1:])) or "()" for one in shapes)
    each = [[next(sizes) for _ in range(max(1, part))] for part in asked.values()]
    return "; ".join(f"({', '.join(one)})" if part else one[0] for one, part in zip(each, asked.values(), strict=True))


def give_others(module: nn.Module, shapes: Sequence[tuple[int, ...]], parts: Sequence[int] = ()) -> None:
    """Tell a network the shapes of its tensors after the first, batch axis included.

    Args:
        parts: of each input, how many tensors it holds in a tuple, 0: it is one tensor. None: as the text takes its
            inputs apart; one shape for an input that it takes apart is that of each part.

    Raises:
        ValueError: it asks for another number of inputs; a sentence.
    """
    asked = module.inputs() if isinstance(module, Pasted) else {"x": 0}
    known, most = tuple(asked.values()), len(module.takes()) if isinstance(module, Pasted) else 1
    given = len(parts) if any(parts) else 1 + len(shapes)
    if not any(parts) or (tuple(parts) == (len(asked),) and not any(known)):
        # What stands in one pair of brackets may be the inputs themselves.
        parts = (*known, *(0,) * (given - len(known))) if len(known) < given <= most else known
        if given == len(known) and not known[0]:
            shapes = [one for one, part in zip(shapes, known[1:], strict=True) for _ in range(max(1, part))]
    fits = len(asked) <= len(parts) <= most and 1 + len(shapes) == sum(max(1, part) for part in parts)
    if shapes and not fits:
        inputs = f"{len(asked)} inputs" if len(asked) > 1 else "one input"
        told = f"write them as {inputs_as_written(asked)}" if any(known) else f"write {inputs}, not {given}"
        raise ValueError(f"forward asks for {_listed(asked)}: {told}")
    module.__dict__["_others"], module.__dict__["_parts"] = tuple(shapes), tuple(parts) if shapes else ()


def settings_of(it: Interpreter, name: str, args: list[Any], settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of a layer, each checked against its rule."""
    schema, line = EVERY_LAYER[name], it.line
    if len(args) > len(schema.positional):
        takes = f"takes {', '.join(schema.positional)}" if schema.positional else "takes nothing"
        raise ParseError(f"nn.{name} got {len(args)} values, but {takes}.", line, name)
    given = dict(zip(schema.positional, args, strict=False))
    for setting, value in settings.items():
        if it.printed and name.startswith("Upsampling") and setting == "mode":
            continue
        if setting not in schema.rules:
            close = difflib.get_close_matches(setting, schema.rules, n=1)
            hint = f"did you mean {close[0]}?" if close else f"it takes {', '.join(schema.rules) or 'nothing'}."
            raise ParseError(f'nn.{name} has no setting "{quotable(setting)}" that is read here; {hint}', line, name)
        if setting in given:
            raise ParseError(f"nn.{name} is given {setting} twice.", line, name)
        given[setting] = value
    missing = [each for each in schema.required if each not in given]
    if missing:
        raise ParseError(f"nn.{name} needs {' and '.join(missing)}.", line, name)
    for setting, value in given.items():
        given[setting] = value = tuple(value) if isinstance(value, list) else value
        wanted = schema.rules[setting](value)
        if setting == "return_indices" and it.script:
            wanted = None if isinstance(value, bool) else "True or False"
        if wanted and not (value is None and schema.defaults[setting] is None):
            whole = isinstance(value, float) and value.is_integer() and "whole" in wanted
            hint = " (// divides to a whole number)" if whole else ""
            raise ParseError(
                f"nn.{name} has {setting}={shown(value)}, but {setting} must be {wanted}{hint}.", line, name
            )
    return given


def make_layer(it: Interpreter, name: str, args: list[Any], settings: dict[str, Any], into: Any = None) -> nn.Module:
    """A layer of torch; `into`: an object of a class of the text that is such a layer."""
    if name in MORE_LAYERS and not it.script:
        raise ParseError(
            f"nn.{name} takes or gives more than one tensor; paste the class whose forward uses it.", it.line, name
        )
    given = settings_of(it, name, args, settings)
    schema = EVERY_LAYER[name]
    try:
        if into is None:
            with warnings.catch_warnings():
                if name in LAZY_LAYERS:
                    warnings.filterwarnings("ignore", "Initializing zero-element")
                module = schema.cls(**given)
        else:
            schema.cls.__init__(into, **given)
            module = into
    except Exception as error:  # constructors refuse with whatever they like, AssertionError and KeyError included
        if said := refused_settings(name, given):
            raise ParseError(f"{said}.", it.line, name) from None
        raise ParseError(
            f"nn.{name} does not take these settings together: {quotable_sentence(str(error))}.", it.line, name
        ) from None
    return made(it, module, f"nn.{name}", name)


def made(it: Interpreter, module: nn.Module, called: str, name: str) -> nn.Module:
    """A new module, counted and marked with its line."""
    module.__dict__["_line"] = it.line
    it.spend(100)
    it.count(sum(math.prod(t.shape) for t in [*module.parameters(), *module.buffers()] if not is_lazy(t)), called, name)
    return module


def over(called: str, line: int, name: str) -> ParseError:
    """The sentence for a network that is too large."""
    return ParseError(
        f"with this {called} the network passes {big(MAX_PARAMETERS)} parameters, which is the limit here; "
        "use fewer channels or features.",
        line,
        name,
    )


# --- stacks ----------------------------------------------------------------------------------------------------------


def make_stack(it: Interpreter, kind: str, items: list[Any], into: Any = None, spread: bool = False) -> Any:
    """`nn.Sequential` or `nn.ModuleList`. `items`: layers, one OrderedDict, pairs, triples of a printout.

    spread: lists among them are laid out, as at the end of a text that is a list of layers.
    """
    children: list[tuple[str, Any]] = []
    if len(items) == 1 and isinstance(items[0], OrderedDict):
        children = list(items[0].items())
    elif len(items) == 1 and isinstance(items[0], (list, tuple)) and items[0] and all(map(_is_pair, items[0])):
        children = list(items[0])
    else:
        for item in items:
            if it.printed and is_triple(item):
                children += _copies(it, *item)
            elif spread and isinstance(item, (list, tuple)):
                children += [(str(len(children) + offset), each) for offset, each in enumerate(item)]
            else:
                children.append((str(len(children)), item))
    stack: Any = into if into is not None else (nn.Sequential() if kind == "Sequential" else nn.ModuleList())
    if into is None:
        stack.__dict__["_line"] = it.line
    for name, child in children:
        check_child(it, stack, name)
        if not isinstance(child, nn.Module):
            hint = "; put * before the list" if isinstance(child, (list, tuple)) else ""
            where = "this text" if spread else f"nn.{kind}"
            if isinstance(child, (Function, Known)):
                called = quotable(child.name)
                raise ParseError(
                    f"{where} holds {called}, a function; write a layer, such as nn.ReLU(), or a class with a forward.",
                    it.line,
                    child.name,
                )
            raise ParseError(f"{where} holds something that is not a layer{hint}.", it.line, "Sequential")
        if isinstance(child, nn.ModuleList) and kind == "Sequential" and not (spread and len(children) == 1):
            raise ParseError(
                "nn.ModuleList does not run by itself; put * before it, or use nn.Sequential.",
                line_of(child),
                "ModuleList",
            )
        stack.add_module(name, child)
    it.spend(100 + 10 * len(children))
    check_size(it, stack)
    return stack


IN_ORDER = (
    "A printout does not hold forward: the layers are taken in the order in which they are printed, with a Flatten "
    "before the first linear layer; functions and additions that forward calls are missing. Paste the class for them."
)


_ANY_SHAPE = """
Identity Dropout AlphaDropout ReLU ReLU6 RReLU LeakyReLU PReLU ELU SELU CELU GELU SiLU Mish Sigmoid LogSigmoid Tanh
Tanhshrink Hardtanh Hardswish Hardsigmoid Hardshrink Softshrink Softplus Softsign Threshold
"""


def in_printed_order(it: Interpreter, *items: Any, name: str, line: int) -> nn.Module:
    """A class of the visitor's own in a printout: its children one after the other, which is a guess."""
    children: list[tuple[str, Any, int]] = []
    came, flat = "", False
    for item in items:
        path, child, copies = item if is_triple(item) else ("", None, 1)
        if isinstance(child, nn.ModuleList):
            child = make_stack(it, "Sequential", [(f"{at}", one, 1) for at, one in enumerate(child)])
        kinds = [type(part).__name__ for part in child.modules() if not part._modules] if child is not None else []
        # What takes any shape says nothing of the shape that arrives.
        kinds = [kind for kind in kinds if kind not in _ANY_SHAPE.split()]
        # Pooling to one place inside of a block is likely a gate, whose answer is multiplied with what came in.
        gate = child is not None and guess_of(child) and any("Adaptive" in kind for kind in kinds)
        if child is None or gate:
            raise refuse_name(name, line, it.printed, it.script)
        if kinds[:1] == ["Linear"] and came not in ("", "Flatten", "Linear") and not flat:
            children.append(("flatten", nn.Flatten(), 1))
            flat = True
        came = kinds[-1] if kinds else came
        children.append((path, child, copies))
    if not children:
        raise refuse_name(name, line, it.printed, it.script)
    stack = make_stack(it, "Sequential", children)
    stack.__dict__["_guess"] = "printed"
    it.notes[IN_ORDER] = None
    return stack


def guess_of(module: nn.Module) -> str:
    """Where a network's layers stand in the order of a printout or of lines without forward, which do not say how they
    run: `printed` or `written`; nothing elsewhere."""
    return next((part.__dict__["_guess"] for part in module.modules() if "_guess" in part.__dict__), "")


def _is_pair(item: object) -> bool:
    return isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)


def is_triple(item: object) -> bool:
    """A child of a printout: name, layer, how many."""
    return isinstance(item, tuple) and len(item) == 3 and isinstance(item[0], str) and isinstance(item[1], nn.Module)


def check_child(it: Interpreter, stack: Any, name: str) -> None:
    """Refuse a name that torch does not take for a child."""
    if not isinstance(name, str) or name in stack._modules or hasattr(_EMPTY, name) or not _can_name(name):
        raise ParseError(
            f'"{quotable(str(name))}" cannot name a layer: it is taken, empty or has signs in it.', it.line, str(name)
        )


def _can_name(name: str) -> bool:
    """torch.fx writes these names into code of its own, so there is nothing in them but letters, digits and dashes."""
    return bool(re.fullmatch(r"[\w\- ]+", name, re.ASCII)) or is_name(name)


def _copies(it: Interpreter, name: str, child: nn.Module, copies: int) -> list[tuple[str, nn.Module]]:
    """The children that one printed line stands for: `(3-5): 3 x Conv2d(...)` are three layers of their own."""
    if copies == 1:
        return [(name, child)]
    leaves = it.sizes[id(child)][0] if id(child) in it.sizes else 1
    if not re.fullmatch(r"\d+-\d+", name) or copies * leaves > MAX_LAYERS:
        raise ParseError(
            f'"{copies} x" here asks for more layers than are read or than its numbers say.', it.line, name
        )
    first = int(name.split("-")[0])
    it.spend(copies * leaves * 100)
    found = [(str(first), child)]
    for number in range(1, copies):
        twin = copy.deepcopy(child)
        for part in twin.modules():
            if isinstance(part, nn.Module) and hasattr(part, "reset_parameters"):
                part.reset_parameters()  # pyright: ignore[reportCallIssue]
        it.count(sum(p.numel() for p in twin.parameters()), "repetition", name)
        check_size(it, twin, deep=True)
        found.append((str(first + number), twin))
    return found


def check_size(it: Interpreter, module: nn.Module, deep: bool = False) -> None:
    """Refuse what holds too many layers or nests too deeply: a layer that stands in two places counts twice."""
    if deep:
        for child in module._modules.values():
            if child is not None and child._modules:
                check_size(it, child, deep=True)
    sizes = [it.sizes.get(id(child), (1, 0)) for child in module._modules.values() if child is not None]
    # An empty stack counts too: doubling nothing twenty times is still a million stacks.
    leaves, depth = sum(size for size, _ in sizes) or 1, 1 + max((deep for _, deep in sizes), default=0)
    it.sizes[id(module)] = leaves, depth
    it.alive.append(module)
    name = type(module).__name__
    if leaves > MAX_LAYERS:
        raise ParseError(f"this network has more than {MAX_LAYERS} layers, which is the limit here.", it.line, name)
    if depth > MAX_DEPTH:
        raise ParseError(
            f"{name_of(module)} is nested deeper than {MAX_DEPTH}, which is the limit here.", it.line, name
        )


def name_of(module: nn.Module) -> str:
    """`nn.Sequential`, or the name of the text's own class."""
    return type(module).__name__ if isinstance(module, Pasted) else f"nn.{type(module).__name__}"


# --- attributes ------------------------------------------------------------------------------------------------------


def check_ready(it: Interpreter, module: nn.Module) -> None:
    if "_modules" not in module.__dict__:
        raise ParseError(
            "layers are assigned before super().__init__() was called; make it the first line of __init__.",
            it.line,
            "super",
        )


def set_attribute(it: Interpreter, module: nn.Module, name: str, value: Any) -> None:
    """`module.name = value` as torch does it: layers and parameters are registered."""
    own: dict[str, Any] | None = module.__dict__.get("_own")
    if name.startswith("__"):
        raise ParseError(f'nothing can be assigned to "{quotable(name)}".', it.line, name)
    if isinstance(value, nn.Module):
        check_ready(it, module)
        if own is None and name not in module._modules and not isinstance(module, _STACKS):
            raise ParseError(
                f'{name_of(module)} has no layer "{quotable(name)}" to replace; it has '
                f"{', '.join(list(module._modules)[:8]) or 'none'}.",
                it.line,
                name,
            )
        if name not in module._modules and hasattr(_EMPTY, name):
            raise ParseError(f'"{quotable(name)}" cannot name a layer: torch uses that name itself.', it.line, name)
        if any(part is module for part in value.modules()):
            raise ParseError("a network cannot hold itself.", it.line, name)
        _forget(module, name)
        module._modules[name] = value
        it.spend(20)
        return
    if isinstance(value, nn.Parameter):
        check_ready(it, module)
        if name not in module._parameters and hasattr(_EMPTY, name):
            raise ParseError(f'"{quotable(name)}" cannot name a parameter: torch uses that name itself.', it.line, name)
        _forget(module, name)
        module._parameters[name] = value
        return
    if "_modules" in module.__dict__:
        if name in module._buffers and (value is None or isinstance(value, torch.Tensor)):
            module._buffers[name] = value
            return
        for registered, kind in ((module._modules, "layer"), (module._parameters, "parameter")):
            if name in registered:
                if value is not None:
                    raise ParseError(f'"{quotable(name)}" is a {kind} and cannot become something else.', it.line, name)
                registered[name] = None
                return
    if own is None:
        if name == "requires_grad":
            return
        raise ParseError(f'"{quotable(name)}" of {name_of(module)} cannot be set here.', it.line, name)
    if name == "training":
        raise ParseError('"training" is set by .eval() and .train().', it.line, name)
    own[name] = value


def _forget(module: nn.Module, name: str) -> None:
    for names in (module.__dict__.get("_own"), module._modules, module._parameters, module._buffers):
        if names is not None:
            names.pop(name, None)


_PLAIN = (bool, int, float, str, tuple, type(None))


def registered(module: nn.Module, name: str) -> tuple[bool, Any]:
    """Whether a module has this layer, parameter, buffer or plain setting, and which."""
    inside = module.__dict__
    if "_modules" in inside and (name in module._modules or name in module._parameters or name in module._buffers):
        if getattr(type(module), name, None) is not None:
            # torch's own attribute of that name hides it.
            own = (module._modules, module._parameters, module._buffers)
            return True, next(names[name] for names in own if name in names)
        return True, module.__getattr__(name)
    if not name.startswith("_") and name in inside and isinstance(inside[name], (*_PLAIN, torch.Tensor)):
        return True, inside[name]
    if is_parametrized(module, name):
        return True, getattr(module, name)
    return False, None


def missing(it: Interpreter, module: nn.Module, name: str) -> ParseError:
    own = module.__dict__.get("_own", {})
    there = [*own, *module.__dict__.get("_modules", {}), *module.__dict__.get("_parameters", {})]
    close = difflib.get_close_matches(name, there, n=1)
    hint = f"did you mean self.{close[0]}?" if close else "assign it in __init__ before it is used."
    if own is not None and not isinstance(module, Pasted):
        hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(there[:8]) or 'no parts'}."
    return ParseError(f'{name_of(module)} has no "{quotable(name)}" that is read here; {hint}', it.line, name)


def module_list(it: Interpreter, items: Any, into: Any = None) -> nn.ModuleList:
    if isinstance(items, nn.Module):
        items = list(items.children())
    if not isinstance(items, list | tuple):
        raise ParseError("nn.ModuleList takes one list of layers.", it.line, "ModuleList")
    return make_stack(it, "ModuleList", list(items), into)


def register_lists(it: Interpreter, network: nn.Module) -> None:
    """Layers in a plain list, tuple or dictionary of a module, which torch passes over, become parts of it."""
    known, row, seen = {id(part) for part in network.modules()}, list(network.modules()), set()

    def layers_in(value: Any) -> Iterator[nn.Module]:
        if isinstance(value, nn.Module):
            yield value
        elif isinstance(value, (list, tuple, dict)) and id(value) not in seen:
            seen.add(id(value))
            for one in value.values() if isinstance(value, dict) else value:
                yield from layers_in(one)

    while row:
        part = row.pop()
        for name, value in list(part.__dict__.get("_own", {}).items()):
            loose = [layer for layer in layers_in(value) if id(layer) not in known]
            if not loose:
                continue
            stack = make_stack(it, "ModuleList", loose)
            part._modules[f"{name}_" if hasattr(_EMPTY, name) or not _can_name(name) else name] = stack
            inside = [one for one in stack.modules() if id(one) not in known]
            known.update(map(id, inside))
            row += inside
            if any(True for _ in stack.parameters()):
                kind = type(value).__name__
                it.notes[
                    f"self.{name} is a plain {kind} (line {line_of(loose[0])}), so its weights are in no parameters() "
                    f"and are not trained: use nn.Module{'Dict' if kind == 'dict' else 'List'}; here they are counted."
                ] = None
    check_size(it, network, deep=True)


def module_dict(it: Interpreter, items: Any, into: Any = None) -> nn.ModuleDict:
    stack: Any = into if into is not None else nn.ModuleDict()
    stack.__dict__.setdefault("_line", it.line)
    add_named(it, stack, items)
    check_size(it, stack)
    return stack


def add_named(it: Interpreter, stack: nn.Module, items: Any) -> None:
    if isinstance(items, nn.ModuleDict):
        items = dict(items.items())
    pairs = list(items.items()) if isinstance(items, dict) else items
    if not isinstance(pairs, (list, tuple)) or not all(isinstance(p, tuple | list) and len(p) == 2 for p in pairs):
        raise ParseError(
            'nn.ModuleDict takes a dictionary such as {"conv": nn.Conv2d(3, 8, 3)}.', it.line, "ModuleDict"
        )
    for name, child in pairs:
        if not isinstance(child, nn.Module):
            raise ParseError("nn.ModuleDict holds something that is not a layer.", it.line, "ModuleDict")
        add_child(it, stack, name, child)


def add_child(it: Interpreter, module: nn.Module, name: Any, child: Any) -> None:
    """`add_module`, `append`, `insert`."""
    check_ready(it, module)
    if child is not None and not isinstance(child, nn.Module):
        raise ParseError("only a layer can be added to a network.", it.line, str(name))
    if not isinstance(name, str) or not _can_name(name) or (hasattr(_EMPTY, name) and name not in module._modules):
        raise ParseError(
            f'"{quotable(str(name))}" cannot name a layer: it is taken, empty or has signs in it.', it.line, str(name)
        )
    if child is not None and any(part is module for part in child.modules()):
        raise ParseError("a network cannot hold itself.", it.line, name)
    _forget(module, name)
    module._modules[name] = child
    it.spend(20)
    if isinstance(module, _STACKS):
        check_size(it, module)


def parameter(it: Interpreter, tensor: Any, requires_grad: bool = True) -> nn.Parameter:
    if not isinstance(tensor, torch.Tensor):
        raise ParseError("nn.Parameter takes a tensor, such as torch.zeros(64).", it.line, "Parameter")
    there = tensor.detach().to(it.device)
    return nn.Parameter(there, bool(requires_grad) and there.is_floating_point())


def shown(value: object) -> str:
    """A value in a sentence."""
    if isinstance(value, tuple):
        return (
            f"a tuple of {len(value)}"
            if len(value) > 6 or any(isinstance(v, (tuple, list)) for v in value)
            else ("(" + ", ".join(map(shown, value)) + ("," if len(value) == 1 else "") + ")")
        )
    if isinstance(value, nn.Module):
        return "a layer"
    if is_tensor(value):
        return "a tensor"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return quotable(repr(value)) if isinstance(value, _PLAIN) else f"a {type(value).__name__.lower()}"
