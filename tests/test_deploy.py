"""What is shipped, and what hosts install from it."""

import re
import tomllib

from tests.browser.support import ROOT


def test_the_licence_is_there_and_named():
    text = (ROOT / "LICENSE").read_text()
    assert text.startswith("MIT License")
    assert re.search(r"^Copyright \(c\) 20\d\d the ConvScope authors$", text, re.M)
    assert "](LICENSE)" in (ROOT / "README.md").read_text()
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"] == "MIT"


def test_every_shipped_picture_has_its_own_licence():
    """Each picture is named in the table of licences."""
    table = (ROOT / "assets/pictures/LICENCES.md").read_text()
    pictures = sorted(file.name for file in (ROOT / "assets/pictures").glob("*.png"))
    assert pictures
    assert [name for name in pictures if f"| {name} |" not in table] == []
