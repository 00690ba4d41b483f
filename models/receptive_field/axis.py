"""How receptive fields travel along ONE axis of the image: the arithmetic under `models.receptive_field`.

Along an axis each unit's field is an interval of input pixels. Two descriptions of all the intervals of a map are
carried side by side, because each answers a question that the other cannot:

- a `Rule` says where the fields would lie if the image went on for ever: unit u + period sees what unit u sees, moved
  by `advance` pixels. One number (size, jump, start) only exists there. A stride-1 convolution has period 1; a
  transposed one with stride 2 has period 2, since its even and odd units are fed by different taps;
- arrays (`Axis.exact`) say what each unit of *this* image sees, border included. They come from pushing the pixel
  indices through each layer with its window replaced by the minimum and the maximum over that window.

An `Op` is the one index map behind both: which input indices each output index reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import floor, gcd, lcm

import numpy as np

NOTHING = np.iinfo(np.int64).max // 4  # lo of a unit that reads no pixel; its hi is −NOTHING


@dataclass(frozen=True)
class Rule:
    """Fields on an endless axis: unit u sees `lo[u % period] … hi[u % period]`, moved by `advance · (u // period)`
    pixels.

    `None` in `lo` and `hi`: the units of that phase see nothing (a transposed layer whose stride exceeds its kernel).
    """

    lo: tuple[int | None, ...]
    hi: tuple[int | None, ...]
    advance: int

    @property
    def period(self) -> int:
        return len(self.lo)

    @property
    def jump(self) -> Fraction:
        """Mean distance between the fields of neighbouring units, in pixels."""
        return Fraction(self.advance, self.period)

    @property
    def size(self) -> int:
        """Extent in pixels; where the phases differ, the widest."""
        spans = map(self.at, range(self.period))
        return max((s[1] - s[0] + 1 for s in spans if s is not None), default=0)

    def at(self, unit: int) -> tuple[int, int] | None:
        """First and last pixel of a unit's field, not clipped at the border; `None` where it sees nothing."""
        turn, phase = divmod(unit, len(self.lo))
        low, high = self.lo[phase], self.hi[phase]
        if low is None or high is None:
            return None
        return low + self.advance * turn, high + self.advance * turn

    def union(self, other: Rule) -> Rule | None:
        """Both branches seen together; `None` where their jumps differ, for then no rule holds for all units."""
        if self == other:
            return self
        if self.jump != other.jump:
            return None
        period = lcm(self.period, other.period)
        spans = [_hull([r.at(u) for r in (self, other)]) for u in range(period)]
        return _rule(spans, int(self.jump * period))


PIXELS = Rule((0,), (0,), 1)  # the image itself: pixel u sees pixel u


def _hull(spans: Sequence[tuple[int, int] | None]) -> tuple[int, int] | None:
    seen = [s for s in spans if s is not None]
    return (min(s[0] for s in seen), max(s[1] for s in seen)) if seen else None


def _rule(spans: list[tuple[int, int] | None], advance: int) -> Rule:
    """The rule with the shortest period that says the same."""
    period = len(spans)
    for short in range(1, period):
        if period % short or (advance * short) % period:
            continue
        step = advance * short // period
        if all(
            spans[u] == (None if (seen := spans[u % short]) is None else tuple(v + step * (u // short) for v in seen))
            for u in range(short, period)
        ):
            spans, advance = spans[:short], step
            break
    return Rule(
        tuple(None if s is None else s[0] for s in spans), tuple(None if s is None else s[1] for s in spans), advance
    )


@dataclass(frozen=True)
class Op:
    """Which input indices each output index reads, along one axis.

    Output o reads `taps[o % period]`, each moved by `advance · (o // period)`. Indices outside 0 … n−1 are handled by
    `edge`: `"drop"` (padding that holds no pixel), or `"clamp"`, `"reflect"`, `"circular"`, which fold them back
    inside.
    """

    n: int
    out: int
    taps: tuple[tuple[int, ...], ...]
    advance: int
    edge: str = "drop"

    def rule(self, fields: Rule) -> Rule:
        """The rule of the output's fields, given that of the input's."""
        if len(self.taps) == 1 and fields.period == 1 and (seen := fields.at(0)) and self.taps[0]:
            a, first, last = fields.advance, min(self.taps[0]), max(self.taps[0])
            return Rule((seen[0] + min(a * first, a * last),), (seen[1] + max(a * first, a * last),), a * self.advance)
        turns = fields.period // gcd(fields.period, self.advance)
        period, moved = len(self.taps) * turns, self.advance * turns
        spans = [_hull([fields.at(i) for i in self.reads(o)]) for o in range(period)]
        return _rule(spans, fields.advance * moved // fields.period)

    def reads(self, o: int) -> list[int]:
        turn, phase = divmod(o, len(self.taps))
        return [t + self.advance * turn for t in self.taps[phase]]

    def push(self, lo: np.ndarray, hi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest pixel that each output sees, from those of the inputs."""
        low, high = np.full(self.out, NOTHING), np.full(self.out, -NOTHING)
        turn, phase = np.divmod(np.arange(self.out), len(self.taps))
        for k in range(max(map(len, self.taps), default=0)):
            tap = np.array([t[k] if k < len(t) else 0 for t in self.taps])
            has = np.array([k < len(t) for t in self.taps])
            index, there = tap[phase] + self.advance * turn, has[phase]
            if self.edge == "drop":
                there = there & (index >= 0) & (index < self.n)
            elif self.edge == "reflect" and self.n > 1:
                index = np.abs(index) % (2 * (self.n - 1))
                index = np.minimum(index, 2 * (self.n - 1) - index)
            elif self.edge == "circular":
                index = index % self.n
            index = np.clip(index, 0, self.n - 1)
            np.minimum(low, np.where(there, lo[index], NOTHING), out=low)
            np.maximum(high, np.where(there, hi[index], -NOTHING), out=high)
        return low, high


@lru_cache(4096)
def window(n: int, out: int, kernel: int, stride: int, before: int, dilation: int, edge: str = "drop") -> Op:
    """Convolution or pooling: output o reads o·stride − before + dilation·k, k = 0 … kernel−1."""
    return Op(n, out, (tuple(dilation * k - before for k in range(kernel)),), stride, edge)


@lru_cache(4096)
def transposed(n: int, out: int, kernel: int, stride: int, padding: int, dilation: int) -> Op:
    """Transposed convolution: input i lands on i·stride − padding + dilation·k, read backwards."""
    taps = tuple(
        tuple(
            (o + padding - dilation * k) // stride for k in range(kernel) if (o + padding - dilation * k) % stride == 0
        )
        for o in range(stride)
    )
    return Op(n, out, taps, 1)


@lru_cache(1024)
def adaptive(n: int, out: int) -> Op:
    """Adaptive pooling: output o reads ⌊o·n/out⌋ … ⌈(o+1)·n/out⌉ − 1 (ATen's `start_index`, `end_index`)."""
    g = gcd(n, out)
    return Op(n, out, tuple(tuple(range(o * n // out, -(-(o + 1) * n // out))) for o in range(out // g)), n // g)


@lru_cache(1024)
def resample(n: int, out: int, mode: str, align_corners: bool, scale: Fraction) -> Op:
    """Interpolation (ATen's `UpSample.h`): `scale` is input pixels per output pixel. Taps of weight 0 are left out."""
    if align_corners:
        scale = Fraction(n - 1, out - 1) if out > 1 else Fraction(0)
    taps = []
    for o in range(scale.denominator):
        if mode == "nearest":
            taps.append((floor(o * scale),))
            continue
        if mode == "nearest-exact":
            taps.append((floor((o + Fraction(1, 2)) * scale),))
            continue
        at = o * scale if align_corners else (o + Fraction(1, 2)) * scale - Fraction(1, 2)
        base = floor(at)
        if at == base:
            taps.append((base,))
        else:
            taps.append((base, base + 1) if mode == "linear" else (base - 1, base, base + 1, base + 2))
    return Op(n, out, tuple(taps), scale.numerator, "clamp")


@dataclass(eq=False)
class Axis:
    """The fields of all units of a map along one axis of the image, and where they came from.

    `rule` is `None` where no rule holds: the units see everything (`everything`), or branches do not line up (`aligned`
    is False). Where a global branch joins a local one, `rule` describes the local one.
    """

    n: int
    rule: Rule | None
    parents: tuple[Axis, ...] = ()
    op: Op | None = None
    combine: Callable[..., tuple[np.ndarray, np.ndarray]] | None = None
    everything: bool = False
    aligned: bool = True
    _exact: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def exact(self) -> tuple[np.ndarray, np.ndarray]:
        """First and last pixel that each unit sees, inside the image; (NOTHING, −NOTHING) where it sees none."""
        todo = [self]
        while self._exact is None:  # a loop, since networks are deeper than Python's recursion limit
            axis = todo[-1]
            if axis._exact is not None:
                todo.pop()
                continue
            missing = [p for p in axis.parents if p._exact is None]
            if missing:
                todo += missing
                continue
            todo.pop()
            below = [p._exact for p in axis.parents if p._exact is not None]
            if axis.op is not None:
                axis._exact = axis.op.push(*below[0])
            elif axis.combine is not None:
                axis._exact = axis.combine(*below)
            else:
                axis._exact = (np.arange(axis.n), np.arange(axis.n))
        return self._exact


def image(n: int) -> Axis:
    return Axis(n, PIXELS)


def apply(op: Op, axis: Axis) -> Axis:
    rule = None if axis.rule is None else op.rule(axis.rule)
    return Axis(op.out, rule, (axis,), op, everything=axis.everything, aligned=axis.aligned)


def join(axes: Sequence[Axis], n: int) -> Axis:
    """Branches added, multiplied or stacked along the channels: each unit sees what it sees through any of them.

    A branch of length 1 is broadcast, so that its one unit is seen by all: it counts as global.
    """
    axes = list(dict.fromkeys(axes))
    if len(axes) == 1 and axes[0].n == n:
        return axes[0]
    rules = [a.rule for a in axes if a.rule is not None and a.n == n]
    everything = any(a.everything or a.n != n for a in axes)
    aligned = all(a.aligned for a in axes)
    rule = rules[0] if rules and aligned else None
    for other in rules[1:]:
        if rule is not None:
            rule = rule.union(other)
            aligned = aligned and rule is not None

    def combine(*parts):
        lo = np.minimum.reduce([np.broadcast_to(p[0], (n,)) for p in parts])
        return lo, np.maximum.reduce([np.broadcast_to(p[1], (n,)) for p in parts])

    return Axis(n, rule, tuple(axes), None, combine, everything, aligned)


def whole(axis: Axis, n: int = 1, keep: bool = False) -> Axis:
    """Each of `n` units sees what all units of `axis` see together; `keep`: it also has its own place, as before."""

    def combine(part):
        return np.full(n, part[0].min()), np.full(n, part[1].max())

    rule, aligned = (axis.rule, axis.aligned) if keep else (None, True)
    return Axis(n, rule, (axis,), None, combine, True, aligned)


def concatenate(axes: Sequence[Axis]) -> Axis:
    """Maps laid end to end along this axis: no single rule holds, the exact fields do."""

    def combine(*parts):
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    everything = any(a.everything for a in axes)
    return Axis(sum(a.n for a in axes), None, tuple(axes), None, combine, everything, False)
