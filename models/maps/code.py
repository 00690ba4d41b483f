"""Runnable PyTorch for what the lesson on feature maps shows, ending in assertions of its numbers."""

from __future__ import annotations

import numpy as np

from models.script import in_groups


def _table(values: np.ndarray) -> str:
    rows = ("[" + ", ".join(f"{float(v):.9g}" for v in row) + "]" for row in np.asarray(values))
    return "[\n    " + ",\n    ".join(rows) + ",\n]"


def filter_code(
    opening: str, kernel: np.ndarray, padding_mode: str = "zeros", *, gradient: bool = False,
    shown: dict[str, float] | None = None,
) -> str:  # fmt: skip
    """A kernel `(height, width)` as a layer on a picture, and what can be said of its answer.

    Args:
        opening: lines that import cv2, numpy, torch and nn and make `planes`, `(N, H, W)` of float32 from 0 to 1.
        kernel: as it is laid on the picture. gradient: it is a derivative along x; its transpose is added for y.
        shown: numbers of the answer that are asserted, by the expression that gives them here.
    """
    height, width = kernel.shape
    out = 2 if gradient else 1
    lines = [
        opening,
        f"kernel = np.array({_table(kernel)}, dtype=float)",
        f"layer = nn.Conv2d(1, {out}, {(height, width)}, padding={(height // 2, width // 2)}, "
        f'padding_mode="{padding_mode}", bias=False)',
        "with torch.inference_mode():",
    ]
    if gradient:
        lines += [
            "    layer.weight.copy_(torch.from_numpy(np.stack([kernel, kernel.T])[:, None]))",
            "    right, down = layer(torch.from_numpy(planes)[:, None])[0].numpy()",
            "magnitude, angle = np.hypot(right, down), np.degrees(np.arctan2(-down, right)) % 360",
            "row, column = divmod(int(magnitude.argmax()), magnitude.shape[1])",
        ]
        last = 'print(f"steepest: {magnitude.max():.3f} at row {row}, column {column}, {angle[row, column]:.0f}°")'
        theirs = "np.stack([cv2.filter2D(planes[0], -1, one) for one in (kernel, kernel.T)])"
        ours = "np.stack([right, down])"
    else:
        lines += [
            "    layer.weight.copy_(torch.from_numpy(kernel)[None, None])",
            "    response = layer(torch.from_numpy(planes)[:, None])[:, 0].numpy()",
        ]
        last = 'print(f"from {response.min():.3f} to {response.max():.3f}, {(response < 0).mean():.0%} below zero")'
        theirs, ours = "np.stack([cv2.filter2D(plane, -1, kernel) for plane in planes])", "response"
    weight = "np.abs(kernel).sum()"
    lines += [
        f"theirs = {theirs}",
        f"difference = np.abs({ours} - theirs)",
        "",
        "# Where the window lies inside the picture; at the border OpenCV mirrors unless told otherwise.",
        f"inside = (..., slice({height // 2}, {-(height // 2) or None}), slice({width // 2}, {-(width // 2) or None}))",
        f"assert difference[inside].max() <= 1e-5 * max(1, {weight})",
    ]
    if not gradient:
        lines += [
            "# What float32 leaves of a sum that is 0 has no sign.",
            f"response[np.abs(response) <= 2 * np.finfo(np.float32).eps * {weight}] = 0",
            "rectified = nn.ReLU()(torch.from_numpy(response)).numpy()",
            "assert (rectified == np.maximum(response, 0)).all()",
        ]
    for expression, value in (shown or {}).items():
        lines.append(f"assert abs({expression} - {value:.6g}) <= 1e-5 * max(1, {weight})  # as on the screen")
    return "\n".join([*lines, last]) + "\n"


def pooling_code(opening: str, layer: str, shown: tuple[tuple[int, ...], float] | None = None) -> str:
    """The worked example of pooling and of unpooling, and one layer on a picture.

    Args:
        opening: lines that import torch and nn and make `grey`, a picture `(height, width)` from 0 to 255.
        layer: the pooling, as code. shown: shape and mean of its answer, which are asserted.
    """
    lines = [
        opening,
        "x = torch.tensor([[[[4.0, 5, 8, 7], [1, 8, 8, 8], [3, 6, 6, 4], [6, 5, 7, 8]]]])",
        "assert nn.MaxPool2d(2)(x).tolist() == [[[[8, 8], [6, 8]]]]",
        "assert nn.MaxPool2d(2, stride=1)(x).shape == (1, 1, 3, 3)  # overlapping",
        "assert nn.AvgPool2d(2)(x).tolist() == [[[[4.5, 7.75], [5, 6.25]]]]",
        "assert nn.AdaptiveAvgPool2d(1)(torch.rand(1, 10, 8, 8)).shape == (1, 10, 1, 1)  # global",
        "",
        "pooled, where = nn.MaxPool2d(2, return_indices=True)(x)",
        "back = nn.MaxUnpool2d(2)(pooled, where)",
        "assert back.count_nonzero() == 4  # the maxima, where they were",
        "",
        f"answer = {layer}(torch.from_numpy(grey).float()[None, None] / 255)[0, 0]",
    ]
    if shown is not None:
        lines += [
            f"assert answer.shape == {shown[0]}  # as on the screen",
            f"assert abs(answer.mean().item() - {shown[1]:.6g}) < 1e-5",
        ]
    lines.append('print(f"{tuple(grey.shape)} becomes {tuple(answer.shape)}, mean {answer.mean().item():.4f}")')
    return "\n".join(lines) + "\n"


_OPTIMIZERS = {
    "adam": "torch.optim.Adam([layer.weight], lr={lr:g})",
    "momentum": "torch.optim.SGD([layer.weight], lr={lr:g}, momentum=0.9)",
    "sgd": "torch.optim.SGD([layer.weight], lr={lr:g})",
}


def learning_code(
    opening: str, kernel: np.ndarray, size: int, *, steps: int, lr: float, optimizer: str, noise: float, seed: int,
    first: np.ndarray | None = None, reached: tuple[int, float, np.ndarray] | None = None,
) -> str:  # fmt: skip
    """A convolution that learns a kernel from patches before and after it, number for number as `models.learning` does.

    Args:
        opening: lines that import numpy, torch and nn and make `values`, a picture `(height, width)` with mean 0 and
            standard deviation 1.
        first: the weights at step 0. reached: updates so far, the loss and the weights there. Both are asserted.
    """
    side, reach = kernel.shape[0], size // 2
    margin = max(reach, side // 2)
    done = steps if reached is None else reached[0]
    lines = [
        opening,
        "# 32 patches, before and after the target.",
        f"generator, picture = torch.Generator().manual_seed({seed}), torch.from_numpy(values)",
        "height, width = (min(24, n) for n in picture.shape)",
        "draw = lambda limit: int(torch.randint(limit, (1,), generator=generator))",
        "patches = []",
        "for _ in range(32):",
        "    draw(1)",
        "    y, x = draw(picture.shape[0] - height + 1), draw(picture.shape[1] - width + 1)",
        "    patches.append(picture[None, y : y + height, x : x + width])",
        "before = torch.stack(patches)",
        f"target = torch.tensor({_table(kernel)}, dtype=torch.float64)",
        f"after = nn.functional.conv2d(before, target[None, None], padding={side // 2})",
    ]
    if noise:
        lines += [
            f"generator = torch.Generator().manual_seed({seed})",
            f"after += {noise:g} * after.std() * torch.randn(after.shape, dtype=after.dtype, generator=generator)",
        ]
    lines += [
        "",
        f"layer = nn.Conv2d(1, 1, {size}, padding={reach}, bias=False)",
        f"nn.init.kaiming_uniform_(layer.weight, a=5**0.5, generator=torch.Generator().manual_seed({seed}))",
        "layer.double()",
    ]
    if first is not None:
        lines += [
            f"first = np.array({_table(first)})",
            "assert np.allclose(layer.weight.detach()[0, 0], first, atol=1e-6)  # as on the screen",
        ]
    lines += [
        f"optimizer = {_OPTIMIZERS[optimizer].format(lr=lr)}",
        f"inner = (..., slice({margin}, -{margin}), slice({margin}, -{margin}))" if margin else "inner = ...",
        "losses = []",
        f"for step in range({done + 1}):",
        "    loss = nn.functional.mse_loss(layer(before)[inner], after[inner])",
        "    losses.append(loss.item())",
        f"    if step == {done}:",
        "        break",
        "    # The step falls to 0 along half a cosine.",
        f'    optimizer.param_groups[0]["lr"] = {lr:g} * (1 + np.cos(np.pi * step / {steps})) / 2',
        "    optimizer.zero_grad()",
        "    loss.backward()",
        "    optimizer.step()",
        "",
        "learned = layer.weight.detach()[0, 0].numpy()",
    ]
    if reached is not None:
        lines += [
            f"reached = np.array({_table(reached[2])})",
            "assert np.allclose(learned, reached, atol=1e-4)  # as on the screen",
            f"assert abs(losses[-1] - {reached[1]:.6g}) <= {1e-3 * reached[1] + 1e-9:.1g}",
        ]
    lines.append('print(f"loss {losses[0]:.3g} → {losses[-1]:.3g}", learned.round(2), sep="\\n")')
    return "\n".join(lines) + "\n"


_WEIGHTS_COME = "# Its weights are downloaded at the first run.\n"
_DISC = """# Put the path of a picture of yours between the quotes; without one a disc is drawn.
path = ""
if path:
    picture = Image.open(path).convert("RGB")
else:
    y, x = np.mgrid[:256, :256]
    disc = np.where(np.hypot(y - 118, x - 138)[..., None] < 76, (230, 160, 60), (40, 60, 90))
    picture = Image.fromarray(disc.astype(np.uint8))
"""


def project_opening(opening: str, name: str, trained: bool, side: int, fetched: bool) -> str:
    """Lines after those that make `source`, a picture: a network of ours, and `x`, the picture as it takes it."""
    return f"""{opening}
{_WEIGHTS_COME * (trained and fetched)}network = networks.load({name!r}, pretrained={trained})
x = networks.prepare({name!r}, source, side={side}, crop=False).x
"""


def torchvision_opening(name: str, trained: bool, side: int, *imports: str) -> str:
    """The same without a copy of this project, on a picture of the reader's own or a drawn disc."""
    weights = f"torchvision.models.get_model_weights({name!r}).DEFAULT"
    head = in_groups(["import torch", "import numpy as np", "import torchvision", "from PIL import Image", *imports])
    wanted = '"DEFAULT"' if trained else None
    return f"""{head}
{_DISC}
recipe = {weights}.transforms()
{_WEIGHTS_COME * trained}network = torchvision.models.get_model({name!r}, weights={wanted}).eval()
scale = {side} / min(picture.size)
picture = picture.resize([round(n * scale) for n in picture.size], Image.Resampling.BOX)
x = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None] / 255
x = (x - torch.tensor(recipe.mean).view(3, 1, 1)) / torch.tensor(recipe.std).view(3, 1, 1)
"""


def _close(what: str, value: float) -> str:
    """An assertion that a number is the one on the screen."""
    return f"assert abs({what} - {value:.6g}) <= {1e-3 * max(abs(value), 1e-3):.1g}  # as on the screen\n"


def maps_code(opening: str, layer: str, shape: tuple[int, ...], peaks: dict[int, float] | None) -> str:
    """The maps `(C, H, W)` of a layer of `network` for `x`, and its strongest channels.

    peaks: the largest value of each of them, largest first, where they are asserted.
    """
    code = f"""{opening}
kept = []
hook = network.get_submodule({layer!r}).register_forward_hook(lambda _m, _x, answer: kept.append(answer.clone()))
with torch.inference_mode():
    network(x)
hook.remove()

maps = kept[-1][0]
assert len(maps) == {shape[0]}
peaks = maps.flatten(1).amax(1)
strongest = peaks.argsort(descending=True).tolist()
"""
    if peaks is not None:
        code += f"assert maps.shape == {tuple(shape)}\n"
        code += "".join(_close(f"peaks[{channel}].item()", value) for channel, value in peaks.items())
    code += """print(tuple(maps.shape), "strongest channels:", strongest[:8])\n"""
    return code


def reasons_code(opening: str, layer: str, target: int, shown: tuple[float, float] | None) -> str:
    """Slopes and Grad-CAM of a class score of `network` for `x`; `copy` is imported.

    shown: score and probability, where they are asserted.
    """
    code = f"""{opening}
network = copy.deepcopy(network).double()
x = x.double().requires_grad_(True)
kept = []
network.get_submodule({layer!r}).register_forward_hook(lambda _m, _x, answer: kept.append(answer) or answer.clone())
scores = network(x)[0]
probabilities = scores.softmax(0)
assert abs(probabilities.sum().item() - 1) < 1e-9

target = {target}
"""
    if shown is not None:
        code += _close("scores[target].item()", shown[0]) + _close("probabilities[target].item()", shown[1])
    code += """maps = kept[-1]
slope, of_maps = torch.autograd.grad(scores[target], (x, maps))

# Beside the picture, for among equal pixels a maximum has several places: does the slope foretell a small step?
noise = torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(0))
near = (x + 1e-3 * noise).detach().requires_grad_(True)
there = network(near)[0, target]
(tilt,) = torch.autograd.grad(there, near)
step = 1e-6 * tilt / (tilt.norm() + 1e-30)  # a score that ReLU cut off has no slope
with torch.no_grad():
    change = (network(near + step)[0, target] - there).item()
predicted = (tilt * step).sum().item()
assert abs(change - predicted) <= 1e-2 * abs(predicted) + 1e-12

weights = of_maps[0].mean((1, 2))
heat = (weights[:, None, None] * maps[0]).sum(0).relu()
row, column = divmod(int(heat.argmax()), heat.shape[1])
peak = int(slope[0].abs().amax(0).argmax())
print(f"the slope is steepest at row {peak // x.shape[-1]}, column {peak % x.shape[-1]}")
print(f"class {target}: score {scores[target].item():.4g}, probability {probabilities[target].item():.3f}")
print(f"Grad-CAM is strongest at row {row}, column {column} of {tuple(heat.shape)}")
"""
    return code


def motion_code(
    opening: str, layer: str, motion: str, value: float, without_border: bool, error: float | None
) -> str:  # fmt: skip
    """How a layer of `network` commutes with a motion of `x`; `equivariance` and, without a border, `circular` are
    imported. error: at `value`, where it is asserted."""
    shift = without_border and motion == "shift"
    still = 1.0 if motion == "scale" else 0.0
    values = sorted({still, value, *((1, 2, 4, 8, 16, 32) if motion == "shift" else ())})
    cut = (
        ""
        if error is not None
        else """
# A picture that every stride divides.
x = x[..., : x.shape[-2] // 32 * 32, : x.shape[-1] // 32 * 32]"""
    )
    code = f"""{opening}{cut}
network = {"circular(network)" if without_border else "network"}
for point in equivariance(network, x, {layer!r}, {values}, {motion!r}):
    units = point.found.shape[-2:]
    whole = point.exact and x.shape[-2] % units[0] == 0 and x.shape[-1] % units[1] == 0
    print(f"{{point.value:g}}: error {{point.error:.4f}}" + (", whole units" if whole else ""))
    if point.value == {still}{" or whole" if shift else ""}:
        assert point.error < 1e-3
"""
    if error is not None:
        code += f"    if point.value == {value}:\n        " + _close("point.error", error)
    return code


def split_code(opening: str, kernel: np.ndarray, kept: int, rank: int, energy: float, lost: float | None = None) -> str:
    """A kernel as columns and rows: its singular values, and the largest parts as two layers on a picture.

    Args:
        opening: lines that import numpy, torch and nn and make `grey`, a picture `(height, width)` from 0 to 255.
        kept: parts. rank, energy: what must be found. lost: largest difference of the two maps, which is asserted.
    """
    height, width = kernel.shape
    lines = [
        opening,
        f"kernel = np.array({_table(kernel)}, dtype=float)",
        "columns, singular, rows = np.linalg.svd(kernel)",
        "rank = int((singular > singular.max() * max(kernel.shape) * np.finfo(float).eps).sum())",
        f"kept = {kept}",
        "energy = (singular[:kept] ** 2).sum() / (singular**2).sum()",
        'print("singular values:", singular.round(3), f"rank {rank}, {energy:.1%} of the energy kept")',
        f"assert rank == {rank} and abs(energy - {energy:.9f}) < 1e-6",
        "",
        f'size = {{"padding": ({height // 2}, {width // 2}), "padding_mode": "reflect", "bias": False}}',
        f"one = nn.Conv2d(1, 1, ({height}, {width}), **size).double()",
        f'column = nn.Conv2d(1, kept, ({height}, 1), **size | {{"padding": ({height // 2}, 0)}}).double()',
        f'row = nn.Conv2d(kept, 1, (1, {width}), **size | {{"padding": (0, {width // 2})}}).double()',
        "with torch.inference_mode():",
        "    one.weight.copy_(torch.from_numpy(kernel)[None, None])",
        "    column.weight.copy_(torch.from_numpy((columns[:, :kept] * singular[:kept]).T.copy())[:, None, :, None])",
        "    row.weight.copy_(torch.from_numpy(rows[:kept].copy())[None, :, None])",
        "    x = torch.from_numpy(grey.astype(float) / 255)[None, None]",
        "    lost = (row(column(x)) - one(x)).abs().max().item()",
        'print(f"largest difference of the two maps: {lost:.3g}")',
    ]
    if lost is not None:
        lines.append(f"assert abs(lost - {lost:.9g}) <= 1e-9 * max(1, np.abs(kernel).sum())  # as on the screen")
    return "\n".join(lines) + "\n"
