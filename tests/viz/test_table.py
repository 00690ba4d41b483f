"""Tables: what is read in a cell, what its column sorts by, and what is taken along."""

import pyarrow
import pytest
import streamlit as st

from viz.export import taken
from viz.figures import Cell, along, table


@pytest.fixture
def held(monkeypatch) -> list[pyarrow.Table]:
    """What was drawn."""
    drawn = []
    monkeypatch.setattr(st, "dataframe", lambda data, **_: drawn.append(data))
    return drawn


def test_a_column_of_words_with_numbers_sorts_by_these_and_is_taken_along_as_words(held, monkeypatch):
    noted = {}
    monkeypatch.setattr(taken, "note_table", noted.__setitem__)
    rows = [
        [along("10×10", (10, 10)), "10×10"],
        [Cell("9×9", 9), "9×9"],
        [along("differs", (None,)), ""],
        [along("", None), ""],
        [None, None],
    ]
    table(["size", "text"], rows, key="sizes", label="Sizes")
    assert held[0].to_pydict() == {
        "size": [" 10×10", "  9×9", "differs", "", None],
        "text": ["10×10", "9×9", "", "", None],
    }
    words = [["10×10", "10×10"], ["9×9", "9×9"], ["differs", ""], ["", ""], [None, None]]
    assert noted["Sizes"]() == [["size", "text"], *words]
