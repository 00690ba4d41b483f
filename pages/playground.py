"""Any convolution, measured live: choose a layer, see what it really does."""

import sys

import streamlit as st

from models.layers import KINDS
from models.presets import PRESETS
from viz import controls, numbers, sharing
from viz.cards import CSS as CARDS

reading = controls.read(known=("present", *numbers.PARAMETERS))
scene, told = numbers.read(reading.spec)
spec = scene.spec
kind = KINDS[spec.kind]

heading, actions = st.columns([3, 2], vertical_alignment="bottom")
with heading:
    st.title("What is one output number made of?")
    classes = " then ".join(f"`nn.{cls}`" for _, cls, *_ in kind.parts(spec))
    st.markdown(f"Pick a layer. Every number here is what the real {classes} returned.")
with actions, st.container(key="extras_actions", horizontal=True, horizontal_alignment="right"):
    sharing.buttons()

told = tuple(dict.fromkeys((*controls.told_before(), *reading.told, *told)))
for sentence in told:
    st.warning(sentence, icon=":material/info:")


def choose_preset():
    chosen = PRESETS.get(st.session_state.get("preset"))
    if chosen:
        numbers.keep(sharing.scene_of(chosen))
        st.session_state["_chosen"] = chosen.id


def shown_preset() -> str | None:
    """The worked example that is on screen now, if any."""
    now = (spec, scene.input, scene.weights, scene.seed)
    same = [p.id for p in PRESETS.values() if (p.spec, p.input, p.weights, p.seed) == now]
    chosen = st.session_state.get("_chosen")
    return chosen if chosen in same else next(iter(same), None)


def type_into_cell():
    from models import lab

    edit = (st.session_state.get("stage") or {}).get("edit")
    after = edit and numbers.edited(scene, edit, lab.input_of(scene), lab.weights_of(scene))
    if after:
        numbers.keep(after)


with st.container(key="lesson"):
    left, right = st.columns([1, 3], gap="medium")
    with left, st.container(key="controls", gap="xsmall"):
        controls.draw(spec)
        numbers.draw(scene)
    with right:
        with st.container(key="stage_area"):
            picture = st.empty()
        with st.container(key="numbers"):
            st.html(CARDS)
            figures = st.empty()
        st.session_state["preset"] = shown_preset()
        preset = PRESETS.get(
            st.pills(
                "Try a worked example",
                list(PRESETS),
                key="preset",
                format_func=lambda name: PRESETS[name].title,
                on_change=choose_preset,
                wrap=True,
            )
        )
        if preset:
            sharing.question(preset)

fits = numbers.write_url(scene)
if not fits:
    st.info("Your own numbers do not fit into a link of 2,000 characters: use File to take them along.")

if "torch" not in sys.modules:
    picture.skeleton(500)

from models import lab  # noqa: E402  torch takes seconds to load: the question and the controls are on screen by now
from viz.cards import cards  # noqa: E402
from viz.scene import scene as draw_scene  # noqa: E402
from viz.stage import stage  # noqa: E402

measured = lab.of(scene)
with picture.container():
    if measured.why_not:
        st.info(measured.why_not, icon=":material/straighten:")
        if measured.nearest:
            nearest = measured.nearest
            st.button(
                f"Draw the nearest that fits: input {tuple(nearest.input_size)}, "
                f"{nearest.in_channels} → {nearest.out_channels} channels",
                on_click=controls.load,
                args=(nearest,),
            )
    else:
        stage(draw_scene(measured, image=scene.input == "photo"), key="stage", on_edit=type_into_cell)
figures.html(cards(measured))
sharing.dialogs(scene, measured, fits)
controls.settle(told)
