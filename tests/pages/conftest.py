"""No browser looks at these pages, so none needs time to paint."""

import pytest

from pages import _lesson as lesson


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson, "FIRST_PAINT", 0)
