"""One unit of a stack: what the graph says that it sees, beside what the gradient says."""

from __future__ import annotations

import re

import numpy as np

from models.stack.field import StackField, StackUnit
from models.text import big
from pages.receptive_field._stack import each, jumps, point
from viz.figures import Map, legend, maps, numbers


def unit_numbers(field: StackField, unit: StackUnit) -> str:
    """HTML: field, jump, start, centre and padding of one unit of the last layer of `field`."""
    last = field.rows[-1]
    place = ", ".join(map(str, unit.index))
    whole = _places(unit.box)
    inside = _places(unit.inside)
    return numbers(
        [
            ("Unit", f"({place})", f"of layer {len(field.rows)}"),
            ("It sees", span_text(unit.box).removeprefix("pixels ").split(" along")[0], "pixels; negative: padding"),
            ("Its centre", each(map(point, unit.centre)), "in pixels; 0 is the first pixel's middle"),
            ("Its jump", jumps(last), "pixels to its neighbour's field"),
            ("Map's start", each(last.start), "first pixel of unit 0"),
            ("On padding", big(whole - inside), f"of {big(whole)} places of its field"),
        ]
    )


def _places(spans) -> int:
    """Places in a box given by first and last one per axis."""
    return int(np.prod([0 if span is None else span[1] - span[0] + 1 for span in spans]))


def compare(field: StackField, unit: StackUnit) -> str:
    """HTML: the traced box, and the pixels whose gradient is not zero, of the same unit."""
    theory = np.zeros(unit.support.shape)
    inside = tuple(slice(span[0], span[1] + 1) if span else slice(0, 0) for span in unit.inside)
    theory[inside] = 1
    volume = int(theory.sum())
    whole_box = _places(unit.box)
    box = None if None in unit.box else unit.box
    outside = f"; {big(whole_box - volume)} more lie outside, on padding" if whole_box > volume else ""
    told = f"From the graph: {span_text(unit.box)}, {big(volume)} pixels of the input{outside}."
    seen = f"From the gradient: {span_text(unit.measured)}, {big(unit.pixels)} pixels are read."
    most = int(unit.reads.max())
    return (
        maps(
            [
                Map("Theory: the box", theory, box, told),
                Map("Measured: where the gradient is not zero", unit.support.astype(float), box, seen),
                Map(
                    "Measured: on how many paths",
                    unit.reads,
                    box,
                    f"At most {big(most)} {'path leads' if most == 1 else 'paths lead'} from one pixel to the unit. "
                    "More paths, more weight.",
                ),
            ]
        )
        + legend()
    )


def span_text(spans) -> str:
    """Boxes as text: ``2 to 14 along each axis``, or axis by axis."""
    texts = ["nothing" if s is None else f"{s[0]} to {s[1]}".replace("-", "−") for s in spans]
    if len(texts) == 1 or len(set(texts)) == 1:
        return f"pixels {texts[0]}{' along each axis' if len(texts) > 1 else ''}"
    return f"rows {texts[0]}, columns {texts[1]}"


def why(field: StackField, unit: StackUnit) -> str:
    """One or two sentences: whether theory and gradient say the same for this unit, and if not, why."""
    volume = _places(unit.inside)
    same = all(a == b for a, b in zip(unit.inside, unit.measured, strict=True))
    if volume == unit.pixels == 0:
        return (
            "**Both say: this unit reads nothing.** It lies between the stamps of a transposed layer whose stride is "
            "larger than its kernel, or on padding alone."
        )
    verdict = (
        "**The two boxes agree.**"
        if same
        else "**The two boxes differ.** Some paths of the graph end on padding, so their pixels never arrive."
    )
    holes = volume - unit.pixels
    if holes > 0:
        gaps = any(one.dilation > 1 for axis in range(field.stack.dims) for one in field.stack.along(axis))
        cause = (
            "dilated taps step over them, and no other layer fills the gaps (gridding)"
            if gaps
            else "a stride larger than its kernel steps over them"
        )
        verdict += f" Yet {big(holes)} of the {big(volume)} pixels inside are never read: {cause}."
    if field.measured is None:
        verdict += (
            " Here the gradient is asked at this input size alone: the branch has the length of the layers beside it "
            "at this size and at few others, so no longer strip runs. Every unit of every layer is measured by itself."
        )
    if field.traced.box(unit.index) != unit.inside:
        verdict += " The field reaches past the border: there the unit sees padding."
    notes = [_told(note) for note in field.traced.notes]
    return " ".join([verdict, *notes])


def _told(note: str) -> str:
    """A note of the trace in the page's words."""
    if met := re.match(r"At layer layers\.(\d+)\.add \(add\) branches meet", note):
        return (
            f"In layer {int(met[1]) + 1} branches of different jump meet and drift apart: how much a unit sees depends "
            "on the unit, and the numbers above the table are the widest in this image."
        )
    return note.replace("the receptive field given", "the receptive field above")
