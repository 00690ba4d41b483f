"""Runnable PyTorch for what the lesson on transposed convolutions shows, ending in assertions of its numbers."""

from __future__ import annotations

from collections.abc import Sequence

from models.code import to_code
from models.lab import Lab
from models.operator import TRANSPOSED

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


def overlap_code(
    size: int, kernel: Sequence[int], stride: Sequence[int], dilation: int, layers: int, counts: Sequence[int]
) -> str:
    """The stamps that meet in each output: a layer of ones on an image of ones.

    Args:
        kernel, stride: one number per axis.
        counts: the fewest and the most that meet, over the whole output of the last layer.
    """
    dims = len(kernel)
    name = TRANSPOSED[dims - 1].__name__
    least, most = counts
    return f"""import torch
from torch import nn

layer = nn.{name}(1, 1, {tuple(kernel)}, {tuple(stride)}, dilation={dilation}, bias=False).double()
layer.requires_grad_(False)
nn.init.ones_(layer.weight)
count = torch.ones(1, 1, {", ".join([str(size)] * dims)}, dtype=torch.float64)
for _ in range({layers}):
    count = layer(count)

assert count.min() == {least}
assert count.max() == {most}
"""


def bilinear_code(scale: int) -> str:
    """A transposed convolution with a tent kernel, asserted to be bilinear interpolation in the interior."""
    kernel, padding = 2 * scale - scale % 2, (scale - scale % 2) // 2
    return f"""import torch
from torch import nn
from torch.nn import functional as F

scale = {scale}
place = (torch.arange({kernel}, dtype=torch.float64) - {(kernel - 1) / 2}) / scale
tent = 1 - place.abs()
layer = nn.ConvTranspose2d(1, 1, {kernel}, scale, padding={padding}, bias=False).double().requires_grad_(False)
layer.weight.copy_(torch.outer(tent, tent))

x = torch.rand(1, 1, 16, 16, dtype=torch.float64)
y = layer(x)
wanted = F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)

assert y.shape == wanted.shape
inside = slice(scale, -scale)
torch.testing.assert_close(y[..., inside, inside], wanted[..., inside, inside])
shuffled = nn.PixelShuffle(scale)(torch.rand(1, scale**2, 16, 16))
assert shuffled.shape == wanted.shape
"""


def learning_code(scale: int, kernel: int, steps: int, lr: float, optimizer: str, seed: int) -> str:
    """The training run on bilinear interpolation of noise; asserts that the loss has fallen."""
    spare = kernel - scale
    chosen, more = {"adam": ("Adam", ""), "momentum": ("SGD", ", momentum=0.9"), "sgd": ("SGD", "")}[optimizer]
    return f"""import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed({seed})
layer = nn.ConvTranspose2d(
    1, 1, {kernel}, {scale}, padding={(spare + 1) // 2}, output_padding={spare % 2}, bias=False
).double()
x = torch.randn(8, 1, 16, 16, dtype=torch.float64)
wanted = F.interpolate(x, scale_factor={scale}, mode="bilinear", align_corners=False)
inside = (..., slice({scale}, -{scale}), slice({scale}, -{scale}))

optimizer = torch.optim.{chosen}(layer.parameters(), lr={lr}{more})
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, {steps})
losses = []
for _ in range({steps}):
    optimizer.zero_grad()
    loss = F.mse_loss(layer(x)[inside], wanted[inside])
    loss.backward()
    optimizer.step()
    schedule.step()
    losses.append(loss.item())

assert layer(x).shape == wanted.shape
assert losses[-1] < losses[0]
"""
