"""The lessons on cost: the lectures' numbers, and what a setting changes."""

import base64
import re

import numpy as np
import pytest

from models import networks
from models.kept import Kept
from pages.feature_maps._kernels import written
from tests.pages.support import charts, components, diagrams, opened, read, sound


def cards(app) -> dict[str, list[str]]:
    """The numbers on the page's cards, by title, without their marks."""
    html = "".join(one["html"] for one in components(app) if "html" in one) + "".join(one.value for one in app.markdown)
    found: dict[str, list[str]] = {}
    pattern = r'<span class="cs-title"[^>]*>(.*?)</span><span class="cs-value">(.*?)</span><span class="cs-short'
    for title, value in re.findall(pattern, html):
        shown = re.sub("<[^>]*>", "", value).translate({ord("\u202f"): None, ord("✓"): None})
        found.setdefault(title, []).append(shown.strip())
    assert "cs-no" not in html, "a number and its formula disagree"
    return found


def text(app) -> str:
    return "\n".join(read(app.markdown))


# -- column times row -------------------------------------------------------------------------------------------------


def split(**query: str):
    return sound(opened("cost/kernel.py", ask="none", **query))


def test_one_pass_and_parts_are_timed_when_it_is_asked_for():
    app = split()
    app.button(key="split_time").click().run()
    found = cards(sound(app))
    for title in ("Time of one pass", "Time in parts"):
        assert re.fullmatch(r"[\d.]+ (ns|µs|ms|s)", found[title][0])


@pytest.mark.parametrize("kernel", ["Sobel", "Box blur", "Gaussian blur", "Prewitt", "Scharr"])
@pytest.mark.parametrize("side", ["3", "7"])
def test_these_kernels_are_a_column_times_a_row(kernel, side):
    app = split(kernel=kernel, side=side)
    found = cards(app)
    assert (found["Rank"], found["Energy kept"], found["Difference"]) == (["1"], ["100 %"], ["none"])
    assert "nothing is left out" in text(app)
    assert not app.slider


def test_the_worked_example_needs_three_parts_and_the_largest_holds_91_percent():
    app = split(kernel="Worked example")
    assert cards(app)["Rank"] == ["3"]
    (bar,) = charts(app)["split_parts_chart"]["data"]
    assert bar["text"] == ["91.2 %", "97.9 %", "100 %"]
    assert bar["y"] == sorted(bar["y"], reverse=True)
    app.slider(key="split_parts").set_value(3).run()
    assert cards(sound(app))["Difference"] == ["none"]
    assert app.query_params["parts"] == "3"


@pytest.mark.parametrize(("side", "one", "two"), [("3", 9, 6), ("5", 25, 10), ("7", 49, 14)])
def test_two_passes_take_2k_products_in_place_of_k_squared(side, one, two):
    found, pixels = cards(split(kernel="Sobel", side=side, fm_picture="A drawn shape")), 160 * 160
    assert (found["One pass"], found["Column, then row"]) == ([str(one * pixels)], [str(two * pixels)])


def typed_cells(app) -> list[list[float]]:
    """The kernel whose cells can be typed over."""
    (held,) = (one for one in components(app) if one.get("editable"))
    return held["kernels"][0]["values"]


def test_own_numbers_are_split_too_and_what_is_none_is_told():
    app = split(kernel="Own kernel", numbers="1 2 1; 0 0 0; 2 4 2")
    assert cards(app)["Rank"] == ["1"]
    assert typed_cells(app) == [[1, 2, 1], [0, 0, 0], [2, 4, 2]]
    assert cards(split(kernel="Own kernel", numbers="1 0 0; 0 1 0; 0 0 1"))["Rank"] == ["3"]
    # Another size is another ring of zeros.
    app.segmented_control(key="split_side").set_value(5).run()
    wider = [[0, *row, 0] for row in ([0] * 3, [1, 2, 1], [0] * 3, [2, 4, 2], [0] * 3)]
    assert typed_cells(sound(app)) == wider
    assert app.query_params["numbers"] == written(wider)
    app.segmented_control(key="split_side").set_value(3).run()
    assert typed_cells(sound(app)) == [[1, 2, 1], [0, 0, 0], [2, 4, 2]]
    app = split(kernel="Own kernel", numbers="0 0 0; 0 0 0; 0 0 0")
    assert "All weights are 0" in sound(app).info[0].value
    app = split(kernel="Own kernel", numbers="1 2")
    assert app.warning[0].value.startswith("numbers: The own kernel is not a square")


@pytest.mark.parametrize("channel", ["0", "9"])
def test_learned_kernels_are_split(channel):
    app = split(kernel="Learned by our small network", channel=channel)
    assert not app.warning
    kernel = networks.load("small", pretrained=True).conv1.weight.detach()[int(channel)].double().sum(0).numpy()
    assert typed_cells(app) == kernel.tolist()
    found, (bar,) = cards(app), charts(app)["split_parts_chart"]["data"]
    singular = np.linalg.svd(kernel, compute_uv=False)
    assert bar["y"] == pytest.approx(singular.tolist())
    assert (found["Rank"], len(singular)) == (["5"], 5)
    assert found["Energy kept"] == [f"{100 * singular[0] ** 2 / (singular**2).sum():.3g} %"]
    assert app.number_input(key="split_channel").value == int(channel)


# -- groups -----------------------------------------------------------------------------------------------------------


def tiles(app) -> dict[str, dict[str, str]]:
    """The numbers of each tile on the page, by its title."""
    found = [tile for one in components(app) for tile in one.get("tiles", [])]
    return {tile["title"]: {name: value.replace("\u202f", "") for name, value in tile["numbers"]} for tile in found}


def test_weights_and_macs_divide_by_the_number_of_groups():
    app = sound(opened("cost/groups.py", ask="none"))
    found = tiles(app)
    whole = found["groups = 1"]
    assert whole == {"weights": "576", "MACs": "451584", "each output sees": "8 of 8"}
    for groups in (1, 2, 4, 8):
        one = found[f"groups = {groups}"]
        assert int(one["weights"]) * groups == int(whole["weights"])
        assert int(one["MACs"]) * groups == int(whole["MACs"])
        assert one["each output sees"] == f"{8 // groups} of 8"


@pytest.mark.parametrize(
    ("channels", "groups", "without", "shuffled"),
    [(8, 2, 4, 8), (8, 4, 2, 4), (16, 4, 4, 16), (8, 8, 1, 1), (64, 8, 8, 64)],
)
def test_the_same_from_a_layer_a_group_and_what_a_shuffle_gives_back(channels, groups, without, shuffled):
    app = sound(opened("cost/groups.py", ask="none", channels=str(channels), groups=str(groups)))
    found = tiles(app)
    assert found["One grouped layer"] == found[f"{groups} layers, concatenated"]
    assert "Largest difference from the grouped layer, measured: **0**." in text(app)
    assert found["Two grouped layers"] == {"each output sees": f"{without} of {channels}"}
    assert found["With a shuffle between"] == {"each output sees": f"{shuffled} of {channels}"}
    found = cards(app)
    assert (found["Without"], found["With shuffle"]) == ([str(without)], [str(shuffled)])


def test_one_group_has_nothing_to_split_and_more_groups_than_channels_there_are_not():
    app = sound(opened("cost/groups.py", ask="none", groups="1"))
    assert set(tiles(app)) == {f"groups = {groups}" for groups in (1, 2, 4, 8)}
    app = sound(opened("cost/groups.py", ask="none", channels="4", groups="64"))
    assert "groups = 4" in read(app.header)


# -- depthwise separable ----------------------------------------------------------------------------------------------


def versus(app) -> dict[str, list[str]]:
    """The table of the standard and the separable layer: each number of both, and their ratio."""
    (html,) = (one["html"] for one in components(app) if "cs-versus" in one.get("html", ""))
    assert "cs-no" not in html, "a number and its formula disagree"
    found = {}
    for name, cells in re.findall(r'<tr [^>]*data-number="(\w+)">(.*?)</tr>', html):
        values = re.findall("<td>(.*?)</td>", cells)
        found[name] = [re.sub(r"\s*<.*", "", value).replace("\u202f", "") for value in values]
    return found


def test_three_to_three_is_a_third_and_a_ninth_in_weights_and_macs():
    app = sound(opened("cost/separable.py", ask="none"))
    found = versus(app)
    assert found["parameters"] == ["81", "36", "0.444 ×"]
    assert found["macs"] == [str(81 * 64), str(36 * 64), "0.444 ×"]
    assert found["output_size"][:2] == ["3 × 8 × 8", "3 × 8 × 8"]
    assert "27 + 9 parameters" in text(app)
    assert "1/N + 1/K² = 1/3 + 1/(3²) = 0.444; measured" in text(app)
    (stage,) = (one for one in components(app) if "grids" in one)
    assert [grid["title"] for grid in stage["grids"]] == [
        "Input", "Depthwise kernel", "Between", "Pointwise kernel", "Output",
    ]  # fmt: skip


def test_the_notes_numbers_with_padding_1():
    app = sound(opened("cost/separable.py", ask="none"))
    app.button(key="separable_example_notes").click().run()
    found = versus(sound(app))
    assert found["parameters"][:2] == ["280", "70"]
    assert found["output_size"][:2] == ["10 × 28 × 28", "10 × 28 × 28"]
    assert "30 + 40 parameters" in text(app)


@pytest.mark.parametrize(
    ("layer", "order", "rank"),
    [
        ("Four filters on brightness", "Depthwise first", "4"),
        ("Four filters on brightness", "1×1 first", "1"),
        ("One filter, four mixes of colours", "Depthwise first", "1"),
        ("One filter, four mixes of colours", "1×1 first", "1"),
        ("Random weights", "Depthwise first", "4"),
        ("Random weights", "1×1 first", "3"),
        ("Learned by our small network", "Depthwise first", "16"),
        ("Learned by our small network", "1×1 first", "3"),
    ],
)
def test_which_layers_two_steps_can_be(layer, order, rank):
    app = sound(opened("cost/separable.py", ask="none", layer=layer, order=order))
    assert not app.warning
    found = cards(app)
    assert found["Rank"] == [rank]
    (kept,), (off,) = found["Energy kept"], found["Largest difference"]
    assert (kept == "100 %") == (rank == "1")
    assert ("10⁻" in off or off == "0") == (rank == "1")
    assert ("two steps are this layer" in text(app)) == (rank == "1")


# -- MLP or convolution -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("step", "zeros", "different"), [("Dense", 0, 256), ("Local", 156, 100), ("Shared", 156, 9)])
def test_zeros_come_first_then_equal_weights(step, zeros, different):
    app = sound(opened("cost/mlp.py", ask="none", step=step))
    found = cards(app)
    assert (found["Zeros"], found["Different weights"]) == ([str(zeros)], [str(different)])
    assert (found["Dense"], found["Locally connected"], found["Convolution"]) == (["256"], ["144"], ["9"])
    off = re.search(r"differs from it by at most \*\*(.*?)\*\*, the .*? one by \*\*(.*?)\*\*", text(app))
    assert all(value == "0" or re.search("10⁻¹[⁴⁵⁶⁷⁸]", value) for value in off.groups())


def test_larger_images_are_drawn_as_pictures_and_the_convolution_does_not_grow():
    app = sound(opened("cost/mlp.py", ask="none", step="Shared", size="12", in_channels="2", out_channels="4"))
    found = cards(app)
    assert found["Dense"] == [str(2 * 144 * 4 * 144)]
    assert found["Locally connected"] == [str(144 * 72)]
    assert found["Convolution"] == found["Different weights"] == ["72"]
    (html,) = (one["html"] for one in components(app) if "a row for each of 576 outputs" in one.get("html", ""))
    assert "cs-tinted" in html


def test_most_parameters_of_vgg16_are_in_one_dense_layer():
    app = sound(opened("cost/mlp.py", ask="none"))
    (bar,) = charts(app)["mlp_vgg"]["data"]
    found = dict(zip(bar["y"], bar["x"], strict=True))
    assert len(found) == 16
    assert [round(found[f"dense {i}"] / 1e6, 1) for i in (1, 2, 3)] == [102.8, 16.8, 4.1]
    assert sum(found.values()) == 138_357_544
    assert "102.8 + 16.8 + 4.1 million of 138.4 million, 89 %" in text(app)


# -- 1×1 --------------------------------------------------------------------------------------------------------------


def test_192_channels_become_16_and_the_size_stays():
    app = sound(opened("cost/pointwise.py", ask="none"))
    found = cards(app)
    assert found["Output"] == ["16 × 28 × 28"]
    assert (found["Parameters"], found["MACs"]) == ([str(192 * 16)], [str(192 * 16 * 784)])
    assert found["Receptive field"] == ["1 × 1"]


@pytest.mark.parametrize("hidden", ["1", "2", "4"])
def test_two_in_a_row_are_one_unless_a_relu_is_between(hidden):
    app = sound(opened("cost/pointwise.py", ask="none", hidden=hidden))
    found = cards(app)
    assert found["Weights of the two"] == [str(7 * int(hidden))]
    assert found["Weights of the one"] == ["12"]
    (off,) = found["Largest difference"]
    assert off == "0" or "10⁻¹" in off
    app.toggle(key="pointwise_relu").set_value(True).run()
    (off,) = cards(sound(app))["Largest difference"]
    assert float(off) > 0.01


def test_both_networks_are_trained_once_and_moved_drawings_tell_them_apart(monkeypatch):
    monkeypatch.setattr("pages.cost._kept.SHIFTED", Kept(1))
    app = sound(opened("cost/mlp.py", ask="none"))
    assert "mlp_moved" not in charts(app)
    app.button(key="mlp_train").click().run()
    found = {trace["name"]: trace["y"] for trace in charts(sound(app))["mlp_moved"]["data"]}
    assert found["Dense"][3] < 70
    assert min(found["Convolution"]) > 95
    assert "mlp_moved" in charts(sound(opened("cost/mlp.py", ask="none"))), "kept for the next visitor"


@pytest.mark.parametrize("page", ["ways", "groups", "pointwise", "separable", "mlp"])
def test_the_side_of_an_image_has_one_name_and_goes_up_by_one(page):
    app = sound(opened(f"cost/{page}.py", ask="none"))
    labels = {widget.label for kind in ("number_input", "segmented_control") for widget in getattr(app, kind)}
    assert not {label for label in labels if re.search("size|side", label, re.I)} - {"input_size", "kernel_size"}
    assert "input_size" in labels
    for one in app.number_input:
        assert one.step == 1, one.label


# -- while a question waits -------------------------------------------------------------------------------------------


def waiting(page: str, ask: str):
    return sound(opened(f"cost/{page}.py", ask=ask))


@pytest.mark.parametrize(
    ("page", "ask", "shown"),
    [
        ("groups", "weights", {"1": [(8, 8, 64)], "2": [(8, 8, 32)]}),
        ("groups", "alone", {"1": [(8, 8, 64)], "8": [(8, 8, 0)]}),
        ("groups", "row", {"plain": [(8, 8, 32)] * 2}),
        ("groups", "shuffle", {"shuffled": [(8, 8, 32), (8, 8, 8), (8, 8, 32)]}),
        ("mlp", "dense", {"layer": [(16, 16, 256)]}),
        ("mlp", "local", {"layer": [(16, 16, 100)]}),
        ("mlp", "shared", {"layer": [(16, 16, 100)]}),
        ("pointwise", "shape", {"layer": [(16, 192, 16 * 192)]}),
        ("pointwise", "row", {"layer": [(2, 3, 6), (4, 2, 8)]}),
        ("separable", "order", {"standard": [(3, 3, 9)], "depthwise_first": [(3, 3, 3), (3, 3, 9)],
                                "pointwise_first": [(3, 3, 9), (3, 3, 3)]}),
    ],
)  # fmt: skip
def test_a_question_waits_beside_what_it_is_about(page, ask, shown):
    """Of each tile, outputs, inputs and ways of each step."""
    tiles = {tile["name"]: tile for one in components(waiting(page, ask)) for tile in one.get("tiles", ())}
    count = lambda step: sum(map(int.bit_count, base64.b64decode(step["ways"])))  # noqa: E731
    found = {
        name: [(step["outputs"], step["inputs"], count(step)) for step in tile["steps"]] for name, tile in tiles.items()
    }
    assert found == shown
    assert all(value == "?" for tile in tiles.values() for _, value in tile["numbers"])


def test_questions_about_vgg16_and_moved_drawings_show_these():
    table = waiting("mlp", "vgg").dataframe[0].value
    assert list(table["parameters"].unique()) == ["?"]
    assert (len(table), table["in → out"].iloc[13].replace("\u202f", "")) == (16, "25088 numbers → 4096")
    html = "".join(one["html"] for one in components(waiting("mlp", "moved")) if "html" in one)
    assert html.count("Moved by") == 2
    html = "".join(one["html"] for one in components(waiting("pointwise", "cannot")) if "html" in one)
    assert "A colour picture" in html


def test_what_stands_where_the_dense_layers_stood_is_not_named():
    app = waiting("networks", "without")
    (drawn,) = diagrams(app)
    assert not re.search("pool.*?2d\\(1|Adaptive|flatten", " ".join(node["told"] for node in drawn["nodes"]))
    assert [node["head"] for node in drawn["nodes"]].count("?") == 2
    assert drawn["selected"] == "avgpool"
    app.button(key="reveal").click().run()
    assert "AdaptiveAvgPool2d" in " ".join(node["told"] for node in diagrams(sound(app))[0]["nodes"])


def test_a_difference_stands_beside_the_size_of_what_differs():
    html = "".join(
        one["html"] for one in components(sound(opened("cost/pointwise.py", ask="none", relu="true"))) if "html" in one
    )
    assert re.search(r"Largest difference.*?on the astronaut, where the two answer with up to ±[\d.]+", html)
    html = "".join(one["html"] for one in components(sound(opened("cost/separable.py", ask="none"))) if "html" in one)
    assert re.search(r"Largest difference.*?on the picture, where the standard layer answers with up to ±[\d.]+", html)
