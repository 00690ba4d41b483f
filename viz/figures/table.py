"""Tables that can be sorted, searched, enlarged and taken along as CSV; wide ones scroll inside their own frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import inf
from typing import Any, NamedTuple
from zlib import crc32

import streamlit as st

from models.text import big
from viz import state
from viz.export import taken
from viz.figures.cells import text_of
from viz.private import read_as, row_seen
from viz.words import meaning


class Cell(NamedTuple):
    """What is read in a cell, and the number that its column sorts by."""

    words: str
    value: float | Fraction


def along(words: str, values: Sequence[float | Fraction | None] | None) -> Cell | str:
    """Words of one number for each axis, which sort by that of the first; the words alone where there is none."""
    return words if not words or not values or values[0] is None else Cell(words, values[0])


def table(
    head: Sequence[str],
    rows: Sequence[Sequence],
    *,
    key: str,
    label: str,
    of: str = "",
    told: Mapping[str, str] | None = None,
    on_row: Callable[[int | None], None] | None = None,
    row: int | None = None,
    height: int | None = None,
) -> None:
    """Put a table on the page. What is a number is given as a number, so that a column sorts by it.

    Args:
        head: column titles.
        rows: cells; nothing stands where a cell is None. In a column with a `Cell`, text sorts as the largest.
        label: what the table holds, for screen readers.
        of: what it is a table of, where that changes: the browser gives its columns their widths once, and for another
            anew.
        on_row: called with the place of the row that is chosen, by its box or Shift+Space; None: none any more.
        row: the one that the page chooses.
        height: pixels, where the table shall not choose.
        told: what the columns hold that do not say so themselves, by their titles; of terms the list of words tells it.
    """
    key = f"{key}_{crc32(of.encode())}" if of else key
    taken.note_table(label, lambda: [list(head), *([_words(cell) for cell in cells] for cells in rows)])
    columns = dict(zip(head, map(list, zip(*rows, strict=True)), strict=True))
    told = {name: means for name in head if (means := meaning(name))} | dict(told or {})
    kinds = {name: st.column_config.Column(help=help) for name, help in told.items()}
    how = {}
    if on_row:
        how = {"on_select": lambda: on_row(_chosen(key)), "selection_mode": "single-row"}
        # A row that the visitor has chosen in the table is in view, and in a sorted one not at its own place.
        seen = _chosen(key) == row
        if not seen:
            given = [] if row is None else [row]
            state.give({key: {"selection": {"rows": given, "columns": [], "cells": []}}})
    if height:
        how["height"] = height
    with st.container(gap=None):
        draw_columns(columns, column_config=kinds, key=key, alt=label, placeholder="", **how)
        if on_row:
            names = [_words(cells[0]) for cells in rows]
            row_seen(key=f"{key}_row", data={"table": key, "row": row, "seen": seen, "names": names}, height=1)


def draw_columns(columns: Mapping[str, Sequence], **how: Any) -> None:
    """``st.dataframe`` of columns that sort by their numbers, which are written as in every sentence: its own formats
    part thousands as the browser's language does."""
    import pyarrow  # pages without a table open without it

    words = {name: [None if cell is None else _text(cell) for cell in cells] for name, cells in columns.items()}
    held = {name: _held(cells, words[name]) for name, cells in columns.items()}
    with read_as(pyarrow.table(words)):
        st.dataframe(pyarrow.table(held), hide_index=True, **how)


def _held(cells: Sequence, words: list[str | None]) -> list:
    """What a column sorts by, and what the browser's own CSV holds."""
    kinds = set(map(type, cells))
    if Cell in kinds:
        # Words in the order of their numbers: the more spaces before, the earlier.
        values = [cell.value if isinstance(cell, Cell) else inf for cell in cells]
        order = sorted(set(values), reverse=True)
        return [text and " " * order.index(value) + text for value, text in zip(values, words, strict=True)]
    if str in kinds:
        return words
    whole = all(cell is None or float(cell).is_integer() for cell in cells)
    return [None if cell is None else int(cell) if whole else float(cell) for cell in cells]


def _words(cell: Any) -> Any:
    return cell.words if isinstance(cell, Cell) else cell


def _text(cell: Any) -> str:
    cell = _words(cell)
    if isinstance(cell, str | Fraction):
        return str(cell)
    return big(cell) if float(cell).is_integer() else text_of(cell)


def _chosen(key: str) -> int | None:
    """The place of the row that is chosen in the table of this key."""
    picked = state.heard(key, "selection")
    return next(iter((picked or {}).get("rows", ())), None)
