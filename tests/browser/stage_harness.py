"""A tiny app that mounts the stage with hand-made scenes: no models, so a failure here is the stage's own."""

import json

import numpy as np
import streamlit as st

from viz.components import files
from viz.components.stage import enc, stage

A1_INPUT = [[4, 5, 8, 7], [1, 8, 8, 8], [3, 6, 6, 4], [6, 5, 7, 8]]
A1_KERNEL = [[1, 4, 1], [1, 4, 3], [3, 3, 1]]


def _pad(x, pads, mode):
    """Padded array of (C, *spatial) and, per drawn spatial cell, the real cell it holds (-1: zero)."""
    index = np.arange(np.prod(x.shape[1:])).reshape(x.shape[1:])
    if mode == "zeros":
        return np.pad(x, [(0, 0), *pads]), np.pad(index, pads, constant_values=-1)
    how = {"reflect": "reflect", "circular": "wrap", "replicate": "edge"}[mode]
    return np.pad(x, [(0, 0), *pads], mode=how), np.pad(index, pads, mode=how)


def conv_scene(x, kernel, *, bias=None, stride=1, pads=None, mode="zeros", dilation=1, image=False, pairs=None, **more):
    """Scene of a convolution written with loops: x (C, *spatial), kernel (planes, *size)."""
    x, kernel = np.asarray(x), np.asarray(kernel)
    dims = x.ndim - 1
    pads = pads or [(0, 0)] * dims
    drawn, source = _pad(x, pads, mode)
    size, spatial = kernel.shape[1:], drawn.shape[1:]
    out_size = [(n - dilation * (f - 1) - 1) // stride + 1 for n, f in zip(spatial, size, strict=True)]
    strides = [int(np.prod(spatial[a + 1 :])) for a in range(dims)]
    grid = np.indices(out_size).reshape(dims, -1)
    base = sum(stride * grid[a] * strides[a] for a in range(dims))
    taps = np.indices(size).reshape(dims, -1)
    offset = sum(dilation * taps[a] * strides[a] for a in range(dims))
    pairs = pairs or [[o, i, o * x.shape[0] + i] for o in range(len(kernel) // x.shape[0]) for i in range(x.shape[0])]
    n_out = 1 + max(p[0] for p in pairs)
    flat, y = drawn.reshape(x.shape[0], -1), np.zeros((n_out, base.size), dtype=np.result_type(x, kernel, np.int64))
    for o, i, k in pairs:
        y[o] += (flat[i][base[:, None] + offset] * kernel[k].ravel()).sum(1)
    if bias is not None:
        y = y + np.asarray(bias)[:, None]
    real = [[a, a + n] for (a, _), n in zip(pads, x.shape[1:], strict=True)]
    padded = drawn.shape != x.shape
    rows, cols = y.size, x.size
    return {
        "grids": [
            {
                "id": "input",
                "role": "input",
                "title": "Input",
                "shape": list(drawn.shape),
                "values": enc(drawn),
                "image": image,
                "source": enc(source) if padded else None,
                "real": real if padded else None,
                "editable": True,
            },
            {
                "id": "kernel",
                "role": "kernel",
                "title": "Kernel",
                "shape": list(kernel.shape),
                "values": enc(kernel),
                "editable": True,
                "planes": [f"in {i} → out {o}" for o, i, _ in pairs] if len(pairs) > 1 else None,
            },
            {"id": "output", "role": "output", "title": "Output", "shape": [n_out, *out_size], "values": enc(y)},
        ],
        "symbols": ["∗", "="],
        "links": [
            {
                "from": "input",
                "to": "output",
                "kernel": "kernel",
                "base": enc(base),
                "offset": enc(offset),
                "pairs": enc(np.array(pairs)),
                "bias": enc(bias),
                "reduce": "sum",
            }
        ],
        "operator": {
            "link": 0,
            "title": "Operator",
            "rows": rows,
            "cols": cols,
            "entries": None,
            "note": f"{len(pairs) * base.size * offset.size} non-zeros of {rows * cols}; {kernel.size} weights",
        },
        "selected": {"grid": "output", "channel": 0, "cell": 0},
        "legend": True,
        **more,
    }


def pool_scene(kind):
    x = np.array([[1, 5, 2, 0], [4, 8, 1, 3], [3, 4, 9, 2], [0, 0, 1, 7]], dtype=float)
    windows = [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]
    picked = np.array([x.ravel()[w] for w in windows])
    if kind == "max":
        y, values = picked.max(1), (picked == picked.max(1, keepdims=True)).ravel().astype(int)
    elif kind == "mean":
        y, values = picked.mean(1), np.full(16, 0.25)
    else:
        y, values = np.sqrt((picked**2).sum(1)), None
    return {
        "grids": [
            {"id": "input", "role": "input", "title": "Input", "shape": [1, 4, 4], "values": enc(x), "editable": True},
            {"id": "output", "role": "output", "title": "Output", "shape": [1, 2, 2], "values": enc(y)},
        ],
        "symbols": ["→"],
        "links": [
            {
                "from": "input",
                "to": "output",
                "kernel": None,
                "ptr": [0, 4, 8, 12, 16],
                "src": enc(np.ravel(windows)),
                "tap": enc(np.tile(np.arange(4), 4)),
                "pairs": [0, 0, -1],
                "values": enc(values),
                "bias": None,
                "reduce": kind,
                "p": 2,
            }
        ],
        "operator": {"link": 0, "title": "Operator", "note": "at this input", "rows": 4, "cols": 16, "entries": None},
        "selected": {"grid": "output", "channel": 0, "cell": 0},
    }


def transposed_scene():
    x, kernel = np.array([[2, 1], [4, 4]]), np.array(A1_KERNEL)
    entries = [[] for _ in range(16)]
    for j in range(4):
        for t in range(9):
            entries[(j // 2 + t // 3) * 4 + j % 2 + t % 3].append((j, t))
    ptr = np.cumsum([0] + [len(e) for e in entries])
    src, tap = np.array([e for row in entries for e in row]).T
    y = [sum(x.ravel()[j] * kernel.ravel()[t] for j, t in row) for row in entries]
    return {
        "grids": [
            {"id": "input", "role": "input", "title": "Input", "shape": [1, 2, 2], "values": enc(x), "editable": True},
            {
                "id": "kernel",
                "role": "kernel",
                "title": "Kernel",
                "shape": [1, 3, 3],
                "values": enc(kernel),
                "editable": True,
            },
            {"id": "output", "role": "output", "title": "Output", "shape": [1, 4, 4], "values": enc(np.array(y))},
        ],
        "symbols": ["∗ᵀ", "="],
        "links": [
            {
                "from": "input",
                "to": "output",
                "kernel": "kernel",
                "ptr": enc(ptr),
                "src": enc(src),
                "tap": enc(tap),
                "pairs": [0, 0, 0],
                "bias": None,
                "reduce": "sum",
            }
        ],
        "operator": {
            "link": 0,
            "title": "Operator",
            "note": "36 non-zeros of 64",
            "rows": 16,
            "cols": 4,
            "entries": None,
        },
        "selected": {"grid": "output", "channel": 0, "cell": 5},
    }


def separable_scene():
    rng = np.random.default_rng(3)
    x, dw, pw = rng.integers(0, 6, (2, 5, 5)), rng.integers(-2, 3, (2, 3, 3)), rng.integers(-2, 3, (6, 1, 1))
    first = conv_scene(x, dw, pairs=[[0, 0, 0], [1, 1, 1]])
    mid = np.array(first["grids"][2]["values"]).reshape(2, 3, 3)
    second = conv_scene(mid, pw)
    a, b = first["links"][0], second["links"][0]
    rows, cols, values = [], [], []
    for o in range(3):
        for p in range(9):
            for i in range(2):
                for t in range(9):
                    rows.append(o * 9 + p)
                    cols.append(i * 25 + a["base"][p] + a["offset"][t])
                    values.append(int(pw[o * 2 + i, 0, 0] * dw[i].ravel()[t]))
    grids = [
        first["grids"][0],
        {**first["grids"][1], "id": "depthwise", "title": "Depthwise", "planes": ["channel 0", "channel 1"]},
        {**first["grids"][2], "id": "map", "role": "map", "title": "Map"},
        {**second["grids"][1], "id": "pointwise", "title": "Pointwise"},
        second["grids"][2],
    ]
    return {
        "grids": grids,
        "symbols": ["∗", "=", "∗", "="],
        "links": [{**a, "to": "map", "kernel": "depthwise"}, {**b, "from": "map", "kernel": "pointwise"}],
        "operator": {
            "link": [0, 1],
            "title": "Operator",
            "note": "both layers in one",
            "rows": 27,
            "cols": 50,
            "entries": {"rows": enc(np.array(rows)), "cols": enc(np.array(cols)), "values": enc(np.array(values))},
        },
        "selected": {"grid": "output", "channel": 1, "cell": 4},
        "legend": True,
    }


def shuffle_scene():
    """A rearrangement: each output cell takes one channel's cell, NaN marks the channels that it does not take."""
    x = np.arange(8).reshape(4, 1, 2)
    src = np.array([0, 0, 1, 1] * 2)
    takes = np.array([0, 1, 0, 1, 2, 3, 2, 3])
    values = np.where(takes == np.arange(4)[:, None], 1.0, np.nan)
    return {
        "grids": [
            {"id": "input", "role": "input", "title": "Input", "shape": [4, 1, 2], "values": enc(x)},
            {"id": "output", "role": "output", "title": "Output", "shape": [1, 2, 4], "values": enc(x[takes, 0, src])},
        ],
        "symbols": ["→"],
        "links": [
            {
                "from": "input",
                "to": "output",
                "kernel": None,
                "ptr": enc(np.arange(9)),
                "src": enc(src),
                "tap": None,
                "pairs": enc(np.array([[0, i, -1] for i in range(4)])),
                "values": enc(values),
                "bias": None,
                "reduce": "sum",
            }
        ],
        "operator": {"link": 0, "title": "Operator", "note": "8 non-zeros", "rows": 8, "cols": 8, "entries": None},
        "selected": {"grid": "output", "channel": 0, "cell": 5},
    }


def stack_scene():
    rng = np.random.default_rng(5)
    sizes = [12, 10, 8, 6, 4]
    grids = [
        {
            "id": f"l{n}",
            "role": "input" if n == 0 else "output" if n == 4 else "map",
            "title": "Input" if n == 0 else f"Layer {n}",
            "shape": [1, s, s],
            "values": enc(rng.random((s, s))),
        }
        for n, s in enumerate(sizes)
    ]
    links = []
    for n in range(4):
        a, b = sizes[n], sizes[n + 1]
        base = (np.arange(b)[:, None] * a + np.arange(b)).ravel()
        offset = (np.arange(3)[:, None] * a + np.arange(3)).ravel()
        links.append(
            {
                "from": f"l{n}",
                "to": f"l{n + 1}",
                "kernel": None,
                "base": enc(base),
                "offset": enc(offset),
                "pairs": [0, 0, -1],
                "values": None,
                "bias": None,
                "reduce": "sum",
            }
        )
    return {
        "grids": grids,
        "symbols": ["→"] * 4,
        "links": links,
        "operator": None,
        "selected": {"grid": "l4", "channel": 0, "cell": 5},
        "caption": "Four 3×3 layers see 9×9",
    }


def wavenet_scene():
    rng = np.random.default_rng(1)
    grids = [
        {"id": "x0", "role": "input", "title": "Input", "shape": [1, 20], "values": enc(rng.integers(0, 10, (1, 20)))}
    ]
    links = []
    for n, dilation in enumerate([1, 2, 4]):
        x = rng.integers(0, 10, 20)
        last = n == 2
        grids.append(
            {
                "id": f"x{n + 1}",
                "role": "output" if last else "map",
                "title": f"Dilation {dilation}",
                "shape": [1, 20],
                "values": enc(x),
            }
        )
        entries = [[(t, k) for t, k in ((p - dilation, 0), (p, 1)) if t >= 0] for p in range(20)]
        src, tap = np.array([e for row in entries for e in row]).T
        links.append(
            {
                "from": f"x{n}",
                "to": f"x{n + 1}",
                "kernel": None,
                "ptr": enc(np.cumsum([0] + [len(e) for e in entries])),
                "src": enc(src),
                "tap": enc(tap),
                "pairs": [0, 0, -1],
                "values": None,
                "bias": None,
                "reduce": "sum",
            }
        )
    return {
        "grids": grids,
        "symbols": ["", "", ""],
        "links": links,
        "operator": None,
        "selected": {"grid": "x3", "channel": 0, "cell": 15},
    }


def scene(name):
    rng = np.random.default_rng(0)
    x, k = np.array([A1_INPUT]), np.array([A1_KERNEL])
    if name in ("a1", "autoplay"):
        return conv_scene(x, k, autoplay=name == "autoplay")
    if name in ("zeros", "reflect", "circular"):
        return conv_scene(x, k, pads=[(1, 1), (1, 1)], mode=name)
    if name == "pad6":
        return conv_scene(rng.integers(0, 9, (1, 6, 6)), k, pads=[(1, 1), (1, 1)])
    if name == "channels":
        return conv_scene(rng.integers(0, 5, (3, 7, 7)), rng.integers(-2, 3, (6, 3, 3)), bias=[1, -2], stride=2)
    if name == "many":
        return conv_scene(rng.integers(0, 5, (8, 6, 6)), rng.integers(-2, 3, (64, 3, 3)))
    if name == "causal":
        return conv_scene(rng.integers(0, 9, (1, 16)), rng.integers(-2, 4, (1, 3)), pads=[(4, 0)], dilation=2)
    if name == "lines":
        return conv_scene(rng.integers(0, 9, (2, 7)), rng.integers(-2, 4, (6, 3)), pads=[(1, 1)])
    if name == "volume":
        return conv_scene(rng.integers(0, 9, (1, 4, 4, 4)), rng.integers(-1, 3, (1, 2, 2, 2)))
    if name == "floats":
        return conv_scene(rng.normal(size=(1, 6, 6)), rng.normal(size=(1, 3, 3)), bias=[0.25])
    if name == "odd":
        odd = x.astype(float)
        odd[0, 0, 0], odd[0, 3, 3] = np.nan, np.inf
        return conv_scene(odd, k)
    if name == "mid":
        return conv_scene(rng.integers(0, 9, (1, 32, 32)), rng.integers(-2, 3, (1, 5, 5)))
    if name == "photo":
        yy, xx = np.mgrid[:224, :224] / 224
        return conv_scene(
            (0.5 + 0.5 * np.sin(18 * (xx**2 + yy**2)))[None], [[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]], image=True
        )
    if name == "huge":
        tall = conv_scene(x, k)
        tall["operator"].update(
            rows=2000,
            cols=50000,
            entries={
                "rows": enc(rng.integers(0, 2000, 200_000)),
                "cols": enc(rng.integers(0, 50000, 200_000)),
                "values": enc(rng.normal(size=200_000)),
            },
            note="200,000 non-zeros",
        )
        return tall
    if name in ("max", "mean", "lp"):
        return pool_scene(name)
    made = {
        "transposed": transposed_scene,
        "separable": separable_scene,
        "shuffle": shuffle_scene,
        "stack": stack_scene,
        "wavenet": wavenet_scene,
    }
    return made[name]()


NAMES = [
    *(
        "a1",
        "autoplay",
        "zeros",
        "reflect",
        "circular",
        "pad6",
        "channels",
        "many",
        "causal",
        "lines",
        "volume",
        "floats",
        "odd",
    ),
    *("mid", "photo", "huge", "max", "mean", "lp", "transposed", "separable", "shuffle", "stack", "wavenet"),
]


def main():
    st.set_page_config(layout="wide")
    st.html("<style>.stMainBlockContainer{padding:2.5rem 1rem 1rem} .stApp h1{font-size:1.4rem}</style>")
    st.title("Stage")
    left, right = st.columns([1, 3.6])
    name = left.selectbox("scene", NAMES, key="scene", bind="query-params")
    bump = left.number_input("bump", 0, 9, 0, key="bump", bind="query-params")
    with right:
        data = scene(name)
        if bump:
            values = data["grids"][0]["values"]
            if isinstance(values, list):
                data["grids"][0]["values"] = [v + bump for v in values]
        result = stage(data, key="stage")
    left.text(f"edit: {json.dumps(result.edit, sort_keys=True)}")


app = st.App(__file__, routes=files.routes([""]))
if __name__ == "__main__":
    main()
