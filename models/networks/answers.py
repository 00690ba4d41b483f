"""What the layers of a network answer to a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from models.device import private_copy
from models.errors import NetworkError, Refusal, runs_through


def feature_maps(module: nn.Module, x: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
    """What layers answer to `x`, by name.

    Args:
        x: `(N, C, *spatial)`, on any device; it is moved to the module's.
        layers: names as in `module.named_modules()`.

    Returns:
        In the order of `layers`; contiguous tensors of one's own, which later in-place layers have not touched. A layer
        that runs several times gives its last answer. Under `inference_mode`; the module itself is neither hooked nor
        changed, so several threads may ask the same one.

    Raises:
        NetworkError: no such layer, one that never ran or whose answer is no tensor, or an image that does not fit.
    """
    wanted = list(dict.fromkeys(layers))
    return _run(module, x, wanted, everywhere=False).maps


def placed(module: nn.Module, x: Tensor) -> Tensor:
    """`x` on the device and in the type of the module's weights."""
    parameter = next(module.parameters(), None)
    return x if parameter is None else x.to(parameter.device, parameter.dtype)


def at_once(x: Tensor) -> int:
    """How many pictures like `x` share a pass on its device: the system hands out memory for maps of more anew at each
    layer, and all take twice the time."""
    return max(1, (1 << (15 if x.device.type == "cpu" else 20)) // (x.shape[-2] * x.shape[-1]))


def part(module: nn.Module, layer: str, error: type[Refusal] = NetworkError) -> nn.Module:
    """A layer by its name in `named_modules()`; an `error` if there is none."""
    return _parts(module, [layer], error)[0]


def _parts(module: nn.Module, layers: Sequence[str], error: type[Refusal] = NetworkError) -> list[nn.Module]:
    known = dict(module.named_modules())
    if unknown := [layer for layer in layers if layer not in known]:
        raise error(f"There is no layer {unknown[0]!r} in this network; names are those of named_modules().")
    return [known[layer] for layer in layers]


def live(
    module: nn.Module, x: Tensor, layer: str, error: type[Refusal] = NetworkError
) -> tuple[Tensor, Tensor | None, Any]:
    """A pass with its graph, for `torch.autograd.grad`: the picture `x[:1]` as it goes in, what `layer` answers at its
    last run (`None`: no tensor), and what the network answers. To be called outside inference mode."""
    copy, kept = private_copy(module).eval(), []

    def keep(_module, _args, answer):
        kept.append(answer)
        return answer.clone() if isinstance(answer, Tensor) else answer  # an in-place layer may come next

    part(copy, layer, error).register_forward_hook(keep)
    with torch.enable_grad(), runs_through(x, error):
        image = placed(copy, x[:1]).detach().clone().requires_grad_(True)
        answer = copy(image)
    return image, kept[-1] if kept and isinstance(kept[-1], Tensor) else None, answer


class Survey(NamedTuple):
    """One pass through a network.

    shapes: of the maps that layers answer with, name to `(C, H, W)`, in the order in which they run; layers that hold
    no others, each named once, at its last run. maps: the answers of the layers asked for, and of those beside them.
    calls: how many layers had run when a layer had for the last time.
    """

    shapes: dict[str, tuple[int, ...]]
    maps: dict[str, Tensor]
    calls: dict[str, int]


def survey(
    module: nn.Module, x: Tensor, layers: Iterable[str] = (), beside: Iterable[str] = (), before: Survey | None = None
) -> Survey:
    """The shapes of all maps, and the answers of some layers, in one pass: `feature_maps` and all layers' names.

    Args:
        beside: further layers, whose answers are kept where they are maps.
        before: an earlier survey of the same network with as large a picture. Shapes are then known, and the pass ends
            as soon as all layers asked for have run for the last time.

    Raises:
        NetworkError: as `feature_maps`.
    """
    wanted = list(dict.fromkeys(layers))
    more = [n for n in dict.fromkeys(beside) if n not in wanted]
    calls = before.calls if before else {}
    known = all(n in calls for n in (*wanted, *more)) and bool(wanted)
    found = _run(module, x, wanted, True, more, max(calls[n] for n in (*wanted, *more)) if known else None)
    return Survey(before.shapes, found.maps, calls) if before and known else found


class _Done(Exception):
    """All that was asked for is there."""


def _run(
    module: nn.Module, x: Tensor, wanted: list[str], everywhere: bool, beside: Sequence[str] = (),
    until: int | None = None,
) -> Survey:  # fmt: skip
    copy = private_copy(module)
    answers: dict[str, Tensor] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    calls: dict[str, int] = {}
    count = 0

    def keep(name):
        def hook(_module, _args, answer):
            if isinstance(answer, Mapping):
                answer = next(iter(answer.values()))
            if isinstance(answer, (tuple, list)):
                answer = answer[0]
            if isinstance(answer, Tensor):
                answers[name] = answer.clone(memory_format=torch.contiguous_format)

        return hook

    def note(name):
        def hook(_module, _args, answer):
            nonlocal count
            count += 1
            if isinstance(answer, Tensor) and answer.dim() == 4:
                shapes.pop(name, None)
                shapes[name] = tuple(answer.shape[1:])
                calls[name] = count
            if count == until:
                raise _Done

        return hook

    kept = [*wanted, *beside]
    for name, layer in zip(kept, _parts(copy, kept), strict=True):
        layer.register_forward_hook(keep(name))
    if everywhere:
        for name, child in copy.named_modules():
            if name and next(child.children(), None) is None:
                child.register_forward_hook(note(name))
    with torch.inference_mode(), runs_through(x, NetworkError), suppress(_Done):
        copy(placed(copy, x))
    if silent := [n for n in wanted if n not in answers]:
        raise NetworkError(
            f"Layer {silent[0]!r} gave no tensor: it did not run in evaluation mode, or answers something else."
        )
    return Survey(shapes, {name: answers[name] for name in (*wanted, *(n for n in beside if n in shapes))}, calls)
