"""The receptive field algebra of a stack, in closed form: size, jump and start, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from models.formulas import FIELDS
from models.text import whole

if TYPE_CHECKING:
    from models.stack.layers import Stack


@dataclass(frozen=True)
class Derivation:
    """One layer's line of algebra along one axis: numbers, `None` where no closed form holds.

    `lines` are LaTeX with the current numbers filled in: size, jump, start. `why`: a sentence, why there are none.
    """

    size: int | Fraction | None
    jump: int | Fraction | None
    start: int | Fraction | None
    lines: tuple[str, ...] = ()
    why: str = ""
    source: tuple[str, str] = FIELDS


def _tex(value: int | Fraction) -> str:
    value = Fraction(value)
    return str(value.numerator) if value.denominator == 1 else rf"\tfrac{{{value.numerator}}}{{{value.denominator}}}"


def _term(value: int | Fraction) -> str:
    """A number behind a sign: a negative one in brackets."""
    return f"({_tex(value)})" if value < 0 else _tex(value)


def stack_algebra(stack: Stack, axis: int) -> list[Derivation]:
    # Of the input first: a pixel sees itself.
    fields: list[tuple[int | Fraction, Fraction, int | Fraction] | None] = [(1, Fraction(1), 0)]
    steps, lost = [], ""
    for number, layer in enumerate(stack.along(axis), 1):
        before = fields[-1]
        lines: tuple[str, ...] = ()
        why = ""
        if before is None:
            after, why = None, lost
        elif layer.kind == "t" and layer.stride > 1:
            after = None
            lost = "A transposed layer came before, whose units take turns: read from the trace."
            why = (
                "Units take turns: neighbours read different taps, so one number per step of the algebra does not "
                "hold; read from the trace."
            )
        else:
            size, jump, start = before
            pad = layer.pads[0] if layer.kind != "t" else layer.extent - 1 - layer.padding
            after = (size + (layer.extent - 1) * jump, jump * layer.stride, start - pad * jump)
            i = number
            lines = (
                rf"r_{{{i}}} = r_{{{i - 1}}} + D\,(F - 1)\,j_{{{i - 1}}} = {_tex(size)} + {layer.dilation} \cdot "
                rf"({layer.kernel_size} - 1) \cdot {_tex(jump)} = {_tex(after[0])}",
                rf"j_{{{i}}} = j_{{{i - 1}}} \cdot S = {_tex(jump)} \cdot {layer.stride} = {_tex(after[1])}",
                rf"s_{{{i}}} = s_{{{i - 1}}} - P\,j_{{{i - 1}}} = {_tex(start)} - {_term(pad)} \cdot {_tex(jump)} = "
                rf"{_tex(after[2])}",
            )
            if layer.skip:
                branch = fields[number - layer.skip]
                stride = stack.skip_stride(number, axis)
                if branch is None or branch[1] * stride != after[1]:
                    lost = (
                        "The branch comes from units that take turns, or drift: read from the trace."
                        if branch is None
                        else f"Branches of different jump meet, {whole(branch[1] * stride)} against "
                        f"{whole(after[1])}: they drift apart from unit to unit, so no one size, jump or start holds; "
                        "read from the trace."
                    )
                    after, lines, why = None, (), lost
                    lost = "Branches that do not line up came before: read from the trace."
                else:
                    first = branch[2] + stack.skip_crops(number)[axis][0] * branch[1]
                    low = min(after[2], first)
                    high = max(after[2] + after[0], first + branch[0])
                    lines = (
                        *lines,
                        rf"r_{{{i}}} = \max(\text{{ends}}) - \min(\text{{starts}}) = {_tex(high)} - {_term(low)} = "
                        rf"{_tex(high - low)} \quad \text{{both branches}}",
                    )
                    after = (high - low, after[1], low)
        fields.append(after)
        size, jump, start = (None, None, None) if after is None else map(whole, after)
        steps.append(Derivation(size, jump, start, lines, why))
    return steps
