"""A bank of hand-made filters, applied by a real `nn.Conv2d` and held against OpenCV.

torch's convolution is a correlation: the kernel is laid on the picture as it is written. So is `cv2.filter2D`. The two
then agree to rounding wherever the window lies inside the picture; beyond its border torch takes zeros unless told
otherwise, OpenCV mirrors the picture about its outermost pixel (`BORDER_REFLECT_101`, torch's
`padding_mode="reflect"`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import pi

import cv2
import numpy as np
import torch
from torch import nn

from models import device
from models.errors import FilterError
from models.learning import patches
from models.operator import Layer

LARGEST_KERNEL = 31
LARGEST_PICTURE = 4_194_304
"""Pixels of the largest picture that is filtered: 2048 × 2048."""
MOST_EXACT = 10_000_000
"""Multiplications up to which torch and OpenCV are compared in float64, which torch convolves slowly."""

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")
BORDERS = {
    "zeros": cv2.BORDER_CONSTANT,
    "reflect": cv2.BORDER_REFLECT_101,
    "replicate": cv2.BORDER_REPLICATE,
    "symmetric": cv2.BORDER_REFLECT,
}
"""OpenCV's borders by torch's name. `symmetric` repeats the outermost pixel and has no name in torch; `circular` has
none in `cv2.filter2D`."""


# -- the bank


@dataclass(frozen=True)
class Filter:
    """One kind of filter.

    name, title: its key in `FILTERS`, and its name on the page.
    group: `edges`, `blur`, `sharpen` or `texture`.
    settings: which of `size`, `sigma`, `angle`, `wavelength` and `phase` it heeds.
    sizes: kernel sizes that it comes in.
    finds: what it answers to, one sentence.
    source: where its numbers come from.
    """

    name: str
    title: str
    group: str
    settings: tuple[str, ...]
    sizes: tuple[int, ...]
    finds: str
    source: str
    make: Callable[..., np.ndarray]


FILTERS: dict[str, Filter] = {}
_ODD = tuple(range(3, LARGEST_KERNEL + 1, 2))


def _filter(name: str, title: str, group: str, settings: str, sizes: Sequence[int], finds: str, source: str):
    def add(make):
        FILTERS[name] = Filter(name, title, group, tuple(settings.split()), tuple(sizes), finds, source, make)
        return make

    return add


def _turned(along_x: np.ndarray, angle: float) -> np.ndarray:
    """The derivative in any direction, from the one along x and, transposed, the one along y (steerable, order 1).

    The angle counts counter-clockwise on the screen, where rows count downwards.
    """
    a = np.radians(angle)
    return np.cos(a) * along_x - np.sin(a) * along_x.T


@_filter("identity", "Identity", "blur", "size", _ODD, "Gives the picture back.", "a single 1")
def _identity(size, **_):
    out = np.zeros((size, size))
    out[size // 2, size // 2] = 1
    return out


@_filter(
    "sobel", "Sobel", "edges", "size angle", (3, 5, 7),
    "Change across an edge in one direction, smoothed along it.", "OpenCV, getDerivKernels; Sobel and Feldman 1968",
)  # fmt: skip
def _sobel(size, angle, **_):
    change, smooth = cv2.getDerivKernels(1, 0, size, ktype=cv2.CV_64F)
    return _turned(smooth @ change.T, angle)


@_filter(
    "scharr", "Scharr", "edges", "angle", (3,),
    "As Sobel, with an angle that is right to a fraction of a degree.", "OpenCV, getDerivKernels; Scharr 2000",
)  # fmt: skip
def _scharr(angle, **_):
    change, smooth = cv2.getDerivKernels(1, 0, cv2.FILTER_SCHARR, ktype=cv2.CV_64F)
    return _turned(smooth @ change.T, angle)


@_filter(
    "prewitt", "Prewitt", "edges", "angle", (3,),
    "Change across an edge, all three rows alike.", "Prewitt, Object enhancement and extraction, 1970",
)  # fmt: skip
def _prewitt(angle, **_):
    return _turned(np.outer([1, 1, 1], [-1, 0, 1]).astype(float), angle)


@_filter(
    "laplacian", "Laplacian", "edges", "", (3,),
    "How much a pixel differs from its four neighbours: edges in all directions, and noise.",
    "OpenCV, Laplacian with ksize 1",
)  # fmt: skip
def _laplacian(**_):
    return np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], float)


@_filter(
    "log", "Laplacian of Gaussian", "edges", "size sigma", _ODD[1:],
    "Edges and blobs of one scale, little noise.", "Marr and Hildreth, Theory of edge detection, 1980",
)  # fmt: skip
def _log(size, sigma, **_):
    y, x = _grid(size)
    r2 = (x**2 + y**2) / (2 * sigma**2)
    out = -(1 - r2) * np.exp(-r2) / (pi * sigma**4)
    return out - out.mean()  # sampled and cut off, it would answer to a flat picture


@_filter(
    "gaussian", "Gaussian blur", "blur", "size sigma", _ODD,
    "A weighted mean, near pixels most: takes fine detail and noise away.", "OpenCV, getGaussianKernel",
)  # fmt: skip
def _gaussian(size, sigma, **_):
    row = cv2.getGaussianKernel(size, sigma, cv2.CV_64F)
    return row @ row.T


@_filter("box", "Box blur", "blur", "size", _ODD, "The mean of the window.", "OpenCV, blur")
def _box(size, **_):
    return np.full((size, size), 1 / size**2)


@_filter(
    "motion", "Motion blur", "blur", "size angle", _ODD,
    "The mean along one line, as if the camera had moved.", "a line of equal weights that sum to 1",
)  # fmt: skip
def _motion(size, angle, **_):
    # a line as long as the kernel is wide; each pixel weighs what of it lies in the pixel
    a, samples = np.radians(angle), 64 * size
    t = ((np.arange(samples) + 0.5) / samples - 0.5) * size
    edges = np.arange(size + 1) - size / 2
    out, _, _ = np.histogram2d(-np.sin(a) * t, np.cos(a) * t, bins=(edges, edges))
    out = out + out[::-1, ::-1]
    return out / out.sum()


@_filter(
    "sharpen", "Sharpen", "sharpen", "", (3,),
    "The picture minus its Laplacian: every edge a little steeper.", "identity − Laplacian",
)  # fmt: skip
def _sharpen(**_):
    return np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], float)


@_filter(
    "emboss", "Emboss", "sharpen", "", (3,),
    "The picture plus its slope along the diagonal: light seems to fall from the upper left.", "identity + slope",
)  # fmt: skip
def _emboss(**_):
    return np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], float)


@_filter(
    "gabor", "Gabor", "texture", "size sigma angle wavelength phase", _ODD[1:],
    "Stripes of one width and direction: what first layers of trained networks and of visual cortex look for.",
    "OpenCV, getGaborKernel; Daugman 1985",
)  # fmt: skip
def _gabor(size, sigma, angle, wavelength, phase, **_):
    # OpenCV's theta turns clockwise on the screen
    out = cv2.getGaborKernel((size, size), sigma, -np.radians(angle), wavelength, 0.7, np.radians(phase), cv2.CV_64F)
    return out - out.mean()  # a flat picture must give nothing


def _grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return y, x


def kernel(
    name: str,
    size: int | None = None,
    *,
    sigma: float | None = None,
    angle: float = 0.0,
    wavelength: float | None = None,
    phase: float = 0.0,
) -> np.ndarray:
    """A kernel of the bank, float64 `(size, size)`, laid on the picture as it stands.

    Args:
        name: a key of `FILTERS`; settings that it does not heed change nothing.
        size: odd, one of the filter's `sizes`; default: the smallest of them.
        sigma: standard deviation in pixels; default `0.3 · ((size − 1) / 2 − 1) + 0.8`, OpenCV's.
        angle: degrees, counter-clockwise; 0 answers to change from left to right (motion: moves along x).
        wavelength: pixels from stripe to stripe, at least 2; default: half the size.
        phase: degrees; 0 is even (a bright stripe in the middle), 90 odd (an edge).

    Raises:
        FilterError: no such filter, size or number.
    """
    if name not in FILTERS:
        raise FilterError(f"There is no filter called {name!r}: use one of {', '.join(FILTERS)}.")
    kind = FILTERS[name]
    size = kind.sizes[0] if size is None or "size" not in kind.settings else size
    if size not in kind.sizes:
        offered = ", ".join(map(str, kind.sizes)) if len(kind.sizes) < 4 else f"odd sizes up to {kind.sizes[-1]}"
        raise FilterError(f"{kind.title} does not come in size {size}: use {offered}.")
    sigma = 0.3 * ((size - 1) / 2 - 1) + 0.8 if sigma is None else sigma
    wavelength = max(2.0, size / 2) if wavelength is None else wavelength
    if not 0.1 <= sigma <= 100 or not 2 <= wavelength <= 200 or not all(map(np.isfinite, (angle, phase))):
        raise FilterError(
            f"sigma {sigma:g} and wavelength {wavelength:g} make no {kind.title}: use sigma 0.1 to 100 and a "
            "wavelength from 2 pixels."
        )
    return kind.make(size=int(size), sigma=float(sigma), angle=angle, wavelength=float(wavelength), phase=phase) + 0.0


def as_kernel(values) -> np.ndarray:
    """An own kernel, checked: float64 `(height, width)`, sides 1 to 31, every value finite.

    Raises:
        FilterError: anything else.
    """
    try:
        array = np.array(values, dtype=float)
    except (TypeError, ValueError):
        raise FilterError("A kernel is a table of numbers with rows of one length.") from None
    if array.ndim != 2 or not all(1 <= n <= LARGEST_KERNEL for n in array.shape):
        raise FilterError(f"A kernel of shape {array.shape} does not fit: use 1 to {LARGEST_KERNEL} rows and columns.")
    if not np.isfinite(array).all():
        raise FilterError("Every cell of a kernel must hold a number.")
    return array


def flipped(kernel: np.ndarray) -> np.ndarray:
    """The kernel turned by 180°: correlation with it is convolution, in the mathematical sense, with the original."""
    return kernel[::-1, ::-1].copy()


@dataclass(frozen=True)
class KernelFacts:
    """What a kernel's numbers foretell.

    total: 1 keeps brightness, 0 ignores flat regions.
    rank: 1 means that a column and a row do the same (spatially separable).
    flip: `"same"` if turning it by 180° changes nothing, `"negative"` if it changes every sign, else `"different"`.
    """

    total: float
    rank: int
    flip: str


def facts(kernel: np.ndarray) -> KernelFacts:
    """Sum, rank and symmetry of a kernel `(height, width)`, up to rounding."""
    kernel = as_kernel(kernel)
    scale = np.abs(kernel).max() or 1.0
    turned, close = flipped(kernel), 1e-9 * scale
    opposite = "negative" if np.abs(turned + kernel).max() <= close else "different"
    flip = "same" if np.abs(turned - kernel).max() <= close else opposite
    total = float(kernel.sum())
    total = 0.0 if abs(total) <= close * kernel.size else total
    return KernelFacts(total, int(np.linalg.matrix_rank(kernel, tol=close)), flip)


# -- the layer that applies it


def layer(
    kernels: np.ndarray | Sequence[np.ndarray],
    channels: int = 1,
    padding_mode: str = "zeros",
    dtype: torch.dtype = torch.float32,
) -> Layer:
    """The `nn.Conv2d` that applies one kernel, or several side by side, to every channel of a picture.

    Args:
        kernels: `(height, width)`, or K of one shape, sides odd.
        channels: of the picture, C. Output channel `c · K + k` is kernel k on channel c (`groups=C`).
        padding_mode: one of `PADDING_MODES`; the output is as large as the picture.

    Raises:
        FilterError: a kernel with even sides (it has no middle), or unlike ones.
    """
    stack = [as_kernel(kernels)] if np.ndim(kernels) == 2 else [as_kernel(k) for k in kernels]
    if len({k.shape for k in stack}) != 1:
        raise FilterError("Kernels of one layer must have one shape.")
    height, width = stack[0].shape
    if height % 2 == 0 or width % 2 == 0:
        raise FilterError(f"A kernel of {height} × {width} has no middle: use odd sides, or add a row of zeros.")
    if padding_mode not in PADDING_MODES:
        raise FilterError(f"{padding_mode!r} is no padding mode: use one of {', '.join(PADDING_MODES)}.")
    made = nn.Conv2d(
        channels, channels * len(stack), (height, width), padding=(height // 2, width // 2), groups=channels,
        bias=False, padding_mode=padding_mode, dtype=dtype,
    ).requires_grad_(False)  # fmt: skip
    made.weight.copy_(torch.from_numpy(np.stack(stack * channels)[:, None]))
    return made.eval()


def _white(picture: np.ndarray) -> int:
    """What counts as 1: 255 for uint8."""
    return 255 if np.asarray(picture).dtype == np.uint8 else 1


def _planes(picture: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
    """`(H, W)` or `(H, W, C)` as `(1, C, H, W)`; uint8 becomes 0 to 1."""
    pixels = np.asarray(picture)
    if pixels.ndim not in (2, 3) or 0 in pixels.shape or (pixels.ndim == 3 and pixels.shape[2] > 4):
        raise FilterError(f"A picture of shape {pixels.shape} is not (height, width) or (height, width, colours).")
    if pixels.shape[0] * pixels.shape[1] > LARGEST_PICTURE:
        raise FilterError(f"{pixels.shape[0]} × {pixels.shape[1]} pixels are too many: use 2048 × 2048 or fewer.")
    values = torch.from_numpy(np.ascontiguousarray(pixels if pixels.ndim == 3 else pixels[..., None])).to(dtype)
    values = values / _white(pixels)
    return values.permute(2, 0, 1)[None].contiguous()


def _run(made: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
    height, width = x.shape[2:]
    assert not isinstance(made.padding, str)
    need_y, need_x = made.padding
    short = {"reflect": height <= need_y or width <= need_x, "circular": height < need_y or width < need_x}
    if short.get(made.padding_mode):
        raise FilterError(
            f"A picture of {height} × {width} is too small to be continued by {need_y} × {need_x} pixels in mode "
            f"{made.padding_mode!r}: use zeros or replicate."
        )
    return device.answer(made, x)


def apply(
    picture: np.ndarray, kernel: np.ndarray, padding_mode: str = "zeros", dtype: torch.dtype = torch.float32
) -> np.ndarray:
    """The picture under the kernel, by `nn.Conv2d`: an array of the picture's shape, each colour by itself.

    Args:
        picture: `(H, W)` or `(H, W, C)`; uint8 is taken as 0 to 1, anything else as it is.
        kernel: `(height, width)`, odd sides.
        dtype: what torch computes in, and the array's type.

    Raises:
        FilterError: picture or kernel do not fit.
    """
    x = _planes(picture, dtype)
    out = _run(layer(kernel, x.shape[1], padding_mode, dtype), x)[0].permute(1, 2, 0).numpy()
    return np.ascontiguousarray(out if np.ndim(picture) == 3 else out[..., 0])


@dataclass(frozen=True, eq=False)
class Response:
    """What a filter answers, before and after ReLU.

    output: of the picture's shape, 0 where float32 cannot tell the sum from 0; rectified: its negative part set to 0
        by `nn.ReLU`.
    negative: share of values that ReLU takes away.
    """

    output: np.ndarray
    rectified: np.ndarray
    negative: float


def respond(picture: np.ndarray, kernel: np.ndarray, padding_mode: str = "zeros") -> Response:
    """`apply`, then `nn.ReLU`. Raises `FilterError` as `apply` does."""
    output = apply(picture, kernel, padding_mode)
    # A flat region answers with the rounding of its sum, and half of that would count as negative.
    brightest = 1.0 if _white(picture) > 1 else float(np.abs(picture).max())
    output[np.abs(output) <= 2 * np.finfo(np.float32).eps * float(np.abs(kernel).sum()) * brightest] = 0
    rectified = device.answer(nn.ReLU(), torch.from_numpy(output)).numpy()
    return Response(output, rectified, float((output < 0).mean()))


def task(
    picture: np.ndarray, kernel: np.ndarray, *, noise: float = 0.0, size: int = 24, count: int = 32, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Patches of a picture and the same under a kernel, for `models.learning.train` to find the kernel again.

    Args:
        noise: standard deviation of what is added to the targets, as a share of theirs.
        size, count: side of a patch in pixels, and how many.

    Returns:
        `(count, 1, size, size)` twice, float64. Train with `margin` half the kernel: no window there lies in the patch.

    Raises:
        FilterError: as `apply`, or a picture smaller than the kernel.
    """
    kernel = as_kernel(kernel)
    planes = _planes(picture, torch.float64).transpose(0, 1)
    if min(planes.shape[2:]) < 2 * max(kernel.shape):
        raise FilterError(f"A picture of {planes.shape[2]} × {planes.shape[3]} is too small to learn this kernel from.")
    inputs, _ = patches(planes, planes, size, count, seed)
    targets = _run(layer(kernel, 1, "zeros", torch.float64), inputs).clone()
    generator = torch.Generator().manual_seed(seed)
    return inputs, targets + noise * targets.std() * torch.randn(
        targets.shape, dtype=targets.dtype, generator=generator
    )


# -- against OpenCV


@dataclass(frozen=True)
class AgainstOpenCV:
    """`nn.Conv2d` against `cv2.filter2D`, as shares of the largest answer that the kernel can give to the picture.

    interior: largest difference where the whole window lies in the picture; `None` where it never does.
    everywhere: largest difference anywhere.
    dtype: `"float64"`, or `"float32"` for much work. tolerance: below it, differences are rounding.
    """

    padding_mode: str
    border: str
    interior: float | None
    everywhere: float
    dtype: str

    @property
    def tolerance(self) -> float:
        return 1e-9 if self.dtype == "float64" else 1e-5

    @property
    def agrees(self) -> bool:
        """Equal everywhere, up to rounding."""
        return self.everywhere < self.tolerance

    @property
    def agrees_inside(self) -> bool | None:
        return None if self.interior is None else self.interior < self.tolerance


def filter2d(picture: np.ndarray, kernel: np.ndarray, border: str = "reflect", dtype: type = np.float32) -> np.ndarray:
    """What `cv2.filter2D` makes of a picture, an array of its shape and of `dtype`; uint8 is taken as 0 to 1.

    Args:
        border: a key of `BORDERS`; `reflect` is OpenCV's default.

    Raises:
        FilterError: no such border, or no kernel.
    """
    if border not in BORDERS:
        raise FilterError(f"cv2.filter2D has no border called {border!r}: use one of {', '.join(BORDERS)}.")
    pixels = np.asarray(picture).astype(dtype) / dtype(_white(picture))
    return cv2.filter2D(pixels, -1, as_kernel(kernel), borderType=BORDERS[border]).reshape(pixels.shape)


def compare(
    picture: np.ndarray, kernel: np.ndarray, padding_mode: str = "zeros", border: str = "reflect"
) -> AgainstOpenCV:
    """Hold torch's answer against OpenCV's.

    Args:
        padding_mode: torch's, one of `PADDING_MODES`. `border`: OpenCV's, a key of `BORDERS`; `reflect` is its default.

    Raises:
        FilterError: as `apply`, or no such border.
    """
    kernel = as_kernel(kernel)
    exact = np.size(picture) * kernel.size <= MOST_EXACT
    dtype = np.float64 if exact else np.float32
    theirs = filter2d(picture, kernel, border, dtype)
    ours = apply(picture, kernel, padding_mode, torch.float64 if exact else torch.float32)
    top = float(np.abs(np.asarray(picture)).max()) / _white(picture)
    scale = float(np.abs(kernel).sum() * top) or 1.0
    difference = np.abs(ours - theirs) / scale
    y, x = (n // 2 for n in kernel.shape)
    inside = difference[y : difference.shape[0] - y, x : difference.shape[1] - x]
    interior = float(inside.max()) if inside.size else None
    return AgainstOpenCV(padding_mode, border, interior, float(difference.max()), np.dtype(dtype).name)


# -- gradients


@dataclass(frozen=True, eq=False)
class Gradient:
    """Slope of a grey picture, arrays `(H, W)`.

    x, y: change to the right and downwards. magnitude: √(x² + y²).
    angle: degrees from 0 to 360, the direction in which it gets brighter, counter-clockwise on the screen; 0 where the
    magnitude is 0.
    """

    x: np.ndarray
    y: np.ndarray
    magnitude: np.ndarray
    angle: np.ndarray


def gradient(picture: np.ndarray, name: str = "sobel", size: int = 3, padding_mode: str = "reflect") -> Gradient:
    """Slope by a pair of derivative kernels in one `nn.Conv2d(1, 2, …)`.

    Args:
        picture: `(H, W)`, or `(H, W, 3)`, which is taken as luma.
        name: `sobel`, `scharr` or `prewitt`.

    Raises:
        FilterError: another filter, or a picture that does not fit.
    """
    if name not in ("sobel", "scharr", "prewitt"):
        raise FilterError(f"{name!r} is no pair of derivatives: use sobel, scharr or prewitt.")
    x = _planes(picture, torch.float32)
    if x.shape[1] >= 3:
        x = (x[:, :3] * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1, keepdim=True)
    across = kernel(name, size)
    out = _run(layer([across, across.T], 1, padding_mode), x[:, :1].contiguous())[0].numpy()
    magnitude = np.hypot(*out)
    # the seventh digit of float32 is noise, and so is the direction of what lies below it
    still = magnitude <= 1e-6 * np.abs(across).sum() * (float(x.abs().max()) or 1.0)
    angle = np.where(still, 0, np.degrees(np.arctan2(-out[1], out[0])) % 360)
    return Gradient(out[0], out[1], magnitude, angle)
