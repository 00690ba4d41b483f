"""Make the README's pictures from the running app: ``make pictures``."""

import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.support import launch, running, settled

OUT = Path(__file__).parent / "readme"
FRAMES, PAUSE = 16, 600


def still(page: Page, url: str) -> None:
    page.goto(url)
    settled(page)
    page.wait_for_timeout(1000)
    shot = Image.open(io.BytesIO(page.screenshot()))
    shot.convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(OUT / "playground.png", optimize=True)


def animation(page: Page, url: str) -> None:
    page.goto(url)
    settled(page)
    page.wait_for_timeout(1000)
    stage = page.locator("[data-testid=stBidiComponentIsolated]").first
    frames = []
    for _ in range(FRAMES):
        frames.append(
            Image.open(io.BytesIO(stage.screenshot())).convert("P", palette=Image.Palette.ADAPTIVE, colors=64)
        )
        page.get_by_role("button", name="Step forward").click()
        page.mouse.move(5, 5)
        page.wait_for_timeout(150)
    frames[0].save(OUT / "play.gif", save_all=True, append_images=frames[1:], duration=PAUSE, loop=0, optimize=True)


def main() -> None:
    OUT.mkdir(exist_ok=True)
    with running() as server, sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        still(page, server.url + "/playground?input_size=6&padding=1")
        animation(page, server.url + "/playground?input_size=4&padding=1")
        browser.close()


if __name__ == "__main__":
    main()
