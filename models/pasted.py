"""Pasted numbers as the input or the weights of a layer, which takes over their size."""

from __future__ import annotations

from math import prod

from models.lab import weight_shapes, weights_of
from models.share import Scene
from models.sources import TableError, read_table
from models.spec import LayerSpec, SpecError


def with_input(scene: Scene, text: str) -> Scene:
    """The scene with a pasted table as its input; the layer's input size follows it.

    Raises:
        TableError, SpecError: where the table cannot be read, or the layer does not take its size.
    """
    table, dims = read_table(text), scene.spec.dims
    if table.ndim == dims + 1:
        channels, size = table.shape[0], table.shape[1:]
    elif table.ndim == dims:
        channels, size = 1, table.shape
    elif table.ndim < dims:
        channels, size = 1, (1,) * (dims - table.ndim) + table.shape
    else:
        wanted = "one row" if dims == 1 else "a table without slices"
        raise TableError(f"The table has {table.ndim} axes and this layer's input has {dims}: paste {wanted}.")
    spec = _sized(scene.spec, input_size=size, in_channels=channels)
    own = table.reshape(channels, *size)
    return Scene(spec, "own", scene.weights, scene.seed, own, scene.own_weights)


def with_weights(scene: Scene, text: str) -> Scene:
    """The scene with a pasted table as its kernel: all weights at once, or one kernel for every pair of channels.

    Raises:
        TableError, SpecError: where the table cannot be read, or the layer does not take its size.
    """
    table, spec = read_table(text), scene.spec
    name = next(n for n in weight_shapes(spec) if n.endswith("weight"))
    shape = weight_shapes(spec)[name]
    if table.size == shape[0] * shape[1] * prod(shape[2:]) and table.ndim != spec.dims:
        values = table.reshape(shape)
    else:
        if table.ndim > spec.dims:
            raise TableError(f"The weights have shape {shape}: paste {prod(shape)} numbers, or one kernel.")
        kernel = table.reshape((1,) * (spec.dims - table.ndim) + table.shape)
        if kernel.shape != spec.kernel_size:
            if "kernel_size" not in spec.settings():
                raise TableError(f"This layer's kernel is {spec.kernel_size[0]}: paste {prod(shape)} numbers.")
            spec = spec.change(kernel_size=kernel.shape)
        shape = weight_shapes(spec)[name]
        values = kernel.reshape(1, 1, *kernel.shape).repeat(shape[0], 0).repeat(shape[1], 1)
    after = Scene(spec, scene.input, scene.weights, scene.seed, scene.own_input, scene.own_weights)
    own = weights_of(after) | {name: values.astype(float)}
    return Scene(spec, scene.input, "own", scene.seed, scene.own_input, own)


def _sized(spec: LayerSpec, **size) -> LayerSpec:
    """The layer for an input of another size; channel settings that follow from the input's give way."""
    try:
        return spec.change(**size)
    except SpecError:
        moved, _ = spec.nearest(**size)
        if all(getattr(moved, name) == value for name, value in size.items()):
            return moved
        raise
