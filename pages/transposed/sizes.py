"""Output size: which forward sizes meet, what output_padding selects, and what the zero-padding way wastes."""

from __future__ import annotations

import streamlit as st

from models import lab
from models.share import Scene
from models.text import big, sentence
from models.transposed import ForwardSizes, TransposedError, cost, forward_sizes, wasted
from pages._question import Asking
from pages.transposed._questions import SIZES
from pages.transposed._shared import AGAINST, EDITOR, TOLD, compared, lesson, measured, offer_layer, stamps
from viz import state
from viz.components.stage import stage
from viz.figures import show
from viz.figures.cards import check_cards, mathml
from viz.figures.cells import row
from viz.figures.upsampling import meeting, waste
from viz.scenes.four_views import four_views, zeros_alone
from viz.words import heading, say

AXES = {1: ("Width",), 2: ("Height", "Width"), 3: ("Depth", "Height", "Width")}
ASKING = Asking("transposed-sizes", SIZES, (EDITOR,))


def _listed(found: ForwardSizes) -> str:
    *sizes, last = (str(one.size) for one in found.sizes)
    return f"{', '.join(sizes)} and {last}" if sizes else last


def _sizes(found: lab.Lab, side: str = "stage") -> None:
    """The sizes that meet; they need no picture, so a layer that is too large to be drawn has them too."""
    spec = found.spec
    sizes = forward_sizes(spec)
    square = all(one == sizes[0] for one in sizes)
    names = AXES[spec.dims] if not square or spec.dims == 1 else ("Each axis",) * spec.dims
    drawn = [meeting(one, name) for one, name in zip(sizes, names, strict=True)]
    one = sizes[-1]
    # The condition may go to a line of its own on a phone.
    said, _, when = one.formula.symbols.partition(r", \quad")
    formula = f'<p class="cs-scrolled">{mathml(said)} <span class="cs-whole">({mathml(when)})</span></p>'
    formula += f'<p class="cs-scrolled">{mathml(one.formula.filled)}</p>'
    # Beside each other, where nothing else stands beside them.
    picture, text = st.columns([7, 3], gap="medium") if side == "stage" and AGAINST.value is None else (st, st)
    with picture.container():
        show(row(*(drawn[:1] if square else drawn), f"<div>{formula}</div>"), key=f"ct_sizes_{side}")
    with text.container():
        say(
            f"{'A' if square or spec.dims == 1 else f'{names[-1]}: a'} convolution with these settings makes "
            f"{one.output} from {_listed(one)}: measured on the real layer. "
            f"output_padding, r = {spec.output_padding[-1]}, says that {one.chosen} was meant"
            + (". " if one.chosen_becomes == one.output else f", which itself becomes {one.chosen_becomes}. ")
            + "It adds no zeros to the input: it asks for a larger output."
            + (" With stride 1 every size is alone; choose stride 2, and two meet." if max(spec.stride) == 1 else "")
        )


def draw(scene: Scene, covered: bool) -> None:
    """Sizes first, then the price of zeros."""
    if compared(scene, ASKING, covered, _sizes):
        return
    with lesson(scene, ASKING) as right:
        found = measured(scene)
        if covered:
            if found:
                stage(stamps(four_views(found)), key="ct_before")
            return
        one = found or lab.of(scene)
        show(check_cards([one.check("output_size"), one.check("macs")]), key="ct_size_cards")
        _sizes(one)
        if found:
            with right.container(key="numbers"):
                _zeros(found)


def _zeros(found: lab.Lab) -> None:
    """What the zero-padding way multiplies, counted and shown."""
    spec = found.spec
    heading("Why not just insert zeros and convolve?")
    try:
        share, price = wasted(found.module, spec.input_shape), cost(found.module, spec.input_shape)
    except TransposedError as error:
        st.info(sentence(error))
        return
    bar, text = st.columns(2, gap="medium")
    with bar:
        show(waste(share), key="ct_waste")
    with text:
        say(
            f"The zero-padding way multiplies {share.total_formula.text}. The transposed layer multiplies "
            f"{price.formula.text}"
            + (f", and adds {big(price.bias_additions)} biases" if price.bias_additions else "")
            + f"; torch counted {big(price.macs)}. Counters that multiply by the output's size say {big(share.total)}"
            + (f", or {big(share.total + price.bias_additions)} with biases" if price.bias_additions else "")
            + ": they count the zeros as work."
        )
    stage(zeros_alone(found), key="ct_zeros", height=430)


if __name__ == "__main__":
    state.take(EDITOR, AGAINST, ASKING)
    scene = EDITOR.read()
    covered = ASKING.waits()
    draw(scene, covered)
    offer_layer(
        scene,
        covered,
        f"{TOLD[:-1]}, and that each forward size leads here.",
        lambda: [[one.size for one in axis.sizes] for axis in forward_sizes(scene.spec)],
    )
