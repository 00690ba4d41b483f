"""Take away, on every page with a stage: what it offers is what the page shows."""

import re
import threading
import time

import pytest

from pages._lessons import LESSONS
from tests.pages.support import AXES_ALONE, charts, opened, read, revealed, sound
from viz.export import pictures
from viz.export.dialog import Job
from viz.export.formats import Format


def stages(app) -> list:
    return [one for one in app.get("bidi_component") if "convscope_stage" in str(one.proto)]


def previews(app) -> list[str]:
    return [text for text in read(app.get("html")) if "data:image/svg+xml" in text]


STAGED = {
    "start", "playground", "transposed", "transposed-matrix", "transposed-sizes", "receptive-field",
    "feature-maps-pooling", "cost-separable",
}  # fmt: skip
"""Lessons with a picture of their own."""


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.url_path)
def test_a_lesson_offers_its_picture_its_tables_and_its_charts(lesson):
    app = revealed(opened(lesson.file))
    assert bool(stages(app)) == (lesson.url_path in STAGED)
    # Of a chart that is to come there are the axes alone, and nothing to take along.
    drawn = [key for key, one in charts(app).items() if one["data"] != AXES_ALONE]
    shown = {"Numbers": app.dataframe, "Chart": drawn}
    shown = {name for name, there in shown.items() if len(there)}
    app.button(key="open_take_away").click().run()
    sound(app)
    offered = {option.content for option in group(app, "What").proto.options} if shown or stages(app) else set()
    assert shown <= offered
    if stages(app):
        assert [one.label for one in app.get("download_button")][-1].startswith("Download the SVG")
        assert len(previews(app)) == 1
    for name in shown:
        app.segmented_control(key="take_group").set_value(name).run()
        sound(app)
        said = {"Numbers": "tables as CSV", "Chart": "interactive charts"}[name]
        assert app.button(key="take_make").label == f"Make the {said}"


def test_a_picture_that_tells_the_answer_is_not_given_away():
    app = opened("convolution/playground.py", ask="A1")
    app.button(key="open_take_away").click().run()
    assert "The picture tells the answer: answer the question first." in read(sound(app).info)
    assert len(app.get("download_button")) == 0


@pytest.mark.parametrize(
    ("file", "asked"),
    [("start/steps.py", {"step": step}) for step in "235"] + [("feature_maps/pooling.py", {"ask": "none"})],
)
def test_lessons_with_a_worked_layer_have_a_worksheet(file, asked):
    app = opened(file, **asked)
    app.button(key="open_take_away").click().run()
    app.segmented_control(key="take_group").set_value("Document").run()
    assert [one.label for one in sound(app).get("download_button")][-1].startswith("Download the worksheet")


def test_a_layer_too_large_for_a_worksheet_begins_with_a_notebook():
    app = opened("cost/separable.py", ask="none")
    app.button(key="open_take_away").click().run()
    app.segmented_control(key="take_group").set_value("Document").run()
    assert [one.label for one in sound(app).get("download_button")][-1].startswith("Download the notebook")


def test_two_layers_beside_each_other_are_one_picture():
    app = opened("convolution/playground.py", against="kernel_size=2", input_size="5")
    app.button(key="open_take_away").click().run()
    assert [option.content for option in group(app, "Picture").proto.options] == ["A and B", "A", "B"]
    assert len(previews(sound(app))) == 1


def test_documents_are_those_of_the_layer_on_the_picture():
    app = opened("convolution/playground.py", against="kernel_size=2", input_size="5")
    app.button(key="open_take_away").click().run()
    offered = {}
    for name in ("A and B", "A", "B"):
        app.session_state["take_which"] = name
        app.session_state["take_group"] = "Document"
        app.run()
        offered[name] = [one.label for one in sound(app).get("download_button")]
    assert all("worksheet" in one[-1] for one in offered.values())
    # A worksheet of both is longer than that of either.
    sizes = {name: int(re.search(r"(\d+) kB", one[-1])[1]) for name, one in offered.items()}
    assert sizes["A and B"] > max(sizes["A"], sizes["B"])


def group(app, label):
    return next(one for one in app.get("button_group") if one.label == label)


def done(job: Job) -> Job:
    end = time.monotonic() + 20
    while not job.done and time.monotonic() < end:
        time.sleep(0.01)
    assert job.done
    return job


def test_a_file_is_made_beside_the_run_and_can_be_stopped():
    assert done(Job(lambda said: b"it")).data == b"it"

    def refuse(said):
        raise ValueError("it is too large.")

    assert done(Job(refuse)).error == "It is too large."
    begun = threading.Event()

    def endless(said):
        while True:
            said(0.5, "Step")
            begun.set()
            time.sleep(0.01)

    first = Job(endless)
    assert begun.wait(10)
    second = Job(lambda said: b"next")
    time.sleep(0.3)
    assert not second.done
    assert second.told == "1 visitor before you …"
    first.stop()
    assert done(first).error == "Stopped."
    assert done(second).data == b"next"


def test_what_breaks_is_told_without_a_traceback():
    def broken(said):
        raise RuntimeError("inside")

    assert done(Job(broken)).error == "This file could not be made. Choose another format, or fewer steps."


def test_documents_and_numbers_of_a_layer_are_offered(monkeypatch):
    made, make = [], Format.make
    monkeypatch.setattr(Format, "make", lambda one, *given: made.append(one.name) or make(one, *given))
    app = opened("convolution/playground.py")
    app.button(key="open_take_away").click().run()
    groups = next(one for one in app.get("button_group") if one.label == "What")
    assert {"Document", "Numbers"} <= {option.content for option in groups.proto.options}
    app.segmented_control(key="take_group").set_value("Document").run()
    label = [one.label for one in sound(app).get("download_button")][-1]
    assert label.startswith("Download the worksheet")
    assert made.count("worksheet") == 1
    app.segmented_control(key="take_Document").set_value("notebook").run()
    assert [one.label for one in sound(app).get("download_button")][-1].startswith("Download the notebook")
    app.segmented_control(key="take_group").set_value("Numbers").run()
    assert app.button(key="take_make").label == "Make the tables as CSV"


def test_what_was_chosen_is_chosen_the_next_time():
    app = opened("convolution/playground.py", ask="none")
    app.button(key="open_take_away").click().run()
    app.segmented_control(key="take_group").set_value("Animation").run()
    app.selectbox(key="take_Animation").set_value("webm").run()
    app.segmented_control(key="take_webm_speed").set_value(4.0).run()
    # The dialog is closed: a run without it.
    app.session_state["_book"].kept.pop("dialog")
    app.run()
    assert not [one for one in app.get("button_group") if one.label == "What"]
    app.button(key="open_take_away").click().run()
    sound(app)
    assert app.segmented_control(key="take_group").value == "Animation"
    assert app.selectbox(key="take_Animation").value == "webm"
    assert app.segmented_control(key="take_webm_speed").value == 4.0


def test_a_picture_is_drawn_once_while_nothing_of_it_changes(monkeypatch):
    """The preview is the file, and a further run of the page draws it no second time."""
    made, svg = [], pictures.svg
    monkeypatch.setattr(pictures, "svg", lambda *given: made.append(given) or svg(*given))
    app = opened("convolution/playground.py", ask="none")
    app.button(key="open_take_away").click().run()
    assert [one.label for one in sound(app).get("download_button")][-1].startswith("Download the SVG")
    app.run()
    assert len(previews(sound(app))) == len(made) == 1
    app.segmented_control(key="take_svg_theme").set_value("dark").run()
    assert len(previews(sound(app))) == 1
    assert len(made) == 2


def test_what_is_not_offered_any_more_is_not_chosen():
    app = opened("convolution/playground.py", ask="none")
    app.session_state["take_group"] = "Chart"
    app.session_state["take_which"] = "B"
    app.button(key="open_take_away").click().run()
    sound(app)
    assert app.segmented_control(key="take_group").value == "Picture"


def test_the_dialog_says_where_the_links_in_files_lead():
    app = opened("convolution/playground.py", ask="none")
    app.button(key="open_take_away").click().run()
    told = "A link in the file leads to"
    assert told not in " ".join(read(app.caption))
    app.segmented_control(key="take_group").set_value("Document").run()
    assert told in " ".join(read(sound(app).caption))
