"""Sentences about what a link held."""

from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from models.text import quoted
from viz.url import literal, near


def test_a_slip_is_near_its_name_and_other_words_are_near_none():
    names = ("dims", "kernel_size", "in_channels", "out_channels", "padding", "stride")
    for slip, meant in {"ndim": "dims", "kernal": "kernel_size", "pad": "padding", "strides": "stride"}.items():
        assert near(slip, names) == [meant]
    assert near("channels", names) == ["in_channels", "out_channels"]
    assert near("utm_source", names) == near("", names) == near("_", names) == near("x", ()) == []


def test_quoted_text_is_no_markup():
    assert literal("“__class__” is none of `a`: it is left out.") == r"“\_\_class\_\_” is none of `a`: it is left out."
    assert literal('the name "__import__" is not allowed') == r'the name "\_\_import\_\_" is not allowed'


@given(st.text(max_size=60))
def test_foreign_text_stays_on_one_line(text):
    assert quoted(text).isprintable()
    assert len(quoted(text)) <= 42


def quick_runs() -> None:
    """A script whose link the page writes, with what it sent to the browser kept."""
    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    from viz.url import into_link, last_word, say

    context, said = get_script_run_ctx(), []
    real = context.enqueue
    context.enqueue = lambda message: (said.append(message.page_info_changed.query_string), real(message))
    with last_word():
        into_link("layer", st.session_state.get("layer", ""))
        say({"order": st.session_state.get("order")}, {"order": "number"})
    context.enqueue = real
    st.session_state["said"] = [one for one in said if one]


def test_the_last_of_quick_runs_says_the_whole_link():
    app = AppTest.from_function(quick_runs)
    app.session_state["layer"] = "a"
    assert app.run().session_state["said"] == ["layer=a"]
    # An answer that the browser had before its next request needs no second word.
    assert app.run().session_state["said"] == []
    app.session_state["layer"] = "b"
    assert app.run().session_state["said"] == ["layer=b"]
    # Asked for before that answer: the browser's link is what the answer made of it, the request's is older.
    app.query_params["layer"] = "a"
    app.query_params["scale"] = "shared"
    app.session_state["layer"] = "a"
    assert app.run().session_state["said"] == ["layer=a&scale=shared"]


def test_what_widgets_hold_and_the_link_has_lost_is_said():
    app = AppTest.from_function(quick_runs)
    app.session_state["order"] = "energy"
    assert app.run().session_state["said"] == ["order=energy"]
    app.session_state["order"] = "number"
    assert app.run().session_state["said"] == []
    # A request made before an answer: its link is older than its widgets.
    app.session_state["layer"] = app.query_params["layer"] = "a"
    app.query_params["order"] = "energy"
    app.session_state["order"] = "size"
    assert app.run().session_state["said"] == ["layer=a&order=size"]
    app.session_state["order"] = "number"
    assert app.run().session_state["said"] == ["layer=a"]
