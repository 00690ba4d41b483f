"""The visitor without a browser does with every kind of widget what the front end does."""

import asyncio
import json
import random

import pytest

from benchmarks.visitor import STATE_OF, visiting
from tests.browser.support import run_apart, running

SCRIPT = """
import json
import time
import streamlit as st

component = st.components.v2.component("one", html="<p></p>", js="export default function () {}\\n")

def page():
    shown = {
        "number": st.number_input("Number", 0, 9, 3, key="number", bind="query-params"),
        "slider": st.slider("Slider", 0, 9, 4, key="slider", bind="query-params"),
        "step": st.select_slider("Step", ["a", "b", "c"], key="step"),
        "select": st.selectbox("Select", ["a", "b", "c"], key="select", bind="query-params"),
        "radio": st.radio("Radio", ["a", "b", "c"], key="radio"),
        "pills": st.pills("Pills", ["a", "b", "c"], selection_mode="multi", key="pills"),
        "many": st.multiselect("Many", ["a", "b", "c"], max_selections=2, key="many"),
        "toggle": st.toggle("Toggle", key="toggle"),
        "text": st.text_input("Text", key="text"),
        "area": st.text_area("Area", key="area"),
        "pages": st.pagination(5, key="pages"),
        "press": st.button("Press", key="press"),
    }
    with st.form("form"):
        shown["inside"] = st.number_input("Inside", 0, 9, 1, key="inside")
        st.form_submit_button("Submit")
    st.button("Set", key="set", on_click=lambda: st.session_state.update(number=7, toggle=True, step="c"))
    found = component(key="part", on_cell_change=lambda: None, on_ping_change=lambda: None, data={})
    shown |= {"cell": found.cell, "ping": found.ping}
    given = st.file_uploader("File", key="file")
    shown["file"] = given and [given.name, given.read().decode()]
    if shown["toggle"]:
        st.checkbox("Only now", True, key="now")
    st.text(json.dumps(shown))

    @st.fragment
    def part():
        st.text("inside " + str(st.number_input("Counted", 0, 9, 0, key="counted")))

    part()
    if shown["number"] == 8:
        st.session_state["again"] = not st.session_state.get("again")
        if st.session_state["again"]:
            time.sleep(0.3)
            st.rerun()
    if shown["number"] == 9:
        raise ValueError("nine")

home = st.Page(lambda: st.text("home"), title="Home", url_path="home", default=True)
st.navigation([home, st.Page(page, title="Page", url_path="page")]).run()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    script = tmp_path_factory.mktemp("visited") / "script.py"
    script.write_text(SCRIPT)
    with running(script) as one:
        yield one


def texts(visitor) -> list[str]:
    return [node.message.body for _, node in sorted(visitor.nodes.items()) if node.kind == "text"]


def shown(visitor) -> dict:
    return json.loads(texts(visitor)[0])


def visited(server, act):
    """Run what a visitor of the page does; nothing may go wrong."""

    async def run():
        async with visiting(server.url) as visitor:
            await visitor.open("page")
            await act(visitor)
            assert visitor.exceptions == []

    run_apart(run())


@pytest.mark.parametrize(
    ("name", "value", "heard"),
    [
        ("number", 5.0, 5), ("slider", [6.0], 6), ("step", ["b"], "b"), ("select", "c", "c"), ("radio", "b", "b"),
        ("pills", ["a", "c"], ["a", "c"]), ("many", ["b", "c"], ["b", "c"]), ("toggle", True, True),
        ("text", "word", "word"), ("area", "word", "word"), ("pages", 3, 3), ("press", True, True),
    ],
)  # fmt: skip
def test_the_page_hears_every_widget(server, name, value, heard):
    async def act(visitor):
        await visitor.change(visitor.find(name), value)
        assert shown(visitor)[name] == heard
        # What was set stays set, what was pressed does not.
        await visitor.change(visitor.find("Set"), True)
        assert shown(visitor)[name] == {"press": False, "number": 7, "toggle": True, "step": "c"}.get(name, heard)

    visited(server, act)


def test_the_page_sets_widgets_and_the_visitor_follows(server):
    async def act(visitor):
        await visitor.change(visitor.find("set"), True)
        assert visitor.value(visitor.find("number")) == 7
        assert visitor.value(visitor.find("toggle")) is True
        await visitor.change(visitor.find("text"), "more")
        assert (shown(visitor)["number"], shown(visitor)["toggle"]) == (7, True)

    visited(server, act)


def test_the_link_follows_and_opens_what_it_says(server):
    async def act(visitor):
        await visitor.change(visitor.find("number"), 5.0)
        await visitor.change(visitor.find("select"), "b")
        assert visitor.query == "number=5&select=b"
        await visitor.change(visitor.find("number"), 3.0)
        assert visitor.query == "select=b"
        await visitor.go("")
        assert texts(visitor) == ["home"]
        await visitor.go("page")
        assert shown(visitor)["select"] == "b"
        async with visiting(server.url) as other:
            await other.open("page", "?number=4&slider=2")
            assert (shown(other)["number"], shown(other)["slider"]) == (4, 2)

    visited(server, act)


def test_a_form_waits_for_its_button(server):
    async def act(visitor):
        assert await visitor.change(visitor.find("inside"), 8.0) == 0
        await visitor.change(visitor.find("text"), "word")
        assert shown(visitor)["inside"] == 1
        await visitor.change(visitor.find("Submit"), True)
        assert shown(visitor)["inside"] == 8

    visited(server, act)


def test_a_fragment_runs_alone(server):
    async def act(visitor):
        await visitor.change(visitor.find("press"), True)
        await visitor.change(visitor.find("counted"), 4.0)
        assert texts(visitor)[1] == "inside 4"
        assert shown(visitor)["press"] is True, "the page itself did not run again"

    visited(server, act)


def test_components_and_files_are_heard(server):
    async def act(visitor):
        await visitor.use(visitor.find("part"), "cell", [1, 2])
        await visitor.use(visitor.find("part"), "ping", "now", trigger=True)
        assert (shown(visitor)["cell"], shown(visitor)["ping"]) == ([1, 2], "now")
        await visitor.upload(visitor.find("file"), "a.txt", "text/plain", b"words")
        assert shown(visitor)["file"] == ["a.txt", "words"]
        assert shown(visitor)["ping"] is None

    visited(server, act)


def test_the_answer_is_the_last_of_the_runs_that_follow_each_other(server):
    async def act(visitor):
        await visitor.send(visitor.find("number"), 8.0)
        while not visitor.begun > 1:
            await asyncio.sleep(0.01)
        # The first run is still under way, and ends early for its rerun or for this request.
        await visitor.change(visitor.find("text"), "word")
        await visitor.change(visitor.find("area"), "more")
        assert (shown(visitor)["number"], shown(visitor)["text"], shown(visitor)["area"]) == (8, "word", "more")

    visited(server, act)


def test_a_widget_that_has_gone_is_not_changed(server):
    async def act(visitor):
        await visitor.change(visitor.find("toggle"), True)
        gone = visitor.find("now")
        await visitor.change(visitor.find("toggle"), False)
        with pytest.raises(LookupError, match="now is no longer shown"):
            await visitor.change(gone, False)

    visited(server, act)


def test_a_traceback_is_noticed(server):
    async def run():
        async with visiting(server.url) as visitor:
            await visitor.open("page", "number=9")
            return visitor.exceptions

    (found,) = run_apart(run())
    assert found.startswith("ValueError: nine")


def test_another_value_is_one_that_the_widget_takes(server):
    async def act(visitor):
        rng = random.Random(0)
        for widget in [one for one in visitor.widgets if one.kind not in ("bidi_component", "file_uploader")]:
            value = widget.another(visitor.value(widget), rng)
            assert value is not None, widget.kind
            assert widget.kind in STATE_OF
            if widget.key != "number":
                await visitor.change(visitor.now(widget) or widget, value)

    visited(server, act)
