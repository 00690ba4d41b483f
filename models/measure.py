"""Shape, parameters, cost and memory of any network, layer by layer, read off the network itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter
from torch.nn.utils.parametrize import is_parametrized
from torch.utils.flop_counter import FlopCounterMode

from models.device import private_copy

FREE = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.Embedding)
"""Layers with weights and no MACs by definition: only convolutions, linear layers and attention are counted."""


@dataclass(frozen=True)
class LayerMeasurement:
    """One layer of a network: ``macs`` is None where it cannot be counted."""

    name: str
    kind: str
    input_shape: tuple[int, ...] | None
    output_shape: tuple[int, ...] | None
    parameters: int
    macs: int | None
    activations: int


@dataclass(frozen=True)
class Measurement:
    """What a network does to one input shape.

    Attributes:
        output_shape: batch axis included.
        parameters: learned numbers, shared ones once.
        macs: multiply–accumulates as the dense kernel does them, padding included, bias additions not counted, of
            convolutions, linear layers and attention: half of what torch's ``FlopCounterMode`` counts; of
            ``torch.cdist``, one for each coordinate of each pair of points. Those of the layers in ``uncounted`` are
            missing.
        activations: numbers in the outputs of all layers, for this input.
        layers: one ``LayerMeasurement`` per innermost layer, in the order of execution.
        uncounted: names of the layers that could not be counted. Empty: ``macs`` is complete.
    """

    output_shape: tuple[int, ...]
    parameters: int
    macs: int
    activations: int
    layers: list[LayerMeasurement] = field(repr=False)
    uncounted: tuple[str, ...] = ()


class _HereAlone:
    """Stands in for the module tracker of ``FlopCounterMode``, whose hooks would run in every thread of the process."""

    parents = frozenset({"Global"})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def _distances(one: Sequence[int], *_: Any, out_shape: Sequence[int], **__: Any) -> int:
    """FLOPs of ``torch.cdist``, of which ``FlopCounterMode`` counts nothing: each distance is a sum over the M
    coordinates of two points, as each number of the product x·yᵀ is. Source: torch.cdist's page, B × P × M and
    B × R × M to B × P × R."""
    return 2 * torch.Size(out_shape).numel() * one[-1]


_OWN_COUNTS = {torch.ops.aten._cdist_forward: _distances, torch.ops.aten._euclidean_dist: _distances}


_PLAIN = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish, nn.Sigmoid, nn.Tanh)
"""Layers whose answer has the shape of the input, whatever that is."""


_PLAIN_FUNCTIONS = frozenset(
    [F.relu, F.relu6, F.leaky_relu, F.elu, F.gelu, F.silu, F.hardswish, torch.relu, torch.sigmoid, torch.tanh]
)


def same_shape(function: Any, args: Sequence[Any], settings: Mapping[str, Any]) -> bool:
    """Whether a function on paper answers with the shape that it is given: torch runs each as a dozen of others."""
    x = args[0] if len(args) == 1 and settings.keys() <= {"inplace"} and function in _PLAIN_FUNCTIONS else None
    return isinstance(x, torch.Tensor) and x.is_meta and x.is_floating_point()


def quicken(ghost: nn.Module) -> None:
    """Let norms and activations answer with a shape alone: on the meta device torch runs each as a dozen functions."""
    for layer in ghost.modules():
        kind: type = type(layer)
        if kind is nn.Embedding and ghost.__dict__.get("_others"):
            layer.forward = _whole_numbers(layer.forward)
        if kind in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d) and layer.track_running_stats:
            layer.forward = _shape_alone(layer, layer.forward)
        elif kind in _PLAIN:
            layer.forward = _same


def kind_of(layer: nn.Module) -> str:
    """The name of a layer's class, also where torch has given it another, as its weight is worked out from others."""
    name = type(layer).__name__
    return name.removeprefix("Parametrized") if is_parametrized(layer) else name


def _whole_numbers(forward: Callable[[torch.Tensor], torch.Tensor]):
    """Of which kind a second input is, its shape does not say: what an embedding is given is taken for places."""
    return lambda x: forward(x.long())


def _same(x: torch.Tensor) -> torch.Tensor:
    return x


def _shape_alone(layer: Any, forward: Callable[[torch.Tensor], torch.Tensor]):
    def answer(x: torch.Tensor) -> torch.Tensor:
        layer._check_input_dim(x)
        # torch itself shall say what is wrong with other channels.
        return x if x.shape[1] == layer.num_features else forward(x)

    return answer


def ghost_of(module: nn.Module) -> nn.Module:
    """A copy on the meta device, in evaluation mode, that answers with shapes as fast as it can."""
    ghost = private_copy(module, torch.device("meta")).eval()
    quicken(ghost)
    return ghost


@contextmanager
def on_paper(module: nn.Module) -> Iterator[tuple[Any, Callable[[], int]]]:
    """A copy of the network on the meta device, in evaluation mode, and what tells how many MACs were done so far.

    torch's own shapes and counts, without memory or time. ``module`` is left alone.
    """
    # Calling an inference tensor's network from outside inference mode would fail on its copy.
    with torch.inference_mode(False), torch.no_grad():
        ghost = ghost_of(module)
        counter = FlopCounterMode(display=False, custom_mapping=_OWN_COUNTS)
        # torch writes down the class of its own tracker alone.
        counter.mod_tracker = _HereAlone()  # pyright: ignore[reportAttributeAccessIssue]
        with counter:
            yield ghost, lambda: int(counter.get_total_flops()) // 2


def blank(module: nn.Module, input_shape: Sequence[int]) -> torch.Tensor:
    """An input of this shape without numbers, of the kind that the network's weights are; whole numbers where its first
    layer looks them up."""
    first = next((layer for layer in module.modules() if any(True for _ in layer.parameters(recurse=False))), None)
    dtype = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)
    words = type(first) is nn.Embedding or getattr(module, "takes_words", bool)()
    return torch.empty(tuple(input_shape), device="meta", dtype=torch.long if words else dtype)


def settled(module: nn.Module, input_shape: Sequence[int]) -> nn.Module:
    """The network with its lazy layers made for an input of this shape, on the meta device; itself where it has none.

    Those that a shape does not reach stay as they are, without weights.
    """
    if not any(isinstance(layer, LazyModuleMixin) for layer in module.modules()):
        return module
    module = private_copy(module, torch.device("meta")).eval()
    made_late = UninitializedParameter, UninitializedBuffer
    own: list[dict[str, Any]] = [names for layer in module.modules() for names in (layer._parameters, layer._buffers)]
    lazy = [(names, name) for names in own for name, weight in names.items() if isinstance(weight, made_late)]
    for names, name in lazy:  # torch makes each what it is to be in its place
        names[name] = type(names[name])(device=torch.device("meta"))
    with torch.inference_mode(False), torch.no_grad(), suppress(Exception):  # a network refuses with whatever it likes
        module(blank(module, input_shape))
    for names, name in lazy:
        if isinstance(names[name], made_late):
            names[name] = None
    return module


def measure(module: nn.Module, input_shape: Sequence[int]) -> Measurement:
    """Send an input of this shape through the network, on paper, and write down what happened.

    Args:
        module: any network that takes one tensor.
        input_shape: ``(N, C, *spatial)``.

    Raises:
        RuntimeError, ValueError: torch's own, if the network does not take the shape.
    """
    with on_paper(module) as (ghost, done):
        rows: list[LayerMeasurement] = []
        for name, layer in ghost.named_modules():
            whole = isinstance(layer, nn.MultiheadAttention) or is_parametrized(layer)
            if (whole or not any(True for _ in layer.children())) and ".parametrizations." not in f".{name}.":
                _watch(name, layer, done, rows)
        out = ghost(blank(module, input_shape))
        macs = done()
    out = out[0] if isinstance(out, tuple | list) else out
    activations = sum(row.activations for row in rows) or out.numel()
    return Measurement(
        output_shape=tuple(out.shape),
        parameters=sum(p.numel() for p in module.parameters()),
        macs=macs,
        activations=activations,
        layers=rows,
        uncounted=tuple(row.name for row in rows if row.macs is None),
    )


def counted(layer: nn.Module, macs: int) -> int | None:
    """The MACs of a layer, or None where the counter may have missed some: it has weights and is of no known kind."""
    own = any(p.numel() for p in layer.parameters())
    known = macs > 0 or isinstance(layer, FREE) or (not own and _of_torch(layer))
    return macs if known else None


def _of_torch(layer: nn.Module) -> bool:
    kinds = type(layer).__mro__[: -len(nn.Module.__mro__)]
    return any(kind.__module__.startswith(("torch.nn.", "torchvision.")) for kind in kinds)


def _watch(name: str, layer: nn.Module, done: Callable[[], int], rows: list[LayerMeasurement]) -> None:
    before: list[int] = []

    def enter(_, __):
        before.append(done())

    def leave(_, inputs, output):
        out = output[0] if isinstance(output, tuple | list) else output
        rows.append(
            LayerMeasurement(
                name or type(layer).__name__,
                kind_of(layer),
                tuple(inputs[0].shape) if inputs and isinstance(inputs[0], torch.Tensor) else None,
                tuple(out.shape) if isinstance(out, torch.Tensor) else None,
                sum(p.numel() for p in layer.parameters()),
                counted(layer, done() - before.pop()),
                out.numel() if isinstance(out, torch.Tensor) else 0,
            )
        )

    layer.register_forward_pre_hook(enter)
    layer.register_forward_hook(leave)
