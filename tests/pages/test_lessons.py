"""What every lesson has, without a browser: question, neighbours, Code and Link; and where old links lead."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from models import device
from pages._lessons import BY_PATH, LESSONS, topic
from tests.pages.support import SHELL, arrived, folds, moved, opened, read, revealed, sound
from viz.state import Setting

FIRSTS = {lesson.section: lesson for lesson in reversed(LESSONS)}
FOLDED = [lesson for lesson in LESSONS if folds(lesson.file)]
MANY = [lesson for lesson in LESSONS if len(topic(lesson)) > 1]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.url_path)
def test_every_lesson_has_its_question_its_neighbours_code_and_link(lesson):
    app = followed(lesson.url_path)
    assert read(app.title) == [lesson.question]
    neighbours = topic(lesson) if lesson in MANY else []
    assert [link.proto.label for link in app.get("page_link")][: len(neighbours)] == [one.title for one in neighbours]
    assert app.query_params == {}
    revealed(app).button(key="open_code").click().run()
    code = sound(app).code[0].value
    assert len(app.get("download_button")) >= 1
    with device.one_thread():
        exec(compile(code, "shown", "exec"), {})
    app.button(key="open_link").click().run()
    assert any("QR code" in text for text in read(sound(app).markdown))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.url_path)
def test_every_lesson_is_presented_with_a_way_to_each_other(lesson):
    app = AppTest.from_file(SHELL, default_timeout=120)
    app.query_params["present"] = "1"
    app.run()
    app.switch_page(lesson.file)
    sound(app.run())
    assert read(app.title) == [lesson.question]
    assert app.button(key="present_button").label == "Leave"
    assert "convscope_keys" in [one.proto.component_name for one in app.get("bidi_component")]


def test_a_key_is_that_of_one_setting_and_of_one_kind_of_widget_on_all_pages():
    """What a page has given a setting outlives the page: another of that name would take it over, and a button of that
    name could not be drawn."""
    app, kinds, settings = AppTest.from_file(SHELL, default_timeout=120), {}, {}
    app.query_params["present"] = "1"
    app.run()
    for lesson in (*LESSONS, *LESSONS):
        sound(app.switch_page(lesson.file).run())
        for button in [one for one in app.button if one.key == "next_question"]:
            sound(button.click().run())
        for one in app.main:
            if getattr(one, "key", None):
                kinds.setdefault(one.key, set()).add(one.type)
        for one in app.session_state["_book"].settings or ():
            if isinstance(one, Setting):
                settings.setdefault(one.at, set()).add((one.name, one.label, str(one.usual)))
    assert {key: found for key, found in (*kinds.items(), *settings.items()) if len(found) > 1} == {}


def unfolded(app: AppTest) -> list[str]:
    """The open folds of a page that hold something, by what the link calls them."""
    return [one.proto.id.split("-", 2)[2] for one in app.expander if one.proto.expanded and one.children]


@pytest.mark.parametrize("lesson", FOLDED, ids=lambda lesson: lesson.url_path)
def test_a_link_opens_the_folds_of_a_lesson_and_a_question_covers_them(lesson):
    names = folds(lesson.file)
    app = followed(lesson.url_path, ask="none", **names)
    assert unfolded(app) == list(names)
    said = link(app)
    assert said == {"ask": ["none"]} | {name: ["true"] for name in names}
    app.button(key="next_question").click().run()
    assert sound(app).button(key="reveal")
    assert unfolded(app) == []
    app.button(key="reveal").click().run()
    assert unfolded(sound(app)) == list(names)
    # By a link, too: a fold makes no other example, so the first question waits.
    app = followed(lesson.url_path, **names)
    assert app.button(key="reveal")
    assert unfolded(app) == []
    assert "ask" not in link(app)


@pytest.mark.parametrize("lesson", FOLDED, ids=lambda lesson: lesson.url_path)
def test_what_is_folded_is_not_computed(lesson):
    app = followed(lesson.url_path, ask="none")
    assert unfolded(app) == []
    closed = {one.proto.id.split("-", 2)[2]: one for one in app.expander}
    assert all(not closed[name].children for name in folds(lesson.file))


def test_a_dialog_stays_on_the_page_that_opened_it():
    app = opened("receptive_field/build.py")
    app.button(key="open_code").click().run()
    assert app.code
    assert not moved(app, "receptive_field/growth.py").code


def link(app: AppTest) -> dict[str, list[str]]:
    return {name: [values] if isinstance(values, str) else values for name, values in app.query_params.items()}


def followed(url_path: str, **query: str | list[str]) -> AppTest:
    """A link of the first page of a topic, as the session's first request."""
    app = arrived(BY_PATH[url_path].file)
    for name, value in query.items():
        app.query_params[name] = value
    return sound(app.run())


@pytest.mark.parametrize("lesson", MANY, ids=lambda lesson: lesson.url_path)
def test_an_old_link_to_a_part_leads_to_its_page(lesson):
    for name in (lesson.title, lesson.file.split("/")[1].removesuffix(".py")):
        app = followed(FIRSTS[lesson.section].url_path, part=name, present="1")
        assert read(app.title) == [lesson.question]
        assert link(app) == {"present": ["1"]}
        assert app.warning.values == []


def test_an_old_link_keeps_its_other_parameters():
    app = followed("transposed", part="Matrix", ct_stride="2", entries="Structure")
    assert app.session_state["_book"].kept["ct_layer"][0].stride == (2, 2)
    assert app.segmented_control(key="entries").value == "Structure"
    app = followed("receptive-field", part="Real networks", net="alexnet", compare=["vgg16", "resnet18"], at="1.2")
    assert app.multiselect(key="compare").value == ["vgg16", "resnet18"]
    assert link(app)["at"] == ["1.2"]


def test_a_part_that_is_none_is_told_on_the_first_page():
    app = followed("transposed", part="<b>Nonsense", ct_stride="2")
    assert read(app.title) == [FIRSTS["Transposed"].question]
    assert app.warning.values == ["part: “\\<b\\>Nonsense” is not a part of this topic; Four views is shown."]
    assert app.session_state["_book"].kept["ct_layer"][0].stride == (2, 2)
    assert "part" not in app.query_params
    assert app.run().warning.values == []


def test_settings_of_another_page_do_not_stay_in_the_link():
    app = followed("receptive-field", part="What it really uses", layers="1e9", depth="3", inputs="1")
    assert "layers" not in app.query_params
    assert len(app.warning) == 1
    assert app.warning[0].value.startswith("“layers” is not a setting of this page: it is left out.")


def test_the_stack_of_another_lesson_is_in_the_link_while_it_is_shown():
    app = sound(opened("receptive_field/effective.py", of="Your stack", layers="c5-c3", size="20", inputs="1"))
    assert app.warning.values == []
    assert (link(app)["layers"], link(app)["size"]) == (["c5-c3"], ["20"])
    shown = "".join(json.loads(component.proto.json).get("html", "") for component in app.get("bidi_component"))
    assert ">7 × 7<" in shown
    assert moved(app, "receptive_field/build.py").text_input(key="layers").value == "c5-c3"


def test_every_lesson_after_every_other_in_one_session():
    """What one page leaves in the session must not trip another."""
    app = AppTest.from_file(SHELL, default_timeout=120).run()
    for lesson in (*LESSONS, *reversed(LESSONS)):
        moved(app, lesson.file)
        assert app.warning.values == []


def test_a_setting_that_two_topics_call_by_one_name_has_a_value_in_each():
    app = opened("receptive_field/build.py")
    app.segmented_control(key="stack_dims").set_value(1).run()
    moved(app, "receptive_field/effective.py").selectbox(key="energy_weights").set_value("equal").run()
    assert moved(app, "receptive_field/your_network.py").text_input(key="network_input").value == "1x32x32"
    playground = moved(app, "convolution/playground.py")
    assert playground.segmented_control(key="dims").value == 2
    assert moved(app, "receptive_field/your_network.py").text_input(key="network_input").value == "1x32x32"
    assert moved(app, "receptive_field/effective.py").selectbox(key="energy_weights").value == "equal"
    assert moved(app, "receptive_field/build.py").segmented_control(key="stack_dims").value == 1
