"""A stack as runnable PyTorch."""

from __future__ import annotations

from torch import nn

from models.operator import Layer
from models.parse.code import layer_code
from models.stack.field import build
from models.stack.layers import Stack


def stack_code(stack: Stack) -> str:
    """Runnable PyTorch: an `nn.Sequential`, or a module with its own `forward` where a residual branch joins."""
    net: Layer = build(stack)
    calls = [
        [layer_code(part) for part in (layer.pad, layer.op) if not isinstance(part, nn.Identity)]
        for layer in net.layers
    ]
    out = (1, stack.channels, *stack.shapes[-1])
    check = f"assert model(torch.zeros{stack.input_shape}).shape == {out}"
    head = "import torch\nfrom torch import nn\n\n"
    if not any(net.skips):
        body = "".join(f"    {call},\n" for each in calls for call in each)
        return f"{head}model = nn.Sequential(\n{body})\n{check}\n"
    init, forward = [], ["        x0 = x"]
    for number, (layer, skip, each) in enumerate(zip(net.layers, net.skips, calls, strict=True), 1):
        made = each[0] if len(each) == 1 else f"nn.Sequential({', '.join(each)})"
        init.append(f"        self.layer{number} = {made}")
        line = f"self.layer{number}(x{number - 1})"
        if isinstance(layer.shortcut, nn.Identity):
            line += f" + x{number - skip}"
        elif skip:
            init.append(f"        self.shortcut{number} = {layer_code(layer.shortcut)}")
            line += f" + self.shortcut{number}(x{number - skip})"
        forward.append(f"        x{number} = {line}")
    lines = [
        "class Model(nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        *init,
        "",
        "    def forward(self, x):",
        *forward,
        f"        return x{len(calls)}",
        "",
        "",
        "model = Model()",
        check,
    ]
    return head + "\n" + "\n".join(lines) + "\n"
