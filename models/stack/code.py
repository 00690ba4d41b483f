"""A stack as runnable PyTorch."""

from __future__ import annotations

from torch import nn

from models.operator import Layer
from models.parse.code import layer_code
from models.stack.field import build
from models.stack.layers import Stack


def _made(calls: list[str]) -> str:
    """One layer, or several in a row."""
    return calls[0] if len(calls) == 1 else f"nn.Sequential({', '.join(calls)})"


def stack_code(stack: Stack) -> str:
    """Runnable PyTorch: an `nn.Sequential`, or a module with its own `forward` where a branch joins. It asserts the
    shape of each map, and how many parameters there are."""
    net: Layer = build(stack)
    calls = [
        _made([layer_code(part) for part in (layer.pad, layer.op) if not isinstance(part, nn.Identity)])
        for layer in net.layers
    ]
    shapes = [(1, width, *shape) for width, shape in zip(stack.widths[1:], stack.shapes[1:], strict=True)]
    image, listed = f"torch.zeros{stack.input_shape}", "".join(f"    {shape},\n" for shape in shapes)
    count = sum(one.numel() for one in net.parameters())
    check = f"assert sum(p.numel() for p in model.parameters()) == {count}\nshapes = [\n{listed}]\n"
    head = "import torch\nfrom torch import nn\n\n"
    if not any(net.skips):
        body = "".join(f"    {call},\n" for call in calls)
        check += (
            f"x = {image}\nfor layer, shape in zip(model, shapes):\n    x = layer(x)\n    assert x.shape == shape\n"
        )
        return f"{head}model = nn.Sequential(\n{body})\n{check}"
    init, maps = [], []
    for number, (layer, skip, call) in enumerate(zip(net.layers, net.skips, calls, strict=True), 1):
        init.append(f"        self.layer{number} = {call}")
        line = f"self.layer{number}(x{number - 1})"
        if skip:
            brought = f"x{number - skip}"
            if not isinstance(layer.shortcut, nn.Identity):
                parts = layer.shortcut if isinstance(layer.shortcut, nn.Sequential) else [layer.shortcut]
                init.append(f"        self.shortcut{number} = {_made(list(map(layer_code, parts)))}")
                brought = f"self.shortcut{number}({brought})"
            line = f"torch.cat([{line}, {brought}], 1)" if layer.concat else f"{line} + {brought}"
        maps.append(f"        x{number} = {line}")
    lines = [
        "class Model(nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        *init,
        "",
        "    def maps(self, x0):",
        *maps,
        f"        return [{', '.join(f'x{number}' for number in range(1, len(calls) + 1))}]",
        "",
        "    def forward(self, x):",
        "        return self.maps(x)[-1]",
        "",
        "",
        "model = Model()",
        f"{check}for x, shape in zip(model.maps({image}), shapes):",
        "    assert x.shape == shape",
    ]
    return head + "\n" + "\n".join(lines) + "\n"
