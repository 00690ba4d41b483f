"""What a traced receptive field costs beside the tracing alone, and what measuring a deep one takes."""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import time

from benchmarks import Row, benchmark, percentile

ROUNDS = 25


def _seconds(task) -> float:
    begin = time.perf_counter()
    task()
    return time.perf_counter() - begin


@benchmark("Receptive field of a network, traced", goal="ResNet-50 in under 1.2 × torch.fx.symbolic_trace alone")
def traced_field() -> list[Row]:
    from torch import fx

    from models import networks
    from models.receptive_field import receptive_field

    rows = []
    for name in ("resnet50", "resnet152", "densenet121", "vgg16"):
        network = networks.skeleton(name)
        tasks = (lambda n=network: receptive_field(n, (1, 3, 224, 224)), lambda n=network: fx.symbolic_trace(n))
        for task in tasks:
            task()
        times = [[_seconds(task) for task in tasks] for _ in range(ROUNDS)]
        ours, bare = (1000 * percentile([t[i] for t in times], 50) for i in (0, 1))
        pairwise = statistics.median(t[0] / t[1] for t in times)
        met = ours < 1.2 * bare if name == "resnet50" else None
        rows.append(
            Row(name, ours, bare, met=met, note=f"median of {ROUNDS} alternating rounds; pairwise {pairwise:.2f}×")
        )
    return rows


def _measure(name: str, layer: str, answer) -> None:
    from models import networks
    from models.receptive_field import measure_field, receptive_field

    network = networks.skeleton(name)
    traced = receptive_field(network, (1, 3, 224, 224), layer=layer)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    measured = measure_field(network, (1, 3, 224, 224), layer)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    same = (measured.size, measured.jump, measured.start) == (traced.size, traced.jump, traced.start)
    answer.put((measured.size[0], same, seconds, (peak - before) / 1024, peak / 1024))


@benchmark(
    "Receptive field measured from the gradient, on strips",
    goal="ResNet-152, whose field is wider than 1,400 pixels, measured = traced; memory added by it under 1 GiB",
)
def measured_field() -> list[Row]:
    rows = []
    spawn = multiprocessing.get_context("spawn")  # a fresh process each: its peak is this measurement's
    for name, layer in (("vgg16", "features"), ("resnet50", "layer4"), ("resnet152", "layer4")):
        answer = spawn.Queue()
        process = spawn.Process(target=_measure, args=(name, layer, answer))
        process.start()
        size, same, seconds, added, peak = answer.get()
        process.join()
        against = "equal to" if same else "unlike"
        note = f"{size} pixels, {against} the traced one; peak {peak:.0f} MiB in all, {seconds:.1f} s"
        rows.append(Row(f"{name} {layer}: memory added", added, unit="MiB", met=same and added < 1024, note=note))
    return rows
