"""Runnable PyTorch for what the lesson on transposed convolutions shows, ending in assertions of its numbers."""

from __future__ import annotations

import base64
import lzma
import math
from collections.abc import Mapping, Sequence

import numpy as np

from models.code import to_code
from models.lab import Lab
from models.operator import TRANSPOSED
from models.script import in_groups
from models.upsampling import Overlap

MOST_DENSE = 2_000_000
"""Entries of a matrix that the code writes out densely; larger ones are left out of it."""


def layer_code(lab: Lab, forward_sizes: Sequence[Sequence[int]] = ()) -> str:
    """The layer, its output, C, Cᵀ and the four ways, asserted to agree.

    Args:
        forward_sizes: per axis, the sizes that the matching convolution sends to this layer's input size; asserted too.

    A layer too large to be measured gets its shapes alone.
    """
    code = to_code(lab)
    if lab.x is None or lab.y is None or lab.why_not:
        return code
    spec, dims = lab.spec, lab.spec.dims
    reach = tuple(d * (k - 1) for d, k in zip(spec.dilation, spec.kernel_size, strict=True))
    lines = [
        "",
        "# The matching convolution: from the layer's output back to its input, with the same weight.",
        "from itertools import product",
        "",
        "from torch.nn import functional as F",
        "",
        f"stride, padding, output_padding = {spec.stride}, {spec.padding}, {spec.output_padding}",
        f"dilation, groups = {spec.dilation}, {spec.groups}",
        f"reach = {reach}  # dilation * (kernel_size - 1)",
        f"bias = 0 if layer.bias is None else layer.bias.reshape(-1, *[1] * {dims})",
        "",
        "",
        "def convolve(image):",
        f"    small = F.conv{dims}d(image, layer.weight, None, stride, padding, dilation, groups)",
        "    return small[(..., *(slice(n) for n in x.shape[2:]))]",
        "",
        "",
        "# 1. Stamp and add.",
        "kernel = layer.weight.reshape(groups, -1, *layer.weight.shape[1:])",
        "sizes = [(n - 1) * s + r + 1 + o for n, s, r, o in zip(x.shape[2:], stride, reach, output_padding)]",
        "canvas = x.new_zeros(1, y.shape[1], *sizes)",
        "for cell in product(*map(range, x.shape[2:])):",
        "    values = x[(0, slice(None), *cell)].reshape(groups, -1)",
        '    stamp = torch.einsum("gi,gio...->go...", values, kernel).flatten(0, 1)',
        "    where = (slice(i * s, i * s + r + 1, d) for i, s, r, d in zip(cell, stride, reach, dilation))",
        "    canvas[(0, slice(None), *where)] += stamp",
        "stamped = canvas[(..., *(slice(p, p + n) for p, n in zip(padding, y.shape[2:])))] + bias",
        "",
        "# 2. Insert zeros, then convolve with the flipped kernel.",
        "sizes = [(n - 1) * s + 1 + 2 * r + o for n, s, r, o in zip(x.shape[2:], stride, reach, output_padding)]",
        "zeros = x.new_zeros(*x.shape[:2], *sizes)",
        "where = (slice(r, r + (n - 1) * s + 1, s) for n, s, r in zip(x.shape[2:], stride, reach))",
        "zeros[(..., *where)] = x",
        "zeros = zeros[(..., *(slice(p, p + n + r) for p, n, r in zip(padding, y.shape[2:], reach)))]",
        f"flipped = kernel.transpose(1, 2).flatten(0, 1).flip({tuple(range(2, dims + 2))})",
        f"inserted = F.conv{dims}d(zeros, flipped, None, 1, 0, dilation, groups) + bias",
        "",
        "# 3. The gradient of the matching convolution.",
        "image = torch.zeros_like(y).requires_grad_()",
        "convolve(image).backward(x)",
        "gradient = image.grad + bias",
        "",
    ]
    ways = ["stamped", "inserted", "gradient"]
    if lab.x.size * lab.y.size <= MOST_DENSE:
        lines += [
            "# 4. The matrix: one column of C for each cell of the output; Cᵀ is C with rows and columns exchanged.",
            "C = convolve(torch.eye(y.numel(), dtype=y.dtype).reshape(-1, *y.shape[1:])).reshape(y.numel(), -1).T",
            "Ct = C.T",
            f"assert Ct.shape == {(lab.y.size, lab.x.size)}",
            "multiplied = (Ct @ x.flatten()).reshape(y.shape) + bias",
            "",
        ]
        ways.append("multiplied")
    lines += [f"for found in ({', '.join(ways)}):", "    torch.testing.assert_close(found, y)"]
    for axis, sizes in enumerate(forward_sizes):
        lines += [
            "",
            f"# Along axis {axis}, the matching convolution makes {spec.input_size[axis]} of each of these.",
            f"for size in {tuple(sizes)}:",
            f"    shape = [*y.shape[:2], *{tuple(spec.output_size)}]",
            f"    shape[{axis + 2}] = size",
            f"    small = F.conv{dims}d(y.new_zeros(shape), layer.weight, None, stride, padding, dilation, groups)",
            f"    assert small.shape[{axis + 2}] == {spec.input_size[axis]}",
        ]
    return code + "\n".join(lines) + "\n"


CHECKERBOARD = """import math

import cv2
import torch
from torch import nn
from torch.nn import functional as F

from models.upsampling import DOWNSAMPLERS, UPSAMPLERS, generate, generator, picture_code, unevenness

# The stamps that meet: layers of ones on an image of ones.
layer = nn.{name}(1, 1, {kernel}, {stride}, dilation={dilation}, bias=False).double().requires_grad_(False)
nn.init.ones_(layer.weight)
count = torch.ones(1, 1, *{size}, dtype=torch.float64)
shown = [  # along each axis, after each layer
    {profiles}
]
for profiles in shown:
    count = layer(count)
    product = torch.ones(())
    for profile in profiles:
        product = product[..., None] * torch.tensor(profile)
    assert torch.equal(count[0, 0], product.double())
assert count[0, 0][{interior}].unique().tolist() == {levels}

# How uneven, in the interior of an image that has one: the even shares of the axes multiply.
even = [1.0] * {layers}
for f, s, n, interiors in {axes}:
    line = nn.ConvTranspose1d(1, 1, f, s, dilation={dilation}, bias=False).double().requires_grad_(False)
    nn.init.ones_(line.weight)
    count = torch.ones(1, 1, n, dtype=torch.float64)
    for depth, (start, stop) in enumerate(interiors):
        count = line(count)
        even[depth] *= 1 - unevenness(count[0, 0, start:stop], [s ** (depth + 1)]) ** 2
for share, seen in zip(even, {figures}, strict=True):
    assert abs(math.sqrt(max(0, 1 - share)) - seen) < 1e-6

# The table: entries, sums and squared sums of each output's row of the matrix, or of each input's column.
table = {{
    {table}
}}
for (title, where), seen in table.items():
    n, ways = (12, UPSAMPLERS) if where == "output" else (24, DOWNSAMPLERS)
    (layer,) = [way.build(2, 1, {seed}) for way in ways.values() if way.title == title]
    with torch.no_grad():
        matrix = layer.double()(torch.eye(n * n, dtype=torch.float64).reshape(-1, 1, n, n)).reshape(n * n, -1)
    matrix = matrix if where == "output" else matrix.T
    for row, figure in zip(((matrix != 0).double().sum(0), matrix.sum(0), matrix.square().sum(0).sqrt()), seen):
        assert abs(unevenness(row.reshape(24, 24)[4:-4, 4:-4], (2, 2)) - figure) < 6e-4, (title, where)

strided = nn.Conv2d(1, 1, 3, 2, bias=False)
nn.init.ones_(strided.weight)
image = torch.zeros(1, 1, 13, 13, requires_grad=True)
strided(image).sum().backward()
assert torch.equal(image.grad[0, 0], torch.outer(*2 * [torch.tensor([1.0, 1, *[2, 1] * 5, 1])]))

# The generators: from a code of {channels} numbers for each patch to a picture.
grey = cv2.imread("{picture}", cv2.IMREAD_GRAYSCALE)
grey = cv2.resize(grey, ({side}, {side}), interpolation=cv2.INTER_AREA) / 255
code, target = picture_code(grey, {channels}, 2**{stages}, {seed})
shown = {{  # unevenness with random weights, and trained
    {generators}
}}
assert [way.title for way in UPSAMPLERS.values()] == list(shown)
for name, (random, trained) in zip(UPSAMPLERS, shown.values()):
    network = generator(name, {stages}, 2, {channels}, {seed}).double()
    assert abs(generate(network, {channels}, 2**{stages}, seed={seed}).figure - random) < 6e-4, name
    optimizer = torch.optim.Adam(network.parameters(), lr={lr})
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, {steps})
    for _ in range({steps}):
        optimizer.zero_grad()
        F.mse_loss(network(code), target).backward()
        optimizer.step()
        schedule.step()
    assert abs(generate(network, {channels}, 2**{stages}, seed={seed}).figure - trained) < 6e-4, name
"""


def checkerboard_code(
    size: int,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: int,
    levels: Sequence[Overlap],
    axes: Sequence[tuple[int, int, int, list[tuple[int, int]]]],
    table: Sequence[tuple[str, str, float, float, float]],
    generators: dict[str, tuple[float, float]],
    picture: str,
    **training: float,
) -> str:
    """The part on the checkerboard: counts, unevenness, cures and generators; asserts every number on the screen.

    Args:
        kernel, stride: one number per axis.
        levels: what ``upsampling.stacked`` found after each layer.
        axes: for each axis kernel, stride, an input size with an interior, and that interior after each layer.
        table: name, "output" or "gradient", and unevenness of counts, of a flat signal and of white noise.
        generators: name -> unevenness with random weights and trained.
        picture: what the generators learn to draw, as a path in the project.
        training: ``side`` of the picture there, ``stages``, ``channels``, ``steps``, ``lr`` and ``seed``.
    """
    dims, last = len(kernel), levels[-1]
    inside = [slice(None)] * dims if last.interior is None else last.interior
    return CHECKERBOARD.format(
        name=TRANSPOSED[dims - 1].__name__,
        kernel=tuple(kernel),
        stride=tuple(stride),
        dilation=dilation,
        size=[size] * dims,
        profiles="\n    ".join(f"{[one.astype(int).tolist() for one in level.profiles]}," for level in levels),
        interior=", ".join(f"{'' if s.start is None else s.start}:{'' if s.stop is None else s.stop}" for s in inside),
        levels=[float(n) for n in last.levels],
        layers=len(levels),
        axes=list(axes),
        figures=[level.figure for level in levels],
        table="\n    ".join(f'("{row[0]}", "{row[1]}"): {tuple(round(n, 6) for n in row[2:])},' for row in table),
        generators="\n    ".join(f'"{name}": {tuple(round(n, 6) for n in both)},' for name, both in generators.items()),
        picture=picture,
        **training,
    )


def _pixels(origin: str, pixels: np.ndarray) -> str:
    """Lines that make ``pixels``: from ``origin``, or from the picture itself, packed, where that is empty."""
    if origin:
        return f"pixels = {origin}\n"
    steps = np.diff(pixels, axis=1, prepend=np.zeros_like(pixels[:, :1]))
    packed = base64.b85encode(lzma.compress(steps.tobytes(), preset=9)).decode("ascii")
    lines = "\n".join(packed[i : i + 110] for i in range(0, len(packed), 110))
    return f'''# The picture: differences along each row, packed.
PACKED = """
{lines}
"""
steps = lzma.decompress(base64.b85decode(PACKED.replace("\\n", "")))
pixels = np.frombuffer(steps, np.uint8).reshape{pixels.shape}.cumsum(1, dtype=np.uint8)
'''


def _reading(origin: str) -> set[str]:
    """What the lines of ``_pixels`` import."""
    if not origin:
        return {"import base64", "import lzma", "import numpy as np"}
    names = ", ".join(name for name in ("decode", "resize") if f"{name}(" in origin)
    return {"from pathlib import Path", f"from models.picture import {names}"}


TORCH = ("import torch", "from torch import nn", "from torch.nn import functional as F")

COMPARED = """{imports}
S = {scale}
{pixels}
shown = {{  # PSNR in dB, parameters, MACs, pattern
    {shown}
}}
ways = {{way.title: way for way in compare(pixels, S)}}
assert ways.keys() == shown.keys()
for title, way in ways.items():
    found = (way.psnr, way.parameters, way.macs, way.pattern)
    for ours, seen, near in zip(found, shown[title], (0.006, 0, 0, 0.0006), strict=True):
        assert ours == seen or abs(ours - seen) <= near, (title, found)
    print(title, *found)

# No kernel does better: at the learned ones the error has no slope.
low, high = pair(pixels, S)
for way in ways.values():
    if METHODS[way.name].learned:
        weights = list(way.network.requires_grad_(True).parameters())
        (slope,) = torch.autograd.grad(F.mse_loss(way.network(low), high), weights)
        assert slope.abs().max() < 1e-6

# A tent makes the transposed convolution bilinear interpolation, but for the border.
proof = bilinear_proof(low[:, 0].mean(0).numpy(), S)
assert proof.largest < 1e-9
assert abs(np.abs(proof.difference).max() - {border!r}) < 1e-9

# Pixel shuffle only moves.
r = {factor}
moved = nn.PixelShuffle(r)(torch.arange(9.0 * r**2).reshape(1, r**2, 3, 3))[0, 0]
for y in range(3 * r):
    for x in range(3 * r):
        assert moved[y, x] == ((y % r) * r + x % r) * 9 + y // r * 3 + x // r

# Where the outputs sample: a ramp, enlarged, is its own position.
ramp = torch.arange({size}, dtype=torch.float64).reshape(1, 1, -1)
for align_corners, positions in {positions}:
    found = F.interpolate(ramp, scale_factor={zoom}.0, mode="linear", align_corners=align_corners)[0, 0]
    torch.testing.assert_close(found, torch.tensor(positions, dtype=torch.float64))
"""


def compared_code(
    origin: str,
    pixels: np.ndarray,
    scale: int,
    rows: Sequence[dict],
    border: float,
    shuffle: int,
    positions: Sequence[tuple[bool, np.ndarray]],
    size: int,
    zoom: int,
) -> str:
    """The comparison on this picture; asserts every number of the table, and what follows.

    Args:
        origin: expression that makes ``pixels`` in a copy of the project; if empty, the script carries them.
        pixels: (H, W, 3) of uint8.
        rows: for each way to enlarge, its ``title``, ``psnr``, ``parameters``, ``macs`` and ``pattern``.
        border: the largest difference between the tent kernel and bilinear interpolation.
        shuffle: the factor of the pixel shuffle that is drawn.
        positions: (align_corners, where the outputs sample) for ``size`` pixels enlarged ``zoom`` times.
    """
    shown = []
    for one in rows:
        psnr = f"{one['psnr']:.2f}" if math.isfinite(one["psnr"]) else 'float("inf")'
        shown.append(f'"{one["title"]}": ({psnr}, {one["parameters"]}, {one["macs"]}, {one["pattern"]:.3f}),')
    ours = "from models.upsampling import METHODS, bilinear_proof, compare, pair"
    return COMPARED.format(
        imports=in_groups({*TORCH, "import numpy as np", ours, *_reading(origin)}),
        pixels=_pixels(origin, pixels),
        scale=scale,
        shown="\n    ".join(shown),
        border=border,
        factor=shuffle,
        size=size,
        zoom=zoom,
        positions=repr([(on, np.asarray(values).tolist()) for on, values in positions]),
    )


LEARNED = """{imports}
S, K, STEPS = {scale}, {kernel}, {steps}
{data}
layer = exact_transposed(S, 1, K)
nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=torch.Generator().manual_seed({seed}))
layer.double()
inside = (..., slice(S, -S), slice(S, -S))

optimizer = torch.optim.{optimizer}(layer.parameters(), lr={lr}{more})
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
losses = []
for step in range({done} + 1):
    loss = F.mse_loss(layer(x)[inside], wanted[inside])
    losses.append(loss.item())
    if step < {done}:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()

{checks}
kernel = {weight}
torch.testing.assert_close(layer.weight.detach(), torch.tensor(kernel, dtype=torch.float64), rtol=1e-5, atol=1e-6)
with torch.no_grad():
    flat = layer(torch.ones(1, 1, 12, 12, dtype=torch.float64))[..., K:-K, K:-K]
assert abs(unevenness(flat, (S, S)) - {uneven!r}) < 5e-4
"""


def learning_code(
    scale: int,
    kernel: int,
    steps: int,
    lr: float,
    optimizer: str,
    seed: int,
    *,
    weight: np.ndarray,
    uneven: float,
    losses: Mapping[int, float],
    floor: float | None = None,
    pixels: np.ndarray | None = None,
    origin: str = "",
) -> str:
    """The training run that is shown, as far as it went; asserts the losses of its curve, its kernel, its checkerboard.

    Args:
        weight: the kernel that is shown, in torch's layout.
        uneven: unevenness of what it makes of a flat image.
        losses: by step, those of the curve; empty before the first training.
        floor: the error of the best kernel; asserted to be below every loss.
        pixels: the picture that it learns from; bilinear interpolation of noise if left out.
        origin: as in ``compared_code``.
    """
    done = max(losses, default=0)
    chosen, more = {"adam": ("Adam", ""), "momentum": ("SGD", ", momentum=0.9"), "sgd": ("SGD", "")}[optimizer]
    imports = {*TORCH, "import math"}
    if pixels is None:
        imports |= {"from models.learning import bilinear_task"}
        imports |= {"from models.upsampling import exact_transposed, unevenness"}
        data = f"x, wanted = bilinear_task(S, seed={seed})\n"
    else:
        imports |= {"from models.learning import patches", *_reading(origin)}
        imports |= {"from models.upsampling import exact_transposed, pair, unevenness"}
        data = f"{_pixels(origin, pixels)}x, wanted = patches(*pair(pixels, S), count=24, seed={seed})\n"
    checks = ""
    if losses:
        checks = f"""shown = {dict(losses)!r}
for step, value in shown.items():
    assert math.isclose(losses[step], value, rel_tol=1e-3, abs_tol=1e-9), (step, losses[step], value)
"""
        if floor is not None:
            checks += f"assert {floor!r} < min(losses) + 1e-9  # the best that any kernel can do\n"
    return LEARNED.format(
        imports=in_groups(imports),
        scale=scale,
        kernel=kernel,
        steps=steps,
        seed=seed,
        lr=lr,
        optimizer=chosen,
        more=more,
        done=done,
        data=data,
        checks=checks,
        weight=np.asarray(weight, dtype=float).tolist(),
        uneven=uneven,
    )
