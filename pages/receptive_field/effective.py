"""What a unit really uses: gradient energy inside the theoretical box, and how both grow with depth."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import fields
from html import escape

import numpy as np
import streamlit as st

from models.effective import EffectiveField
from models.networks import NetworkError, fetch_weights
from models.networks.effective import NETWORKS, OWN, Case, effective_refined, effective_so_far, growth, side_of
from models.networks.fields import network_field
from models.receptive_field import ReceptiveFieldError
from models.stack import DRAWN, Stack
from models.turns import Waiting
from pages._lesson import columns, offer
from pages._question import Asking
from pages.receptive_field import _editor as editor
from pages.receptive_field import _layer as layers
from pages.receptive_field._questions import EFFECTIVE
from viz import state
from viz.colours import heat
from viz.figures import Line, Series, begun, chart, lines, numbers, show, surface
from viz.figures.png import packed
from viz.state import Choice, Flag, Whole
from viz.words import heading, remark, say

PLAIN, OWN_STACK = "Plain 3×3 layers", "Your stack"
WEIGHTS = {"random": "random", "equal": "uniform", "as initialised": "given", "trained": "trained"}
MOST = 50
FIRST = 3
"""Layers whose box is drawn while a question waits."""
LUO = "https://arxiv.org/abs/1701.04128"

WEIGHT = Choice(
    "weights",
    "random",
    "Weights",
    "random: new ones with each input. equal: all the same, which gives a binomial profile. "
    "as initialised: as PyTorch draws them, once. trained: our own small networks bring them along; "
    "torchvision's are fetched from its hub.",
    tuple(WEIGHTS),
    key="energy_weights",
)
RELU = Flag("relu", True, "With ReLU", "Off: a linear network.")
INPUTS = Whole(
    "inputs",
    10,
    "Random inputs",
    "The energy is their average. More of them go on from those that are done.",
    1,
    MOST,
    slider=True,
)
DEPTH = Whole("depth", 10, "Layers", None, 1, 40, slider=True)


def lesson() -> None:
    """Controls and picture, the numbers, and the growth with depth."""
    network = Choice("of", PLAIN, "Network", None, (PLAIN, OWN_STACK, *NETWORKS))
    state.take(network, WEIGHT, RELU, INPUTS, DEPTH)
    top, rest = st.container(key="lesson"), st.container()
    with top:
        left, right = columns()
        with left, st.container(key="controls", gap="small"):
            of = network.draw(on_change=layers.let_go, args=("of_layer",))
            depth, layer, stack = 0, "", None
            if of == PLAIN:
                depth = DEPTH.draw()
                units = (2 * depth + 9,) * 2
            elif of == OWN_STACK:
                stack = _stack()
                if not stack.drawn:
                    limit = DRAWN[stack.dims]
                    st.error(f"This stack is too long here: take an input of up to {limit}.", icon=":material/block:")
                    return
                units = stack.shapes[-1]
                remark(f"`{stack.to_text()}` from “Build a stack”.")
            else:
                field = network_field(of, side_of(of))
                layer = layers.draw("of_layer", field, "Its unit is asked. Type to search.")
                units = field.map(layer).map_size
            known = [word for word in WEIGHTS if word != "trained" or of in NETWORKS]
            weights = WEIGHT.draw(known)
            relu = RELU.draw()
            inputs = INPUTS.draw(label="Drawings" if of in OWN and weights == "trained" else INPUTS.label)
            unit = _unit(units)
        asking = Asking("receptive-field-effective", EFFECTIVE)
        state.take(asking)
        covered = asking.waits()
        name = {PLAIN: "depth", OWN_STACK: "stack"}.get(of, of)
        case = Case(name, WEIGHTS[weights], relu, inputs, depth, stack, layer, unit)
        with right:
            asking.draw()
            if covered:
                with st.container(key="stage_area"):
                    _before()
                offer(lambda: ("", ""), covered=True)
                return
            found = effective_so_far(case)
            done = found.inputs if found else 0
            more = done < inputs and state.recall("stopped") != case
            stage = st.container(key="stage_area")
            place = stage.empty()
            # Of another case that stood here nothing is left while this one is computed.
            picture, below, rest = (stage.empty(), right.empty(), rest.empty()) if more else (stage, right, rest)
            try:
                if weights == "trained":
                    for come, total in fetch_weights(of):
                        told = f"Fetching the weights of {of}: {come / 2**20:.0f} MB …"
                        place.progress(min(1.0, come / (total or 1e12)), told)
                if more:
                    found = _refine(effective_refined(case), found, case, of, place)
                    done = found.inputs
            except (ReceptiveFieldError, NetworkError, RuntimeError) as error:
                place.empty()
                stage.error(str(error).split("\n")[0], icon=":material/block:")
                return
            place.empty()
            if done < inputs:
                with place.container(horizontal=True, vertical_alignment="center"):
                    remark(f"Stopped after {done} of {inputs} inputs.")
                    st.button("Go on", key="go_on", icon=":material/play_arrow:", on_click=_stop, args=(None,))
            if found is None:  # stopped while others had their turn
                return
            with picture.container():
                _seen(found, of)
            offer(lambda: _script(case, found))
            with below.container(key="numbers"):
                show(_cards(found), key="effective_cards")
                if found.energy.max() == 0:
                    st.info(
                        "No gradient reaches the input: the unit is 0 for all of these inputs, its ReLU is shut. Take "
                        "more inputs, another unit, or switch ReLU off.",
                        icon=":material/block:",
                    )
                elif found.inputs < 10 and weights == "random":
                    remark("Few inputs give a noisy picture: more of them smooth it.")
    with rest.container():
        say(
            "The box says where a unit **could** look. The energy says where it **does**: many paths lead from the "
            "middle of the box to the unit, few from its corners, so nearly all of the gradient sits near the middle "
            f"([Luo et al. 2016]({LUO}))."
        )
        heading("The box grows like n, the used part like √n")
        _depths(WEIGHTS[weights] if weights != "trained" else "random", relu, min(inputs, 10))


def _before() -> None:
    """The box of the first few layers, and room for the rest."""
    depths = range(DEPTH.high + 1)
    figure = lines([Series("box", depths, [2 * n + 1 for n in depths])], x="Layers of 3×3 (n)", y="Box, pixels a side")
    said = f"Width of the box after up to {FIRST} layers; the axes leave room for {DEPTH.high}"
    chart(begun(figure, FIRST + 1), key="effective_first", alt=said, numbers=False)


def _stack() -> Stack:
    """The stack of the lesson that builds it, which the link repeats here."""
    state.take(editor.Shown())
    stack = editor.read()
    editor.show(stack)
    return stack


def _unit(units: tuple[int, ...]) -> tuple[int, ...] | None:
    """The unit that is asked; None is the middle one."""
    titles = {"unit_row": "Unit: row", "unit_column": "Unit: column"} if len(units) == 2 else {"unit_column": "Unit"}
    settings = [
        Whole(
            name, None, title, f"0 to {n - 1}; empty: the middle one, {n // 2}.", 0, n - 1, key=f"energy_{name}"
        )
        for (name, title), n in zip(titles.items(), units, strict=True)
    ]  # fmt: skip
    state.take(*settings)
    index = []
    for column, one, n in zip(st.columns(len(units)), settings, units, strict=True):
        with column:
            value = one.draw(placeholder=str(n // 2))
        index.append(n // 2 if value is None else value)
    return None if tuple(index) == tuple(n // 2 for n in units) else tuple(index)


def _stop(case) -> None:
    """Callback: from now on this case is shown as far as it is known."""
    state.remember("stopped", case)


def _refine(steps, found: EffectiveField | None, case, of: str, place):
    """Draw the average while it is refined, at first what was ``found`` before; the button ends it, and so does any
    other control."""
    last = 0.0
    with place.container():
        with st.container(horizontal=True, vertical_alignment="center"):
            bar = st.empty()
            button = st.empty()
        drawing = st.empty()

    def draw() -> None:
        with drawing.container():
            _seen(found, of, f"_{found.inputs}")

    bar.progress(0.0, "Asking the gradient …")
    button.button("Stop here", key="stop", icon=":material/stop:", on_click=_stop, args=(case,))
    if found is not None:
        draw()
    with closing(steps):
        for step in steps:
            if isinstance(step, Waiting):
                bar.progress(0.0, step.told("Asking the gradient"))
                continue
            found = step
            bar.progress(found.inputs / case.inputs, f"Input {found.inputs} of {case.inputs}")
            if found.inputs < case.inputs and time.monotonic() - last > 0.6:
                draw()
                last = time.monotonic()
    return found


def _depths(weights: str, relu: bool, inputs: int) -> None:
    place = st.empty()
    found = growth(weights, relu, inputs, lambda done, n: place.progress(done / n, f"Measuring depth {done} of {n} …"))
    place.empty()
    said = "Width of the theoretical box and of the used part against the number of 3×3 layers"
    chart(_growth(found), key="effective_growth", alt=said)


def _seen(found: EffectiveField, name: str, step: str = "") -> None:
    """The root of the energy: as a picture, as a surface, and summed along each axis; in one dimension a curve.

    ``step``: what sets apart the keys of an average that is still refined.
    """
    gradient = np.sqrt(found.energy / (found.energy.max() or 1))
    told = (
        f"Gradient energy of unit {found.index} of {name}, averaged over {found.inputs} inputs. "
        f"The theoretical box spans {_sides(found)} pixels, the used part about {found.size:.3g} a side."
    )
    if gradient.ndim == 1:
        chart(_curve(gradient, found.box[0]), key=f"effective_curve{step}", alt=told, numbers=not step)
        return
    left, middle, right = st.columns([5, 6, 5], gap="small")
    with left:
        show(_picture(gradient, found, told), key=f"effective_picture{step}")
    if step or found.energy.max() == 0:
        return
    with middle:
        figure = surface(gradient, x="Column", y="Row", z="|Gradient|", height=330)
        chart(figure, key="effective_surface", alt=f"The same as a surface. {told}", numbers=False)
    with right:
        said = "Gradient energy summed over rows and over columns, with the ends of the theoretical box and of the half"
        chart(_profile(found), key="effective_profile", alt=said)


def _curve(gradient: np.ndarray, box) -> dict:
    first, last = box or (0, len(gradient) - 1)
    return lines(
        [Series("gradient, share of its peak", range(len(gradient)), gradient)],
        x="Input position, pixels",
        y="Gradient, share of its peak",
        uprights=[Line("theoretical box", [first, last])],
    )


def _picture(gradient: np.ndarray, found: EffectiveField, told: str) -> str:
    """HTML: the picture, the box, the half-width."""
    boxed = [span or (0, n - 1) for span, n in zip(found.box, gradient.shape, strict=True)]
    height, width = gradient.shape
    (top, bottom), (left, right) = boxed
    (cy, cx), (hy, hx) = found.centre, found.half_width
    line = max(height, width) / 150
    return (
        f'<figure class="cs-energy"><svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(told)}">'
        f'<image href="{packed(heat(gradient))}" width="{width}" height="{height}" preserveAspectRatio="none" '
        'style="image-rendering:pixelated"/>'
        f'<rect class="cs-on-heat" x="{left}" y="{top}" width="{right - left + 1}" height="{bottom - top + 1}" '
        f'stroke-width="{line:.3f}"/>'
        f'<rect class="cs-on-heat cs-half" x="{cx + 0.5 - hx:.2f}" y="{cy + 0.5 - hy:.2f}" width="{2 * hx:.2f}" '
        f'height="{2 * hy:.2f}" stroke-width="{line:.3f}" stroke-dasharray="{3 * line:.3f} {2 * line:.3f}"/></svg>'
        '<figcaption><ul class="cs-keys"><li><b class="cs-key-frame"></b>theoretical box</li>'
        '<li><b class="cs-key-half"></b>half of the energy along each axis</li>'
        "<li>colour: |gradient|, dark 0, yellow the largest</li></ul></figcaption></figure>"
    )


def _profile(found: EffectiveField) -> dict:
    """The energy summed along either axis of a picture."""
    cx, hx = found.centre[1], found.half_width[1]
    span = found.box[1]
    along = "" if found.box[0] == span else ", columns"
    uprights = [Line("half of the energy", [cx - hx, cx + hx])]
    if span is not None:
        uprights += [Line(f"box{along}", span)]
    return lines(
        [
            Series(name, range(len(profile)), [100 * v for v in profile])
            for name, profile in zip(("by column", "by row"), reversed(found.profiles), strict=True)
        ],
        x="Position, pixels",
        y="Energy, %",
        uprights=uprights,
        height=330,
    )


def _sides(found: EffectiveField) -> str:
    return " × ".join("?" if s is None else str(s[1] - s[0] + 1) for s in found.box)


def _cards(found: EffectiveField) -> str:
    share, ratio = found.share_inside, found.ratio
    shown = [
        ("Theoretical box", _sides(found), "inside the image"),
        ("Used", f"{found.size:.3g} a side", "pixels whose |gradient| exceeds 4.55 % of the largest (Luo et al.)"),
        ("Share of the box", "–" if ratio is None else f"{100 * ratio:.3g} %", "of its pixels are used in that sense"),
        (
            "Half-width",
            " × ".join(f"{h:.3g}" for h in found.half_width),
            "half of the energy lies this close to its centre, per axis",
        ),
        (
            "Inside the box",
            "–" if share is None else f"{100 * share:.4g} %",
            "of the energy; less by a global branch",
        ),
        ("Inputs", str(found.inputs), f"averaged; unit ({', '.join(map(str, found.index))})"),
    ]
    return numbers(shown)


def _script(case: Case, found: EffectiveField) -> tuple[str, str]:
    """The same question to the same network. What PyTorch draws once is drawn anew in a script."""
    stack = case.stack
    made = (
        ""
        if stack is None
        else f"stack = read_stack({stack.to_text()!r}, {stack.dims}, {stack.size}, {stack.channels})"
    )
    settings = [f"{one.name}={getattr(case, one.name)!r}" for one in fields(case) if one.name != "stack"]
    asked_for = ", ".join([*settings, *(["stack=stack"] if made else [])])
    code = "from models.networks.effective import Case, effective\n"
    code += f"from models.stack import read_stack\n\n{made}\n" if made else "\n"
    code += f"found = effective(Case({asked_for}))\n"
    code += 'print(f"of {found.box}, unit {found.index} uses about {found.size:.3g} pixels a side")\n'
    code += f"assert found.box == {found.box}\n"
    if case.weights != "given":
        code += f"assert abs(found.size - {found.size!r}) <= 0.02 * found.size\n"
    told = "Runs in a copy of this project: asks the same unit for its gradient; asserts the box"
    return f"{told}{'' if case.weights == 'given' else ' and the used part'}.", code


def _growth(found) -> dict:
    notes = [f"{n} {'layer' if n == 1 else 'layers'}" for n in found.depths]
    return lines(
        [
            Series("theoretical box: 2n + 1", found.depths, found.theory, notes),
            Series("measured on these weights", found.depths, found.measured, notes),
            Series("equal weights, closed form: 4.41·√(2n/3)", found.depths, found.closed, notes),
        ],
        x="Layers of 3×3 (n)",
        y="Pixels a side",
    )


if __name__ == "__main__":
    lesson()
