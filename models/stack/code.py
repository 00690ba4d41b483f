"""A stack as runnable PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.stack.layers import Stack, StackLayer


def _layer_code(layer: StackLayer, dims: int, channels: int) -> list[str]:
    """The torch calls of one layer."""
    pads = [layer.along(axis).pads for axis in range(dims)]
    calls = []
    padding = tuple(before for before, _ in pads)
    if any(before != after for before, after in pads):
        # torch counts padding from the last axis
        around = tuple(n for pair in reversed(pads) for n in pair)
        calls.append(f"nn.ConstantPad{dims}d({around}, 0.0)")
        padding = (0,) * dims
    padding = padding[0] if len(set(padding)) == 1 else padding
    settings = [f"stride={layer.stride}"] if layer.stride != (layer.kernel_size if layer.pool else 1) else []
    settings += [f"padding={padding}"] if padding else []
    settings += [f"dilation={layer.dilation}"] if layer.dilation != 1 else []
    if layer.pool:
        name, first = {"m": "MaxPool", "a": "AvgPool"}[layer.kind], [str(layer.kernel_size)]
    else:
        name = {"c": "Conv", "t": "ConvTranspose"}[layer.kind]
        first = [str(channels), str(channels), str(layer.kernel_size)]
        settings.append("bias=False")
    return [*calls, f"nn.{name}{dims}d({', '.join([*first, *settings])})"]


def _cut(stack: Stack, number: int) -> str:
    """The index that crops the branch into a layer; nothing where it stays as it is."""
    if not stack.layers[number - 1].crop:
        return ""
    crops = zip(stack.skip_crops(number), stack.shapes[number], strict=True)
    return f"[..., {', '.join(f'{before}:{before + n}' for (before, _), n in crops)}]"


def stack_code(stack: Stack) -> str:
    calls = [_layer_code(layer, stack.dims, stack.channels) for layer in stack.layers]
    shape = (1, stack.channels, *(stack.size,) * stack.dims)
    out = (1, stack.channels, *stack.shapes[-1])
    check = f"assert model(torch.zeros{shape}).shape == {out}"
    head = "import torch\nfrom torch import nn\n\n"
    if not any(layer.skip for layer in stack.layers):
        body = "".join(f"    {call},\n" for each in calls for call in each)
        return f"{head}model = nn.Sequential(\n{body})\n{check}\n"
    init, forward = [], ["        x0 = x"]
    for number, (layer, each) in enumerate(zip(stack.layers, calls, strict=True), 1):
        made = each[0] if len(each) == 1 else f"nn.Sequential({', '.join(each)})"
        init.append(f"        self.layer{number} = {made}")
        line = f"self.layer{number}(x{number - 1})"
        if layer.skip:
            strides, source = stack.skip_strides(number), f"x{number - layer.skip}{_cut(stack, number)}"
            stride = strides[0] if len(set(strides)) == 1 else strides
            if stride != 1:
                init.append(
                    f"        self.shortcut{number} = nn.Conv{stack.dims}d({stack.channels}, {stack.channels}, 1, "
                    f"stride={stride}, bias=False)"
                )
                source = f"self.shortcut{number}({source})"
            line += f" + {source}"
        forward.append(f"        x{number} = {line}")
    lines = [
        "class Model(nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        *init,
        "",
        "    def forward(self, x):",
        *forward,
        f"        return x{len(stack.layers)}",
        "",
        "",
        "model = Model()",
        check,
    ]
    return head + "\n" + "\n".join(lines) + "\n"
