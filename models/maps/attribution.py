"""What decides: class scores, and four ways to ask which pixels a score hangs on, with the check that they mean it.

Occlusion covers a place and sees what the score loses (Zeiler and Fergus, ECCV 2014, https://arxiv.org/abs/1311.2901).
Gradients say which pixel, changed a little, would change the score most (Simonyan, Vedaldi and Zisserman 2013,
https://arxiv.org/abs/1312.6034). Grad-CAM weighs the maps of a late layer by how the score hangs on each
(Selvaraju et al., ICCV 2017, https://arxiv.org/abs/1610.02391). A picture that stays the same when the network's
weights are drawn anew explains nothing about the network (Adebayo et al., NeurIPS 2018,
https://arxiv.org/abs/1810.03292): `sanity_check` draws them anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from models.device import private_copy
from models.errors import AttributionError, runs_through
from models.learning import reset
from models.networks.answers import at_once, live, placed
from models.text import big

FILLS = ("mean", "black", "blur")
"""What covers a place: the picture's mean colour, zeros, or the picture itself, blurred."""

MOST_PLACES = 10_000


# -- scores


@dataclass(frozen=True)
class Score:
    """One class: its number, name, score as the network gives it, and probability after softmax."""

    number: int
    name: str
    score: float
    probability: float


def scores(module: nn.Module, x: Tensor, names: Sequence[str] | None = None, k: int | None = None) -> list[Score]:
    """Classes by score, highest first.

    Args:
        x: `(1, C, H, W)`. names: one per class; default: the numbers. k: only so many.

    Raises:
        AttributionError: the network gives no class scores, or there are too few names.
    """
    return ranked(_answer(module, x), names, k)


def ranked(answer: Tensor, names: Sequence[str] | None = None, k: int | None = None) -> list[Score]:
    """A network's answer to one picture, `(1, classes)`, as `scores` gives it. Raises as `scores`."""
    answer = _exact(_class_scores(answer)[0])
    if names is not None and len(names) != len(answer):
        raise AttributionError(f"There are {len(names)} names for {len(answer)} classes.")
    share, answer = answer.softmax(0).cpu(), answer.cpu()
    order = answer.argsort(descending=True, stable=True)[:k].tolist()
    return [Score(i, str(i) if names is None else names[int(i)], float(answer[i]), float(share[i])) for i in order]


def _exact(values: Tensor) -> Tensor:
    """In float64, where the device has it."""
    return values if values.device.type == "mps" else values.double()


def _ready(module: nn.Module, x: Tensor) -> Tensor:
    if x.dim() != 4 or not x.numel():
        raise AttributionError(f"A picture is (1, colours, height, width), not {list(x.shape)}.")
    return placed(module, x)


def _class_scores(answer: Any) -> Tensor:
    if not isinstance(answer, Tensor) or answer.dim() != 2:
        raise AttributionError("This network gives no class scores, one row of numbers per picture.")
    return answer


def _called(module: nn.Module, x: Tensor) -> Tensor:
    with runs_through(x, AttributionError):
        answer = module(x)
    return _class_scores(answer)


def _answer(module: nn.Module, x: Tensor) -> Tensor:
    with torch.inference_mode():
        return _called(module, _ready(module, x))


def _target(answer: Tensor, target: int | None) -> int:
    if target is None:
        return int(answer[0].argmax())
    if not 0 <= target < answer.shape[1]:
        raise AttributionError(f"There is no class {target}: this network has classes 0 to {answer.shape[1] - 1}.")
    return int(target)


# -- occlusion


@dataclass(frozen=True, eq=False)
class Occlusion:
    """The state after some of the places.

    heat: `(H, W)`, how much the class's score falls while a pixel is covered, averaged over the covers that held it;
        NaN where none has yet. Negative: the score rises without it.
    drops: `(rows, columns)` of the places, NaN where not yet done. Place (i, j) covers rows `tops[i]` to
        `tops[i] + patch − 1`, likewise columns `lefts[j]`.
    score: of the uncovered picture. done, total: places.
    """

    heat: np.ndarray
    drops: np.ndarray
    tops: tuple[int, ...]
    lefts: tuple[int, ...]
    patch: int
    target: int
    score: float
    done: int
    total: int


def occlusion(
    module: nn.Module,
    x: Tensor,
    target: int | None = None,
    *,
    patch: int | None = None,
    stride: int | None = None,
    fill: str = "mean",
    batch: int = 16,
) -> Iterator[Occlusion]:
    """Cover one place after another, and see what the class's score loses: one state per batch of places.

    Args:
        x: `(1, C, H, W)`; target: the class, default: the highest.
        patch: side of the cover in pixels, default: a sixth of the shorter side. stride: from cover to cover, default:
            half the cover. Covers at the far borders are moved inwards, so that every pixel is covered.
        fill: one of `FILLS`.
        batch: covers from state to state; as many share a forward pass as are done fastest.

    Raises:
        AttributionError: settings that do not fit, or more than 10,000 places.
    """
    image = _ready(module, x[:1]).detach()
    height, width = image.shape[2:]
    patch = max(1, min(height, width) // 6) if patch is None else int(patch)
    stride = max(1, patch // 2) if stride is None else int(stride)
    if not 1 <= patch <= min(height, width) or not 1 <= stride <= patch or batch < 1:
        raise AttributionError(
            f"A cover of {patch} pixels moved by {stride} does not fit {height} × {width}: use a cover up to "
            f"{min(height, width)} and move it by no more than its side."
        )
    tops, lefts = _places(height, patch, stride), _places(width, patch, stride)
    total = len(tops) * len(lefts)
    if total > MOST_PLACES:
        raise AttributionError(f"{big(total)} places are too many: use a larger cover, or move it further.")
    cover = _cover(image, fill)
    answer = _answer(module, image)
    target = _target(answer, target)

    def read(logits: Tensor) -> np.ndarray:
        return _exact(logits)[:, target].cpu().numpy()

    score = float(read(answer)[0])
    drops = np.full(total, np.nan)
    summed, counts = np.zeros((height, width)), np.zeros((height, width))
    some = at_once(image)
    for start in range(0, total, batch):
        places = range(start, min(start + batch, total))
        for at in range(0, len(places), some):
            now = places[at : at + some]
            with torch.inference_mode():
                under = torch.zeros(len(now), 1, height, width, dtype=torch.bool)
                for row, place in enumerate(now):
                    under[(row, 0, *_here(place, tops, lefts, patch))] = True
                covered = torch.where(under.to(image.device), cover, image)
                drops[list(now)] = score - read(_called(module, covered))
        for place in places:
            here = _here(place, tops, lefts, patch)
            summed[here] += drops[place]
            counts[here] += 1
        heat = np.where(counts > 0, summed / np.maximum(counts, 1), np.nan)
        grid = drops.reshape(len(tops), len(lefts)).copy()
        yield Occlusion(heat, grid, tops, lefts, patch, target, score, places[-1] + 1, total)


def _places(length: int, patch: int, stride: int) -> tuple[int, ...]:
    steps = ceil((length - patch) / stride)
    return tuple(min(i * stride, length - patch) for i in range(steps + 1))


def _here(place: int, tops: Sequence[int], lefts: Sequence[int], patch: int) -> tuple[slice, slice]:
    top, left = tops[place // len(lefts)], lefts[place % len(lefts)]
    return slice(top, top + patch), slice(left, left + patch)


def _cover(image: Tensor, fill: str) -> Tensor:
    if fill == "mean":
        return image.mean((2, 3), keepdim=True).expand_as(image)
    if fill == "black":
        return torch.zeros_like(image)
    if fill == "blur":
        planes = np.ascontiguousarray(image[0].permute(1, 2, 0).float().cpu().numpy())
        blurred = cv2.GaussianBlur(planes, (0, 0), max(image.shape[2:]) / 12).reshape(planes.shape)
        return torch.from_numpy(blurred).permute(2, 0, 1)[None].to(image)
    raise AttributionError(f"{fill!r} is no cover: use one of {', '.join(FILLS)}.")


# -- gradients


def gradient(module: nn.Module, x: Tensor, target: int | None = None) -> np.ndarray:
    """Slope of a class's score by every value of the picture: `(C, H, W)`, float32.

    Raises:
        AttributionError: no such class, or no class scores.
    """
    with torch.inference_mode(False), torch.enable_grad():
        image, _, answer = live(module, _ready(module, x), "", AttributionError)
        answer = _class_scores(answer)
        (slope,) = torch.autograd.grad(answer[0, _target(answer, target)], image)
    return slope[0].float().cpu().numpy()


def saliency(module: nn.Module, x: Tensor, target: int | None = None) -> np.ndarray:
    """`gradient`, of each pixel the largest |value| over its colours: `(H, W)`."""
    return np.abs(gradient(module, x, target)).max(0)


# -- Grad-CAM


@dataclass(frozen=True, eq=False)
class GradCam:
    """Where a late layer saw what speaks for a class.

    heat: `(H, W)` of the picture, 0 and up: the map, ReLU applied, enlarged bilinearly.
    map: `(h, w)` of the layer, signed: the maps, weighted and summed.
    weights: one per channel: mean over the map of the score's slope.
    """

    heat: np.ndarray
    map: np.ndarray
    weights: np.ndarray
    layer: str
    target: int
    score: float


def last_maps(module: nn.Module, x: Tensor) -> str:
    """The last layer that answers with a map of more than one unit: where Grad-CAM looks unless told otherwise.

    Raises:
        AttributionError: there is none.
    """
    copy, last = private_copy(module, torch.device("meta")).eval(), []  # shapes alone: nothing is computed

    def note(name):
        def hook(_module, _args, answer):
            if isinstance(answer, Tensor) and answer.dim() == 4 and answer.shape[2] * answer.shape[3] > 1:
                last.append(name)

        return hook

    for name, child in copy.named_modules():
        if name:
            child.register_forward_hook(note(name))
    _answer(copy, x)
    if not last:
        raise AttributionError("No layer of this network answers with maps.")
    return last[-1]


def grad_cam(module: nn.Module, x: Tensor, target: int | None = None, layer: str | None = None) -> GradCam:
    """Grad-CAM of one class.

    Where a mean over the map and one linear layer follow, `map` is the class activation map of Zhou et al. 2016,
    divided by the number of units, and its sum plus the linear layer's bias is the score.

    Args:
        layer: a name in `named_modules()`; default: `last_maps`.

    Raises:
        AttributionError: no such class or layer, or a layer without maps or that the score does not hang on.
    """
    return _cam(module, x, target, layer)[0]


def reasons(module: nn.Module, x: Tensor, target: int | None = None) -> tuple[np.ndarray, GradCam]:
    """`saliency` and `grad_cam` of one class, from one pass. Raises what they do."""
    cam, (slope,) = _cam(module, x, target, None, pixels=True)
    return slope[0].abs().amax(0).float().cpu().numpy(), cam


def _cam(
    module: nn.Module, x: Tensor, target: int | None, layer: str | None, pixels: bool = False
) -> tuple[GradCam, list[Tensor]]:
    """`grad_cam`, and, if it is wanted, the score's slope by the `pixels`."""
    layer = last_maps(module, x[:1]) if layer is None else layer
    with torch.inference_mode(False), torch.enable_grad():
        image, maps, answer = live(module, _ready(module, x), layer, AttributionError)
        answer = _class_scores(answer)
        target = _target(answer, target)
        if maps is None or maps.dim() != 4:
            raise AttributionError(f"Layer {layer!r} answers with no maps: choose one before the maps are flattened.")
        slope, *by_pixel = torch.autograd.grad(
            answer[0, target], [maps, image] if pixels else [maps], allow_unused=True
        )
    if slope is None:
        raise AttributionError(f"The score does not hang on layer {layer!r}: choose another.")
    weights = slope[0].mean((1, 2))
    summed = (weights[:, None, None] * maps[0].detach()).sum(0).float()
    height, width = image.shape[2:]
    heat = cv2.resize(summed.relu().cpu().numpy(), (width, height), interpolation=cv2.INTER_LINEAR)
    cam = GradCam(
        heat, summed.cpu().numpy(), weights.float().cpu().numpy(), layer, target, float(answer[0, target].detach())
    )
    return cam, by_pixel


# -- does it mean it


METHODS: dict[str, Callable[[nn.Module, Tensor, int], np.ndarray]] = {
    "gradient": saliency,
    "grad_cam": lambda module, x, target: grad_cam(module, x, target).heat,
    "occlusion": lambda module, x, target: list(occlusion(module, x, target))[-1].heat,
}
"""Pictures `(H, W)` of what a class hangs on: `f(module, x, target)`."""


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's: 1 if two pictures order their pixels alike, 0 if they have nothing in common, −1 if opposite.

    0 where one of them is the same everywhere.
    """
    from scipy.stats import rankdata

    first, second = (rankdata(np.nan_to_num(p)) for p in (a, b))
    return float(np.corrcoef(first, second)[0, 1]) if first.std() * second.std() > 0 else 0.0


@dataclass(frozen=True, eq=False)
class SanityStep:
    """One step of the check.

    layers: whose weights have been drawn anew so far, from the last one on; empty at first.
    picture: `(H, W)`, the method's. likeness: its `rank_correlation` with the first one.
    done, total: layers.
    """

    layers: tuple[str, ...]
    picture: np.ndarray
    likeness: float
    done: int
    total: int


def sanity_check(
    module: nn.Module,
    x: Tensor,
    method: str | Callable[[nn.Module, Tensor, int], np.ndarray] = "gradient",
    target: int | None = None,
    *,
    steps: int = 6,
) -> Iterator[SanityStep]:
    """Draw the network's weights anew, from its last layer to its first, and watch the explanation change.

    Cascading randomisation after Adebayo et al. A method whose picture hardly changes shows the picture's edges, not
    the network's reasons.

    Args:
        method: one of `METHODS`, or a function like them. target: the class, default: the highest at the start.
        steps: into so many equal parts the layers are divided; all are drawn anew at the last.

    Raises:
        AttributionError: no such method, or the network has no weights.
    """
    if isinstance(method, str):
        if method not in METHODS:
            raise AttributionError(f"{method!r} is no method: use one of {', '.join(METHODS)}.")
        method = METHODS[method]
    target = _target(_answer(module, x[:1]), target)
    with torch.inference_mode(False):
        copy = private_copy(module).eval()
        learned = [n for n, m in copy.named_modules() if _has_kernel(m)][::-1]
        if not learned or steps < 1:
            raise AttributionError("There is nothing to draw anew: the network has no weights, or steps is below 1.")
        first = method(copy, x[:1], target)
        yield SanityStep((), first, 1.0, 0, len(learned))
        done = 0
        for step in range(1, min(steps, len(learned)) + 1):
            until = round(step * len(learned) / min(steps, len(learned)))
            for number in range(done, until):
                _redraw(copy.get_submodule(learned[number]), number)
            done = until
            picture = method(copy, x[:1], target)
            yield SanityStep(tuple(learned[:done]), picture, rank_correlation(first, picture), done, len(learned))


def _redraw(layer: nn.Module, seed: int) -> None:
    """New weights for one layer of a copy; the original's, which it shared until now, stay."""
    for name, old in list(layer.named_parameters(recurse=False)):
        setattr(layer, name, nn.Parameter(old.detach().clone(), requires_grad=False))
    reset(layer, seed)


def _has_kernel(module: nn.Module) -> bool:
    weight = module._parameters.get("weight")
    return weight is not None and weight.dim() >= 2
