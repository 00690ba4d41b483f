"""The settings of one layer: validated, hashable, and the same in a notebook, in a URL and in PyTorch code.

Nothing here imports torch, so that a page can draw its controls before torch has loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from numbers import Real
from operator import index
from typing import Any

from models.errors import SpecError, UnreadableError
from models.formulas import Family
from models.layers import DEFAULTS, KINDS, Kind, one_value, too_small
from models.text import big, listed, quoted, said

AXES = {1: ("w",), 2: ("h", "w"), 3: ("d", "h", "w")}
"""Names of the spatial axes, by number of dimensions: they are the suffixes of per-axis settings in a URL."""

AXIS_NAMES = {"d": "depth", "h": "height", "w": "width"}
"""What people call them: in formulas the letters D and W are dilation and input size."""

LARGEST = 1_000_000
"""No setting may be larger. torch itself has no such limit; its own, 2^63 elements, is checked as well."""

SPATIAL = ("input_size", "kernel_size", "stride", "padding", "dilation", "output_padding", "scale_factor")
"""Settings with one value per spatial axis."""

QUERY_DEFAULTS: dict[str, Any] = {
    "kind": "conv",
    "dims": 2,
    "input_size": 4,
    "in_channels": 1,
    **DEFAULTS,
    "bias": False,
}
"""What a URL leaves out. They are the first worked example (A1), so that the bare page shows it."""

NEUTRAL: dict[str, Any] = DEFAULTS | {"kernel_size": 1, "bias": False, "scale_factor": 1.0, "upscale_factor": 1}
"""The value that a setting has in a kind that does not take it: the one that changes nothing."""

CHOICES = {
    "padding_mode": ("zeros", "reflect", "replicate", "circular"),
    "mode": ("nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear"),
}
FLAGS = ("bias", "align_corners", "ceil_mode", "count_include_pad")
FLOATS = ("scale_factor", "norm_type")
SMALLEST = {"padding": 0, "output_padding": 0}


UNSET: Any = None
"""The layer's own default: once settled, each field has the type that it declares."""


@dataclass(frozen=True)
class LayerSpec:
    """Settings of one layer and the size of the input that it meets.

    Field names and meanings are those of ``torch.nn``. A number given for a spatial setting means the same on each
    axis and is stored as a tuple, one value per axis. ``None`` means the layer's own default; for ``dims``, 2 where the
    kind has it. ``padding`` may be
    ``"same"`` or ``"valid"`` for convolutions. Settings that a kind does not take keep their neutral value.

    Raises:
        SpecError: exactly where torch refuses the layer or its forward pass, naming the setting in the way.
    """

    kind: str = "conv"
    dims: int = UNSET
    input_size: Any = 4
    in_channels: int = 1
    out_channels: int = UNSET
    kernel_size: Any = UNSET
    stride: Any = UNSET
    padding: Any = UNSET
    dilation: Any = UNSET
    groups: int = UNSET
    output_padding: Any = UNSET
    padding_mode: str = UNSET
    bias: bool = UNSET
    scale_factor: Any = UNSET
    mode: str = UNSET
    align_corners: bool = UNSET
    upscale_factor: int = UNSET
    ceil_mode: bool = UNSET
    count_include_pad: bool = UNSET
    norm_type: float = UNSET
    output_size: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """Cells of the output on each axis: derived, not asked for."""

    def __post_init__(self):
        kind = _kind(self.kind)
        if self.dims is None:
            object.__setattr__(self, "dims", 2 if 2 in kind.dims else kind.dims[0])
        object.__setattr__(self, "dims", _dims(self.dims))
        if self.dims not in kind.dims:
            raise SpecError("dims", f"{kind.title} exists in {listed(f'{d}-D' for d in kind.dims)}, not {self.dims}-D.")
        rest = (name for name in _SETTINGS if name not in kind.takes)
        self._complete(kind, ("input_size", "in_channels", *kind.takes, *rest))

    def _complete(self, kind: Kind, names: Iterable[str]) -> None:
        """Give these settings their final values, and refuse what torch refuses."""
        for name in names:
            self._settle(kind, name)
        for name, message in kind.refuses(self):
            raise SpecError(name, message)
        self._put("output_size", kind.family.sizes(self))
        if min(self.output_size) < 1:
            raise SpecError(*too_small(self))
        for name, elements in kind.elements(self):
            if elements >= 2**60:
                raise SpecError(name, f"these settings ask for {elements:.1e} numbers: make the layer smaller.")

    def _put(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    # -- one setting at a time ------------------------------------------------------------------------------------

    def _settle(self, kind: Kind, name: str) -> None:
        """Give one setting its final value: what was asked for, the kind's default, or what the kind holds fast."""
        given = getattr(self, name)
        if name in ("input_size", "in_channels"):
            value = self._read(name, given)
        elif name in kind.takes:
            value = self._read(name, kind.default(name, self) if given is None else given)
        elif given is None and name not in kind.holds and name != "out_channels":
            # Half of all settings come this way, and controls try thousands of layers.
            value = (NEUTRAL[name],) * self.dims if name in SPATIAL else NEUTRAL[name]
        else:
            value = kind.held(name, self)
            value = self._read(name, NEUTRAL[name] if value is None else value)
            if given is not None and self._read(name, given) != value:
                what = f"holds {name} at {one_value(value)}" if name in kind.holds else f"has no {name}"
                raise SpecError(name, f"{kind.title} {what}: leave it out.")
        self._put(name, value)

    def _read(self, name: str, value):
        if name in CHOICES:
            if not isinstance(value, str) or value not in CHOICES[name]:
                raise UnreadableError(name, f"{said(value)} is not one of {listed(CHOICES[name])}.")
            return value
        if name in FLAGS:
            if not isinstance(value, bool):
                raise UnreadableError(name, f"{said(value)} is neither True nor False.")
            return value
        if name == "padding" and isinstance(value, str):
            words = KINDS[self.kind].padding_words
            if not words or value not in ("same", "valid"):
                instead = "a number, 'same' or 'valid'" if words else "a number"
                raise UnreadableError(name, f"{said(value)} is not a padding for this layer: use {instead}.")
            return value
        read = self._float if name in FLOATS else self._int
        return self._each(name, value, read) if name in SPATIAL else read(name, value)

    def _int(self, name: str, value) -> int:
        least = SMALLEST.get(name, 1)
        value = _whole(name, value)
        if value < least:
            raise UnreadableError(name, f"{said(value)} is too small: use {least} or more.")
        if value > LARGEST:
            raise UnreadableError(name, f"{said(value)} is too large: use {big(LARGEST)} or less.")
        return value

    def _float(self, name: str, value) -> float:
        if isinstance(value, bool) or not isinstance(value, Real):
            raise UnreadableError(name, f"{said(value)} is not a number.")
        if value <= 0 or not value <= LARGEST or not float(value) > 0:
            raise UnreadableError(
                name, f"{said(value)} is out of range: use a number above 0 and up to {big(LARGEST)}."
            )
        return float(value)

    def _each(self, name: str, value, read) -> tuple:
        if isinstance(value, tuple | list):
            if len(value) != self.dims:
                raise UnreadableError(
                    name, f"{said(value)} has {len(value)} values for {self.dims} axes: give {self.dims}."
                )
            return tuple(read(name, v) for v in value)
        return (read(name, value),) * self.dims

    # -- readings ---------------------------------------------------------------------------------------------------

    @property
    def family(self) -> Family:
        """The closed forms that this kind obeys."""
        return KINDS[self.kind].family

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(1, in_channels, *input_size)``: what the layer receives, batch axis included."""
        return (1, self.in_channels, *self.input_size)

    @property
    def pads(self) -> tuple[tuple[int, int], ...]:
        """Cells added before and after the input on each axis, ``"same"`` and ``"valid"`` worked out."""
        return KINDS[self.kind].pads(self)

    def settings(self) -> dict[str, Any]:
        """The settings that this kind takes, in the order in which torch lists them, with their values."""
        return {name: getattr(self, name) for name in KINDS[self.kind].takes}

    def change(self, **changes) -> LayerSpec:
        """The same layer with some settings changed. Settings that the (new) kind holds or lacks follow by themselves.

        A setting whose axes all agree is kept when ``dims`` changes.

        Raises:
            SpecError: as the constructor does.
        """
        kind = KINDS[self.kind]
        own = ("input_size", "in_channels", *kind.takes)
        if not changes.keys() <= set(own):
            return LayerSpec(**_carried(self, changes))
        # What stays has been read already; what the kind holds fast may follow from what changes.
        spec = object.__new__(LayerSpec)
        held = [name for name in ("out_channels", *kind.holds) if name not in kind.takes]
        vars(spec).update(vars(self) | changes | dict.fromkeys(held))
        spec._complete(kind, (*(name for name in own if name in changes), *held))
        return spec

    def nearest(self, **changes) -> tuple[LayerSpec, list[SpecError]]:
        """The valid layer that comes nearest to what is asked for, and what had to be given up on the way.

        Each setting in the way is moved to the closest value that works, the others are left alone. Used for links
        and for a change of kind: a visitor loses as little as possible.
        """
        errors: list[SpecError] = []
        changes |= _possible(changes.get("kind", self.kind), changes.get("dims", self.dims), errors)
        spec, more = repair(_carried(self, changes), keep=tuple(changes))
        return spec, errors + more

    def allows(self, name: str, value, axis: int | None = None) -> bool:
        """Whether the layer takes this value for one setting (on one axis), the others staying as they are."""
        return self.refusal(name, value, axis) is None

    def refusal(self, name: str, value, axis: int | None = None) -> SpecError | None:
        """Why the layer does not take a value for one setting, the others staying as they are; None if it does."""
        # Equal tuples may hold numbers of different types, which are not the same setting.
        ask = _refusal if isinstance(value, int | float | str) else _refusal.__wrapped__
        return ask(self, name, value, axis)

    # -- text -------------------------------------------------------------------------------------------------------

    def to_query(self) -> dict[str, str]:
        """URL parameters of this layer, what ``QUERY_DEFAULTS`` says left out. ``from_query`` is the inverse.

        Settings that differ between axes are written one parameter an axis (``kernel_size_h``, ``kernel_size_w``),
        with ``per_axis=true`` beside them.
        """
        values = {"kind": self.kind, "dims": self.dims, "input_size": self.input_size, "in_channels": self.in_channels}
        values |= self.settings()
        spatial = {n: v for n, v in values.items() if n in SPATIAL and not isinstance(v, str)}
        per_axis = any(len(set(v)) > 1 for v in spatial.values())
        flat: dict[str, Any] = {}
        for name, value in values.items():
            if name not in spatial:
                flat[name] = (value, QUERY_DEFAULTS[name])
            elif per_axis:
                flat |= {f"{name}_{a}": (v, QUERY_DEFAULTS[name]) for a, v in zip(AXES[self.dims], value, strict=True)}
            else:
                flat[name] = (value[0], QUERY_DEFAULTS[name])
        query = {name: _query_text(value) for name, (value, default) in flat.items() if value != default}
        return query | ({"per_axis": "true"} if per_axis else {})

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> LayerSpec:
        """The layer that URL parameters describe; parameters that are not settings of a layer are left alone.

        Raises:
            SpecError: for a value that cannot be read, or settings that the layer does not take.
        """
        asked, unread = read_settings(query)
        if unread:
            raise unread[0]
        return cls(**asked)

    def to_code(self) -> str:
        """One runnable expression that builds the layer, with ``from torch import nn`` before it.

        >>> LayerSpec(kernel_size=3, bias=False).to_code()
        'nn.Conv2d(1, 1, kernel_size=3, bias=False)'
        """
        return KINDS[self.kind].code(self)


_SETTINGS = tuple(
    f.name for f in fields(LayerSpec) if f.init and f.name not in ("kind", "dims", "input_size", "in_channels")
)


@lru_cache(maxsize=10_000, typed=True)
def _refusal(spec: LayerSpec, name: str, value, axis: int | None) -> SpecError | None:
    """As :meth:`LayerSpec.refusal`. Controls ask dozens of these for each run of a page, mostly the same ones."""
    if axis is not None:
        now = getattr(spec, name)
        now = (0,) * spec.dims if isinstance(now, str) else now
        value = (*now[:axis], value, *now[axis + 1 :])
    try:
        spec.change(**{name: value})
    except SpecError as error:
        # What is kept holds on to no frames.
        return error.with_traceback(None)
    return None


def _kind(name: str) -> Kind:
    if not isinstance(name, str) or name not in KINDS:
        raise SpecError("kind", f"{said(name)} is not a kind of layer: use {listed(KINDS)}.")
    return KINDS[name]


def _whole(name: str, value) -> int:
    if not isinstance(value, bool):
        try:
            return index(value)
        except TypeError:
            pass
    raise UnreadableError(name, f"{said(value)} is not a whole number.")


def _dims(value) -> int:
    try:
        dims = _whole("dims", value)
    except SpecError:
        dims = 0
    if dims not in (1, 2, 3):
        raise SpecError("dims", f"{said(value)} is not a number of dimensions: use 1, 2 or 3.")
    return dims


def _carried(spec: LayerSpec, changes: dict[str, Any]) -> dict[str, Any]:
    """Constructor arguments for ``spec`` with ``changes``: what was chosen travels, what was derived does not."""
    kind, new = KINDS[spec.kind], _kind(changes.get("kind", spec.kind))
    dims = _dims(changes.get("dims", spec.dims))
    asked = {"kind": new.name, "dims": dims, "input_size": spec.input_size, "in_channels": spec.in_channels}
    for name in kind.takes:
        if name in new.takes:
            asked[name] = getattr(spec, name)
    if dims != spec.dims:
        for name, value in asked.items():
            if name in SPATIAL and not isinstance(value, str):
                asked[name] = value[0] if len(set(value)) == 1 else (value + value[-1:] * 2)[:dims]
    return asked | {name: value for name, value in changes.items() if name not in ("kind", "dims")}


def read_settings(query: Mapping[str, Any]) -> tuple[dict[str, Any], list[SpecError]]:
    """Constructor arguments from URL parameters, defaults filled in, and an error for each value that is unreadable.

    A value may be a string or a list of strings (a parameter that a URL repeats, which is an error).
    """
    errors: list[SpecError] = []
    text = {}
    for name, value in query.items():
        if isinstance(value, list | tuple):
            if len(value) != 1:
                if name.removesuffix("_d").removesuffix("_h").removesuffix("_w") in QUERY_DEFAULTS:
                    errors.append(SpecError(name, f"the link gives it {len(value)} times: give it once."))
                continue
            value = value[0]
        text[name] = value if isinstance(value, str) else said(value)
    asked: dict[str, Any] = {}

    def read(name: str, param: str):
        default = QUERY_DEFAULTS[name]
        if param not in text:
            return default
        try:
            return _query_value(name, text[param])
        except (ValueError, KeyError) as error:
            told = f"{quoted(text[param])} is not a value for it: it is left out."
            errors.append(SpecError(param, error.message if isinstance(error, SpecError) else told))
            return default

    for name in ("kind", "dims"):
        asked[name] = read(name, name)
    if asked["kind"] not in KINDS:
        errors.append(SpecError("kind", f"{quoted(asked['kind'])} is not a kind of layer: it is left out."))
        asked["kind"] = "conv"
    kind = KINDS[asked["kind"]]
    if asked["dims"] not in kind.dims:
        best = min(kind.dims, key=lambda d: abs(d - asked["dims"]))
        if "dims" in text:
            errors.append(SpecError("dims", f"{kind.title} has no {asked['dims']}-D form: it is left out."))
        asked["dims"] = best
    per_axis = text.get("per_axis", "").lower() == "true"
    for name in ("input_size", "in_channels", *kind.takes):
        each = [f"{name}_{axis}" for axis in AXES[asked["dims"]]]
        one_by_one = name in SPATIAL and (per_axis or any(param in text for param in each))
        if one_by_one and text.get(name) not in ("same", "valid"):
            # A plain value stands for the axes that the link does not name.
            asked[name] = tuple(read(name, param if param in text else name) for param in each)
        else:
            asked[name] = read(name, name)
        if name in SPATIAL:
            for param in (f"{name}_{axis}" for axis in AXES[3]):
                if param in text and param not in each:
                    errors.append(SpecError(param, f"a {asked['dims']}-D layer has no such axis: it is left out."))
    return asked, errors


def repair(asked: dict[str, Any], keep: tuple[str, ...] = ()) -> tuple[LayerSpec, list[SpecError]]:
    """The nearest valid layer to constructor arguments, and the errors met on the way.

    The setting that an error names moves to the closest value that removes the error, unless it is in ``keep`` and
    another setting can give way. Where no value helps, the settings that a visitor begins with take its place.
    """
    errors: list[SpecError] = []
    asked = asked | _possible(asked.get("kind", "conv"), asked.get("dims"), errors)
    kind, start = KINDS[asked["kind"]], {"kind": asked["kind"], "dims": asked["dims"]}
    moved: set[str] = set()
    while True:
        try:
            return LayerSpec(**asked), errors
        except SpecError as caught:
            error = caught
        errors.append(error)
        if error.field in asked.keys() - {"in_channels", "input_size", *kind.takes}:
            asked.pop(error.field)
        elif step := _moved(asked, error, keep, moved):
            asked |= step
            moved |= step.keys()
        elif asked.keys() - start.keys() - set(keep):
            asked, moved = start | {name: asked[name] for name in keep if name in asked}, set()
        else:
            asked, keep = start | dict(kind.start), ()


def _possible(kind, dims, errors: list[SpecError]) -> dict[str, Any]:
    """A kind and a number of dimensions that it has, the nearest to what is asked for."""
    try:
        _kind(kind)
    except SpecError as error:
        errors.append(error)
        kind = "conv"
    try:
        return {"kind": kind, "dims": LayerSpec(**{"kind": kind, "dims": dims} | dict(KINDS[kind].start)).dims}
    except SpecError as error:
        errors.append(error)
    have = KINDS[kind].dims
    near = dims if isinstance(dims, int) else 2
    return {"kind": kind, "dims": min(have, key=lambda d: (abs(d - near), d))}


def _moved(asked: dict[str, Any], error: SpecError, keep: tuple[str, ...], moved: set[str]) -> dict[str, Any]:
    """One setting and its new value, with which the layer is valid or fails for something not met before."""
    others = () if isinstance(error, UnreadableError) else KINDS[asked["kind"]].gives_way
    free = [n for n in (error.field, *others) if n not in keep]
    for name in dict.fromkeys((*free, error.field)):
        if name in moved or name in ("kind", "dims"):
            continue

        def helps(value, name=name) -> bool:
            try:
                LayerSpec(**asked | {name: value})
            except SpecError as again:
                return again.field != error.field and again.field not in moved | {name}
            return True

        for value in _candidates(asked, name):
            if helps(value):
                return {name: _closer(asked, name, value, helps)}
    return {}


def _centre(asked: dict[str, Any], name: str) -> list[int]:
    """Whole numbers to start from, one or one an axis: what was asked for, or the nearest to what it means."""
    now = asked.get(name, QUERY_DEFAULTS.get(name))
    if name == "padding" and isinstance(now, str):
        # "same" as a number.
        dilation, kernel = (_centre(asked, n) for n in ("dilation", "kernel_size"))
        axes = range(max(len(dilation), len(kernel)))
        return [dilation[i % len(dilation)] * (kernel[i % len(kernel)] - 1) // 2 for i in axes]
    parts = (
        [now[min(i, len(now) - 1)] for i in range(asked["dims"])] if isinstance(now, tuple | list) and now else [now]
    )
    whole = [p if isinstance(p, int) and not isinstance(p, bool) else QUERY_DEFAULTS[name] for p in parts]
    return [min(max(p, SMALLEST.get(name, 1)), LARGEST) for p in whole]


def _candidates(asked: dict[str, Any], name: str):
    """Values to try for one setting, near ones first."""
    if name in CHOICES:
        yield from CHOICES[name]
    elif name in FLAGS:
        yield from (True, False)
    elif name in FLOATS:
        yield from (2.0, 1.0, 3.0, 4.0)
    else:
        centre, least = _centre(asked, name), SMALLEST.get(name, 1)
        for step in (*range(65), *(2**k for k in range(7, 21))):
            for sign in (-1, 1) if step else (1,):
                values = tuple(min(max(c + sign * step, least), LARGEST) for c in centre)
                yield values if values[1:] else values[0]


def _closer(asked: dict[str, Any], name: str, value, helps):
    """Between a value far away that helps and the last one before it that did not: the closest that helps."""
    if name in CHOICES or name in FLAGS or name in FLOATS:
        return value
    centre, found = _centre(asked, name), value if isinstance(value, tuple) else (value,)
    gap = max((abs(f - c) for f, c in zip(found, centre, strict=True)), default=0)
    low, high = 0.0, 1.0
    while gap > 64 and (high - low) * gap > 1:
        middle = (low + high) / 2
        trial = tuple(c + round((f - c) * middle) for f, c in zip(found, centre, strict=True))
        trial = trial if trial[1:] else trial[0]
        if helps(trial):
            high, value = middle, trial
        else:
            low = middle
    return value


def _query_text(value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value)


def _query_value(name: str, text: str):
    """The value that a link means; ValueError or KeyError if it means none."""
    default = QUERY_DEFAULTS[name]
    if isinstance(default, bool):
        return {"true": True, "false": False}[text.lower()]
    if isinstance(default, str) or (name == "padding" and text in ("same", "valid")):
        return text
    if not re.fullmatch(r"-?[0-9]{1,18}" if isinstance(default, int) else r"[0-9.e+-]{1,40}", text):
        raise ValueError(text)
    value = type(default)(text)
    if name == "input_size" and value < 1:
        # The nearest size that exists would be 1: too small a picture for anything else that the link may say.
        raise SpecError(name, f"{value} is too small: use 1 or more.")
    return value
