"""What each operation does to the fields of the tensors that go through it: one small reader per operation.

A reader gets a `Value`, a tensor without its numbers, and answers with another. Readers are found by torch class
(`MODULES`) or by function name (`FUNCTIONS`). One that cannot follow an operation raises `Unfollowed`: better no field
than a wrong one. `windows` and `layout` hold the readers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import torch

from models.errors import ReceptiveFieldError
from models.receptive_field import axis as rf_axis
from models.receptive_field.axis import Axis


class Value(NamedTuple):
    """A tensor inside the network, without its numbers.

    `dims`: per tensor axis its factors `(length, image axis or None)`, so that `flatten` and its undoing can be
    followed. `axes`: the fields along each axis of the image. An image axis that no factor names has been summed over.
    """

    dims: tuple[tuple[tuple[int, int | None], ...], ...]
    axes: tuple[Axis, ...]

    @property
    def shape(self) -> torch.Size:
        return torch.Size([prod(size for size, _ in dim) for dim in self.dims])

    @property
    def is_map(self) -> bool:
        """Each image axis still has a tensor axis of its own."""
        return sum(len(d) == 1 and d[0][1] is not None for d in self.dims) == len(self.axes)


class Lost(NamedTuple):
    """A tensor whose place in the image cannot be followed, and why."""

    reason: str


class Unfollowed(Exception):
    """Raised by a reader that cannot follow an operation; becomes `Lost`."""


MODULES: dict[type, Callable[..., Any]] = {}

FUNCTIONS: dict[str, Callable[..., Any]] = {}


def module_reader(*classes: type):
    def register(reader):
        for kind in classes:
            MODULES[kind] = reader
        return reader

    return register


def function_reader(*names: str):
    def register(reader):
        for name in " ".join(names).split():
            FUNCTIONS[name] = reader
        return reader

    return register


def same_as(function: str, settings: str, *classes: type) -> None:
    """Read modules as the function that they call, with these of their settings behind the tensor."""
    names, reader = settings.split(), FUNCTIONS[function]
    for kind in classes:
        MODULES[kind] = lambda r, m, x: reader(r, x, *(getattr(m, name) for name in names))


def per_axis(value: Any, dims: int) -> tuple[int, ...]:
    if isinstance(value, (tuple, list)):
        return tuple(int(v) for v in value) if value[1:] else (int(value[0]),) * dims
    return (int(value),) * dims


class Reader:
    """What readers share: the name of the current layer, its settings, and what is worth a note."""

    def __init__(self) -> None:
        self.name = self.kind = ""
        self.settings: dict[str, tuple[int, ...]] = {}
        self.events: dict[str, tuple[str, ...]] = {}

    def note(self, event: str) -> None:
        if self.name not in self.events.get(event, ()):
            self.events[event] = (*self.events.get(event, ()), self.name)

    def refuse(self, sentence: str) -> ReceptiveFieldError:
        return ReceptiveFieldError(f"{self.name!r} ({self.kind}): {sentence}")

    def window(self, value: Value, dims: int, op: Callable[[int, int], rf_axis.Op], channels=None) -> Value:
        """Replace each of the last `dims` tensor axes by what `op(k, length)` makes of it."""
        rank = len(value.dims)
        if rank != dims + 2:
            raise self.refuse(
                f"it wants {dims + 2} axes (batch, channels, {dims} spatial) and gets shape {list(value.shape)}."
            )
        new, axes = list(value.dims), list(value.axes)
        done: dict[tuple, Axis] = {}
        for k in range(dims):
            at = rank - dims + k
            if len(new[at]) != 1:
                raise Unfollowed("it slides over positions that were merged into one axis")
            (length, axis), *_ = new[at]
            step = op(k, length)
            if step.out < 1:
                raise self.refuse(self._too_small(k, length))
            new[at] = ((step.out, axis),)
            if axis is not None:
                key = (axes[axis], step)  # a square kernel on a square map is worked out once
                if key not in done:
                    done[key] = rf_axis.apply(step, axes[axis])
                axes[axis] = done[key]
        if channels is not None:
            wanted, got = channels[0], value.shape[1]
            if any(axis is not None for _, axis in value.dims[1]):
                raise Unfollowed("it mixes positions that were moved into its channels")
            if got != wanted:
                raise self.refuse(f"it wants {wanted} channels and gets {got}.")
            new[1] = ((channels[1], None),)
        return Value(tuple(new), tuple(axes))

    def _too_small(self, k: int, length: int) -> str:
        s = self.settings
        if "kernel_size" not in s:
            return f"nothing is left of a map of length {length} (axis {k})."
        span = s.get("dilation", (1,) * (k + 1))[k] * (s["kernel_size"][k] - 1) + 1
        return (
            f"its window spans {span}, which does not fit on a map of length {length} with padding {s['padding'][k]} "
            f"(axis {k}). Take a larger image, more padding or a smaller kernel."
        )

    def mix(self, value: Value, dims: Sequence[int]) -> Value:
        """Each position along `dims` keeps its place and sees all others (softmax, normalisation, attention)."""
        return self.reduce(value, {axis for d in dims for _, axis in value.dims[d] if axis is not None}, True)

    def reduce(self, value: Value, axes: set[int], keep: bool) -> Value:
        axes = {i for i in axes if value.axes[i].n > 1}  # a single unit is not mixed with anything
        if not axes:
            return value
        self.note("everything")
        new = [rf_axis.whole(a, a.n if keep else 1, keep) if i in axes else a for i, a in enumerate(value.axes)]
        return value._replace(axes=tuple(new))

    def collapse(self, value: Value, dims: Sequence[int], keepdim: bool) -> Value:
        """Sum (mean, maximum, …) over tensor axes."""
        rank = len(value.dims)
        gone = {d % rank for d in dims}
        value = self.reduce(value, {axis for d in gone for _, axis in value.dims[d] if axis is not None}, False)
        new = [((1, None),) if d in gone else dim for d, dim in enumerate(value.dims) if keepdim or d not in gone]
        return value._replace(dims=tuple(new))

    def combine(self, values: Sequence[Value], stack: int | None = None) -> Value:
        """Broadcast values together; `stack`: lay them end to end along that tensor axis instead."""
        rank = max(len(v.dims) for v in values)
        padded = [((((1, None),),) * (rank - len(v.dims))) + v.dims for v in values]
        dims = []
        for d in range(rank):
            if d == stack:
                dims.append(self._stack([p[d] for p in padded]))
                continue
            wide = [p[d] for p in padded if prod(s for s, _ in p[d]) > 1] or [p[d] for p in padded]
            if len({prod(s for s, _ in w) for w in wide}) > 1:
                shapes = " and ".join(str(list(v.shape)) for v in values)
                raise self.refuse(
                    f"its inputs do not fit together: shapes {shapes}. Make the branches give the same size."
                )
            placed = [w for w in wide if any(axis is not None for _, axis in w)] or wide[:1]
            if any(w != placed[0] for w in placed):
                raise Unfollowed("it joins tensors whose positions are laid out differently")
            dims.append(placed[0])
        lengths = {axis: size for dim in dims for size, axis in dim if axis is not None}
        along = [axis for _, axis in dims[stack] if axis is not None] if stack is not None else []
        axes = []
        for i in range(len(values[0].axes)):
            parts = [v.axes[i] for v in values]
            if i in along:
                axes.append(rf_axis.concatenate(parts))
                self.note("unaligned")
                continue
            joined = rf_axis.join(parts, lengths.get(i, 1))
            if not joined.aligned and all(p.aligned for p in parts):
                self.note("unaligned")
            axes.append(joined)
        return Value(tuple(dims), tuple(axes))

    def _stack(self, parts):
        axes = {tuple(axis for _, axis in p if axis is not None) for p in parts}
        total = sum(prod(s for s, _ in p) for p in parts)
        if axes == {()}:
            return ((total, None),)
        if all(len(p) == 1 for p in parts) and len(axes) == 1:
            return ((total, parts[0][0][1]),)
        raise Unfollowed("it lays positions of the image and other things end to end")

    def regroup(self, value: Value, sizes: Sequence[int]) -> Value:
        """`view` and `reshape`: cut the row of factors anew."""
        total, known = prod(value.shape), prod(s for s in sizes if s != -1)
        sizes = [total // known if s == -1 else int(s) for s in sizes]
        if prod(sizes) != total:
            raise self.refuse(
                f"{total} numbers of shape {list(value.shape)} cannot take the shape {sizes}. Does the image have "
                "another size than the network was made for?"
            )
        factors = [f for dim in value.dims for f in dim if f != (1, None)]
        dims = []
        for j, want in enumerate(sizes):
            group: list[tuple[int, int | None]] = []
            have = 1
            while factors:
                size, axis = factors[0]
                if have == want and (size > 1 or (group and 1 in sizes[j + 1 :])):
                    break
                if want % (have * size) == 0:
                    group.append(factors.pop(0))
                    have *= size
                elif axis is None and size % (want // have) == 0:
                    group.append((want // have, None))
                    factors[0] = (size // (want // have), None)
                    have = want
                else:
                    raise Unfollowed("it cuts the map into pieces")
            if have != want:
                raise Unfollowed("it cuts the map into pieces")
            dims.append(tuple(group) or ((1, None),))
        if factors:
            dims[-1] = (*dims[-1], *factors)
        return value._replace(dims=tuple(dims))
