"""Which layer of a network does a shape not fit, and why?

`check_network` sends a shape through an `nn.Sequential`, layer by layer, on the meta device: PyTorch itself answers
with the next shape or refuses, and no number is computed. The rules of `models.parse.faults` explain the refusal; they
never decide it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from models.device import private_copy
from models.operator import Layer, per_axis
from models.parse.faults import by, fault_of, title
from models.text import big

# What one visitor's network may cost: a gigabyte of activations, some seconds of work, four gigabytes of scratch.
MAX_ACTIVATIONS = 2**28
MAX_WORK = 2**37
MAX_SCRATCH = 2**30


@dataclass(frozen=True)
class Row:
    """One layer of a walked network.

    `name` is the path as `print(model)` shows it (`"3"`, `"features.0"`), `kind` the class name, `layer` its printed
    form. Shapes include the batch axis; a shape that is not known is None. `parameters` counts a layer's own numbers, 0
    where the same layer stood in the network before. `status` is `"ok"`, `"broken"`, `"too large"` (it fits, but up to
    here the network costs more than `MAX_ACTIVATIONS`, `MAX_WORK` or `MAX_SCRATCH`) or `"not reached"`; `message` is
    one sentence for the middle two.
    """

    name: str
    kind: str
    layer: str
    input_shape: tuple[int, ...] | None
    output_shape: tuple[int, ...] | None
    parameters: int
    status: str
    message: str = ""


def check_network(module: Layer, input_shape: Sequence[int]) -> list[Row]:
    """A row per layer of an `nn.Sequential` (nested ones laid out flat), for an input of shape `(N, C, *spatial)`.

    Layers run as in `eval()`. Nothing is allocated, and the module is not changed. Raises `ValueError` where a layer is
    built of others and is not an `nn.Sequential`, or the input shape is not made of whole numbers above 0.
    """
    shape = tuple(input_shape)
    if not shape or not all(isinstance(size, int) and size > 0 for size in shape) or math.prod(shape) > MAX_ACTIVATIONS:
        raise ValueError(
            f"The input shape {by(shape)} is not one to start from; give whole numbers above 0, batch first, "
            f"at most {big(MAX_ACTIVATIONS)} numbers in all."
        )
    rows: list[Row] = []
    seen: set[int] = set()
    arriving: tuple[int, ...] | None = shape
    activations, work = math.prod(shape), 0
    for name, layer in leaves(module):
        parameters = 0 if id(layer) in seen else sum(p.numel() for p in layer.parameters())
        seen.add(id(layer))
        leaving, status, message = None, "not reached", ""
        if arriving is not None:
            leaving, status, message = passed(layer, name, arriving)
            if leaving is not None:
                reads, scratch = _cost(layer, arriving, leaving)
                activations, work = activations + math.prod(leaving), work + reads
                if activations > MAX_ACTIVATIONS or work > MAX_WORK or scratch > MAX_SCRATCH:
                    status, message = "too large", _too_large(layer, name, leaving, activations, work)
        rows.append(Row(name, type(layer).__name__, repr(layer), arriving, leaving, parameters, status, message))
        arriving = leaving if status == "ok" else None
    return rows


def leaves(module: Layer, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The layers of an `nn.Sequential` laid out flat, with their names."""
    if isinstance(module, nn.Sequential):
        for name, child in module._modules.items():
            yield from leaves(child, f"{path}.{name}" if path else name)
    elif next(module.children(), None) is not None:
        raise ValueError(
            f"{type(module).__name__} is built of other layers; only an nn.Sequential can be walked in order."
        )
    else:
        yield path or "0", module


def passed(layer: Layer, name: str, arriving: tuple[int, ...]) -> tuple[tuple[int, ...] | None, str, str]:
    """The shape that leaves a layer, `"ok"` or `"broken"`, and for the second the sentence. Runs on the meta device."""
    refusal = ""
    if not overlooked(layer, arriving):
        twin = private_copy(layer, torch.device("meta")).eval()
        try:
            with torch.inference_mode():
                leaving = tuple(twin(torch.empty(arriving, device="meta")).shape)
        except Exception as error:  # a layer refuses with whatever it likes: AssertionError, IndexError and others
            refusal = str(error)
        else:
            if any(size < 1 for size in leaving) and not any(size < 1 for size in arriving):
                why = f"{title(layer, name)} got {by(arriving)} and nothing is left of it: {by(leaving)}."
                return None, "broken", why
            return leaving, "ok", ""
    if fault := fault_of(layer, arriving):
        return None, "broken", f"{title(layer, name)} got {by(arriving)}{fault.why}."
    words = " ".join(refusal.split()).split(". ")[0].rstrip(".")[:200]
    return None, "broken", f"{title(layer, name)} got {by(arriving)} and PyTorch refuses it: {words}."


def overlooked(layer: Layer, arriving: tuple[int, ...]) -> bool:
    """The two refusals that PyTorch makes on a real device and forgets on the meta device."""
    if isinstance(layer, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
        channel_axis = -1 - len(layer.kernel_size)
        return -channel_axis <= len(arriving) and arriving[channel_axis] != layer.in_channels
    if isinstance(layer, (nn.Softmax, nn.LogSoftmax, nn.Softmin)):
        return layer.dim is not None and not -len(arriving) <= layer.dim < len(arriving)
    return False


def _cost(layer: Layer, arriving: tuple[int, ...], leaving: tuple[int, ...]) -> tuple[int, int]:
    """Numbers a layer reads to answer, and numbers it may have to lay out on the way (im2col, copied padding)."""
    kernel = getattr(layer, "kernel_size", None)
    if kernel is None or len(arriving) < 3 or len(leaving) < 3:
        return math.prod(leaving) * getattr(layer, "in_features", 1), 0
    axes = len(arriving) - 2
    window = math.prod(per_axis(kernel, axes))
    if not hasattr(layer, "in_channels"):
        return math.prod(leaving) * window, 0
    if layer.transposed:
        read, laid_out = math.prod(arriving) * layer.out_channels, leaving[1] * math.prod(arriving[2:])
    else:
        read, laid_out = math.prod(leaving) * layer.in_channels, arriving[1] * math.prod(leaving[2:])
    padded = 0
    if layer.padding_mode != "zeros" and not isinstance(layer.padding, str):
        padded = arriving[1] * math.prod(s + 2 * p for s, p in zip(arriving[2:], layer.padding, strict=False))
    return read // layer.groups * window, max(laid_out * window, arriving[0] * padded)


def _too_large(layer: Layer, name: str, leaving: tuple[int, ...], activations: int, work: int) -> str:
    return (
        f"{title(layer, name)} gives {by(leaving)}; up to here the network holds {big(activations)} numbers and "
        f"needs {big(work)} multiplications, more than is run here: use fewer channels, a smaller input or a larger "
        "stride."
    )
