"""Output size: which forward sizes meet, what output_padding selects, and what the zero-padding way wastes."""

from __future__ import annotations

import streamlit as st

from models import lab
from models.share import Scene
from models.spec import LayerSpec
from models.text import big, sentence
from models.transposed import ForwardSizes, TransposedError, cost, forward_sizes, wasted
from pages._lesson import predict
from pages.transposed._shared import EDITOR, TOLD, lesson, load, measured, offer_layer
from viz import state
from viz.components.stage import stage
from viz.figures import show
from viz.figures.cards import check_cards, mathml
from viz.figures.cells import row
from viz.figures.upsampling import meeting, waste
from viz.scenes.four_views import zeros_alone

AXES = {1: ("Width",), 2: ("Height", "Width"), 3: ("Depth", "Height", "Width")}
EXAMPLES = {
    "3×3 back to 5×5": {"input_size": 3, "stride": 2, "padding": 1},
    "… or to 6×6": {"input_size": 3, "stride": 2, "padding": 1, "output_padding": 1},
    "5×5 to 7×7, why not just pad?": {"input_size": 5},
    "Twice as large, exactly": {"input_size": 4, "kernel_size": 4, "stride": 2, "padding": 1},
}


def _listed(found: ForwardSizes) -> str:
    *sizes, last = (str(one.size) for one in found.sizes)
    return f"{', '.join(sizes)} and {last}" if sizes else last


def _predicted(spec: LayerSpec) -> None:
    """A question about the layer that is set with another stride, which is not on the screen."""
    size, kernel, padding, dilation = (one[-1] for one in (spec.input_size, spec.kernel_size, spec.pads, spec.dilation))
    stride = spec.stride[-1] + 1
    line = LayerSpec(
        "transposed", 1, size, kernel_size=kernel, stride=stride, padding=padding[0], dilation=dilation, bias=False
    )
    (found,) = forward_sizes(line)
    right = len(found.sizes)
    options = sorted({1, right, stride - 1, stride, stride + 1})
    predict(
        f"sizes_{size}_{kernel}_{stride}_{padding[0]}_{dilation}",
        f"A convolution with kernel_size {kernel}, stride {stride}, padding {padding[0]} and dilation {dilation} is to "
        f"make {size}. From how many input sizes can it?",
        [str(n) for n in options],
        str(right),
        f"From {_listed(found)}. Columns at the end that the last step of {stride} does not reach are left out, so "
        f"sizes meet; going back, output_padding = 0 … {right - 1} says which was meant.",
    )


def _sizes(found: lab.Lab) -> None:
    """Numbers and sizes that meet; they need no picture, so a layer that is too large to be drawn has them too."""
    spec = found.spec
    sizes = forward_sizes(spec)
    square = all(one == sizes[0] for one in sizes)
    names = AXES[spec.dims] if not square or spec.dims == 1 else ("Each axis",) * spec.dims
    drawn = [meeting(one, name) for one, name in zip(sizes, names, strict=True)]
    show(check_cards([found.check("output_size"), found.check("macs")]), key="ct_size_cards")
    one = sizes[-1]
    # The condition may go to a line of its own on a phone.
    said, _, when = one.formula.symbols.partition(r", \quad")
    formula = f'<p class="cs-scrolled">{mathml(said)} <span class="cs-whole">({mathml(when)})</span></p>'
    formula += f'<p class="cs-scrolled">{mathml(one.formula.filled)}</p>'
    show(row(*(drawn[:1] if square else drawn)) + formula, key="ct_sizes")
    st.markdown(
        f"{'A' if square or spec.dims == 1 else f'{names[-1]}: a'} convolution with these settings makes "
        f"{one.output} from {_listed(one)}: measured on the real layer. "
        f"output_padding, r = {spec.output_padding[-1]}, says that {one.chosen} was meant"
        + (". " if one.chosen_becomes == one.output else f", which itself becomes {one.chosen_becomes}. ")
        + "It adds no zeros to the input: it asks for a larger output."
        + (" With stride 1 every size is alone; choose stride 2, and two meet." if max(spec.stride) == 1 else "")
    )


def draw(scene: Scene) -> None:
    """Sizes first, then the price of zeros."""

    def examples() -> None:
        for name, settings in EXAMPLES.items():
            st.button(name, on_click=load, kwargs=settings)

    with lesson(scene, examples):
        found = measured(scene)
        _sizes(found or lab.of(scene))
    _predicted(scene.spec)
    if found is None:
        return
    spec = found.spec
    st.header("Why not just insert zeros and convolve?", anchor=False)
    try:
        share, price = wasted(found.module, spec.input_shape), cost(found.module, spec.input_shape)
    except TransposedError as error:
        st.info(sentence(error))
        return
    show(waste(share), key="ct_waste")
    stage(zeros_alone(found), key="ct_zeros", height=430)
    st.markdown(
        f"The zero-padding way multiplies {share.total_formula.text}. The transposed layer multiplies "
        f"{price.formula.text}"
        + (f", and adds {big(price.bias_additions)} biases" if price.bias_additions else "")
        + f"; torch counted {big(price.macs)}. Counters that multiply by the output's size say {big(share.total)}"
        + (f", or {big(share.total + price.bias_additions)} with biases" if price.bias_additions else "")
        + ": they count the zeros as work."
    )


if __name__ == "__main__":
    state.take(EDITOR)
    scene = EDITOR.read()
    draw(scene)
    offer_layer(
        scene,
        f"{TOLD[:-1]}, and that each forward size leads here.",
        lambda: [[one.size for one in axis.sizes] for axis in forward_sizes(scene.spec)],
    )
