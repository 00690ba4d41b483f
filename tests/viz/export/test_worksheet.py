"""Worksheets read back: what is given on the first page, and the solution on the second, against the layer."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from models import lab
from models.errors import ExportError, SpecError
from models.layers import KINDS
from models.share import Scene
from models.spec import LayerSpec
from tests.models.draw import settings_of
from tests.viz.export.scenes import LARGE, SCENES
from viz.export.licence import MADE
from viz.export.worksheet import to_paper, worksheet

TOO_LARGE = ("grouped 3-D", "depthwise_separable 3-D")
WRITTEN = [name for name in SCENES if name not in TOO_LARGE]


class Sheet(HTMLParser):
    """The tables of each page, by array and place: texts of the cells, and which of them are padding."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.pages: list[dict[tuple, tuple[np.ndarray, np.ndarray]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        had = dict(attrs)
        assert tag not in ("script", "img", "link", "iframe")
        if tag == "main":
            self.pages.append({})
        elif tag == "table":
            self.key, self.rows = (had["data-of"], tuple(map(int, had["data-at"].split()))), []
        elif tag == "tr":
            self.rows.append([])
        elif tag == "td":
            self.rows[-1].append(["", had.get("class") == "pad"])

    def handle_data(self, data):
        self.words.append(data)
        if getattr(self, "rows", None) and self.rows[-1]:
            self.rows[-1][-1][0] += data

    def handle_endtag(self, tag):
        if tag == "table":
            texts = np.array([[text.replace("−", "-") for text, _ in row] for row in self.rows])
            pads = np.array([[pad for _, pad in row] for row in self.rows])
            self.pages[-1][self.key] = texts, pads
            self.rows = []

    def array(self, page: int, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Every table of one array, put together."""
        found = np.full(shape, np.nan)
        for (of, place), (texts, _) in self.pages[page].items():
            if of == name:
                numbers = np.array([[float(text or "nan") for text in row] for row in texts])
                found[place] = numbers.reshape(found[place].shape)
        return found


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_given_and_the_solution_are_the_layers(name):
    scene = SCENES[name]
    html = worksheet(scene, "A layer", "What comes out?", "https://a.b/?c=d&e")
    sheet = Sheet(html)
    found = lab.of(to_paper(scene)[0])
    assert len(sheet.pages) == 2
    for stage in found.stages:
        if stage.weight is not None:
            kernel = stage.weight.reshape(-1, *stage.weight.shape[2:])
            shape = stage.weight.shape[:2] if kernel[0].size == 1 and len(kernel) > 1 else kernel.shape
            shown = sheet.array(0, f"kernel {stage.name}".strip(), shape)
            assert np.array_equal(shown.reshape(kernel.shape), kernel)
        if stage.bias is not None:
            assert np.array_equal(sheet.array(0, f"bias {stage.name}".strip(), stage.bias.shape), stage.bias)
        of = "output" if stage is found.stages[-1] else "between"
        empty = [texts for (name, _), (texts, _) in sheet.pages[0].items() if name == of]
        assert sum(texts.size for texts in empty) == stage.y.size, "as many cells to fill in as there are"
        assert not any(texts.any() for texts in empty)
        assert np.abs(sheet.array(1, of, stage.y.shape) - stage.y).max() <= 0.005 + 1e-9
    real = np.concatenate([texts[~pads] for (of, _), (texts, pads) in sheet.pages[0].items() if of == "input"])
    assert real.astype(float).tolist() == found.x.flatten().tolist()
    said = " ".join(sheet.words)
    assert all(part in said for part in ("A layer", "What comes out?", "Name", "Date", "nn.", "https://a.b/?c=d&e"))
    assert f'<meta name="license" content="{MADE}">' in html
    assert not re.search(r"(src|href)=|url\(|@import", html), "it names nothing from elsewhere"


def test_padding_is_marked_and_what_it_holds_is_said():
    sheet = Sheet(worksheet(SCENES["padded"]))
    texts, pads = sheet.pages[0]["input", (0,)]
    assert pads.sum() == 36 - 16
    assert set(texts[pads]) == {"0"}
    assert "Hatched cells are padding: each holds 0." in " ".join(sheet.words)
    for name, holds in (
        ("pooled over the border", "no number"),
        ("mean with padding", "0, which counts"),
        ("mean without padding", "0, which does not count"),
    ):
        assert f"each holds {holds}." in " ".join(Sheet(worksheet(SCENES[name])).words)
    reflected = Sheet(worksheet(SCENES["reflected"]))
    assert reflected.pages[0]["input", (0,)][0][0].tolist() == ["8", "1", "8", "8", "8", "8"]
    assert "Hatched" not in " ".join(reflected.words)


def test_long_numbers_are_rounded_and_the_solution_is_that_of_the_rounded_ones():
    html = worksheet(SCENES["thirds"])
    assert "are rounded to 2 decimals here." in html
    sheet = Sheet(html)
    x, y = sheet.array(0, "input", (1, 4, 4)), sheet.array(1, "output", (1, 2, 2))
    assert x[0, 0].tolist() == [0, 0.33, 0.67, 1]
    by_hand = sum(x[0, i : i + 2, j : j + 2] for i in range(3) for j in range(3)) * 0.11 + 1
    assert np.allclose(y, by_hand, atol=0.005)
    assert "rounded" not in worksheet(Scene(LayerSpec()))


def test_the_first_cell_is_worked_out():
    assert "y(0, 0, 0) = 4·1 + 5·4 + 8·1 + 1·1 + 8·4 + 8·3 + 3·3 + 6·3 + 6·1 = 122" in worksheet(
        Scene(LayerSpec(bias=False))
    )
    assert "y(0, 0, 0) = max(4, 5, 1, 8) = 8" in worksheet(SCENES["max_pool 2-D"])
    assert "y(0, 0, 0) = (4 + 5 + 1 + 8) / 9 = 2" in worksheet(SCENES["mean with padding"])
    assert "(4<sup>2</sup> + 5<sup>2</sup> + 1<sup>2</sup> + 8<sup>2</sup>)<sup>1/2</sup> ≈ 10.3" in worksheet(
        SCENES["lp_pool 2-D"]
    )


@pytest.mark.parametrize(
    ("scene", "says"),
    [
        (LARGE, "the picture is left out"),
        (Scene(LayerSpec(input_size=28)), "1\u202f470 cells in 4 tables, more than one page holds"),
        (SCENES["grouped 3-D"], "332 cells in 41 tables"),
        (Scene(LayerSpec(), "own", own_input=np.full((1, 4, 4), 1e-3)), "too small to write with 2 decimals"),
        (Scene(LayerSpec(), "own", own_input=np.full((1, 4, 4), 1e9)), "shorter numbers"),
    ],
)
def test_what_cannot_be_a_worksheet_says_why(scene, says):
    with pytest.raises(ExportError, match=says):
        worksheet(scene)


def test_titles_are_text():
    assert "<b>" not in worksheet(SCENES["padded"], "<b>", "<b>", "<b>")


@given(st.sampled_from(sorted(KINDS)).flatmap(settings_of), st.sampled_from(("example", "random", "photo")))
@example({"kind": "conv", "dims": 2, "input_size": 4}, "photo")
@settings(max_examples=40, derandomize=True)
def test_any_layer_becomes_a_worksheet_or_says_why_in_a_sentence(asked, source):
    try:
        scene = Scene(LayerSpec(**asked), source)
    except SpecError:
        assume(False)
    refusal = ""
    try:
        sheet = Sheet(worksheet(scene))
    except ExportError as error:
        refusal = error.message
    if refusal:
        assert re.fullmatch(r"[A-Z][^\n]*\.", refusal)
        return
    y = lab.of(to_paper(scene)[0]).y
    assert np.nanmax(np.abs(sheet.array(1, "output", y.shape) - y), initial=0) <= 0.005 + 1e-6
