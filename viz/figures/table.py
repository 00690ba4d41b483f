"""Tables that scroll inside their own frame, so that a page is never wider than the screen."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    label: str,
    marked: Sequence[int] = (),
    raw: Sequence[int] = (),
    chosen: int | None = None,
    tall: bool = False,
) -> str:
    """HTML of a table. Columns in which everything is a number stand right.

    Args:
        head: column titles.
        rows: cells; text is escaped.
        label: what the table holds, for screen readers.
        marked: rows that are drawn as faulty.
        raw: columns whose cells are HTML already.
        chosen: the row that is shown elsewhere on the page.
        tall: scroll below each other too, the head staying in view.
    """
    numeric = [all(isinstance(row[c], (int, float)) or _numberish(row[c]) for row in rows) for c in range(len(head))]
    cells = lambda row: "".join(  # noqa: E731
        f'<td class="{"cs-num" if numeric[c] else ""}">{cell if c in raw else escape(str(cell))}</td>'
        for c, cell in enumerate(row)
    )
    titles = "".join(
        f'<th scope="col" class="{"cs-num" if n else ""}">{escape(h)}</th>' for h, n in zip(head, numeric, strict=True)
    )
    kinds = dict.fromkeys(marked, ' class="cs-bad"')
    if chosen is not None:
        kinds[chosen] = ' class="cs-chosen" aria-current="true"'
    body = "".join(f"<tr{kinds.get(i, '')}>{cells(row)}</tr>" for i, row in enumerate(rows))
    return (
        f'<div class="cs-scroll{" cs-tall" if tall else ""}" tabindex="0" role="region" aria-label="{escape(label)}">'
        f'<table class="cs-table"><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _numberish(cell: object) -> bool:
    text = str(cell).replace("−", "-").replace("\u202f", "").replace(" ", "").replace(",", "")
    return text in ("", "–") or text.replace(".", "", 1).replace("-", "", 1).replace("/", "", 1).isdigit()
