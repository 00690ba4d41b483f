"""Pictures that follow each other while something learns: no frame shows the page without one, and nothing moves."""

import pytest
from playwright.sync_api import expect

from tests.browser.support import ROOT, running, settled

SCRIPT = f"""
import time
from pathlib import Path
import streamlit as st
from pages._learning import Screen
from viz.figures import chart, loss_curve, show

st.html(Path({str(ROOT / "pages" / "_look.css")!r}))
st.title("Pictures")
go = st.button("Go")
screen = Screen()

def picture(n):
    show("<p style='height:80px'>" + str(n) + "</p>", key=f"above_{{n}}")
    chart(loss_curve(range(n), [0.5**k for k in range(n)], 0), key=f"loss_{{n}}", alt="loss", numbers=False)

for n in range(1, 7 if go else 2):
    screen.draw(lambda: picture(n))
    time.sleep(1 if go else 0)  # so that a busy machine follows
time.sleep(1 if go else 0)
screen.rest()
if go:
    st.text("Done")
"""
WATCH = """() => {
    const seen = { pictures: new Set(), empty: 0, tops: new Set() };
    const shown = (one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    const look = () => {
        const chart = [...document.querySelectorAll('.js-plotly-plot')].find(shown);
        const points = chart?.querySelectorAll('.scatterlayer .points path').length;
        const all = [...document.querySelectorAll('[class*=st-key-above_]')];
        const said = all.some((one) => shown(one) && one.offsetHeight > 70);
        // Until the first picture of the run stands.
        if (seen.pictures.size || (points === 1 && said)) {
            seen.empty += !points || !said;
            seen.pictures.add(points);
            seen.tops.add(Math.round(chart?.getBoundingClientRect().top + scrollY));
        }
        requestAnimationFrame(look);
    };
    look();
    globalThis.watched = () => ({ pictures: [...seen.pictures], empty: seen.empty, tops: seen.tops.size });
}"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    script = tmp_path_factory.mktemp("learning") / "pictures.py"
    script.write_text(SCRIPT, encoding="utf-8")
    with running(script) as server:
        yield server


def test_pictures_of_a_run_follow_each_other_without_an_empty_frame(visit, pictures):
    seen = visit("/", server=pictures)
    seen.page.locator(".js-plotly-plot .points path").first.wait_for()
    settled(seen.page)
    seen.page.get_by_role("button", name="Go").click()
    seen.page.evaluate(WATCH)
    expect(seen.page.get_by_text("Done")).to_be_visible(timeout=60_000)
    settled(seen.page)
    assert seen.page.evaluate("watched()") == {"pictures": [1, 2, 3, 4, 5, 6], "empty": 0, "tops": 1}
    assert seen.page.locator(".js-plotly-plot").count() == 1
