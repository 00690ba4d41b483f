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
from models.upsampling import ROUNDING, Overlap

MOST_DENSE = 2_000_000
"""Entries of a matrix that the code writes out densely; larger ones are left out of it."""


def layer_code(lab: Lab, forward_sizes: Sequence[Sequence[int]] = ()) -> str:
    """The layer, its output, C, Cᵀ and the four ways, asserted to agree.

    Args:
        forward_sizes: per axis, the sizes that the matching convolution sends to this layer's input size; asserted too.

    A layer too large to be measured gets its shapes alone.
    """
    code = to_code(lab)
    if lab.module is None or lab.why_not:
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


CHECKERBOARD = """import base64
import lzma
import math

import torch
from torch import nn
from torch.nn import functional as F


def unevenness(values, period):
    \"\"\"The part of the root mean square that repeats with the period, one number per axis.\"\"\"
    dims = len(period)
    values = values[(..., *(slice(n - n % p) for n, p in zip(values.shape[-dims:], period)))]
    split = [k for n, p in zip(values.shape[-dims:], period) for k in (n // p, p)]
    means = values.reshape(*values.shape[:-dims], *split).mean([2 * axis - 2 * dims for axis in range(dims)])
    axes = list(range(-dims, 0))
    return (((means - means.mean(axes, keepdim=True)) ** 2).mean() / (values**2).mean()).sqrt().item()


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


# Five ways to double an image, weights drawn by seed.
def drawn(module, seed):
    generator = torch.Generator().manual_seed(seed)
    for one in module.modules():
        if isinstance(one, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.kaiming_uniform_(one.weight, a=math.sqrt(5), generator=generator)
    return module


def alike(conv, seed):
    \"\"\"ICNR: the four subpixels of a channel start with one kernel.\"\"\"
    kernel = torch.empty(conv.out_channels // 4, conv.in_channels, 3, 3)
    nn.init.kaiming_uniform_(kernel, a=math.sqrt(5), generator=torch.Generator().manual_seed(seed))
    conv.weight.data = kernel.repeat_interleave(4, 0)
    return conv


def shuffled(c):
    return nn.Conv2d(c, 4 * c, 3, padding=1, bias=False)


ways = {{
    "Transposed, kernel 2S − 1": lambda c, seed: drawn(
        nn.ConvTranspose2d(c, c, 3, 2, padding=1, output_padding=1, bias=False), seed
    ),
    "Transposed, kernel 2S": lambda c, seed: drawn(nn.ConvTranspose2d(c, c, 4, 2, padding=1, bias=False), seed),
    "Resize, then convolve": lambda c, seed: drawn(
        nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(c, c, 3, padding=1, bias=False)), seed
    ),
    "Pixel shuffle": lambda c, seed: nn.Sequential(drawn(shuffled(c), seed), nn.PixelShuffle(2)),
    "Pixel shuffle, ICNR": lambda c, seed: nn.Sequential(alike(shuffled(c), seed), nn.PixelShuffle(2)),
}}
down = {{
    "Strided, kernel 2S − 1": nn.Conv2d(1, 1, 3, 2, padding=1, bias=False),
    "Strided, kernel 2S": nn.Conv2d(1, 1, 4, 2, padding=1, bias=False),
    "Convolve, then average": nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, bias=False), nn.AvgPool2d(2)),
}}

# The table: entries, sums and squared sums of each output's row of the matrix, or of each input's column.
table = {{
    {table}
}}
for (name, where), seen in table.items():
    n = 12 if where == "output" else 24
    layer = ways[name](1, {seed}) if where == "output" else drawn(down[name], {seed})
    with torch.no_grad():
        matrix = layer.double()(torch.eye(n * n, dtype=torch.float64).reshape(-1, 1, n, n)).reshape(n * n, -1)
    matrix = matrix if where == "output" else matrix.T
    for row, figure in zip(((matrix != 0).double().sum(0), matrix.sum(0), matrix.square().sum(0).sqrt()), seen):
        assert abs(unevenness(row.reshape(24, 24)[4:-4, 4:-4], (2, 2)) - figure) < 6e-4, (name, where)

strided = nn.Conv2d(1, 1, 3, 2, bias=False)
nn.init.ones_(strided.weight)
image = torch.zeros(1, 1, 13, 13, requires_grad=True)
strided(image).sum().backward()
assert torch.equal(image.grad[0, 0], torch.outer(*2 * [torch.tensor([1.0, 1, *[2, 1] * 5, 1])]))

# The generators: from a code of {channels} numbers for each 4 × 4 patch to a picture.
{picture}

target = picture()
turn = torch.randn(16, {channels}, generator=torch.Generator().manual_seed({seed}), dtype=torch.float64)
code = torch.einsum("nphw,pc->nchw", F.pixel_unshuffle(target, 4), torch.linalg.qr(turn)[0])
latent = torch.Generator().manual_seed({seed})
torch.rand(1, {channels}, 8, 8, generator=latent)
flat = torch.rand(1, {channels}, 1, 1, generator=latent).expand(-1, -1, 8, 8).double()


def pattern(network):
    with torch.no_grad():
        return unevenness(network(flat)[0, 0, 8:-8, 8:-8], (4, 4))


shown = {{  # unevenness with random weights, and trained
    {generators}
}}
assert ways.keys() == shown.keys()
for name, (random, trained) in shown.items():
    network = nn.Sequential(
        ways[name]({channels}, {seed}),
        nn.ReLU(),
        ways[name]({channels}, {seed} + 1),
        drawn(nn.Conv2d({channels}, 1, 1, bias=False), {seed} + 2),
    ).double()
    assert abs(pattern(network) - random) < 6e-4, name
    optimizer = torch.optim.Adam(network.parameters(), lr={lr})
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, {steps})
    for _ in range({steps}):
        optimizer.zero_grad()
        F.mse_loss(network(code), target).backward()
        optimizer.step()
        schedule.step()
    assert abs(pattern(network) - trained) < 6e-4, name
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
    pixels: np.ndarray,
    *,
    channels: int,
    steps: int,
    lr: float,
    seed: int,
) -> str:
    """The part on the checkerboard: counts, unevenness, cures and generators; asserts every number on the screen.

    Args:
        kernel, stride: one number per axis.
        levels: what ``upsampling.stacked`` found after each layer.
        axes: for each axis kernel, stride, an input size with an interior, and that interior after each layer.
        table: name, "output" or "gradient", and unevenness of counts, of a flat signal and of white noise.
        generators: name -> unevenness with random weights and trained.
        pixels: (H, W) of uint8, what the generators learn to draw.
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
        picture=_embedded(pixels[..., None]),
        channels=channels,
        steps=steps,
        lr=lr,
        seed=seed,
    )


def _embedded(pixels: np.ndarray) -> str:
    """Lines that define ``picture()``, which returns ``pixels`` (H, W, C) of uint8 as (C, 1, H, W), 0 to 1.

    Differences along each row, packed: about half the bytes of the picture, and no library but torch is needed.
    """
    steps = np.diff(pixels, axis=1, prepend=np.zeros_like(pixels[:, :1]))
    packed = base64.b85encode(lzma.compress(steps.tobytes(), preset=9)).decode("ascii")
    lines = "\n".join(packed[i : i + 110] for i in range(0, len(packed), 110))
    return f'''PICTURE = """
{lines}
"""


def picture():
    steps = lzma.decompress(base64.b85decode(PICTURE.replace("\\n", "")))
    values = torch.frombuffer(bytearray(steps), dtype=torch.uint8).reshape{pixels.shape}
    return ((values.long().cumsum(1) % 256).double() / 255).permute(2, 0, 1)[:, None]
'''


def _numbers(values: np.ndarray) -> str:
    """An array as a literal that gives back every bit."""
    return repr(np.asarray(values, dtype=float).tolist())


UNEVENNESS = """def unevenness(values, s):
    \"\"\"The part of the root mean square that repeats every s cells.\"\"\"
    h, w = (n - n % s for n in values.shape[-2:])
    values = values[..., :h, :w]
    phases = values.reshape(*values.shape[:-2], h // s, s, w // s, s).mean((-4, -2))
    pattern = ((phases - phases.mean((-2, -1), keepdim=True)) ** 2).mean()
    return (pattern / (values**2).mean()).sqrt().item()
"""

COMPARED = """import base64
import lzma
from math import log10

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

S = {scale}


{unevenness}

{picture}

high = picture()
high = high[..., : high.shape[2] // S * S, : high.shape[3] // S * S].contiguous()
low = F.avg_pool2d(high, S)

tent = 1 - (torch.arange(2 * S - S % 2, dtype=torch.float64) - (2 * S - S % 2 - 1) / 2).abs() / S
bilinear = nn.ConvTranspose2d(1, 1, len(tent), S, padding=S // 2, bias=False)
transposed = nn.ConvTranspose2d(1, 1, 2 * S, S, padding=(S + 1) // 2, output_padding=S % 2, bias=False)
resize = nn.Sequential(nn.Upsample(scale_factor=S), nn.Conv2d(1, 1, 3, padding=1, bias=False))
shuffle = nn.Sequential(nn.Conv2d(1, S**2, 3, padding=1, bias=False), nn.PixelShuffle(S))

# The learned kernels: least squares on this very picture.
weights = {{
    {weights}
}}
with torch.no_grad():
    for layer in (bilinear, transposed, resize, shuffle):
        layer.double()
    bilinear.weight.copy_(torch.outer(tent, tent))
    transposed.weight.copy_(torch.tensor(weights["transposed"]))
    resize[1].weight.copy_(torch.tensor(weights["resize"]))
    shuffle[0].weight.copy_(torch.tensor(weights["pixel_shuffle"]))


def unpooled():
    small, places = F.max_pool2d(high, S, return_indices=True)
    return F.max_unpool2d(small, places, S)


def entries(mode):
    \"\"\"Weights of an interpolation that are not zero, for all colours.\"\"\"
    count = len(low)
    for n in low.shape[2:]:
        line = torch.eye(n, dtype=torch.float64)[:, None, None]
        line = F.interpolate(line, scale_factor=(1.0, float(S)), mode=mode, align_corners=False)
        count *= line.count_nonzero().item()
    return count


def counted(layer):
    with FlopCounterMode(display=False) as counter:
        layer(low)
    return counter.get_total_flops() // 2


ways = {{
    "Nearest": (F.interpolate(low, scale_factor=S), None, 0),
    "Bilinear": (F.interpolate(low, scale_factor=S, mode="bilinear", align_corners=False), None, entries("bilinear")),
    "Bicubic": (F.interpolate(low, scale_factor=S, mode="bicubic", align_corners=False), None, entries("bicubic")),
    "Max-unpooling": (unpooled(), None, 0),
    "Transposed, bilinear kernel": (bilinear(low), bilinear, counted(bilinear)),
    "Transposed, learned": (transposed(low), transposed, counted(transposed)),
    "Resize, then convolve, learned": (resize(low), resize, counted(resize)),
    "Pixel shuffle, learned": (shuffle(low), shuffle, counted(shuffle)),
}}
shown = {{  # PSNR in dB, parameters, MACs, pattern
    {shown}
}}
assert ways.keys() == shown.keys()
for name, (made, layer, macs) in ways.items():
    made = made.detach()
    exact = (made - high).abs().max() < {rounding}  # nothing but rounding is left
    psnr = float("inf") if exact else -10 * log10(((made.clamp(0, 1) - high) ** 2).mean().item())
    parameters = sum(p.numel() for p in layer.parameters()) if layer else 0
    found = (psnr, parameters, macs, 0 if exact else unevenness((made - high)[:, 0], S))
    for ours, seen, near in zip(found, shown[name], (0.006, 0, 0, 0.0006), strict=True):
        assert ours == seen or abs(ours - seen) <= near, (name, found)

# No kernel does better: at the learned ones the error has no slope.
for layer in (transposed, resize, shuffle):
    (slope,) = torch.autograd.grad(F.mse_loss(layer(low), high), list(layer.parameters()))
    assert slope.abs().max() < 1e-6

# A tent makes the transposed convolution bilinear interpolation, but for the border.
grey = low.mean(0, keepdim=True)
difference = bilinear(grey).detach() - F.interpolate(grey, scale_factor=S, mode="bilinear", align_corners=False)
inside = (..., slice(S // 2, -(S // 2)), slice(S // 2, -(S // 2)))
assert difference[inside].abs().max() < 1e-9
assert abs(difference.abs().max() - {border!r}) < 1e-9

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
    pixels: np.ndarray,
    scale: int,
    rows: Sequence[dict],
    border: float,
    shuffle: int,
    positions: Sequence[tuple[bool, np.ndarray]],
    size: int,
    zoom: int,
) -> str:
    """The comparison on this picture, which the script carries; asserts every number of the table, and what follows.

    Args:
        pixels: (H, W, 3) of uint8.
        rows: for each way to enlarge, its ``title``, ``psnr``, ``parameters``, ``macs``, ``pattern``, and, of a learned
            one, ``name`` and ``weight`` (array).
        border: the largest difference between the tent kernel and bilinear interpolation.
        shuffle: the factor of the pixel shuffle that is drawn.
        positions: (align_corners, where the outputs sample) for ``size`` pixels enlarged ``zoom`` times.
    """
    fitted = (f'"{one["name"]}": {_numbers(one["weight"])},' for one in rows if one.get("weight") is not None)
    shown = (
        f'"{one["title"]}": ({one["psnr"]:.2f}, {one["parameters"]}, {one["macs"]}, {one["pattern"]:.3f}),'
        if math.isfinite(one["psnr"])
        else f'"{one["title"]}": (float("inf"), {one["parameters"]}, {one["macs"]}, {one["pattern"]:.3f}),'
        for one in rows
    )
    return COMPARED.format(
        scale=scale,
        unevenness=UNEVENNESS,
        picture=_embedded(pixels),
        weights="\n    ".join(fitted),
        shown="\n    ".join(shown),
        border=border,
        rounding=ROUNDING,
        factor=shuffle,
        size=size,
        zoom=zoom,
        positions=repr([(on, np.asarray(values).tolist()) for on, values in positions]),
    )


LEARNED = """{imports}import math

import torch
from torch import nn
from torch.nn import functional as F

S, K, STEPS = {scale}, {kernel}, {steps}


{unevenness}
{data}

layer = nn.ConvTranspose2d(1, 1, K, S, padding=(K - S + 1) // 2, output_padding=(K - S) % 2, bias=False)
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
assert abs(unevenness(flat, S) - {uneven!r}) < 5e-4
"""

NOISE = """
drawn = torch.Generator().manual_seed({seed})
x = torch.randn(8, 1, 16, 16, dtype=torch.float64, generator=drawn)
wanted = F.interpolate(x, scale_factor=S, mode="bilinear", align_corners=False)"""

PATCHES = """
{picture}

high = picture()
high = high[..., : high.shape[2] // S * S, : high.shape[3] // S * S].contiguous()
low = F.avg_pool2d(high, S)
drawn = torch.Generator().manual_seed({seed})
h, w = (min(24, n) for n in low.shape[2:])
x, wanted = [], []
for _ in range(24):
    limits = (len(low), low.shape[2] - h + 1, low.shape[3] - w + 1)
    n, top, left = (int(torch.randint(limit, (1,), generator=drawn)) for limit in limits)
    x.append(low[n, :, top : top + h, left : left + w])
    wanted.append(high[n, :, top * S : (top + h) * S, left * S : (left + w) * S])
x, wanted = torch.stack(x), torch.stack(wanted)"""


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
) -> str:
    """The training run that is shown, as far as it went; asserts the losses of its curve, its kernel, its checkerboard.

    Args:
        weight: the kernel that is shown, in torch's layout.
        uneven: unevenness of what it makes of a flat image.
        losses: by step, those of the curve; empty before the first training.
        floor: the error of the best kernel; asserted to be below every loss.
        pixels: the picture that it learns from; bilinear interpolation of noise if left out.
    """
    done = max(losses, default=0)
    chosen, more = {"adam": ("Adam", ""), "momentum": ("SGD", ", momentum=0.9"), "sgd": ("SGD", "")}[optimizer]
    data = NOISE.format(seed=seed) if pixels is None else PATCHES.format(seed=seed, picture=_embedded(pixels))
    checks = ""
    if losses:
        checks = f"""shown = {dict(losses)!r}
for step, value in shown.items():
    assert math.isclose(losses[step], value, rel_tol=1e-3, abs_tol=1e-9), (step, losses[step], value)
"""
        if floor is not None:
            checks += f"assert {floor!r} < min(losses) + 1e-9  # the best that any kernel can do\n"
    return LEARNED.format(
        imports="" if pixels is None else "import base64\nimport lzma\n",
        scale=scale,
        kernel=kernel,
        steps=steps,
        seed=seed,
        lr=lr,
        optimizer=chosen,
        more=more,
        done=done,
        data=data,
        unevenness=UNEVENNESS,
        checks=checks,
        weight=_numbers(weight),
        uneven=uneven,
    )
