"""What it takes to make an animation of a layer, and how that grows with its frames."""

import statistics
import time

from benchmarks import Row, benchmark
from models import lab
from models.share import Scene
from models.spec import LayerSpec
from viz.export.formats import FORMATS
from viz.export.taken import Taken
from viz.scenes.layer import scene

ROUNDS = 5
SIDES = (5, 7, 10)
"""Of outputs whose walks are made: 25, 49 and 100 steps."""


def page(side: int) -> Taken:
    """A 3×3 layer with an output of so many cells along each side."""
    return Taken(drawing=scene(lab.of(Scene(LayerSpec("conv", 2, side, kernel_size=3, padding=1)))))


def made(taken: Taken, **options) -> tuple[float, int]:
    """Processor seconds, of one core whoever else has work for it, and bytes of a GIF, 640 px wide."""
    start = time.process_time()
    data = FORMATS["gif"].make(taken, options)
    return time.process_time() - start, len(data)


@benchmark(
    "A walk as GIF, 640 px wide, with the equation",
    goal="25 steps of a 5×5 output in less than 1 s and 300 kB; time grows at most with the number of frames",
    name="taken_away",
)
def taken_away() -> list[Row]:
    """The first frame of each walk is the baseline: what has to be done once."""
    made(page(5))
    rows, medians = [], {}
    for side in SIDES:
        taken = page(side)
        rounds = [(made(taken), made(taken, steps=1)) for _ in range(ROUNDS)]
        seconds, once = (statistics.median(one[at][0] for one in rounds) for at in (0, 1))
        size = rounds[0][0][1]
        medians[side * side] = seconds
        met = (seconds < 1 and size <= 300_000) if side == 5 else None
        note = f"{size / 1000:.0f} kB; median of {ROUNDS}"
        rows.append(Row(f"{side * side} steps, against one", 1000 * seconds, 1000 * once, met=met, note=note))
    few, many = min(medians), max(medians)
    grown = (medians[many] / medians[few]) / (many / few)
    rows.append(Row(f"growth from {few} to {many} frames, per frame", grown, unit="×", met=grown <= 1.1))
    return rows
