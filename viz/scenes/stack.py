"""A measured stack as the stage draws it."""

from __future__ import annotations

import numpy as np

from models.stack import Stack, times
from models.stack.field import StackField
from viz.components.stage import grid, link
from viz.scenes.layer import row_by_row, summed


def scene(field: StackField, chosen: int, index: tuple[int, ...]) -> dict:
    """The stage's data: one grid a map, drawn with the padding of the layer that reads it, linked by the windows. The
    unit at `index` of layer `chosen` is selected."""
    stack = field.stack
    grids, links = [], []
    for number, size in enumerate(stack.shapes):
        pads = field.pads[number]
        shape = tuple(n + sum(pad) for n, pad in zip(size, pads, strict=True))
        real = tuple(slice(pad[0], pad[0] + n) for n, pad in zip(size, pads, strict=True))
        values = np.zeros(shape, dtype=np.int64)
        values[real] = field.seen[number]
        last = number == len(stack.layers)
        role = "input" if number == 0 else "output" if last else "map"
        title = _title(stack, number) if number else "Input"
        # Said once, of the shortest title: all of them stand in one row.
        told = f"{'×'.join(map(str, size))}{'' if number else ': pixels seen'}"
        spans = [[one.start, one.stop] for one in real] if any(map(sum, pads)) else None
        grids.append(grid(f"map{number}", role, title, values[None], real=spans, named=told))
    for number, windows in enumerate(field.windows, 1):
        units = int(np.prod(stack.shapes[number]))
        for reads in windows:
            read = summed(reads.rows, reads.cols, units) or row_by_row(reads.rows, reads.cols, None, units)
            links.append(link(f"map{reads.source_map}", f"map{number}", read, [0, 0, -1], reduce="reads"))
    pads = field.pads[chosen]
    drawn = tuple(n + sum(pad) for n, pad in zip(stack.shapes[chosen], pads, strict=True))
    cell = np.ravel_multi_index(tuple(i + pad[0] for i, pad in zip(index, pads, strict=True)), drawn)
    return {
        "grids": grids,
        "symbols": ["→" if stack.dims == 2 else ""] * len(stack.layers),
        "links": links,
        "operator": None,
        "selected": {"grid": grids[chosen]["id"], "channel": 0, "cell": int(cell)},
        "legend": True,
    }


def covered(field: StackField) -> dict:
    """The stage's data while a question waits: the maps without what their units see."""
    drawn = scene(field, len(field.stack.layers), field.middle())
    told = "Predict first: what a unit sees shows here once you have answered."
    # The size of a map must not be read as what its units see.
    sizes = [f"{'×'.join(map(str, size))} {'units' if i else 'pixels'}" for i, size in enumerate(field.stack.shapes)]
    blank = [one | {"values": None, "named": size} for one, size in zip(drawn["grids"], sizes, strict=True)]
    bare = {"links": [], "legend": False, "still": True, "waiting": True}
    return drawn | {"grids": blank, "caption": told} | bare


def _title(stack: Stack, number: int) -> str:
    layer = stack.layers[number - 1]
    name = {"c": "", "t": "transposed ", "m": "max ", "a": "avg "}
    join = (", concat" if layer.concat else ", +") if layer.skip else ""
    if stack.dims == 1:
        words = [f"{layer.kernel_size} {'tap' if layer.kernel_size == 1 else 'taps'}"]
        words += [
            f"{what} {value}" for what, value in (("stride", layer.stride), ("dilation", layer.dilation)) if value > 1
        ]
        return f"{number} ({name[layer.kind]}{', '.join(words)}{join})"
    sign = "×" if layer.kind == "t" else "/"
    more = f", {sign}{times(layer.stride)}" if layer.stride != 1 else ""
    more += f", d {times(layer.dilation)}" if layer.dilation != 1 else ""
    return f"{number} ({name[layer.kind]}{times(layer.kernel_size, 2)}{more}{join})"


def stage_height(stack: Stack) -> int:
    """In px: rows of a 1-D stack need room below each other."""
    return 410 if stack.dims == 2 else max(410, 150 + 66 * (len(stack.layers) + 1))
