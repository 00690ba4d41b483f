"""Which input a network is meant for: what its text feeds it, else what its first layer takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from torch import nn

Shape = tuple[int, ...]

_CALLED = re.compile(r"\b(?:randn|rand|zeros|ones|empty|randint|full|\w*tensor|size|shape)\b", re.IGNORECASE)
_SIZES = re.compile(r"[(\[]\s*(\d+(?:\s*,\s*\d+)*)")
_BATCH = re.compile(r"^[(\[\s]*(?:none|batch(?:_size)?|bs|[bn]|-1|\?)\s*[,x×*]\s*", re.IGNORECASE)


def read_input(text: str) -> tuple[Shape, bool]:
    """The shape that a visitor writes, batch axis first, and whether that axis was added: `3x224x224`, `(3, 32, 32)`
    and `1, 28, 28` are sizes of one example; `torch.randn(8, 3, 32, 32)`, `torch.Size([8, 3, 32, 32])` and `N x 3 x 32
    x 32` have the axis themselves.

    Raises:
        ValueError: a sentence that says what to write.
    """
    plain = text.strip()
    whole = bool(_CALLED.search(plain))
    if batch := _BATCH.match(plain):
        plain = plain[batch.end() :]
    elif (found := _SIZES.findall(plain)) and (whole or not re.search(r"\d\s*[x×*]\s*\d", plain)):
        plain = max(reversed(found), key=lambda sizes: sizes.count(","))
    words = [word for word in re.split(r"[x×*,;\s()\[\]]+", plain.lower()) if word]
    least = 2 if batch or whole else 1
    if not least <= len(words) <= 5 or not all(w.isascii() and w.isdigit() for w in words):
        raise ValueError("write the input as channels × height × width, such as 3x224x224")
    if max(map(len, words)) > 6:
        raise ValueError("every size of the input must be below 1000000, such as 3x224x224")
    shape = tuple(int(word) for word in words)
    if min(shape) < 1:
        raise ValueError("every size of the input must be at least 1, such as 3x224x224")
    # A volume has four sizes: the first of five is the batch.
    return (shape, False) if whole or len(shape) == 5 else ((1, *shape), not batch)


def batch_sign(text: str) -> str:
    """What a visitor writes for a batch of any size, as `-1`, `N` or `None`; nothing where none is written so."""
    found = _BATCH.match(text.strip())
    return found[0].strip("([ ,x×*") if found else ""


class Inputs(NamedTuple):
    """What a visitor writes: the shapes of all tensors, batch axis first; whether that of the first was added; of each
    input, how many tensors it holds in a tuple, 0: it is one tensor."""

    shapes: tuple[Shape, ...]
    added: bool
    parts: tuple[int, ...]


def read_inputs(text: str) -> Inputs:
    """Several inputs, `3x32x32; 100` or `3x32x32, 100`; those in a tuple stand in brackets, `3x32x32; (8x9x9, 8x9x9)`.

    A comma parts sizes where nothing else does: `3, 32, 32` is one input. Where the first has its batch axis the others
    have as many examples: `2x10` after `torch.randn(2, 3, 32, 32)` is two rows. `()` or `label`, after the first, is
    one number for each example, of shape `(N,)`.

    Raises:
        ValueError: a sentence that says what to write.
    """
    written = [(piece, _in_brackets(piece)) for piece in _pieces(text)]
    first, *others = [one for piece, inside in written for one in inside or [piece]]
    shape, added = read_input(first)
    read = [((1,), True) if _LABEL.fullmatch(one) else read_input(one) for one in others]
    more = ((one if added or not bare else batched(one, shape[0])) for one, bare in read)
    return Inputs((shape, *more), added, tuple(len(inside) for _, inside in written))


def _pieces(text: str) -> list[str]:
    """What stands between semicolons, and between the commas that part inputs."""
    inside = 0
    pieces = [""]
    for sign in text:
        inside += (sign in "([") - (sign in ")]")
        parts = sign == "," and re.search(r"\d\s*[x×*]\s*\d|[)\]]\s*$", pieces[-1])
        if inside <= 0 and (sign == ";" or parts):
            pieces.append("")
        else:
            pieces[-1] += sign
    return [piece for piece in pieces if piece.strip() or len(pieces) == 1] or [""]


def _in_brackets(piece: str) -> list[str]:
    """The shapes in the brackets of `(16x8x8, 16x8x8)`; nothing where these are one shape's own."""
    plain = piece.strip()
    found = _pieces(plain[1:-1]) if plain[:1] in ("(", "[") and plain[-1:] in (")", "]") else []
    return found if len(found) > 1 else []


_LABEL = re.compile(r"\s*(?:\(\s*\)|labels?)\s*", re.IGNORECASE)


def batched(shape: Shape, examples: int) -> Shape:
    """A shape that was read with a batch axis of one, for so many examples: its own first size is the batch if it is as
    large."""
    return shape[1:] if shape[1:2] == (examples,) else (examples, *shape[1:])


_MADE = re.compile(r"\b(?:randn|rand|zeros|ones|empty)\(\s*[(\[]?\s*((?:[A-Za-z_]\w*|\d+)(?:\s*,\s*\d+)+)")
_SAID = re.compile(r"\b(?:summary|input_size|input_shape)\b[^\d\n]*?[(\[]\s*((?:\d+\s*,\s*)+\d+)")
USUAL: dict[int, tuple[Shape, ...]] = {
    1: ((128,), (1024,), (8000,), (16_000,), (48_000,)),
    2: tuple((side, side) for side in (224, 32, 28, 64, 128, 256)),
    3: ((16, 64, 64), (32, 32, 32), (64, 64, 64), (16, 112, 112)),
}
"""By the number of axes, sizes that networks are most often made for: sequences and sounds, pictures with ImageNet's
first, volumes and clips."""


def fed_by(text: str) -> Iterator[Shape]:
    """The tensors that a text makes outside its classes, and the sizes that it tells to a summary."""
    outside = _outside_classes(text)
    for found in (*_MADE.finditer(outside), *_SAID.finditer(outside)):
        sizes = _sizes(found)
        if min(sizes) > 0 and max(sizes) < 1_000_000:
            yield (1, *sizes[1:])
            whole = [sizes] if found.re is _MADE and sizes[0] > 1 else []
            # Three sizes may be one picture.
            yield from ((1, *sizes), *whole) if len(sizes) == 3 else (*whole, (1, *sizes))


def fed_together(text: str, count: int) -> tuple[Shape, ...] | None:
    """What a text gives its network of several inputs: the first so many tensors that it makes outside its classes."""
    found = [(1, *_sizes(one)[1:]) for one in _MADE.finditer(_outside_classes(text))][:count]
    return tuple(found) if len(found) == count else None


def _sizes(found: re.Match) -> Shape:
    """The sizes that stand there; a name, such as `batch_size`, is one of any size."""
    return tuple(int(one) if one.strip().isdigit() else 1 for one in found[1].split(","))


_LATENT = 64
"""Channels from which on the input of a transposed layer is taken for a latent vector."""


_ROWS: dict[str, Callable[[Any], Shape]] = {
    "Linear": lambda layer: (1, layer.in_features),
    "Embedding": lambda layer: (1, 16),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), lambda layer: (1, 16, layer.input_size)),
}
"""First layers that take no maps: what they do take."""


def likely_inputs(text: str, module: nn.Module, now: Shape) -> Iterator[Shape]:
    """Shapes, batch first, the likeliest first: tensors that the text makes outside its classes, with a batch of one
    and with the text's own (a view may hold it), sizes that it tells to a summary, what torchvision's networks were
    made for, then the channels of the first layer with the sizes of `now`, `(1, C, *spatial)`, and with usual ones.
    """
    yield from fed_by(text)
    if type(module).__module__.startswith("torchvision."):
        yield (1, 3, 224, 224)
    for layer in module.modules():
        kind = type(layer).__name__
        if kind in _ROWS:
            yield _ROWS[kind](layer)
            return
        if axes := re.fullmatch(r"(?:Lazy)?Conv(?:Transpose)?(\d)d", kind):
            channels, dims = int(layer.in_channels) or 3, int(axes[1])  # type: ignore[arg-type]
            if vector := latent(layer):
                yield vector
            if len(now) == dims + 2:
                # After a latent vector, of one place, no size is known.
                yield (1, channels, *(now[2:] if max(now[2:]) > 1 else (32,) * dims))
            for sizes in USUAL[dims]:
                yield (1, channels, *sizes)
            return


def axes_of(module: nn.Module) -> int | None:
    """How many axes of places the first layer with a window has: 2 for `Conv2d`. None where no layer has one."""
    kinds = (
        re.fullmatch(r"(?:Lazy)?(?:Conv|ConvTranspose|\w+Pool)(\d)d", type(one).__name__) for one in module.modules()
    )
    return next((int(kind[1]) for kind in kinds if kind), None)


def latent(layer: Any) -> Shape | None:
    """The latent vector that a transposed first layer enlarges, as a generator's does: many channels, or a window that
    leaves nothing out. None for another layer."""
    if not (axes := re.fullmatch(r"ConvTranspose(\d)d", type(layer).__name__)):
        return None
    plain = set(layer.stride) == {1} and not any(layer.padding)
    return (1, layer.in_channels, *(1,) * int(axes[1])) if plain or layer.in_channels >= _LATENT else None


def _outside_classes(text: str) -> str:
    """The lines that belong to no class, and to no function but one that runs the whole, such as `main`."""
    lines = text.splitlines()
    starts = [i for i, line in enumerate(lines) if line.strip() and not line[0].isspace()]
    kept = []
    for start, end in pairwise([*starts, len(lines)]):
        if not re.match(r"(class|def(?! (?:main|test\w*|demo|run)\()|async def)\b|@", lines[start]):
            kept += lines[start:end]
    return "\n".join(kept)
