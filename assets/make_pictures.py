"""Make the README's picture of the running app: ``make pictures``."""

import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.support import launch, running, settled

OUT = Path(__file__).parent / "readme"


def still(page: Page, url: str) -> None:
    page.goto(url)
    settled(page)
    page.wait_for_timeout(1000)
    shot = Image.open(io.BytesIO(page.screenshot()))
    shot.convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(OUT / "playground.png", optimize=True)


def main() -> None:
    OUT.mkdir(exist_ok=True)
    with running() as server, sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        still(page, server.url + "/playground?input_size=6&padding=1")
        browser.close()


if __name__ == "__main__":
    main()
