"""Plots: what a run can bring fits its axes."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from viz.figures.plot import loss_curve


@settings(deadline=None)
@given(st.lists(st.floats(0, 1.7e308), min_size=2, max_size=20))
def test_every_loss_that_is_a_number_has_its_place(losses):
    curve = loss_curve(range(len(losses)), losses, 0.0)
    drawn = re.search(r'<path class="cs-line[^"]*" d="([^"]+)"', curve)
    height = float(re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', curve)[1])
    numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", drawn[1])]
    assert len(numbers) == 2 * len(losses)
    assert all(-1 <= y <= height + 1 for y in numbers[1::2])
