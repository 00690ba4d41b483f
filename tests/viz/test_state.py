"""Settings in small pages of their own, without a browser."""

import pytest
from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from viz import state
    from viz.state import Choice, PageOf, Whole

    network = Choice("net", "a", "Network", None, ("a", "b"))
    layer = Choice("layer", lambda: {"a": "a2", "b": "b1"}[network.value], "Layer", read=str)
    turned = PageOf("page", 1)
    steps = Whole("steps", 100, "Steps", None, 50, 300, step=50)
    with state.run_of("page"):
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


def shown(script, **query) -> AppTest:
    app = AppTest.from_function(script)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def one_name_twice() -> None:
    import streamlit as st

    from viz import state
    from viz.state import Choice, Whole

    here = Choice("dims", 2, "Here", None, {1: "1-D", 2: "2-D"}, "segmented_control", key="here_dims")
    there = Whole("dims", 3, "There", None, 1, 3)
    with state.run_of("page"):
        state.take(here)
        here.draw()
        there.draw()
        st.text(f"{here.value} {there.value}")
        state.finish()


def test_settings_of_two_pages_may_share_a_name():
    app = shown(one_name_twice, dims="1-D")
    assert app.text[0].value == "1 3"
    app.number_input(key="dims").set_value(2).run()
    assert app.text[0].value == "1 2"
    app.segmented_control(key="here_dims").set_value(2).run()
    assert (app.text[0].value, dict(app.query_params)) == ("2 2", {})


def may_be_empty() -> None:
    import streamlit as st

    from viz import state
    from viz.state import Flag, Whole

    with state.run_of("page"):
        narrow, place = Flag("narrow", False, "Narrow"), Whole("place", None, "Place", None, 0, 9)
        state.take(narrow)
        state.take(place)
        narrow.draw()
        place.draw(high=4 if narrow.value else 9)
        st.text(repr(place.value))
        state.finish()


def test_a_number_may_be_empty_and_is_kept_within_its_ends():
    app = shown(may_be_empty)
    assert (app.text[0].value, app.number_input[0].value) == ("None", None)
    app.number_input[0].set_value(7).run()
    assert (app.text[0].value, app.query_params["place"]) == ("7", "7")
    app.toggle[0].set_value(True).run()
    assert (app.text[0].value, app.query_params["place"]) == ("4", "4")
    app.number_input[0].set_value(None).run()
    assert app.text[0].value == "None"
    assert "place" not in app.query_params
    assert shown(may_be_empty, place="8", narrow="true").text[0].value == "4"


def test_what_a_page_takes_later_is_of_the_same_link():
    """A link that names only what is taken first means the defaults for the rest."""
    app = shown(may_be_empty, place="7")
    app.session_state["_book"].taken = "another page"
    app.query_params.clear()
    app.query_params["narrow"] = "true"
    assert app.run().text[0].value == "None"


def several() -> None:
    import streamlit as st

    from viz import state
    from viz.state import Several

    with state.run_of("page"):
        words = Several("words", ("a", "b"), "Words", None, ("a", "b", "c", "d"), 3)
        state.take(words)
        words.draw()
        st.text(",".join(words.value))
        state.finish()


def test_several_words_are_read_apart_or_together_and_strange_ones_are_told():
    app = shown(several)
    assert app.text[0].value == "a,b"
    app.multiselect[0].set_value(["d"]).run()
    assert (app.text[0].value, app.query_params["words"]) == ("d", "d")
    app.multiselect[0].set_value([]).run()
    assert (app.text[0].value, app.query_params["words"]) == ("", "")
    assert shown(several, words="").text[0].value == ""
    assert shown(several, words=["c", "d"]).text[0].value == "c,d"
    app = shown(several, words="c,zebra")
    assert app.text[0].value == "c"
    assert "zebra" in app.warning[0].value


def offered_less() -> None:
    import streamlit as st

    from viz import state
    from viz.state import Choice, Flag

    with state.run_of("page"):
        few, number = Flag("few", False, "Few"), Choice("number", 1, "Number", None, (1, 2, 3), "radio")
        state.take(few, number)
        few.draw()
        st.text(repr(number.draw((1, 2) if few.value else None)))
        state.finish()


def test_an_option_that_is_no_longer_offered_gives_way_to_the_default():
    app = shown(offered_less, number="3")
    assert app.text[0].value == "3"
    # As the browser sends it: the text that it shows.
    app.session_state["number"] = "2"
    assert app.run().text[0].value == "2"
    app.radio[0].set_value(3).run()
    app.toggle[0].set_value(True).run()
    assert (app.text[0].value, dict(app.query_params)) == ("1", {"few": "true"})


def given_in_a_run() -> None:
    import streamlit as st

    from viz import state
    from viz.state import Whole

    def preset() -> None:
        state.give({"first": 5, "second": 9})

    with state.run_of("page"):
        first, second = Whole("first", 1, "First", None, 0, 9), Whole("second", 2, "Second", None, 0, 9)
        state.take(first, second)
        first.draw()
        # After the first is drawn: nothing may write it again.
        second.draw(high=first.value)
        st.button("Preset", on_click=preset)
        st.text(f"{first.value} {second.value}")
        state.finish()


def test_a_value_is_given_while_others_wait_for_the_browser():
    app = shown(given_in_a_run, first="9")
    app.button[0].click().run()
    assert not app.exception
    assert app.text[0].value == "5 5"
    assert dict(app.query_params) == {"first": "5", "second": "5"}


def narrowed() -> None:
    import streamlit as st

    from viz import state
    from viz.state import Flag, Whole

    with state.run_of("page"):
        narrow, place = Flag("narrow", False, "Narrow"), Whole("place", 5, "Place", None, 0, 9)
        state.take(narrow, place)
        narrow.draw()
        place.draw(low=4 if narrow.value else 0)
        st.text(repr(place.value))
        state.finish()


def test_a_number_outside_bounds_that_the_browser_has_not_heard_of_is_left_out_and_the_browser_told():
    app = shown(narrowed)
    app.toggle[0].set_value(True).run()
    app.number_input[0].set_value(3).run()
    assert not app.exception
    assert app.text[0].value == "5"
    assert (app.number_input[0].proto.set_value, app.number_input[0].proto.value) == (True, 5)
    assert "place" not in app.query_params
    app.number_input[0].set_value(6).run()
    assert app.text[0].value == "6"


def test_what_a_visitor_chooses_before_the_first_answer_has_arrived_is_told_once_more():
    app = shown(narrowed)
    app.text_input(key="_answered").set_value("")
    app.number_input[0].set_value(3).run()
    assert app.text[0].value == "3"
    # The answer that the browser gets in between says 5.
    assert (app.number_input[0].proto.set_value, app.number_input[0].proto.value) == (True, 3)
    app.number_input[0].set_value(2).run()
    assert (app.text[0].value, app.number_input[0].proto.set_value) == ("2", False)


def depends() -> None:
    from viz import state
    from viz.state import Choice

    network = Choice("net", "a", "Network", None, ("a", "b"))
    layer = Choice("layer", "a1", "Layer", None, ("a1", "b1"))
    weight = Choice("weight", "a2", "Weight", None, ("a2", "b2"))
    with state.run_of("page"):
        state.take(network, layer, weight)
        name = network.draw()
        layer.draw([f"{name}1"])
        weight.draw([f"{name}2"])
        state.finish()


def test_one_choice_moves_several_others_in_one_run():
    app = shown(depends)
    app.selectbox(key="net").select("b").run()
    assert not app.exception
    assert [one.value for one in app.selectbox] == ["b", "b1", "b2"]
    app.selectbox(key="net").select("a").run()
    assert not app.exception
    assert [one.value for one in app.selectbox] == ["a", "a1", "a2"]


def folded() -> None:
    import streamlit as st

    from viz import state
    from viz.state import Fold, Whole

    more, count = Fold("more", False, "What more is there?"), Whole("count", 1, "Count", None, 1, 9)
    with state.run_of("folded"):
        state.take(more, count)
        number, drawn = count.draw(), st.session_state.get("drawn", 0)
        st.session_state["returned"] = None
        if number < 5:
            st.session_state["returned"] = more.draw(lambda: f"{number} of 9", f"All {number}")
        st.session_state["drawn"] = drawn + (st.session_state["returned"] is not None)
        state.finish()


def test_a_fold_is_computed_while_it_is_open_and_stays_so_under_another_label_and_while_it_is_not_drawn():
    app = AppTest.from_function(folded).run()
    app.number_input(key="count").set_value(2).run()
    assert (app.session_state["drawn"], dict(app.query_params)) == (0, {"count": "2"})
    app.session_state["more"] = True
    app.run()
    for number, returned in ((3, "3 of 9"), (7, None), (4, "4 of 9")):
        app.number_input(key="count").set_value(number).run()
        assert not app.exception
        assert app.session_state["returned"] == returned
        assert [one.label for one in app.expander] == ([f"All {number}"] if returned else [])
        assert dict(app.query_params) == {"count": f"{number}", "more": "true"}
    app.session_state["more"] = False
    app.run()
    assert dict(app.query_params) == {"count": "4"}
    assert app.session_state["returned"] is None


def test_the_session_is_looked_up_and_listed_as_ever():
    """An empty box stays empty, and the session lists its values: what Streamlit asks for each box is looked up."""

    def script():
        import streamlit as st

        import viz.private  # noqa: F401

        st.session_state.setdefault("empty", None)
        st.session_state.setdefault("other", 5)
        st.number_input("empty", 0, 9, 3, key="empty")
        st.text(repr([sorted(st.session_state), len(st.session_state), st.session_state.to_dict()["other"]]))

    at = AppTest.from_function(script).run()
    assert at.number_input(key="empty").value is None
    assert at.text[0].value == "[['empty', 'other'], 2, 5]"


def test_a_newer_request_breaks_no_callback_off():
    """A run is broken off where it asks for a value, but a click's callback is done or not begun."""
    from streamlit.runtime.state import SafeSessionState, SessionState

    import viz.private  # noqa: F401

    class Newer(Exception):
        pass

    def newer_request() -> None:
        raise Newer

    done = []

    class Clicked(SessionState):
        def on_script_will_rerun(self, *_args, **_how) -> None:
            done.append("clicks" in session)
            session["clicks"] = 1
            done.append(session["clicks"])

    session = SafeSessionState(Clicked(), newer_request)
    session.on_script_will_rerun(None)
    assert done == [False, 1]
    with pytest.raises(Newer):
        _ = session["clicks"]
