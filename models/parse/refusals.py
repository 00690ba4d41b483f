"""Sentences for what the interpreter does not know: the word, and what to write instead."""

from __future__ import annotations

import ast
import difflib

from torch import nn

from models.parse.functions import TABLE, instead
from models.parse.layers import EVERY_LAYER, LAYER_KINDS, LAYERS, MORE_LAYERS
from models.parse.words import ALLOWED, ParseError, quotable

_NODE_WORDS: dict[type[ast.AST], tuple[str, str]] = {
    ast.AsyncFunctionDef: ("async", "write a plain def"),
    ast.AsyncFor: ("async", "write a plain for"),
    ast.AsyncWith: ("async", "write a plain with"),
    ast.Await: ("await", "call the function itself"),
    ast.Yield: ("yield", "return a list"),
    ast.YieldFrom: ("yield", "return a list"),
    ast.Global: ("global", "hand the value over as an argument"),
    ast.Nonlocal: ("nonlocal", "hand the value over as an argument"),
    ast.Try: ("try", "write the path that is taken"),
    ast.TryStar: ("try", "write the path that is taken"),
    ast.Match: ("match", "write if and elif"),
    ast.Set: ("a set", "write a list"),
    ast.Delete: ("del", "leave it out"),
    ast.Starred: ("a star in this place", "put it into a list or a call"),
    ast.Constant: ("this value", "write a number or a text"),
}


def refuse_node(node: ast.AST) -> ParseError:
    """A kind of statement or expression that is not read."""
    word, better = _NODE_WORDS.get(type(node), (type(node).__name__.lower(), f"allowed are {ALLOWED}"))
    name = repr(node.value) if isinstance(node, ast.Constant) else word
    return ParseError(f'"{word}" is not read here; {better}.', getattr(node, "lineno", 0), name)


def without_brackets(name: str, line: int) -> ParseError:
    """A class of layers where a layer should stand."""
    schema = EVERY_LAYER.get(name)
    needs = ", ".join(schema.required) if schema else "..."
    return ParseError(f"nn.{name} stands without brackets; write nn.{name}({needs}).", line, name)


def refuse_name(name: str, line: int, printed: bool, script: bool, path: str = "") -> ParseError:
    """A name that stands for nothing, bare or behind `path`."""
    if path == "torch.nn.functional":
        close = difflib.get_close_matches(name, [p.rpartition(".")[2] for p in TABLE if p.startswith(path)], n=1)
        hint = f"did you mean F.{close[0]}?" if close else f"{instead(name)}."
        return ParseError(f'"F.{quotable(name)}" is not read here; {hint}', line, name)
    if printed and name[:1].isupper() and not hasattr(nn, name):
        return ParseError(
            f'"{quotable(name)}" is a class of its own, whose printout does not say how its layers run; '
            "paste the class itself, or a printed Sequential.",
            line,
            name,
        )
    if path == "torch.nn" and f"torch.nn.functional.{name}" in TABLE:
        told = f'"nn.{quotable(name)}" is no layer; the function is F.{name}, with import torch.nn.functional as F.'
        return ParseError(told, line, name)
    layers = [*LAYERS, "Sequential", *(MORE_LAYERS if script else ())]
    close = [each for each in LAYERS if each.lower() == name.lower()] or (
        difflib.get_close_matches(name, layers, n=1) if name[:1].isupper() or path else []
    )
    if path or (close and name[:1].isupper()):
        hint = f"; did you mean nn.{close[0]}?" if close else f"; allowed are {LAYER_KINDS} of torch.nn."
        return ParseError(f'"{quotable(name)}" is not a layer that is read here{hint}', line, name)
    better = "if it is a class of your own, paste it too" if name[:1].isupper() else f"allowed are {ALLOWED}"
    return ParseError(f'the name "{quotable(name)}" is not known here; {better}.', line, name)


def spelled(node: ast.expr) -> str:
    """The last name of what is called or read."""
    while isinstance(node, (ast.Call, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return getattr(node, "attr", None) or getattr(node, "id", None) or type(node).__name__
