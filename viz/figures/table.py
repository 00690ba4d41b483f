"""Tables that can be sorted, searched, enlarged and taken along as CSV; wide ones scroll inside their own frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from viz.words import meaning


def table(
    head: Sequence[str],
    rows: Sequence[Sequence],
    *,
    key: str,
    label: str,
    told: Mapping[str, str] | None = None,
    on_row: Callable[[], None] | None = None,
) -> None:
    """Put a table on the page. What is a number is given as a number, so that a column sorts by it.

    Args:
        head: column titles.
        rows: cells; nothing stands where a cell is None.
        label: what the table holds, for screen readers.
        told: what the columns hold that do not say so themselves, by their titles; of terms the list of words tells it.
        on_row: called when a row is chosen; ``viz.state.heard(key, "selection")["rows"]`` then holds its place, if any.
    """
    columns = dict(zip(head, map(list, zip(*rows, strict=True)), strict=True))
    told = {name: means for name in head if (means := meaning(name))} | dict(told or {})
    kinds = {name: st.column_config.Column(help=help) for name, help in told.items()}
    for name, cells in columns.items():
        if any(isinstance(cell, int) for cell in cells):
            kinds[name] = st.column_config.NumberColumn(format="localized", help=told.get(name))
    choosing: dict = {"on_select": on_row, "selection_mode": "single-row"} if on_row else {}
    st.dataframe(columns, hide_index=True, column_config=kinds, key=key, alt=label, placeholder="", **choosing)
