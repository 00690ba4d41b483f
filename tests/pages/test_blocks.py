"""The lesson on blocks: every block with every choice, its numbers as the papers have them, its diagram, its link."""

import re
from collections import Counter

import pytest

from models.blocks import BLOCKS
from models.text import big
from tests.pages.support import charts, chosen_rows, components, diagrams, opened, read, sound
from viz.controls.block import setting_of


def cards(app) -> str:
    return "".join(one["html"] for one in components(app) if "html" in one)


@pytest.mark.parametrize("name", BLOCKS)
def test_every_block_is_drawn_with_numbers_that_agree(name):
    app = sound(opened("cost/blocks.py", block=name, ask="none", operations="true"))
    assert app.warning.values == []
    (drawn,) = diagrams(app)
    assert drawn["nodes"][0]["name"] == "input"
    assert drawn["nodes"][-1]["name"] == "output"
    html = cards(app)
    assert html.count("measurement and formula agree") >= 3
    assert "disagree" not in html
    shown = {name: formula.value for name, formula in BLOCKS[name].formulas().items()}
    assert all(f">{big(value)} " in html for value in shown.values())
    (bars,) = [one for one in charts(app).values() if one["layout"]["xaxis"]["title"]["text"] == "MACs"]
    assert sum(bars["data"][0]["x"]) == shown["macs"]
    table = app.dataframe[0].value
    assert table["parameters"].sum() == shown["parameters"]
    assert table["MACs"].sum() == shown["macs"]
    assert BLOCKS[name].paper.url in "".join(read(app.markdown))


@pytest.mark.parametrize(
    ("link", "weights"),
    [
        ({"block": "bottleneck"}, 69_632),
        ({"block": "resnext"}, 70_144),
        ({"block": "bottleneck", "width": "128"}, 2 * 256 * 128 + 9 * 128 * 128),
        ({"block": "patch_embedding"}, 589_824),
    ],
)
def test_the_papers_numbers_and_those_of_a_link(link, weights):
    app = sound(opened("cost/blocks.py", **link, ask="none"))
    assert f">{big(weights)} " in cards(app)


def test_mobilenet_v1_has_4_2_million_parameters_and_569_million_macs():
    html = cards(sound(opened("cost/blocks.py", block="mobilenet_v1", ask="none")))
    assert f">{big(4_231_976)} " in html
    assert f">{big(568_740_352)} " in html
    html = "".join(
        one["html"]
        for one in components(sound(opened("cost/networks.py", network="mobilenet_v1", ask="none")))
        if "html" in one
    )
    assert f">{big(4_231_976)}<" in html
    assert f">{big(568_740_352)}<" in html


def test_a_patch_embedding_of_224_pixels_has_590_592_parameters():
    app = sound(opened("cost/blocks.py", block="patch_embedding", ask="none"))
    assert f">{big(590_592)} " in cards(app)
    (drawn,) = diagrams(app)
    assert drawn["nodes"][-1]["lines"] == ["196 × 768"]


def test_u_net_goes_from_the_picture_to_8_by_8_and_back():
    app = sound(opened("cost/blocks.py", block="unet", ask="none"))
    (drawn,) = diagrams(app)
    assert (drawn["nodes"][0]["lines"], drawn["nodes"][-1]["lines"]) == (["3 × 128 × 128"], ["1 × 128 × 128"])
    carried = {text for _, _, text in drawn["edges"]}
    assert "256 × 8 × 8" in carried
    assert {"128 × 16 × 16", "64 × 32 × 32", "32 × 64 × 64", "16 × 128 × 128"} <= carried


def test_the_fire_block_of_the_paper():
    """fire2: 96 channels become 16, then 64 and 64 (Iandola et al. 2016, table 1)."""
    (drawn,) = diagrams(sound(opened("cost/blocks.py", block="fire", ask="none")))
    assert Counter(text for _, _, text in drawn["edges"]) == {
        "96 × 55 × 55": 1,  # into squeeze
        "16 × 55 × 55": 3,  # into its activation, and from there to both expansions
        "64 × 55 × 55": 4,  # into their activations and the concatenation
        "128 × 55 × 55": 1,
    }


def test_the_u_net_of_the_paper_shrinks_from_572_to_388():
    asked = {"in_channels": "1", "out_channels": "2", "width": "64", "padding": "valid"}
    app = sound(opened("cost/blocks.py", block="unet", ask="none", **asked))
    (drawn,) = diagrams(app)
    assert (drawn["nodes"][0]["lines"], drawn["nodes"][-1]["lines"]) == (["1 × 572 × 572"], ["2 × 388 × 388"])
    assert "measurement and formula disagree" not in cards(app)


@pytest.mark.parametrize("name", BLOCKS)
def test_each_setting_has_its_control(name):
    app = sound(opened("cost/blocks.py", block=name, ask="none", operations="true"))
    drawn = {
        widget.key
        for kind in ("number_input", "toggle", "segmented_control", "select_slider")
        for widget in getattr(app, kind)
    }
    keys = {setting_of(setting, f"block_{name}").at for setting in BLOCKS[name].settings}
    assert keys <= drawn
    assert len(keys) == len(BLOCKS[name].settings)


def test_both_ways_to_join_stand_side_by_side():
    app = sound(opened("cost/blocks.py", block="join", ask="none"))
    lines = dict(re.findall(r'data-number="(\w+)">?<th[^>]*>[^<]*</th>(.*?)</tr>', cards(app)))
    found = {
        name: re.sub(r"<td>(.*?)</td>", r"\1|", line).replace("\u202f", "").split("|") for name, line in lines.items()
    }
    assert found["channels"][:2] == ["64", "128"]
    assert found["parameters"][:2] == [str(9 * 64 * 64), str(18 * 64 * 64)]
    assert found["difference"][0] == "0"
    assert found["alike"][0] == "1"
    assert float(found["alike"][1].replace("\u2212", "-")) < 0.5
    assert not re.search("cs-versus", cards(sound(opened("cost/blocks.py", block="basic", ask="none"))))
    waiting = opened("cost/blocks.py", ask="gradient")
    assert waiting.selectbox(key="block").value == "join"
    assert "cs-versus" not in cards(waiting)


def test_another_block_keeps_the_settings_of_this_one():
    app = opened("cost/blocks.py", block="bottleneck", width="32", ask="none")
    app.selectbox(key="block").set_value("resnext").run()
    assert sound(app).number_input(key="block_resnext_width").value == 128
    app.selectbox(key="block").set_value("bottleneck").run()
    assert sound(app).number_input(key="block_bottleneck_width").value == 32


def test_a_setting_of_another_block_and_values_that_do_not_fit_are_told():
    app = sound(opened("cost/blocks.py", block="bottleneck", cardinality="8", width="0", ask="none"))
    assert len(app.warning) == 2
    assert "cardinality: Bottleneck block has no such setting; it is left out." in app.warning.values
    assert any(told.startswith("width: ") for told in app.warning.values)


def test_settings_that_do_not_fit_each_other_are_one_sentence_and_the_last_good_picture_stays():
    app = sound(opened("cost/blocks.py", block="resnext", width="96", cardinality="16", ask="none"))
    before, told = diagrams(app), cards(app)
    app.number_input(key="block_resnext_width").set_value(100).run()
    (sentence,) = sound(app).warning.values
    assert sentence == (
        "A width of 100 does not divide into 16 equal paths: use a cardinality of 10, or a width of 112. "
        "Until then you see one that fits."
    )
    assert (diagrams(app), cards(app)) == (before, told)
    app.number_input(key="block_resnext_width").set_value(112).run()
    assert not sound(app).warning
    assert diagrams(app) != before
    # From a link nothing has fitted yet.
    app = sound(opened("cost/blocks.py", block="resnext", width="100", cardinality="32", ask="none"))
    assert "use a cardinality of 25, or a width of 128" in app.warning.values[0]
    (drawn,) = diagrams(app)
    assert "Conv2d(256, 128, kernel_size=1" in drawn["nodes"][1]["told"]


def test_what_is_chosen_in_the_table_is_selected_in_the_diagram():
    app = sound(opened("cost/blocks.py", block="dense", ask="none", operations="true"))
    names = list(app.dataframe[0].value["operation"])
    app.session_state["_book"].kept["operation"] = name = "denselayer3.conv2"
    (drawn,) = diagrams(app.run())
    # Its layer is folded.
    assert drawn["selected"] in {node["name"] for node in drawn["nodes"] if node["group"]}
    assert chosen_rows(app) == [names.index(name)]
    assert diagrams(sound(opened("cost/blocks.py", block="dense", ask="none")))[0]["tells"] is False
