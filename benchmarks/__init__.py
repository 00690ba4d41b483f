"""Ratios taken in one run. ``python -m benchmarks`` (or ``make bench``) writes ``benchmarks/out/ratios.md``.

A ratio compares ConvScope with a bare Streamlit script that has the same widgets, or one way to compute something with
another, alternating within one run on one machine; so it means something on any machine, which milliseconds do not.

A benchmark is a function in a module of this package, registered with ``@benchmark("title", goal="…")``, that returns
rows. Its module is named in ``__main__``. Its keyword arguments, which all have defaults, are options of the command.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, the two sides in ``unit``, and whether the goal is met."""

    what: str
    ours: float
    baseline: float | None = None
    unit: str = "ms"
    met: bool | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """``ours / baseline``, None without a baseline."""
        return self.ours / self.baseline if self.baseline else None


@dataclass(frozen=True)
class Benchmark:
    """A named function that measures."""

    name: str
    title: str
    goal: str
    run: Callable[..., list[Row]]


BENCHMARKS: dict[str, Benchmark] = {}


def benchmark(title: str, *, goal: str, name: str = "") -> Callable[[Callable], Callable]:
    """Register a function under its own name, or under ``name``."""

    def register(run: Callable[..., list[Row]]) -> Callable[..., list[Row]]:
        one = Benchmark(name or run.__name__, title, goal, run)
        BENCHMARKS[one.name] = one
        return run

    return register


def percentile(values: Sequence[float], q: float) -> float:
    """The nearest-rank percentile: the smallest value that at least ``q`` percent do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q / 100 * len(ordered)) - 1)]


def table(benchmarks: Sequence[tuple[Benchmark, list[Row]]]) -> str:
    """The results as Markdown."""
    lines: list[str] = []
    for one, rows in benchmarks:
        lines += [f"## {one.title}", "", f"Goal: {one.goal}", ""]
        lines += ["| what | ours | baseline | ratio | goal met | note |", "|---|---:|---:|---:|---|---|"]
        for row in rows:
            baseline = "" if row.baseline is None else f"{row.baseline:.4g} {row.unit}"
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}×"
            met = {True: "yes", False: "**no**", None: ""}[row.met]
            lines.append(f"| {row.what} | {row.ours:.4g} {row.unit} | {baseline} | {ratio} | {met} | {row.note} |")
        lines.append("")
    return "\n".join(lines)
