"""What all maps of a layer cost beside the network's bare pass, and the memory of a walk through all networks."""

from __future__ import annotations

import multiprocessing
import statistics
import time

from benchmarks import Row, benchmark, percentile

ROUNDS = 15
LAYERS = (
    ("small", "relu1"),
    ("resnet18", "relu"),
    ("resnet50", "layer3.0.conv3"),
    ("vgg16", "features.1"),
    ("mobilenet_v2", "features.10.conv.2"),
    ("densenet121", "features.denseblock3.denselayer1.conv1"),
)


def _seconds(task) -> float:
    begin = time.perf_counter()
    task()
    return time.perf_counter() - begin


def _picture():
    from models.picture import decode
    from viz.picture_input import PICTURES

    return decode((PICTURES / "astronaut.png").read_bytes(), max_side=512)


def _drawn(network, ready, layer: str) -> int:
    """All that the page does between a choice and what it sends: pass, sheet, picture inside the page. Bytes sent."""
    import json

    from models import networks
    from models.activations import contact_sheet
    from viz.sheet import sheet_data

    maps = networks.survey(network, ready.x, [layer]).maps[layer][0].numpy()
    sheet = contact_sheet(maps, per_page=64, largest_cell=64)
    spans = [[[i, i] for i in range(n)] for n in maps.shape[1:]]
    data = sheet_data(sheet, ready.picture, tuple(spans), token=layer, title=layer, selected=(0, 0, 0))
    return len(json.dumps(data))


@benchmark("All maps of a layer, ready to be drawn, against the bare pass", goal="at most 2 × the network's forward")
def contact_sheets() -> list[Row]:
    import torch

    from models import device, networks

    device.setup()
    picture, rows = _picture(), []
    for name, layer in LAYERS:
        network, ready = networks.load(name), networks.prepare(name, picture, crop=False)

        def bare(network=network, ready=ready):
            with torch.inference_mode():
                network(ready.x)

        tasks = (lambda n=network, r=ready, at=layer: _drawn(n, r, at), bare)
        sent = tasks[0]()
        bare()
        times = [[_seconds(task) for task in tasks] for _ in range(ROUNDS)]
        ours, plain = (1000 * percentile([t[i] for t in times], 50) for i in (0, 1))
        pairwise = statistics.median(t[0] / t[1] for t in times)
        note = f"median of {ROUNDS} alternating rounds; pairwise {pairwise:.2f}×; {sent / 1000:.0f} kB in one picture"
        rows.append(Row(f"{name} {layer}", ours, plain, met=ours <= 2 * plain, note=note))
    return rows


def _memory() -> tuple[float, float]:
    """Resident memory of this process now and at its peak, in MiB (Linux). The kernel's `ru_maxrss` would hold the
    parent's peak as well."""
    with open("/proc/self/status", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    return tuple(int(lines[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM"))


def _walk(answer) -> None:
    from models import device, networks
    from models.activations import contact_sheet
    from viz.feature_parts.network import FIRST

    device.setup()
    picture = _picture()
    begin, _ = _memory()
    for _ in range(2):  # twice: what the first round leaves must not add up
        for name, layer in FIRST.items():
            ready = networks.prepare(name, picture, crop=False)
            contact_sheet(networks.survey(networks.load(name), ready.x, [layer]).maps[layer])
    now, peak = _memory()
    answer.put((len(FIRST), begin, now, peak, networks.cache_info()))


@benchmark("Memory of a walk through all networks, twice", goal="the networks kept stay below their limit")
def networks_memory() -> list[Row]:
    spawn = multiprocessing.get_context("spawn")
    answer = spawn.Queue()
    process = spawn.Process(target=_walk, args=(answer,))
    process.start()
    count, begin, now, peak, info = answer.get()
    process.join()
    kept, limit = info["bytes"] / 2**20, info["limit"] / 2**20
    note = f"peak of the process {peak:.0f} MiB, at its end {now:.0f} MiB, before the first network {begin:.0f} MiB"
    what = f"{count} networks: {info['networks']} kept"
    return [Row(what, kept, limit, unit="MiB", met=kept <= limit, note=note)]
