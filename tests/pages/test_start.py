"""Start here, without a browser: every number on every step is what torch returns."""

import base64
import json

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from pages._lessons import BY_PATH
from pages.start import _find, _pixels, _settings, _slide, _stack, _sum
from pages.start._numbers import CORNER, RIGHT, grey, shapes
from tests.pages.support import hides, opened, read, sound

PAGE = BY_PATH["start"].file
STEPS = (_pixels, _sum, _slide, _find, _settings, _stack)
WAYS = [
    {"step": "1"},
    {"step": "1", "zoom": "39.0"},
    {"step": "2"},
    {"step": "2", "kernel": "1_1_1_0_-2.5_0_0_0_0"},
    {"step": "3"},
    {"step": "4"},
    {"step": "4", "find": "Top to bottom"},
    {"step": "4", "find": "A corner"},
    {"step": "4", "find": "A corner", "guess": "11.11"},
    *({"step": "5", "way": way} for way in _settings.WAYS),
    *({"step": "6", "layers": f"{n} layer{'s' * (n > 1)}"} for n in (1, 2, 3)),
]


def data(app: AppTest) -> dict:
    """What the stage draws."""
    return json.loads(app.get("bidi_component")[0].proto.json)


def values(one: dict) -> torch.Tensor:
    """The numbers of a grid, with the padding that is drawn."""
    flat = one["values"]
    if isinstance(flat, dict):
        kinds = {"f8": "<f8", "f4": "<f4", "u2": "<u2", "i4": "<i4"}
        flat = np.frombuffer(base64.b64decode(flat["b"]), kinds[flat["d"]]).astype(float)
    return torch.tensor(np.array(flat), dtype=torch.float64).reshape(one["shape"])


def step_in_link(app: AppTest) -> int:
    """The step that the link leads to; it is silent about the first."""
    told = app.query_params.get("step", "1")
    return int(told if isinstance(told, str) else told[-1])


def text(app: AppTest) -> str:
    return " ".join(read(app.markdown))


@pytest.mark.parametrize("number", range(1, 7))
def test_each_step_asks_does_and_tells(number):
    app = sound(opened(PAGE, step=str(number)))
    step = STEPS[number - 1]
    assert read(app.header) == [step.QUESTION]
    assert step.QUESTION.endswith("?")
    assert "**" in app.markdown[0].value, "what to do stands out"
    assert [b.label for b in app.button if b.label in ("Back", "Next")] == ["Back"] * (number > 1) + ["Next"] * (
        number < 6
    )
    assert step_in_link(app) == number


@pytest.mark.parametrize("query", WAYS, ids=lambda query: "-".join(query.values()))
def test_the_code_of_each_step_asserts_what_it_shows(query):
    app = sound(opened(PAGE, **query))
    assert app.warning.values == []
    app.button(key="open_code").click().run()
    code = sound(app).code[0].value
    assert "assert" in code
    exec(compile(code, "shown", "exec"), {})


SHOWN = [q for q in WAYS if q["step"] in "2345" and not (q.get("find") == "A corner" and "guess" not in q)]
"""Ways to see the numbers of a map: that of the corner is not sent before a guess."""


@pytest.mark.parametrize("query", SHOWN, ids=lambda query: "-".join(query.values()))
def test_the_numbers_on_the_stage_are_what_torch_returns(query):
    first, kernel, last = data(opened(PAGE, **query))["grids"]
    stride = 2 if query.get("way") == "Steps" else 1
    # What is drawn of the picture has its ring of zeros already.
    weight = values(kernel)[None]
    found = torch.nn.functional.conv2d(values(first)[None], weight, stride=stride)[0]
    assert torch.equal(found, values(last))
    assert last["shape"][1:] == {"Border": [7, 7], "Steps": [3, 3], "So far": [5, 5], "Colours": [5, 5]}.get(
        query.get("way"), last["shape"][1:]
    )


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_maps_of_a_stack_are_what_torch_returns_and_it_sees_what_is_told(layers):
    app = opened(PAGE, step="6", layers=f"{layers} layer{'s' * (layers > 1)}")
    grids, links = data(app)["grids"], data(app)["links"]
    x = values(grids[0])[None]
    seen = {len(grids) - 1: {data(app)["selected"]["cell"]}}
    for one, kernel in zip(grids[1:], _stack.KERNELS, strict=False):
        x = torch.nn.functional.conv2d(x, torch.tensor(kernel, dtype=torch.float64)[None, None])
        assert torch.equal(x[0], values(one))
    for number in range(len(grids) - 1, 0, -1):
        base, offset = links[number - 1]["base"], links[number - 1]["offset"]
        seen[number - 1] = {base[cell] + step for cell in seen[number] for step in offset}
    side = 2 * layers + 1
    assert f"**{side} × {side} = {len(seen[0])} pixels**" in text(app)


def test_a_click_in_the_picture_moves_the_table():
    app = opened(PAGE, zoom="30.15")
    picture, table = data(app)["grids"]
    assert picture["frame"] == [29, 14, 4, 4]
    assert torch.equal(values(table)[0], torch.tensor(grey()[29:33, 14:18]))
    assert opened(PAGE, zoom="40.1").warning[0].value.startswith("zoom: “40.1” lies outside the picture")
    assert opened(PAGE, zoom="a.1").warning[0].value.startswith("zoom: “a.1” is not a row and a column")


def test_counting_from_0_is_explained_where_it_first_stands():
    told = text(opened(PAGE, zoom="30.15"))
    assert "count from 0" in told
    assert "row 30, column 15 has 30 rows above it and 15 columns at its left" in told
    assert "has 1 row above it and 1 column at its left" in text(opened(PAGE, zoom="1.1"))


def test_another_kernel_has_another_sum_and_the_first_comes_back():
    app = opened(PAGE, step="2", kernel="-1_0_1_-1_0_1_-1_0_5")
    pixels = grey()[_sum.PART]
    kernel = RIGHT.copy()
    kernel[2, 2] = 5
    assert f"**{int((pixels * kernel).sum())}**" in text(app)
    assert "the kernel, the first one again, slides" in text(opened(PAGE, step="3", kernel="-1_0_1_-1_0_1_-1_0_5"))
    app.button(key="start_again").click().run()
    assert "kernel" not in sound(app).query_params
    # It keeps its place, so that nothing moves.
    assert app.button(key="start_again").disabled
    assert f"**{int((pixels * RIGHT).sum())}**" in text(app)
    (told,) = opened(PAGE, step="2", kernel="1_2").warning
    assert told.value.endswith("holds 2 numbers of its own and 9 are needed. Shown: the first kernel.")
    assert len(opened(PAGE, step="2", kernel="-1_0_1_-1_0_1_-1_0_500").warning) == 1


def test_only_one_place_looks_like_the_corner():
    x = torch.tensor(shapes())[None, None]
    answers = torch.nn.functional.conv2d(x, torch.tensor(CORNER, dtype=torch.float64)[None, None])[0, 0]
    largest, second = answers.flatten().topk(2).values.tolist()
    assert largest > 1.2 * second
    assert divmod(int(answers.argmax()), answers.shape[1]) == (1, 1)


def test_the_map_of_the_corner_is_covered_until_a_guess_and_says_how_good_it_was():
    app = opened(PAGE, step="4", find="A corner")
    assert hides(data(app))
    assert "140" not in text(app)
    hit, miss = (text(opened(PAGE, step="4", find="A corner", guess=at)) for at in ("2.3", "8.8"))
    assert "Yes, there it is: **140**" in hit
    # In the middle of the diamond all nine are bright, and four of them are to be.
    assert "At the cross the answer is **0**, and 4 of the nine pixels are" in miss
    assert "The largest, **140**, is at the upper left corner" in miss
    shown = data(opened(PAGE, step="4", find="A corner", guess="8.8"))
    assert "veiled" not in shown
    assert shown["selected"] == {"grid": "output", "channel": 0, "cell": 11, "pinned": False, "of": [8, 8]}
    picture, _, map_ = shown["grids"]
    assert (picture["crossed"], picture["frame"], map_["crossed"]) == ([8 * 12 + 8], [7, 7, 3, 3], [7 * 10 + 7])
    right = data(opened(PAGE, step="4", find="A corner", guess="2.3"))["grids"]
    assert not any("crossed" in one or "frame" in one for one in right)


def test_next_and_back_go_through_all_steps():
    app = opened(PAGE)
    for number in range(1, 6):
        app.button(key="start_next").click().run()
        assert step_in_link(app) == number + 1
    labels = [link.proto.label for link in sound(app).get("page_link")]
    assert labels == ["Your own layer: the Playground", "All lessons, in order"]
    for number in range(6, 1, -1):
        app.button(key="start_back").click().run()
        assert step_in_link(app) == number - 1
    sound(app)
