"""Settings in small pages of their own, without a browser."""

from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from viz import state
    from viz.state import Choice, PageOf, Whole

    network = Choice("net", "a", "Network", None, ("a", "b"))
    layer = Choice("layer", lambda: {"a": "a2", "b": "b1"}[network.value], "Layer", read=str)
    turned = PageOf("page", 1)
    steps = Whole("steps", 100, "Steps", None, 50, 300, step=50)
    state.begin("page")
    state.take(network, layer, turned, steps)
    st.session_state["linked"] = [one.name for one in (network, layer, turned, steps) if one.linked]

    @state.fragment
    def inside() -> str:
        return layer.draw(["a1", "a2"] if network.value == "a" else ["b1", "b2"])

    network.draw()
    st.session_state["returned"] = inside()
    turned.draw(3)
    steps.draw()
    state.finish()


def opened(**query: str) -> AppTest:
    app = AppTest.from_function(page)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def test_a_default_may_hang_on_another_setting():
    app = opened()
    assert app.selectbox(key="layer").value == "a2"
    assert dict(app.query_params) == {}
    app.selectbox(key="net").select("b").run()
    assert app.selectbox(key="layer").value == "b1"
    assert dict(app.query_params) == {"net": "b"}
    app.selectbox(key="layer").select("b2").run()
    assert dict(app.query_params) == {"net": "b", "layer": "b2"}
    assert opened(net="b").selectbox(key="layer").value == "b1"


def test_a_setting_knows_whether_the_link_says_it_now():
    app = opened(layer="a1", page="2")
    assert app.session_state["linked"] == ["layer", "page"]
    assert app.run().session_state["linked"] == []


def test_a_page_that_there_is_not_becomes_the_first():
    assert opened(page="3").session_state["page"] == 3
    app = opened(page="4")
    assert app.session_state["page"] == 1
    assert "page" not in app.query_params


def test_any_number_between_two_steps_of_the_buttons_is_taken():
    app = opened(steps="60")
    assert app.number_input(key="steps").value == 60
    assert app.number_input(key="steps").step == 50


def test_a_fragment_returns_what_its_function_does_and_a_value_given_in_it_ends_no_run():
    app = opened(layer="nonsense")
    assert app.session_state["returned"] == "a2"
    assert app.selectbox(key="net").select("b").run().session_state["returned"] == "b1"
    assert not app.exception
