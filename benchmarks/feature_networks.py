"""What all maps of a layer cost beside the network's bare pass, and the memory of a walk through all networks."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from math import ceil
from pathlib import Path

from benchmarks import Row, benchmark, percentile
from benchmarks.browser import bare_server, chromium
from tests.browser.support import new_context, new_page, running, settled

ROUNDS = 15
HOST = 2765 << 20
"""Bytes of memory of a small host: 2.7 GiB."""
PAINTED = {
    "resnet18": (
        "ResNet-18",
        ["layer1.0.conv1", "layer2.0.conv2", "layer1.1.conv1", "layer3.0.conv1", "layer1.1.bn2", "layer2.1.conv1"],
    ),
    "resnet50": ("ResNet-50", [f"layer{k}.{n}.conv3" for n in (0, 1, 2) for k in (1, 2)]),
    "vgg16": ("VGG-16", [f"features.{n}" for n in (0, 10, 2, 14, 5, 17)]),
}
"""Layers to jump to, by network: far from the one before."""
WIDEST = {"resnet18": "layer4.1.conv2", "vgg16": "features.28"}
"""Layers of 512 maps."""
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
    from viz.controls.picture import PICTURES

    return decode((PICTURES / "astronaut.png").read_bytes(), max_side=512)


def _drawn(network, ready, layer: str) -> int:
    """All that the page does between a choice and what it sends: pass, sheet, picture inside the page. Bytes sent."""
    import json

    from models import networks
    from models.maps.activations import contact_sheet
    from viz.components.sheet import sheet_data
    from viz.figures.png import packed

    maps = networks.survey(network, ready.x, [layer]).maps[layer][0].numpy()
    sheet = contact_sheet(maps, per_page=64, largest_cell=64)
    spans = [[[i, i] for i in range(n)] for n in maps.shape[1:]]
    data = sheet_data(sheet, tuple(spans), token=layer, title=layer, selected=(0, 0, 0))
    return len(json.dumps(data | {"picture": packed(ready.picture)}))


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


# A choice of what to look at, the same pass, and one picture of all maps, as anybody would write it.
BARE = """
import cv2
import numpy as np
import streamlit as st
import torch
import torchvision
from torchvision.models.feature_extraction import create_feature_extractor

st.title("Bare")
layer = st.segmented_control("Layer", {layers}, default={first!r})
network = st.cache_resource(lambda: torchvision.models.get_model({name!r}).eval())()
picture = cv2.resize(cv2.imread({picture!r})[..., ::-1], (224, 224)).transpose(2, 0, 1)
with torch.inference_mode():
    maps = create_feature_extractor(network, [layer])(torch.from_numpy(picture.copy())[None] / 255)[layer][0].numpy()
maps = [cv2.resize(one, (64, 64)) / (np.abs(one).max() or 1) for one in maps[:64]]
maps += [np.zeros((64, 64))] * (-len(maps) % 8)
st.image(np.clip(np.vstack([np.hstack(maps[k : k + 8]) for k in range(0, len(maps), 8)]) / 2 + 0.5, 0, 1))
"""

# The time from a click to after the paint that follows the last change of what is watched.
WATCH = """
    ([element, attribute]) => {
        const one = (0, eval)(element);
        window.painted = null;
        const observer = new MutationObserver(() => {
            requestAnimationFrame(() => {
                const channel = new MessageChannel();
                channel.port1.onmessage = () => { window.painted = performance.now(); };
                channel.port2.postMessage(0);
            });
        });
        observer.observe(one, {attributes: true, attributeFilter: [attribute]});
        window.addEventListener("click", () => { window.clicked = performance.now(); }, {capture: true, once: true});
    }
"""
SHEET = """[...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")]
    .map((e) => e.shadowRoot.querySelector(".sheet")).find(Boolean)"""


def _clicked(page, choice, element: str, attribute: str) -> float:
    """Milliseconds from a click on a choice to the picture on the screen."""
    page.evaluate(WATCH, [element, attribute])
    choice.click()
    page.wait_for_function("() => window.painted !== null", timeout=60_000)
    took = page.evaluate("() => window.painted - window.clicked")
    page.wait_for_timeout(600)  # a step is told to the server when no other has followed
    settled(page)
    page.wait_for_timeout(600)
    return took


@contextmanager
def _cores(which: set[int]) -> Iterator[None]:
    """Processes that start here, and this one meanwhile, have these cores; all where the system cannot say."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, which)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@benchmark(
    "A click on a layer → all its maps painted (one page of 64), against the bare pass and a bare page",
    goal="at most 2 × the network's forward",
)
def painted_maps() -> list[Row]:
    """Jumps from layer to layer along the strip, each followed by a step to the next layer; the bare pass in between.

    The maps of the layers beside one are kept from its pass: a step costs none, a jump does, as on the bare page.
    Server and bare pass have one half of the cores, the browser the other: a visitor's browser is on another machine,
    and a browser that shares the cores makes the pass half as long again.
    """
    import torch

    from models import device, networks
    from viz.controls.picture import PICTURES

    half = ceil((os.cpu_count() or 1) / 2)
    serving, drawing = set(range(half)), set(range(half, os.cpu_count() or 1)) or {0}
    with _cores(drawing), chromium() as browser, _cores(serving), running() as app:
        device.setup()
        picture, rows = _picture(), []
        for name, (title, layers) in PAINTED.items():
            network, ready = networks.load(name), networks.prepare(name, picture, crop=False)
            source = BARE.format(layers=layers, first=layers[0], name=name, picture=str(PICTURES / "astronaut.png"))
            took: tuple[list[float], ...] = ([], [], [], [])
            with bare_server(source) as other:
                page, _ = new_page(new_context(browser))
                page.goto(f"{app.url}/feature-maps-walk?fm_network={title}&fm_layer={layers[0]}")
                settled(page)
                page.locator(".sheet[data-token]").wait_for()
                bare, _ = new_page(new_context(browser))
                bare.goto(other.url)
                settled(bare)
                bare.locator("[data-testid=stImage] img").wait_for()
                for turn, (before, layer) in enumerate(pairwise((*layers, *layers))):
                    away, mine = (page.get_by_role("radio", name=f"{one}, ").first for one in (before, layer))
                    times = [_clicked(page, mine, SHEET, "data-token")]
                    _clicked(page, away, SHEET, "data-token")
                    settled(page)
                    times.append(_clicked(page, page.get_by_role("button", name="The next layer"), SHEET, "data-token"))
                    _clicked(page, mine, SHEET, "data-token")
                    with torch.inference_mode():
                        times.append(1000 * _seconds(lambda n=network, r=ready: n(r.x)))
                    theirs = bare.get_by_role("radio", name=layer, exact=True)
                    image = "document.querySelector('[data-testid=stImage] img')"
                    times.append(_clicked(bare, theirs, image, "src"))
                    if turn >= 1:  # the first ones warm up
                        for one, many in zip(times, took, strict=True):
                            many.append(one)
                page.context.close()
                bare.context.close()
            jump, step, forward, plain = (percentile(times, 50) for times in took)
            note = f"median of {len(took[0])} clicks"
            for what, ours in (("a step", step), ("a jump", jump)):
                against = f"{name}: {what}, painted, against the bare pass"
                rows.append(Row(against, ours, forward, met=ours <= 2 * forward, note=note))
            rows.append(Row(f"{name}: the last, against a bare page that draws as many", jump, plain, note=note))
        rows += [_widest(browser, app, name, layer) for name, layer in WIDEST.items()]
    return rows


def _widest(browser, app, name: str, layer: str) -> Row:
    """How many pictures 512 maps are in the page."""
    page, _ = new_page(new_context(browser))
    page.goto(f"{app.url}/feature-maps-walk?fm_network={PAINTED[name][0]}&fm_layer={layer}")
    settled(page)
    sheet = page.locator(".sheet[data-token]")
    sheet.wait_for()
    canvases = sheet.locator("canvas").count()
    maps = page.get_by_text("512 maps").count()
    page.context.close()
    return Row(f"{name} {layer}: canvases for 512 maps", canvases, unit="", met=bool(maps) and canvases < 16)


def _memory() -> tuple[float, float]:
    """Resident memory of this process now and at its peak, in MiB (Linux), without the libraries of CUDA that torch's
    CPU build does not have. The kernel's `ru_maxrss` would hold the parent's peak as well."""
    with open("/proc/self/status", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    cuda, path = 0, ""
    with open("/proc/self/smaps", encoding="utf-8") as file:
        for first, *rest in map(str.split, file):
            if not first.endswith(":"):  # a mapping begins: addresses, then flags, and its file at the end
                path = rest[-1]
            elif first == "Rss:" and ("/nvidia/" in path or "cuda" in Path(path).name or "/triton/" in path):
                cuda += int(rest[0])
    return tuple((int(lines[key].split()[0]) - cuda) / 1024 for key in ("VmRSS", "VmHWM"))


def _open_every_page() -> None:
    from pages._lessons import LESSONS
    from tests.pages.support import opened

    for lesson in LESSONS:
        opened(lesson.file)


def _walk(answer) -> None:
    from models import device, networks
    from models.maps.activations import contact_sheet
    from models.networks import kept
    from pages.feature_maps._network import FIRST

    kept._networks.limit = kept._most(HOST)
    device.setup()
    _open_every_page()
    picture = _picture()
    begin, _ = _memory()
    for _ in range(2):  # twice: what the first round leaves must not add up
        for name, layer in FIRST.items():
            ready = networks.prepare(name, picture, crop=False)
            contact_sheet(networks.survey(networks.load(name), ready.x, [layer]).maps[layer])
    now, peak = _memory()
    answer.put((len(FIRST), begin, now, peak, networks.cache_info()))


@benchmark(
    "Memory of every page and a walk through all networks, twice, on a host of 2.7 GiB",
    goal="below 1.5 GB with torch's CPU build; the networks kept stay below their limit",
)
def networks_memory() -> list[Row]:
    spawn = multiprocessing.get_context("spawn")
    answer = spawn.Queue()
    process = spawn.Process(target=_walk, args=(answer,))
    process.start()
    count, begin, now, peak, info = answer.get()
    process.join()
    kept, limit, most = info["bytes"] / 2**20, info["limit"] / 2**20, 1.5e9 / 2**20
    note = f"at its end {now:.0f} MiB, before the first network {begin:.0f} MiB; libraries of CUDA left out"
    return [
        Row("peak of the process", peak, most, unit="MiB", met=peak <= most, note=note),
        Row(f"{count} networks: {info['networks']} kept", kept, limit, unit="MiB", met=kept <= limit),
    ]
