"""6: a second layer sees more."""

import numpy as np

from models import lab
from models.receptive_field import receptive_field
from models.script import in_groups
from pages.start import _layers as layers
from pages.start._numbers import BELOW, RIGHT, grey, scene
from viz import state
from viz.components.stage import grid, link
from viz.scenes.layer import structure

QUESTION = "Nine pixels are few. How does a network see more?"
DO = (
    "One convolution is a **layer**. A second layer, with a kernel of its own, reads the map of the first as if it "
    "were a picture.\n\n"
    "**Add layers**, and count the pixels that one last number is made of: they are marked."
)
PART = (slice(8, 17), slice(24, 33))
KERNELS = (RIGHT, BELOW, RIGHT)

LAYERS = state.Choice(
    "layers", 1, "Layers", None, {1: "1 layer", 2: "2 layers", 3: "3 layers"}, "segmented_control", key="start_layers"
)
SETTINGS = (LAYERS,)


def controls() -> None:
    LAYERS.draw(label_visibility="collapsed")


def measured() -> list[lab.Lab]:
    """The layers, each on the map of the one before."""
    found, x = [], grey()[PART][None]
    for kernel in KERNELS[: LAYERS.value]:
        found.append(lab.of(scene(x, kernel)))
        x = found[-1].y
    return found


def draw() -> None:
    stack = measured()
    grids = [grid("map0", "input", "Picture", stack[0].x, image=True, range=[0, 9])]
    links = []
    for number, one in enumerate(stack, 1):
        role = "output" if number == len(stack) else "map"
        grids.append(grid(f"map{number}", role, f"Map {number}", one.y))
        windows = structure(one.stages[0])
        links.append(link(f"map{number - 1}", f"map{number}", windows, [0, 0, -1], reduce="reads"))
    middle = stack[-1].y.size // 2
    data = {
        "grids": grids,
        "symbols": ["→"] * len(stack),
        "links": links,
        "operator": None,
        "compact": 22,
        "selected": {"grid": grids[-1]["id"], "channel": 0, "cell": middle},
        "caption": "[Point at|Tap] any number of any map",
    }
    layers.show("stack", data)


def seen() -> str:
    from torch import nn

    stack = measured()
    rows, columns = receptive_field(nn.Sequential(*(one.module for one in stack)), stack[0].spec.input_shape).size
    sees = f"**{rows} × {columns} = {rows * columns} pixels**"
    if len(stack) == 1:
        return f"A number of the first map is made of {sees}."
    return (
        f"A number of map {len(stack)} is made of 3 × 3 numbers of the map before: it sees {sees}, though each kernel "
        "is still 3 × 3. What it sees is its **receptive field**: so later layers answer to larger things than edges. "
        "In a network each layer has many kernels, also called filters, and makes one map with each."
    )


def code() -> tuple[str, str]:
    stack = measured()
    kernels = "\n".join(
        f"net[{n}].weight.copy_(torch.tensor([[{kernel.tolist()}]]))" for n, kernel in enumerate(KERNELS[: len(stack)])
    )
    script = (
        f"{in_groups(('import torch', 'from torch import nn'))}\n"
        f"net = nn.Sequential(*(nn.Conv2d(1, 1, 3, bias=False) for _ in range({len(stack)})))\n"
        f"net.double().requires_grad_(False)\n{kernels}\n\n"
        f"x = torch.tensor([{_plain(stack[0].x)}], dtype=torch.float64)\n"
        f"assert net(x).tolist() == [{_plain(stack[-1].y)}]\n"
    )
    return "Runs as it is: these layers on this picture, and every number of the last map.", script


def _plain(values: np.ndarray) -> list:
    return values.astype(int).tolist()
