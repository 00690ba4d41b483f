"""The lessons on cost: the lectures' numbers, and what a setting changes."""

import re

import pytest

from tests.pages.support import charts, components, opened, read, sound


def cards(app) -> dict[str, list[str]]:
    """The numbers on the page's cards, by title, without their marks."""
    html = "".join(one["html"] for one in components(app) if "html" in one) + "".join(one.value for one in app.markdown)
    found: dict[str, list[str]] = {}
    for title, value in re.findall(
        r'<span class="cs-title"[^>]*>(.*?)</span><span class="cs-value">(.*?)</span>', html
    ):
        found.setdefault(title, []).append(re.sub(r"\s*<.*", "", value).replace("\u202f", ""))
    assert "cs-no" not in html, "a number and its formula disagree"
    return found


def text(app) -> str:
    return "\n".join(read(app.markdown))


# -- column times row -------------------------------------------------------------------------------------------------


def split(**query: str):
    return sound(opened("cost/kernel.py", ask="none", **query))


@pytest.mark.parametrize("kernel", ["Sobel", "Box blur", "Gaussian blur", "Prewitt", "Scharr"])
@pytest.mark.parametrize("side", ["3", "7"])
def test_these_kernels_are_a_column_times_a_row(kernel, side):
    app = split(kernel=kernel, side=side)
    found = cards(app)
    assert (found["Rank"], found["Energy kept"], found["Lost"]) == (["1"], ["100 %"], ["nothing"])
    assert "nothing is left out" in text(app)
    assert not app.slider


def test_the_worked_example_needs_three_parts_and_the_largest_holds_91_percent():
    app = split(kernel="Worked example")
    assert cards(app)["Rank"] == ["3"]
    (bar,) = charts(app)["split_parts_chart"]["data"]
    assert bar["text"] == ["91.2 %", "97.9 %", "100 %"]
    assert bar["y"] == sorted(bar["y"], reverse=True)
    app.slider(key="split_parts").set_value(3).run()
    assert cards(sound(app))["Lost"] == ["nothing"]
    assert app.query_params["parts"] == "3"


@pytest.mark.parametrize(("side", "one", "two"), [("3", 9, 6), ("5", 25, 10), ("7", 49, 14)])
def test_two_passes_take_2k_products_in_place_of_k_squared(side, one, two):
    found, pixels = cards(split(kernel="Sobel", side=side, fm_picture="A drawn shape")), 160 * 160
    assert (found["One pass"], found["Column, then row"]) == ([str(one * pixels)], [str(two * pixels)])


def test_own_numbers_are_split_too_and_what_is_none_is_told():
    app = split(kernel="Own kernel", numbers="1 2 1; 0 0 0; 2 4 2")
    assert cards(app)["Rank"] == ["1"]
    app.text_input(key="split_numbers").set_value("1 0 0; 0 1 0; 0 0 1").run()
    assert cards(sound(app))["Rank"] == ["3"]
    app.text_input(key="split_numbers").set_value("1 2").run()
    assert not app.exception
    assert app.error[0].value.startswith("The own kernel is not a square with an odd side")
    app.text_input(key="split_numbers").set_value("0 0 0; 0 0 0; 0 0 0").run()
    assert "All weights are 0" in sound(app).info[0].value
    app = split(kernel="Own kernel", numbers="1 2")
    assert app.warning[0].value.startswith("numbers: The own kernel is not a square")
