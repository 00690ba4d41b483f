"""What the operator costs: index push against basis push, and against the plain forwards that it cannot do without."""

import math
import statistics
import time
import tracemalloc
from collections.abc import Callable

import torch
from torch import nn

from benchmarks import Row, benchmark
from models import device
from models.operator import basis_operator, linear_operator
from models.text import big

SIZES = (8, 16, 32, 64, 128)
KERNEL = 5
ROUNDS = 9


def layer() -> nn.Module:
    return nn.Conv2d(1, 1, KERNEL, padding=KERNEL // 2, bias=False).double().requires_grad_(False)


def took_ms(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - start)


def exponent(sizes: list[int], times: list[float]) -> float:
    """Slope of log time over log pixels, least squares."""
    x, y = [2 * math.log(n) for n in sizes], [math.log(t) for t in times]
    return statistics.linear_regression(x, y).slope


def peak_mib(run: Callable[[], object]) -> float:
    """Peak of NumPy's and Python's memory above what was there; torch's own buffers are of the image's size."""
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


@benchmark(
    "The operator of one 5×5 convolution: index push",
    goal="at 32 × 32 at least 50× faster than basis push; at most 2× as many plain forwards as the kernel has taps; "
    "time grows with at most pixels^1.1",
)
def operator() -> list[Row]:
    """Each round alternates between the sides. All on one thread, so that the sides differ by their work alone."""
    rows, medians = [], {}
    with device.one_thread(), torch.inference_mode(False):
        for size in SIZES:
            conv, shape = layer(), (1, 1, size, size)
            x = torch.rand(shape, dtype=torch.float64)

            def forwards(conv=conv, x=x):
                with torch.inference_mode():
                    for _ in range(KERNEL**2):
                        conv(x)

            sides = {
                "index": lambda conv=conv, shape=shape: linear_operator(conv, shape),
                "forwards": forwards,
            }
            if size <= 32:
                sides["basis"] = lambda conv=conv, shape=shape: basis_operator(conv, shape)
            times: dict[str, list[float]] = {side: [] for side in sides}
            for run in sides.values():
                run()
            for _ in range(ROUNDS):
                for side, run in sides.items():
                    times[side].append(took_ms(run))
            median = {side: statistics.median(each) for side, each in times.items()}
            medians[size] = median["index"]
            entries = linear_operator(conv, shape).nnz
            peak = peak_mib(sides["index"])
            each = f"peak {peak:.1f} MiB, {2**20 * peak / entries:.0f} bytes each"
            note = f"{big(entries)} entries, {each}; median of {ROUNDS}"
            met = median["index"] <= 2 * median["forwards"]
            rows.append(
                Row(
                    f"{size} × {size}, against {KERNEL**2} forwards",
                    median["index"],
                    median["forwards"],
                    met=met,
                    note=note,
                )
            )
            if "basis" in median:
                faster = median["basis"] / median["index"]
                met = faster >= 50 if size == 32 else None
                note = f"index push is {faster:.0f}× faster"
                rows.append(
                    Row(f"{size} × {size}, against basis push", median["index"], median["basis"], met=met, note=note)
                )
    grows = exponent(list(medians), list(medians.values()))
    rows.append(
        Row("growth: exponent of pixels", grows, unit="", met=grows <= 1.1, note=f"fit over {SIZES[0]} to {SIZES[-1]}")
    )
    return rows
