"""What can be asked of a map: size, jump, start and boxes of its units' receptive fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import floor
from typing import Any, NamedTuple

import numpy as np

from models.receptive_field.axis import NOTHING, Axis, Rule
from models.receptive_field.probe import MeasuredField
from models.receptive_field.reader import Lost, ReceptiveFieldError, Value
from models.text import sentence, whole


class LocalField(NamedTuple):
    """Size, jump and start through the windows alone, global branches left out."""

    size: tuple[int, ...]
    jump: tuple[int | Fraction, ...]
    start: tuple[int | None, ...]

    def box(self, unit: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """First and last pixel of a unit's field along each axis, not clipped. ValueError where unit 0 sees nothing."""
        starts = [start for start in self.start if start is not None]
        lows = [floor(start + u * jump) for u, jump, start in zip(unit, self.jump, starts, strict=True)]
        return tuple((low, low + size - 1) for low, size in zip(lows, self.size, strict=True))

    def boxes(self, units: Sequence[int]) -> tuple[list[list[int]], ...]:
        """Per axis, first and last pixel of each of so many units."""
        return tuple([list(self.box((u,) * len(units))[axis]) for u in range(n)] for axis, n in enumerate(units))


class _Field:
    """What can be asked of any map: of the network's output and of each layer's.

    All sizes are in input pixels, all tuples run over the axes of the image (1, 2 or 3). Where nothing can be said,
    `size`, `jump` and `start` are `None` and `reason` says why.
    """

    _value: Value | Lost
    _image: tuple[int, ...]

    @property
    def reason(self) -> str | None:
        """Why there is no field; `None` where there is one."""
        return self._value.reason if isinstance(self._value, Lost) else None

    @property
    def _axes(self) -> tuple[Axis, ...]:
        if isinstance(self._value, Lost):
            raise ReceptiveFieldError(self._value.reason)
        return self._value.axes

    @property
    def map_size(self) -> tuple[int, ...] | None:
        """Units along each axis of the image; 1 where the axis has been summed over."""
        return None if self.reason else tuple(a.n for a in self._axes)

    @property
    def sees_everything(self) -> bool:
        """Global pooling, a squeeze-excite gate or the like lets each unit see whatever any unit before it saw."""
        return not self.reason and any(a.everything for a in self._axes)

    @property
    def aligned(self) -> bool:
        """False where branches of different jump meet, or maps were laid end to end: then no one size holds."""
        return not self.reason and all(a.aligned for a in self._axes)

    @property
    def size(self) -> tuple[int, ...] | None:
        """Extent of a unit's field. Where units differ (transposed layers, adaptive pooling), the widest.

        Along an axis that is seen whole, or where branches do not line up: the widest field inside this image.
        """
        return None if self.reason else tuple(r.size if (r := _regular(a)) else _extent(a) for a in self._axes)

    @property
    def jump(self) -> tuple[int | Fraction | None, ...] | None:
        """Distance between the fields of neighbouring units: a Fraction after a transposed layer, 0 where all units see
        the same, `None` where it is not the same everywhere."""
        if self.reason:
            return None
        return tuple(whole(r.jump) if (r := _regular(a)) else 0 if a.everything else None for a in self._axes)

    @property
    def start(self) -> tuple[int | None, ...] | None:
        """Index of the leftmost input pixel of unit 0's field; negative: that far inside the padding."""
        if self.reason:
            return None
        return tuple(r.lo[0] if (r := _regular(a)) else _exact(a, 0)[0] for a in self._axes)

    @property
    def local(self) -> LocalField | None:
        """The field through convolutions and pooling windows alone; the same as the whole one without global branches.

        `None` after global pooling or flattening, where no such path is left.
        """
        if self.reason:
            return None
        rules = [a.rule for a in self._axes if a.rule is not None]
        if len(rules) < len(self._axes):
            return None
        return LocalField(
            tuple(r.size for r in rules), tuple(whole(r.jump) for r in rules), tuple(r.lo[0] for r in rules)
        )

    def box(self, index: int | Sequence[int], clipped: bool = False) -> tuple[tuple[int, int] | None, ...]:
        """First and last input pixel that the unit at `index` (one int per axis) sees, both included.

        Not clipped, the box may reach into the padding. `clipped=True`: only pixels of the image that the unit truly
        depends on, leftover columns and folded padding considered. `None` along each axis: the unit sees no pixel.
        """
        spans = tuple(
            r.at(u) if (r := _regular(a)) and not clipped else _exact(a, u, whole=True)
            for a, u in zip(self._axes, self._index(index), strict=True)
        )
        return seen_box(spans) or (None,) * len(spans)

    def boxes(self) -> tuple[np.ndarray, ...]:
        """Per axis an int64 array (units, 2): first and last pixel of the image that each unit sees; (0, −1): none.

        A unit that sees none along one axis sees none at all. Branches are joined axis by axis.
        """
        result = []
        for axis in self._axes:
            lo, hi = axis.exact
            result.append(np.where((lo == NOTHING)[:, None], [[0, -1]], np.stack([lo, hi], axis=1)))
        return tuple(result)

    def centre(self, index: int | Sequence[int]) -> tuple[float | None, ...]:
        """Middle of the unit's (unclipped) box, in pixels: 0 is the centre of the first pixel."""
        return tuple(None if span is None else (span[0] + span[1]) / 2 for span in self.box(index))

    def outside(self, index: int | Sequence[int]) -> tuple[tuple[int, int], ...]:
        """Per axis, how many positions of the unit's box lie before and after the image: the padding that it sees."""
        spans = zip(self.box(index), self._image, strict=True)
        return tuple((0, 0) if s is None else (max(0, -s[0]), max(0, s[1] - n + 1)) for s, n in spans)

    def _index(self, index: int | Sequence[int]) -> tuple[int, ...]:
        units = (index,) if isinstance(index, (int, np.integer)) else tuple(index)
        if len(units) != len(self._axes):
            raise ReceptiveFieldError(
                f"An index needs one number per axis of the image: {len(self._axes)}, not {len(units)}."
            )
        for axis, (u, a) in enumerate(zip(units, self._axes, strict=True)):
            if not 0 <= u < a.n:
                raise ReceptiveFieldError(
                    f"Unit {u} does not exist along axis {axis}: this map has units 0 to {a.n - 1}."
                )
        return tuple(int(u) for u in units)


def seen_box(box: Sequence[tuple[int, int] | None]) -> tuple[tuple[int, int], ...] | None:
    """What `ReceptiveField.box` says, or `None` where the unit sees no pixel."""
    spans = tuple(span for span in box if span is not None)
    return spans if len(spans) == len(box) else None


def _regular(axis: Axis) -> Rule | None:
    return None if axis.everything else axis.rule


def _extent(axis: Axis) -> int:
    lo, hi = axis.exact
    return max(0, int((hi - lo).max()) + 1)


def _exact(axis: Axis, unit: int, whole: bool = False) -> Any:
    lo, hi = axis.exact
    if lo[unit] == NOTHING:
        return None if whole else (None, None)
    return int(lo[unit]), int(hi[unit])


@dataclass(eq=False)
class LayerField(_Field):
    """One operation of the network, in the order of execution, and the field of its output's units.

    `name` as in `named_modules()`; a function call is named by its place (`layer1.0.add`), a module that is called
    again gets `_1`, `_2`, … `kind` is the torch class or function. Settings are tuples per axis, `None` where the
    operation has none. `output_shape` includes the batch axis; `None` where the tensor could not be followed.
    """

    name: str
    kind: str
    kernel_size: tuple[int, ...] | None
    stride: tuple[int, ...] | None
    padding: tuple[int, ...] | None
    dilation: tuple[int, ...] | None
    output_padding: tuple[int, ...] | None
    _value: Value | Lost = field(repr=False)
    _image: tuple[int, ...] = field(repr=False)

    @property
    def output_shape(self) -> tuple[int, ...] | None:
        return None if isinstance(self._value, Lost) else tuple(self._value.shape)

    @property
    def is_map(self) -> bool:
        """The output still has one tensor axis per axis of the image, and units with places of their own."""
        if isinstance(self._value, Lost) or not self._value.is_map:
            return False
        return all(a.rule is not None or not a.everything for a in self._value.axes)


@dataclass(eq=False, repr=False)
class ReceptiveField(_Field):
    """The receptive field of a network's output units, or of a layer's inside it.

    `layers` is the table of all operations up to there, `notes` says in sentences what a single number hides,
    `measured` holds the gradient's answer where it was asked for.
    """

    name: str | None
    _value: Value | Lost
    channels: int
    _image: tuple[int, ...]
    layers: tuple[LayerField, ...]
    _named: Mapping[str, Value | Lost]
    _events: Mapping[str, tuple[str, ...]]
    measured: MeasuredField | None = None
    agrees: bool | None = None

    def __repr__(self) -> str:
        if self.reason:
            return f"ReceptiveField(unavailable: {self.reason})"
        return f"ReceptiveField(size={self.size}, jump={self.jump}, start={self.start})"

    def at(self, name: str) -> ReceptiveField:
        """The field at another layer or block of the same network: any name in `layers` or in `named_modules()`."""
        if name not in self._named:
            raise ReceptiveFieldError(
                f"There is no layer {name!r} on the way to the output; names are those of named_modules()."
            )
        stop = next((i for i, x in enumerate(self.layers) if x.name == name), None)
        if stop is None:
            inside = [i for i, x in enumerate(self.layers) if x.name.startswith(name + ".")]
            stop = inside[-1] if inside else len(self.layers) - 1
        layers = self.layers[: stop + 1]
        return ReceptiveField(name, self._named[name], self.channels, self._image, layers, self._named, self._events)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what `size`, `jump` and `start` do not tell; empty for a plain stack of windows."""
        if self.reason:
            return (self.reason,)
        reached = {layer.name for layer in self.layers}
        events = {kind: [n for n in names if n in reached] for kind, names in self._events.items()}
        notes = []
        kinds = {layer.name: layer.kind for layer in self.layers}
        named = lambda name: f"layer {name} ({kinds[name]})"  # noqa: E731
        if self.sees_everything and (found := events.get("everything")):
            others = len(found) - 1
            more = f", and so {'does' if others == 1 else 'do'} {others} more" if others else ""
            notes.append(
                f"{sentence(named(found[0]))} looks at all positions of its map at once{more}: every unit after it "
                "depends on the whole picture, as far as the layers before it see it."
            )
        if not self.aligned and (found := events.get("unaligned")):
            notes.append(
                f"At {named(found[0])} branches meet whose jumps differ, or maps are laid end to end: how much a unit "
                "sees depends on the unit, and the receptive field given is the widest in this picture."
            )
        if any(a.rule is not None and a.rule.period > 1 for a in self._axes):
            many = max(a.rule.period for a in self._axes if a.rule is not None)
            told = f"take turns: there are {many} kinds, whose fields differ" if many <= 16 else "have different fields"
            notes.append(f"Units {told}, as after an upsampling; the receptive field given is the widest.")
        if any(a.rule is not None and None in a.rule.lo for a in self._axes):
            notes.append("Some units see no pixel at all: a stride larger than the kernel leaves gaps.")
        if found := events.get("folded"):
            notes.append(
                f"{sentence(named(found[0]))} pads with pixels of the picture, not with zeros: units at the border see "
                "these pixels."
            )
        for event, found in events.items():
            if not event.startswith("beside") or not found:
                continue
            dim = int(event.split()[1])
            added = {0: "examples", 1: "channels"}.get(dim, f"values along dim {dim}")
            notes.append(
                f"At {named(found[0])} {added} are added that do not come from the image: the receptive field is that "
                "in the first input alone."
            )
        if found := events.get("statistics"):
            notes.append(
                f"{sentence(named(found[0]))} is read as in evaluation, with statistics that it has kept; in training "
                "it looks at the whole batch."
            )
        if self.name is None and (found := self._events.get("several")):
            notes.append(f"The network returns {found[0]} tensors; the receptive field is that of the first.")
        return tuple(notes)
