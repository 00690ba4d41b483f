"""What the page on layers for the same job keeps for all visitors: a page's own file is read anew in each run."""

from __future__ import annotations

from functools import lru_cache

from models.alternatives import WAYS, Row, compare, reach
from models.kept import Kept
from models.timing import Timed
from viz.components.channels import step

Job = tuple[tuple[str, int], ...]
"""Settings and their values."""

TIMES: Kept[dict[str, Timed | str]] = Kept(64)
"""Job → the time of each layer, by name, or why there is none."""


def taken(name: str, values: dict[str, int]) -> dict[str, int]:
    """Those of the settings that the layer takes."""
    known = {setting.name for setting in WAYS[name].settings}
    return {key: value for key, value in values.items() if key in known}


@lru_cache(maxsize=64)
def rows_of(job: Job) -> list[Row]:
    """Every layer that could do the job."""
    return compare(**dict(job))


@lru_cache(maxsize=128)
def steps_of(job: Job, name: str) -> list[dict]:
    """What a layer does with channels, for its tile."""
    return [step(of, found) for of, found in reach(name, **taken(name, dict(job)))]
