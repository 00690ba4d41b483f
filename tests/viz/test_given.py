"""Requests that were made before an answer do not take back what it gives."""

from streamlit.testing.v1 import AppTest


def page() -> None:
    """Three numbers; "a" even makes "b" even too, and "both" gives two at once. What is shown stands in the session."""
    import streamlit as st

    from viz import given

    state = st.session_state
    shown = state.setdefault("shown", {"a": 1, "b": 1, "c": 1})
    if state.pop("linked", False):
        given.forget()
    given.heard(shown)
    now = {key: state.get(key, value) for key, value in shown.items()}
    if now["a"] % 2 == 0:
        now["b"] += now["b"] % 2
    given.give(now)
    state["shown"] = now
    for key in now:
        st.number_input(key, 0, 9, key=key)
    st.button("both", on_click=lambda: given.give({"a": 3, "b": 5}))


def opened() -> AppTest:
    return AppTest.from_function(page).run()


def asked(app: AppTest, **values: int) -> dict[str, int]:
    """What is shown after a request with these values."""
    for key, value in values.items():
        app.number_input(key=key).set_value(value)
    return app.run().session_state["shown"]


def test_a_request_of_before_the_answer_keeps_what_was_given():
    app = opened()
    assert app.button[0].click().run().session_state["shown"] == {"a": 3, "b": 5, "c": 1}
    # the browser has not got it yet: it still sends 1 and 1
    assert asked(app, a=1, b=1, c=2) == {"a": 3, "b": 5, "c": 2}
    assert asked(app, a=1, b=1, c=3) == {"a": 3, "b": 5, "c": 3}
    # now it has, and what the visitor does counts
    assert asked(app, c=4) == {"a": 3, "b": 5, "c": 4}
    assert asked(app, a=1, c=5) == {"a": 1, "b": 5, "c": 5}


def test_what_follows_from_another_setting_is_kept_too():
    app = opened()
    assert asked(app, a=2) == {"a": 2, "b": 2, "c": 1}
    assert asked(app, b=1, c=2) == {"a": 2, "b": 2, "c": 2}


def test_one_value_that_goes_back_alone_is_the_visitors_own():
    app = opened()
    app.button[0].click().run()
    assert asked(app, a=1) == {"a": 1, "b": 5, "c": 1}
    assert asked(app, b=1) == {"a": 1, "b": 1, "c": 1}


def test_a_link_ends_the_waiting():
    app = opened()
    app.button[0].click().run()
    app.session_state["linked"] = True
    assert asked(app, a=1, b=1, c=2) == {"a": 1, "b": 1, "c": 2}
