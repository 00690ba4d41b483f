"""Hand-made filters on the picture, live: what each finds, before and after ReLU, and against OpenCV."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from models import device
from models.maps import filters
from models.maps.code import filter_code
from models.maps.filters import FILTERS, FilterError, KernelFacts
from models.text import quoted
from pages._lesson import frame
from pages._question import Asking
from pages.feature_maps._kernels import KERNEL, LARGEST_OWN, OWN, TITLES, read_kernel, resized, written
from pages.feature_maps._picture import Picture, with_picture
from pages.feature_maps._questions import FILTERS as QUESTIONS
from viz import state
from viz.components.dials import Dial, number_of, turn, turned
from viz.components.response import pixels, plane, response
from viz.components.weights import typed
from viz.figures import show
from viz.figures.cells import cells, framed, hidden, image, row
from viz.words import remark

VIEWS = ("Response", "Gradient", "Against OpenCV")
FLIPS = ("Correlation", "Convolution")
BORDERS = {"zeros": "Zeros", "reflect": "Reflect", "replicate": "Replicate", "circular": "Circular"}
COLOURS = ("Luma", "Each colour")
PAIRS = ("sobel", "scharr", "prewitt")
INPUT = {"id": "input", "title": "Input", "role": "input", "kind": "picture", "note": ""}


def _panel(name: str, title: str, kind: str, at: int, top: float, note: str = "", **more) -> dict:
    """An output, as ``viz.components.response`` wants it, of the map ``at``."""
    return {"id": name, "title": title, "role": "output", "kind": kind, "map": at, "top": top, "note": note} | more


LARGEST = 15
"""Side of the largest kernel that follows a dial: nn.Conv2d takes tenths of a second for larger ones."""


def _side(text: str) -> int:
    """The side of a kernel, as the link spells it. Raises ``ValueError``."""
    side = state.whole(3, LARGEST)(text)
    if side % 2 == 0:
        raise ValueError(f"{quoted(text)} is even: it is left out; a kernel has a middle only where its side is odd.")
    return side


FILTER = state.Choice("fm_filter", next(iter(TITLES)), "Filter", None, (*TITLES, OWN))
VIEW = state.Choice("fm_view", VIEWS[0], "Show", None, VIEWS, "segmented_control")
FLIP = state.Choice(
    "fm_flip", FLIPS[0], "Operation",
    "nn.Conv2d and cv2.filter2D lay the kernel on the picture as it is written: a correlation. "
    "Convolution, as mathematics defines it, turns it by 180° first.",
    FLIPS, "segmented_control",
)  # fmt: skip
BORDER = state.Choice(
    "fm_border", "reflect", "padding_mode", "What the kernel reads beyond the border of the picture.", BORDERS
)
PLANES = state.Choice(
    "fm_planes", COLOURS[0], "Colours",
    "Luma: 0.299 red + 0.587 green + 0.114 blue. Each colour: all three by the same kernel.",
    COLOURS, "segmented_control",
)  # fmt: skip
DIALS = {
    "size": Dial("fm_side", None, "kernel_size", None, 3, LARGEST, 2, read=_side),
    "angle": Dial("fm_angle", None, "Angle", None, 0, 360, 1, "°"),
    "sigma": Dial("fm_sigma", None, "Sigma, pixels", None, 0.3, 6, 0.1),
    "wavelength": Dial("fm_wavelength", None, "Wavelength, pixels", None, 2, 20, 0.5),
    "phase": Dial("fm_phase", None, "Phase", None, 0, 180, 5, "°"),
}
"""By the name that models.maps.filters has for each; what nobody chose depends on the filter."""
SETTINGS = (FILTER, VIEW, FLIP, BORDER, PLANES, KERNEL, *DIALS.values())


def lesson(picture: Picture, asking: Asking) -> None:
    """Controls and the live picture."""
    covered = asking.waits()
    with frame(lambda: _controls(picture), draw_lead=_lead, asking=asking):
        if covered:
            _before(picture)
        else:
            _live(picture)


def _before(picture: Picture) -> None:
    """What meets, without what comes of it."""
    choice = _choice(picture)
    shown = picture.rgb if choice.colour else picture.grey
    figures = (
        framed("Input", image(shown, f"The picture: {picture.name}", 250)),
        cells(choice.laid.round(2), _kernel(choice)["title"], "signed", most=6),
        hidden("Feature map"),
    )
    show(row(*figures), key="fm_before")


def _lead() -> None:
    FILTER.draw()
    VIEW.draw()


def _controls(picture: Picture) -> None:
    chosen, gradient = FILTER.value, VIEW.value == VIEWS[1]
    if chosen == OWN:
        remark("Type into the cells of the kernel; kernel_size adds or drops a ring of cells.")
    else:
        kind = FILTERS[TITLES[chosen]]
        remark(f"{kind.finds} Type into a cell of a kernel of up to 7×7 to make it your own.")
    if gradient:
        if TITLES.get(chosen) not in PAIRS:
            remark("A gradient needs a pair of derivatives: Sobel's are used.")
    else:
        FLIP.draw()
    BORDER.draw()
    if picture.colour and not gradient:
        PLANES.draw(label_visibility="collapsed")


@dataclass(frozen=True)
class Asked:
    """The settings of one answer: the kernel as it is written, and as it lies on the picture."""

    name: str
    written: np.ndarray
    laid: np.ndarray
    dials: tuple[dict, ...]
    view: str
    turned: bool
    border: str
    colour: bool


def _choice(picture: Picture) -> Asked:
    name, view = TITLES.get(FILTER.value, ""), VIEW.value
    if view == VIEWS[1] and name not in PAIRS:
        name = PAIRS[0]
    if name:
        kind = filters.FILTERS[name]
        sizes = [side for side in kind.sizes if side <= LARGEST]
        wanted = DIALS["size"].value or (7 if name in ("gabor", "log") else sizes[0])
        size = min(sizes, key=lambda side: abs(side - wanted))
        heeded = [k for k in kind.settings if not (view == VIEWS[1] and k == "angle")]
        given = {k: value for k in heeded if k != "size" and (value := DIALS[k].value) is not None}
        kernel = filters.kernel(name, size, **given)
        usual = {"angle": 0, "sigma": 0.3 * ((size - 1) / 2 - 1) + 0.8, "wavelength": max(2.0, size / 2), "phase": 0}
        values = usual | given | {"size": size}
        ends = {"size": {"low": sizes[0], "high": sizes[-1]}}
        dials = tuple(
            one.data(values[k], **ends.get(k, {}))
            for k, one in DIALS.items()
            if k in heeded and (k != "size" or len(sizes) > 1)
        )
    else:
        kernel = filters.as_kernel(read_kernel(KERNEL.value))
        dials = (DIALS["size"].data(kernel.shape[0], low=1, high=LARGEST_OWN),)
    turned = FLIP.value == FLIPS[1] and view != VIEWS[1]
    colour = picture.colour and PLANES.value == COLOURS[1] and view != VIEWS[1]
    laid = filters.flipped(kernel) if turned else kernel
    return Asked(name, kernel, laid, dials, view, turned, BORDER.value, colour)


@state.fragment
def _live(picture: Picture) -> None:
    """The one thing that runs while a dial turns."""
    choice = _choice(picture)
    try:
        with device.one_thread():
            data = _answer(picture, choice)
    except FilterError as error:
        st.info(f"{error}")
        return
    data["heard"] = number_of("fm_response")
    response(data, key="fm_response", on_dial=_turned, on_cell=lambda: _typed(choice))


def _turned() -> None:
    if FILTER.value != OWN:
        turn("fm_response", tuple(DIALS.values()))
        return
    found = turned("fm_response", tuple(DIALS.values()))
    if found and found[0] is DIALS["size"] and 1 <= found[1] <= LARGEST_OWN:
        KERNEL.give(written(resized(read_kernel(KERNEL.value), int(found[1]))))


def _typed(choice: Asked) -> None:
    if len(choice.laid) > LARGEST_OWN:
        return
    laid = typed(choice.laid, state.heard("fm_response", "cell"))
    if laid is not None:
        KERNEL.give(written((filters.flipped(laid) if choice.turned else laid).tolist()))
        FILTER.give(OWN)


# -- the numbers behind the picture


def _answer(picture: Picture, choice: Asked) -> dict:
    """Everything that the component draws, measured on ``nn.Conv2d``."""
    shown = picture.rgb if choice.colour else picture.grey
    planes = shown.transpose(2, 0, 1) if choice.colour else shown[None]
    height, width = shown.shape[:2]
    mode = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}.get(choice.border)

    def source(side: int, kernel: int) -> list[int]:
        reach = kernel // 2
        if mode is None:
            return np.pad(np.arange(side), reach, constant_values=-1).tolist()
        return np.pad(np.arange(side), reach, mode=mode).tolist()

    draw = {VIEWS[0]: _response, VIEWS[1]: _gradient, VIEWS[2]: _opencv}[choice.view]
    data = draw(shown, choice)
    rows, columns = np.shape(data["kernels"][0]["values"])
    return data | {
        "size": [height, width],
        "planes": ["red", "green", "blue"] if choice.colour else ["grey"],
        "input": pixels(planes),
        "rows": source(height, rows),
        "columns": source(width, columns),
        "dials": list(choice.dials),
        "editable": choice.view != VIEWS[1] and max(rows, columns) <= LARGEST_OWN,
        "answer": written(choice.laid.tolist()) if choice.laid.size <= 49 else f"{choice.laid.sum():.6f}",
    }


def _first(values: np.ndarray) -> np.ndarray:
    """``(H, W)`` or ``(H, W, C)`` with the colours first."""
    return values[None] if values.ndim == 2 else values.transpose(2, 0, 1)


def _kernel(choice: Asked) -> dict:
    title = "Kernel, turned by 180°" if choice.turned else "Kernel"
    return {"title": title, "short": "", "values": choice.laid.tolist(), "map": 0}


def _kind(found: KernelFacts) -> str:
    """Whether a response looks like a picture again, or has a sign."""
    return "picture" if found.total > 0.5 else "signed"


def _response(shown: np.ndarray, choice: Asked) -> dict:
    found, facts = filters.respond(shown, choice.laid, choice.border), filters.facts(choice.written)
    edges = _edges(float(found.output.min()), float(found.output.max()))
    counts, _ = np.histogram(found.output, edges)
    top = float(np.abs(found.output).max()) or 1.0
    kind = _kind(facts)
    same = np.array_equal(found.rectified, np.maximum(found.output, 0))
    share = f"{100 * found.negative:.0f} %"
    low, high, mean = (float(v) for v in (found.output.min(), found.output.max(), found.output.mean(dtype=float)))
    mean = 0.0 if abs(mean) < 1e-6 * top else mean  # what float32 leaves of numbers that cancel
    return {
        "kind": "response",
        "maps": [plane(_first(found.output))],
        "kernels": [_kernel(choice)],
        "panels": [
            INPUT,
            _panel("response", "Feature map", kind, 0, top, f"from {_text(low)} to {_text(high)}, mean {_text(mean)}"),
            _panel(
                "rectified", "Rectified, after ReLU", "picture" if kind == "picture" else "rectified", 0, top,
                f"{share} of the values were below 0 and are 0 now", relu=True,
            ),
        ],
        "histogram": {
            "title": "Values of the feature map", "counts": counts.tolist(),
            "edges": edges.tolist(), "low": float(edges[0]), "high": float(edges[-1]),
            "said": f"Histogram from {_text(low)} to {_text(high)}; {share} of the values are negative",
            "note": f"Heights are square roots of counts. ReLU takes away what is violet: {share}.",
        },
        "facts": _facts(choice, facts),
        "checks": [[f"nn.ReLU sets exactly the {share} below 0 to 0.", bool(same)]],
    }  # fmt: skip


def _edges(low: float, high: float, bins: int = 48) -> np.ndarray:
    """``bins`` + 1 edges from ``low`` to ``high``, 0 one of them if it lies between: no bar mixes the two signs. Where
    all is one value, that is in the middle of the middle bar of one less."""
    if low == high:
        around = abs(low) or 1.0
        return np.linspace(low - around, high + around, bins)
    if not low < 0 < high:
        return np.linspace(low, high, bins + 1)
    below = min(max(round(bins * -low / (high - low)), 1), bins - 1)
    return np.concatenate([np.linspace(low, 0, below + 1), np.linspace(0, high, bins - below + 1)[1:]])


def _facts(choice: Asked, facts: KernelFacts) -> list[str]:
    height, width = choice.written.shape
    total = facts.total
    if total == 0:
        sums = "Its weights sum to 0: flat regions answer with 0."
    elif abs(total - 1) < 1e-6:
        sums = "Its weights sum to 1: brightness stays."
    else:
        sums = f"Its weights sum to {_text(total)}: a flat region answers with {_text(total)} times its brightness."
    if facts.rank == 1 and height > 1:
        rank = f"Rank 1: a column, then a row do the same with {height} + {width} instead of {height * width} products."
    else:
        rank = f"Rank {facts.rank}: no single column and row do the same." if facts.rank > 1 else ""
    flip = {
        "same": "Turned by 180° it is the same: convolution and correlation agree.",
        "negative": "Turned by 180° every sign changes: convolution gives the negative of correlation.",
        "different": "Turned by 180° it is another kernel: convolution and correlation differ.",
    }[facts.flip]
    return [sentence for sentence in (sums, rank, flip) if sentence]


def _gradient(shown: np.ndarray, choice: Asked) -> dict:
    size = choice.laid.shape[0]
    found = filters.gradient(shown, choice.name, size, choice.border)
    across = filters.kernel(choice.name, size)
    top = float(found.magnitude.max()) or 1.0
    # Faint slopes would otherwise all look alike: the scale ends where the strongest hundredth begins.
    strong = float(np.percentile(found.magnitude, 99)) or top
    maps = [plane(one[None]) for one in (found.x, found.y)]
    maps += [plane(one[None], exact=False) for one in (found.magnitude, found.angle)]
    return {
        "kind": "gradient",
        "maps": maps,
        "kernels": [
            {"title": "Kernel for x", "short": "x", "values": across.tolist(), "map": 0},
            {"title": "Kernel for y", "short": "y", "values": across.T.tolist(), "map": 1},
        ],
        "panels": [
            INPUT,
            _panel(
                "magnitude", "Magnitude", "count", 2, strong,
                f"largest {_text(top)}; the scale ends at the 99th percentile",
            ),
            _panel("angle", "Direction, in degrees", "angle", 3, strong / 2, by=2),
        ],
        "facts": [
            "One nn.Conv2d(1, 2, …) gives both slopes; the second kernel is the first one, transposed.",
            "Turned by 180°, as in a convolution, both would give the slopes with the other sign.",
        ],
        "checks": [],
    }  # fmt: skip


def _opencv(shown: np.ndarray, choice: Asked) -> dict:
    ours = filters.apply(shown, choice.laid, choice.border)
    theirs = filters.filter2d(shown, choice.laid)
    off = ours - theirs
    default = filters.compare(shown, choice.laid, choice.border)
    kind, top = _kind(filters.facts(choice.laid)), float(max(np.abs(ours).max(), np.abs(theirs).max())) or 1.0
    worst = float(np.abs(off).max())
    height, width = choice.laid.shape
    inside = (
        "No window lies inside the picture." if default.interior is None
        else f"Where the window lies inside the picture, both give the same, to the last digit ({default.dtype})."
        if default.interior == 0
        else f"Where the window lies inside the picture, both give the same: they differ by at most "
        f"{default.interior:.0e} of the largest possible answer ({default.dtype})."
    )  # fmt: skip
    checks = [[inside, default.agrees_inside]]
    if choice.border == "reflect":
        checks.append(["At the border too: both mirror the picture about its outermost pixel.", default.agrees])
    else:
        checks.append(
            [
                f"At the border they differ by up to {_text(worst)}: cv2.filter2D mirrors the picture "
                f"(BORDER_REFLECT_101) unless told otherwise, this layer takes {BORDERS[choice.border].lower()}.",
                None,
            ]
        )
        if choice.border in filters.BORDERS:
            told = {"zeros": "BORDER_CONSTANT", "replicate": "BORDER_REPLICATE"}[choice.border]
            alike = filters.compare(shown, choice.laid, choice.border, choice.border)
            checks.append([f"Told borderType=cv2.{told}, OpenCV agrees everywhere.", alike.agrees])
        else:
            checks.append(["cv2.filter2D has no circular border.", None])
    share = 1 - max(0, shown.shape[0] - height + 1) * max(0, shown.shape[1] - width + 1) / (
        shown.shape[0] * shown.shape[1]
    )
    return {
        "kind": "opencv",
        "maps": [plane(_first(each), exact=each is ours) for each in (ours, theirs, off)],
        "kernels": [_kernel(choice)],
        "panels": [
            _panel("conv2d", f"nn.Conv2d, {BORDERS[choice.border].lower()}", kind, 0, top),
            _panel("filter2d", "cv2.filter2D", kind, 1, top),
            _panel("difference", "Their difference", "signed", 2, max(worst, 1e-6), f"at most {_text(worst)}"),
        ],
        "facts": [f"{100 * share:.1f} % of the outputs have a window that reaches beyond the picture."],
        "checks": checks,
    }


def _text(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def script(picture: Picture) -> tuple[str, str]:
    """This kernel as a layer on the picture, and OpenCV's answer."""
    choice = _choice(picture)
    imports = ("import cv2", "import numpy as np", "import torch", "from torch import nn")
    if choice.colour:
        opening = picture.colours_code(*imports) + "planes = colours.transpose(2, 0, 1).astype(np.float32) / 255\n"
    else:
        opening = picture.grey_code(*imports) + "planes = grey[None].astype(np.float32) / 255\n"
    gradient = choice.view == VIEWS[1]
    kernel = filters.kernel(choice.name, choice.laid.shape[0]) if gradient else choice.laid
    shown = picture.rgb if choice.colour else picture.grey
    if gradient:
        found = filters.gradient(shown, choice.name, len(kernel), choice.border)
        told = {
            "magnitude.max()": found.magnitude.max(),
            "np.percentile(magnitude, 99)": np.percentile(found.magnitude, 99),
        }
    elif choice.view == VIEWS[2]:
        worst = np.abs(filters.apply(shown, kernel, choice.border) - filters.filter2d(shown, kernel)).max()
        told = {"difference.max()": worst}
    else:
        found = filters.respond(shown, kernel, choice.border)
        told = {
            "response.min()": found.output.min(),
            "response.max()": found.output.max(),
            "response.mean(dtype=float)": found.output.mean(dtype=float),
        }
    code = filter_code(opening, kernel, choice.border, gradient=gradient, shown=told if picture.in_link else None)
    what = "both slopes in one layer" if gradient else "exactly this kernel"
    asserts = "the numbers on the screen and " if picture.in_link else ""
    return (
        f"Runs in a copy of this project: {what} on {picture.told}; asserts {asserts}"
        "that OpenCV gives the same inside.",
        code,
    )


if __name__ == "__main__":
    with_picture(SETTINGS, lesson, script, Asking("feature-maps", QUESTIONS))
