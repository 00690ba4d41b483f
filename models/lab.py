"""One layer on the bench: built, filled, run, and every number measured and held against its formula.

This is what a page asks for. It returns arrays and numbers; how they look is not decided here.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from math import prod
from threading import Condition
from typing import Any

import numpy as np
import torch
from cachetools import LRUCache, cached
from torch import nn

from models import device, formulas, sources
from models.formulas import Formula
from models.layers import KINDS, build
from models.measure import Measurement, measure
from models.operator import (
    CONVOLUTIONS,
    POOLS,
    TRANSPOSED,
    Layer,
    Operator,
    linear_operator,
    one_channel,
    pool_window,
    source_map,
)
from models.share import Scene, fit
from models.spec import LayerSpec, SpecError
from models.text import big
from models.unpool import PoolUnpool

LARGEST_OPERATOR = 2_000_000
"""Entries of an operator that is still drawn."""

SMALL, LARGEST_KEPT = 10_000, 200_000
"""Entries of an operator of which hundreds, and of which more than one, stay in memory."""

LARGEST_WORK = 2_000_000_000
"""Multiply–accumulates that measuring an operator may take, about a second."""

LARGEST_LAYER = 1 << 30
"""Bytes of weights, input and output of a layer that is still run."""

TITLES = {
    "output_size": "Output",
    "parameters": "Parameters",
    "macs": "MACs",
    "touching": "",
    "receptive_field": "Receptive field",
    "activations": "Output memory",
}
HINTS = {
    "output_size": "Shape of what the layer returned, without the batch axis.",
    "parameters": "Numbers that training would change.",
    "macs": "Multiply–accumulates: one multiplication and one addition each. Padding counts, bias additions do not.",
    "touching": "Entries of the matrix: pairs of an output cell and a cell of the image that it reads. What is missing "
    "from the MACs was spent on padding or cut away, or read a cell once more, as a copy of it in the padding.",
    "receptive_field": "Cells of the input, from the first to the last, that one output cell depends on.",
    "activations": "Memory of the output in 32-bit floats.",
}


@dataclass(frozen=True)
class Check:
    """One number on screen: what was measured, what the formula says, and whether they agree.

    ``measured`` is a number, or one per axis; None where the layer is too large to run: the page then shows the
    formula and says so.
    """

    name: str
    title: str
    hint: str
    measured: Any
    formula: Formula
    how: str

    @property
    def agrees(self) -> bool | None:
        """None if there was no measurement."""
        return None if self.measured is None else self.measured == self.formula.value


@dataclass(frozen=True)
class Windows:
    """Which drawn cells each output position reads, measured; the same for every pair of channels.

    Attributes:
        shape: spatial size of the drawn input, padding included.
        real: (start, stop) of the image inside it, per axis.
        source: int32, one per drawn cell: row-major index of the real cell whose value it holds, −1 for padding zeros.
            None if every cell is real.
        rows, cols, taps: the entries, sorted by output position: position, drawn cell, tap (−1 where there are none).
        positions: spatial size of the output.
    """

    shape: tuple[int, ...]
    real: tuple[tuple[int, int], ...]
    source: np.ndarray | None
    rows: np.ndarray
    cols: np.ndarray
    taps: np.ndarray
    positions: tuple[int, ...]


@dataclass(frozen=True)
class Stage:
    """One torch layer of the kind: what it receives and returns, and the structure between the two.

    ``pairs`` holds [output channel, input channel, kernel plane (−1: none)] rows. ``values`` is given where there is
    no kernel: one weight per entry, shared by all pairs (entries) or each pair's own (pairs, entries), NaN where a pair
    has no such entry.
    """

    name: str
    module: Layer
    x: np.ndarray
    y: np.ndarray
    windows: Windows
    pairs: np.ndarray
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None
    values: np.ndarray | None = None
    reduce: str = "sum"
    p: float = 2.0
    pad_value: float = 0.0


@dataclass(frozen=True)
class Lab:
    """Everything measured about one layer and one input.

    Attributes:
        spec, module: the settings and the real layer, filled with the weights shown.
        x, y: input (C, *input_size) and output (C, *output_size), float64; None if the layer is too large to run.
        checks: the numbers, in the order of the page.
        stages: one per torch layer that does something, empty if the picture is left out.
        operator: the measured matrix, None if the picture is left out.
        why_not: one sentence, why the picture is left out; empty if it is not.
        nearest: the nearest layer that is drawn, if the picture is left out.
        seconds, device: median time of one forward pass and where it ran; None if it was not run.
    """

    spec: LayerSpec
    checks: tuple[Check, ...]
    measurement: Measurement
    module: Layer | None = None
    x: np.ndarray | None = None
    y: np.ndarray | None = None
    stages: tuple[Stage, ...] = ()
    operator: Operator | None = None
    why_not: str = ""
    nearest: LayerSpec | None = None
    seconds: float | None = None
    device: str = ""
    weights: dict[str, np.ndarray] = field(default_factory=dict)

    def check(self, name: str) -> Check:
        """One of the numbers by name."""
        return next(c for c in self.checks if c.name == name)


def operator_entries(spec: LayerSpec) -> int:
    """An upper bound of the entries of the layer's operator, without building anything."""
    return spec.family.entries(spec)


def layer_bytes(spec: LayerSpec) -> int:
    """Memory of weights, padded input and output in the 64-bit floats of the measurement."""
    family = spec.family
    return 8 * (family.parameters(spec).value + family.cells(spec) + family.widest(spec))


def _work(spec: LayerSpec) -> int:
    """Multiply–accumulates, roughly, that measuring the operator takes; a cell or a table's entry counts a hundred."""
    family = spec.family
    return family.work(spec) + 100 * family.cells(spec)


def too_large(spec: LayerSpec) -> str:
    """One sentence why the layer is not drawn, or nothing."""
    if layer_bytes(spec) > LARGEST_LAYER:
        return (
            f"This layer needs {big(layer_bytes(spec) / 2**30, 1)} GiB in the 64-bit floats of the measurement, more "
            "than the 1 GiB run here: the numbers come from torch's meta device, without a picture."
        )
    if operator_entries(spec) > LARGEST_OPERATOR:
        entries = KINDS[spec.kind].family.matrix_entries(spec)
        if entries <= LARGEST_OPERATOR:
            what = f"This layer's matrix would have {big(operator_entries(spec))} entries with those of its padding"
        else:
            what = f"This layer's matrix would have {big(entries)} non-zero entries"
        return (
            f"{what}, more than the {big(LARGEST_OPERATOR)} that are drawn: the numbers stay, the picture is left out."
        )
    if _work(spec) > LARGEST_WORK:
        return (
            "This layer's matrix is small, but measuring it takes too many passes, or too large a padded image: "
            "the numbers stay, the picture is left out."
        )
    return ""


def nearest_drawn(spec: LayerSpec) -> LayerSpec:
    """The layer with the most channels, then the largest input, whose picture is drawn and worth a look: an input of 8
    or more along its longest axis, unless fewer were asked for.

    Where fewer channels and inputs do not help, the kernel and what goes with it give way too.
    """
    enough, found = min(8, max(spec.input_size)), None
    for share in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024):
        fewer = _fewer_channels(spec, share)
        low, high, best = 1, max(spec.input_size), None
        while low <= high:
            middle = (low + high) // 2
            try:
                trial = spec.change(input_size=_at_most(spec, middle), **fewer)
            except SpecError:
                low = middle + 1
                continue
            if too_large(trial):
                high = middle - 1
            else:
                best, low = trial, middle + 1
        if best is not None and max(best.input_size) >= enough:
            return best
        found = found or best
    if found is not None:
        return found
    for size in (64, 32, 16, 8, 4):
        trial, _ = spec.nearest(input_size=_at_most(spec, size), **_fewer_channels(spec, 1 << 20))
        if not too_large(trial):
            return trial
    return LayerSpec(**{"kind": spec.kind, "dims": spec.dims} | dict(KINDS[spec.kind].start))


def _at_most(spec: LayerSpec, size: int) -> tuple[int, ...]:
    """The input, no larger than ``size`` on any axis, in steps that the layer takes."""
    unit = spec.upscale_factor if spec.kind == "pixel_unshuffle" else 1
    return tuple(max(unit, min(size, n) // unit * unit) for n in spec.input_size)


def _fewer_channels(spec: LayerSpec, share: int) -> dict[str, int]:
    """A part of the channels that splits into the layer's groups as before."""
    takes = KINDS[spec.kind].takes
    unit = spec.upscale_factor**2 if spec.kind == "pixel_shuffle" else spec.groups if "groups" in takes else 1
    fewer = {"in_channels": max(unit, spec.in_channels // share // unit * unit)}
    if spec.kind == "depthwise":
        fewer["out_channels"] = fewer["in_channels"] * (spec.out_channels // spec.in_channels)
    elif "out_channels" in takes:
        fewer["out_channels"] = max(unit, spec.out_channels // share // unit * unit)
    return fewer


def weight_shapes(spec: LayerSpec) -> dict[str, tuple[int, ...]]:
    """Shapes of the layer's parameters by name, from the meta device: ``{"weight": (1, 1, 3, 3), "bias": (1,)}``."""
    with torch.device("meta"):
        return {name: tuple(p.shape) for name, p in build(spec).named_parameters()}


def make_input(spec: LayerSpec, source: str = "example", seed: int = 0) -> np.ndarray:
    """An input from the registry, (in_channels, *input_size)."""
    return sources.INPUTS[source].make((spec.in_channels, *spec.input_size), seed)


def make_weights(spec: LayerSpec, source: str = "example", seed: int = 0) -> dict[str, np.ndarray]:
    """Values for every parameter of the layer. A bias counts 1, 2, 3 … so that it can be seen; with random weights it
    is random too."""
    made = {}
    for name, shape in weight_shapes(spec).items():
        if name.endswith("bias"):
            drawn = np.random.default_rng(seed + 2).standard_normal(shape).round(2)
            made[name] = drawn if source == "random" else np.arange(1, shape[0] + 1, dtype=float)
        else:
            made[name] = sources.WEIGHTS[source].make(shape, seed)
    return made


def run(spec: LayerSpec, x: np.ndarray | None = None, weights: dict[str, np.ndarray] | None = None) -> Lab:
    """Build the layer, fill it, run it, and measure everything.

    Args:
        x: input (in_channels, *input_size); the worked example if missing.
        weights: values by parameter name; the worked example if missing.
    """
    device.setup()
    with device.one_thread():
        return _run(spec, x, weights)


def _run(spec: LayerSpec, x: np.ndarray | None, weights: dict[str, np.ndarray] | None) -> Lab:
    closed = formulas.formulas_of(spec)
    why_not = too_large(spec)
    if why_not:
        with torch.device("meta"):
            ghost = build(spec)
        measured = measure(ghost, spec.input_shape)
        found = {
            "output_size": measured.output_shape[2:],
            "parameters": measured.parameters,
            "macs": measured.macs,
            "activations": 4 * prod(measured.output_shape),
        }
        checks = _checks(spec, found | _slim(spec), closed, on_meta=True)
        return Lab(spec, checks, measured, why_not=why_not, nearest=nearest_drawn(spec))
    x = make_input(spec) if x is None else np.asarray(x, dtype=float).reshape(spec.input_shape[1:])
    weights = make_weights(spec) if weights is None else weights
    module = build(spec).double().eval().requires_grad_(False)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(torch.from_numpy(np.array(weights[name], dtype=float).reshape(parameter.shape)))
    stages = _stages(spec, module, x)
    y = stages[-1].y
    operator = linear_operator(module, spec.input_shape, None if KINDS[spec.kind].linear else torch.from_numpy(x))
    measured = measure(module, spec.input_shape)
    small = copy.deepcopy(module).float()
    out, _ = device.run(small, torch.from_numpy(x)[None].float())
    seconds, where = device.forward_time(small, torch.from_numpy(x)[None].float())
    found = {
        "output_size": tuple(y.shape[1:]),
        "parameters": sum(p.numel() for p in module.parameters()),
        "macs": measured.macs,
        "touching": _entries_of(stages, operator),
        "receptive_field": _field(spec, stages, operator),
        "activations": out.element_size() * out.numel(),
    }
    checks, place = _checks(spec, found, closed), device.describe(where)
    return Lab(spec, checks, measured, module, x, y, stages, operator, seconds=seconds, device=place, weights=weights)


def _slim(spec: LayerSpec) -> dict:
    """What one pair of channels tells about a layer that is too large to run: its windows are those of every pair."""
    kind = KINDS[spec.kind]
    alone = {"in_channels": 1} | {n: 1 for n in ("out_channels", "groups") if n in kind.takes}
    try:
        slim = spec.change(**alone)
    except SpecError:
        return {}
    quick = operator_entries(slim) <= LARGEST_OPERATOR // 10 and _work(slim) <= LARGEST_WORK // 10
    if too_large(slim) or not quick:
        return {}
    one = run(slim)
    found = {"receptive_field": one.check("receptive_field").measured}
    if len(one.stages) == 1:
        mixes = "out_channels" in kind.takes
        pairs = spec.out_channels * spec.in_channels // spec.groups if mixes else spec.in_channels
        found["touching"] = one.check("touching").measured * pairs
    return found


def of(scene: Scene) -> Lab:
    """The measured layer of a scene. The last 256 small ones are kept, for a class walks through the same layers; 16
    larger ones, and of the largest (up to 150 MB each) the last alone."""
    entries = operator_entries(scene.spec)
    kept = _kept if entries < SMALL else _kept_large if entries < LARGEST_KEPT else _kept_largest
    return kept(scene)


def _of(scene: Scene) -> Lab:
    if too_large(scene.spec):
        return run(scene.spec)
    return run(scene.spec, input_of(scene), weights_of(scene))


def _key(scene: Scene):
    own = scene.own_input if scene.input == "own" else None
    weights = scene.own_weights if scene.weights == "own" else {}
    numbers = tuple((name, values.shape, values.tobytes()) for name, values in sorted(weights.items()))
    return scene.spec, scene.input, scene.weights, scene.seed, own is not None and (own.shape, own.tobytes()), numbers


# A class that asks the same within a second computes it once.
_kept, _kept_large, _kept_largest = (cached(LRUCache(n), _key, condition=Condition())(_of) for n in (256, 16, 1))


def input_of(scene: Scene) -> np.ndarray:
    """The numbers that go in, (in_channels, *input_size): own ones as far as they reach."""
    base = make_input(scene.spec, "example" if scene.input == "own" else scene.input, scene.seed)
    return fit(scene.own_input, base.shape, base) if scene.input == "own" else base


def weights_of(scene: Scene) -> dict[str, np.ndarray]:
    """Values for every parameter, by name: own ones as far as they reach."""
    base = make_weights(scene.spec, "example" if scene.weights == "own" else scene.weights, scene.seed)
    if scene.weights != "own":
        return base
    return {name: fit(scene.own_weights.get(name), values.shape, values) for name, values in base.items()}


HOW = {
    "output_size": "the shape that the layer returned",
    "parameters": "counted in the layer's own parameters",
    "macs": "counted by torch while the layer ran (FlopCounterMode ÷ 2)",
    "touching": "entries of the measured matrix; of two layers in a row, of both",
    "receptive_field": "first to last cell that one output reads, in the measured matrix",
    "activations": "size of the tensor that the layer returned",
}


def _checks(spec: LayerSpec, found: dict, closed: dict[str, Formula], on_meta: bool = False) -> tuple[Check, ...]:
    titles = TITLES | {"touching": spec.family.reads}
    return tuple(
        Check(name, titles[name], HINTS[name], found.get(name), closed[name], _how(name, name in found, on_meta))
        for name in formulas.NUMBERS
    )


def _how(name: str, measured: bool, on_meta: bool) -> str:
    if not measured:
        return "too large to run: the formula alone"
    if on_meta and name in ("touching", "receptive_field"):
        return "measured on one pair of channels; every other pair reads the same cells"
    return "from torch's meta device: the layer's own shapes, without its memory" if on_meta else HOW[name]


# -- the torch layers of one kind, with the windows that they read ----------------------------------------------------


def _stages(spec: LayerSpec, module: Layer, x: np.ndarray) -> tuple[Stage, ...]:
    if isinstance(module, PoolUnpool):
        return _unpool_stages(module, x)
    parts = list(module.named_children()) if isinstance(module, nn.Sequential) else [("", module)]
    stages, pads = [], None
    for name, part in parts:
        if name == "pad":
            pads = spec.pads
            continue
        stages.append(_stage(name, part, x, pads, first=not stages))
        x, pads = stages[-1].y, None
    return tuple(stages)


def _stage(name: str, part: Layer, x: np.ndarray, pads, first: bool) -> Stage:
    """``pads``: what a padding layer just before it adds; None if the layer pads itself."""
    spatial = x.shape[1:]
    with torch.inference_mode():
        padded = torch.from_numpy(x)[None]
        if pads is not None:
            padded = nn.functional.pad(padded, [side for pair in reversed(pads) for side in pair])
    y = device.answer(part, padded)[0].numpy()
    if isinstance(part, CONVOLUTIONS):
        if first:
            windows = _conv_windows(part, spatial, _own_pads(part) if pads is None else pads, part.padding_mode)
        else:
            # A map between two layers is drawn once, as the first made it: windows keep to its real cells.
            one = one_channel(part, padding_mode=part.padding_mode)
            windows = _windows(linear_operator(one, (1, 1, *spatial)))
        inside = part.in_channels // part.groups
        out = np.arange(part.out_channels)
        group = out // (part.out_channels // part.groups)
        pairs = np.array(
            [[o, g * inside + i, o * inside + i] for o, g in zip(out, group, strict=True) for i in range(inside)]
        )
        return Stage(name, part, x, y, windows, pairs, *_learned(part))
    if isinstance(part, TRANSPOSED):
        windows = _windows(linear_operator(one_channel(part, output_padding=part.output_padding), (1, 1, *spatial)))
        inside = part.out_channels // part.groups
        group_in = part.in_channels // part.groups
        pairs = np.array(
            [[i // group_in * inside + o, i, i * inside + o] for i in range(part.in_channels) for o in range(inside)]
        )
        pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
        return Stage(name, part, x, y, windows, pairs, *_learned(part))
    return _pool_stage(name, part, x, y) if isinstance(part, POOLS) else _general_stage(name, part, x, y)


def _own_pads(part: Layer) -> tuple[tuple[int, int], ...]:
    """Cells that a convolution adds before and after the image, per axis."""
    if not isinstance(part.padding, str):
        return tuple((p, p) for p in part.padding)
    rows = zip(part.kernel_size, part.dilation, strict=True)
    total = [d * (f - 1) if part.padding == "same" else 0 for f, d in rows]
    return tuple((t // 2, t - t // 2) for t in total)


def _learned(part: Layer) -> tuple[np.ndarray, np.ndarray | None]:
    return part.weight.numpy(), None if part.bias is None else part.bias.numpy()


def _windows(found: Operator, real: tuple[tuple[int, int], ...] = (), source: np.ndarray | None = None) -> Windows:
    """The entries of a layer of one channel; all drawn cells are real unless told otherwise."""
    shape = found.input_shape[2:]
    real = real or tuple((0, n) for n in shape)
    return Windows(shape, real, source, found.rows, found.cols, found.taps, found.output_shape[2:])


def _conv_windows(part: Layer, spatial: tuple[int, ...], pads, padding_mode: str) -> Windows:
    shape = tuple(n + a + b for n, (a, b) in zip(spatial, pads, strict=True))
    source = source_map(spatial, pads, padding_mode) if shape != spatial else None
    real = tuple((a, a + n) for n, (a, _) in zip(spatial, pads, strict=True))
    return _windows(linear_operator(one_channel(part, padding=0), (1, 1, *shape)), real, source)


def _alone(x: np.ndarray) -> np.ndarray:
    """Pairs of a layer without a kernel that leaves each channel on its own."""
    channels = np.arange(len(x))
    return np.stack([channels, channels, np.full_like(channels, -1)], axis=1)


def _pool_stage(name: str, part: Layer, x: np.ndarray, y: np.ndarray) -> Stage:
    spatial, channels = x.shape[1:], x.shape[0]
    conv, room = pool_window(part, (1, 1, *spatial))
    pads = tuple((p, p + r) for p, r in zip(conv.padding, room, strict=True))
    windows = _conv_windows(conv, spatial, pads, "zeros")
    operator = linear_operator(part, (1, *x.shape), torch.from_numpy(x))
    taps, positions = prod(conv.kernel_size), prod(windows.positions)
    table = np.zeros((channels, positions, taps))
    channel, position = np.divmod(operator.rows, positions)
    table[channel, position, operator.taps] = operator.values
    averaging = type(part).__name__.startswith("Avg")
    if averaging and part.count_include_pad:
        # Padding zeros are averaged too, with the weight of the real cells beside them, except where ceil_mode reaches
        # past the padding.
        limit = tuple(n + 2 * p for n, p in zip(spatial, conv.padding, strict=True))
        where = np.stack(np.unravel_index(windows.cols, windows.shape))
        counted = (where < np.array(limit)[:, None]).all(0).reshape(positions, taps)
        table = np.where(counted, table.max(axis=2, keepdims=True), 0)
    reduce = "mean" if averaging else "max" if type(part).__name__.startswith("Max") else "lp"
    blank = float("-inf") if reduce == "max" else 0.0
    values = table.reshape(channels, -1)
    values, power = values[0] if averaging else values, float(getattr(part, "norm_type", 2.0))
    return Stage(name, part, x, y, windows, _alone(x), values=values, reduce=reduce, p=power, pad_value=blank)


def _unpool_stages(module: PoolUnpool, x: np.ndarray) -> tuple[Stage, Stage]:
    pool: Layer
    pool, unpool = copy.deepcopy(module)
    pool.return_indices = False
    image = torch.from_numpy(x)[None]
    first = _pool_stage("pool", pool, x, device.answer(pool, image)[0].numpy())
    y = device.answer(module, image)[0].numpy()
    # A cell of the output can hold the maximum of each window that covers it. Several windows may have the same
    # maximum, which torch writes more than once: the value is that of the last.
    covering = linear_operator(pool, (1, 1, *x.shape[1:]), image[:, :1]).T
    numbers = torch.arange(1, first.y[0].size + 1, dtype=torch.float64).reshape(1, 1, *first.y.shape[1:])
    with torch.inference_mode(), device.reference():
        source = module.put_back(numbers.expand(1, *first.y.shape).contiguous(), image)
    source = source.reshape(len(x), -1).numpy().astype(np.int64) - 1
    whole = tuple((0, n) for n in first.y.shape[1:])
    none = np.full(len(covering), -1, np.int32)
    windows = Windows(first.y.shape[1:], whole, None, covering.rows, covering.cols, none, y.shape[1:])
    values = (source[:, covering.rows] == covering.cols).astype(np.float64)
    return first, Stage("unpool", unpool, first.y, y, windows, _alone(x), values=values)


def _general_stage(name: str, part: Layer, x: np.ndarray, y: np.ndarray) -> Stage:
    """Layers without a window: the spatial structure is the union over all pairs of channels, with NaN for what a
    pair lacks."""
    operator = linear_operator(part, (1, *x.shape))
    spatial, positions = x.shape[1:], y.shape[1:]
    cells, places = prod(spatial), prod(positions)
    out, position = np.divmod(operator.rows.astype(np.int64), places)
    into, cell = np.divmod(operator.cols.astype(np.int64), cells)
    entries, entry = np.unique(position * cells + cell, return_inverse=True)
    couples, couple = np.unique(out * x.shape[0] + into, return_inverse=True)
    values = np.full((len(couples), len(entries)), np.nan)
    values[couple, entry] = operator.values
    pairs = np.stack([couples // x.shape[0], couples % x.shape[0], np.full(len(couples), -1)], axis=1)
    if not np.isnan(values).any() and (values == values[0]).all():
        values = values[0]
    rows, cols = (part.astype(np.int32) for part in np.divmod(entries, cells))
    whole = tuple((0, n) for n in spatial)
    windows = Windows(spatial, whole, None, rows, cols, np.full(len(rows), -1, np.int32), positions)
    return Stage(name, part, x, y, windows, pairs, values=values)


# -- measurements read off the operator -------------------------------------------------------------------------------


def _entries_of(stages: tuple[Stage, ...], operator: Operator) -> int:
    if len(stages) == 1 or isinstance(stages[-1].module, nn.modules.pooling._MaxUnpoolNd):
        return operator.places
    return sum(linear_operator(stage.module, (1, *stage.x.shape)).places for stage in stages)


def _field(spec: LayerSpec, stages: tuple[Stage, ...], operator: Operator) -> tuple[int, ...]:
    """First to last input cell that one output reads, per axis, the largest over all outputs."""
    stage = stages[0]
    if isinstance(stage.module, TRANSPOSED):
        return _transposed_reach(spec)
    if isinstance(spec.family, formulas.Unpool):
        return _unpool_reach(spec)
    if isinstance(stage.module, CONVOLUTIONS + POOLS):
        # Padding counts: a window at the border reaches as far as any other.
        # Of several layers in a row, only one moves along each axis.
        padded = [_conv_windows(s.module, s.x.shape[1:], _own_pads(s.module), "zeros") for s in stages[1:]]
        each = [_reach(windows.rows, windows.cols, windows.shape) for windows in (stage.windows, *padded)]
        return tuple(map(max, zip(*each, strict=True)))
    return _reach(operator.rows, operator.cols % prod(spec.input_size), spec.input_size)


def _reach(rows: np.ndarray, cols: np.ndarray, shape: tuple[int, ...]) -> tuple[int, ...]:
    ends = [_ends(rows, place) for place in np.unravel_index(cols, shape)]
    return tuple(int((last - first).max()) + 1 for first, last in ends)


def _ends(rows: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last place in each row that has any; ``rows`` are sorted."""
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    return np.minimum.reduceat(places, starts), np.maximum.reduceat(places, starts)


def _unpool_reach(spec: LayerSpec) -> tuple[int, ...]:
    """As ``_transposed_reach``."""
    reach = []
    for kernel, stride in zip(spec.kernel_size, spec.stride, strict=True):
        shape = (1, 1, 2 * kernel)
        windows, _ = pool_window(nn.MaxPool1d(kernel, stride), shape)
        found = linear_operator(windows, shape)
        # A cell reaches from the first cell of its first window to the last of its last.
        first, last = _ends(found.rows, found.cols)
        covering = found.T
        low, _ = _ends(covering.rows, first[covering.cols])
        _, high = _ends(covering.rows, last[covering.cols])
        reach.append(int((high - low).max()) + 1)
    return tuple(reach)


def _transposed_reach(spec: LayerSpec) -> tuple[int, ...]:
    """Measured along one axis at a time, on an input long enough that no border clips it."""
    reach = []
    for kernel, stride, dilation in zip(spec.kernel_size, spec.stride, spec.dilation, strict=True):
        layer = nn.ConvTranspose1d(1, 1, kernel, stride, dilation=dilation, bias=False)
        length = 2 * formulas.extent(kernel, dilation) // stride + 3
        found = linear_operator(layer, (1, 1, length))
        reach += _reach(found.rows, found.cols, (length,))
    return tuple(reach)
