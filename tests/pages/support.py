"""Pages without a browser: open one by a link, go on to another, and demand that nothing went wrong."""

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pyarrow.ipc
from streamlit.testing.v1 import AppTest

SHELL = Path(__file__).resolve().parents[2] / "pages" / "_shell.py"


ASKING = ("convolution/", "transposed/", "receptive_field/", "feature_maps/", "cost/")
"""Where a bare page asks its first question."""


@cache
def _pages() -> dict:
    """All pages, as the first run of any session finds them: by then an AppTest can go to none."""
    return AppTest.from_file(SHELL, default_timeout=120).run()._registered_pages


def arrived(page: str) -> AppTest:
    """A visitor whose first request is for this page, before it runs."""
    app = AppTest.from_file(SHELL, default_timeout=120)
    app._registered_pages = _pages()
    return app.switch_page(page)


def opened(page: str, **query: str | list[str]) -> AppTest:
    """A page as a link with these parameters opens it; nothing is asked, unless the link says so."""
    app = arrived(page)
    if page.startswith(ASKING) and not query:
        query = {"ask": "none"}
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def folds(page: str) -> dict[str, str]:
    """What a link says that opens all folds of a page."""
    return dict.fromkeys(re.findall(r'= Fold\(\s*"(\w+)"', (SHELL.parent / page).read_text("utf-8")), "true")


def revealed(app: AppTest) -> AppTest:
    """The page, once the question that waits, if any, was given up."""
    for reveal in [one for one in app.button if one.key == "reveal"]:
        reveal.click().run()
    return sound(app)


def moved(app: AppTest, page: str) -> AppTest:
    """Another page, as a click on its name opens it: the link is bare then."""
    app.query_params.clear()
    return sound(app.switch_page(page).run())


def sound(app: AppTest) -> AppTest:
    assert not app.exception
    assert [e.value for e in app.error] == []
    return app


def written(table) -> dict[str, list[str]]:
    """The columns of a table as a visitor reads them."""
    shown = pyarrow.ipc.open_stream(table.proto.arrow_data.styler.display_values).read_pandas()
    return {name: list(shown[name]) for name in shown}


def charts(app: AppTest) -> dict[str, dict]:
    """The Plotly figures on the page, by the keys of their charts, in the order of the page."""
    return {one.proto.id.split("-", 2)[2]: json.loads(one.proto.spec) for one in app.get("plotly_chart")}


AXES_ALONE = [{"type": "scatter"}]
"""The data of a chart that is to come."""


def points(trace: dict) -> list[tuple[float, float]]:
    """The places of a line's points, or of the ends of bars."""
    return list(zip(trace["x"], trace["y"], strict=True))


def components(app: AppTest) -> list[dict]:
    return [json.loads(one.proto.json) for one in app.get("bidi_component")]


def choosing_table(app: AppTest) -> dict:
    """What stands beside the one table of the page of which rows are chosen: its key, the row, whether it is seen."""
    (found,) = [one for one in components(app) if "table" in one]
    return found


def chosen_rows(app: AppTest) -> list[int]:
    return app.session_state[choosing_table(app)["table"]]["selection"]["rows"]


def stages(app: AppTest) -> list[dict]:
    """What each stage, or panel of one, is sent."""
    return [panel for one in components(app) for panel in one.get("panels", [one]) if "grids" in panel]


def diagrams(app: AppTest) -> list[dict]:
    """What each diagram of a network is sent."""
    return [one for one in components(app) if "nodes" in one]


def tiles(app: AppTest) -> dict[str, dict]:
    """What each tile of channels is sent, by name."""
    return {tile["name"]: tile for one in components(app) for tile in one.get("tiles", ())}


def hides(stage: dict) -> bool:
    """Whether a stage hides its output; then it does not know its numbers, or those of the matrix."""
    if not stage.get("veiled"):
        return False
    outputs = [one for one in stage["grids"] if one["role"] == "output"]
    assert outputs
    assert all(one["values"] is None for one in (*outputs, *stage["links"]))
    assert not stage["operator"] or not (stage["operator"]["entries"] or stage["operator"]["note"])
    return True


def plain(text: str) -> str:
    """What a visitor reads of a text of the page: without the links of terms to the glossary."""
    text = re.sub(r"\[([^\[\]]*)\]\(words#[^()]*\)", r"\1", text)
    return re.sub(r'<a href=\\?"words#[^>]*>(.*?)</a>', r"\1", text)


def read(blocks: Iterable) -> list[str]:
    """The texts of titles, paragraphs or captions as a visitor reads them."""
    return [plain(one.value) for one in blocks]
