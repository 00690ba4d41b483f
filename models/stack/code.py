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
    """Runnable PyTorch: an `nn.Sequential`, or a module with its own `forward` where a branch joins."""
    net: Layer = build(stack)
    calls = [
        [layer_code(part) for part in (layer.pad, layer.op) if not isinstance(part, nn.Identity)]
        for layer in net.layers
    ]
    out = (1, stack.widths[-1], *stack.shapes[-1])
    check = f"assert model(torch.zeros{stack.input_shape}).shape == {out}"
    head = "import torch\nfrom torch import nn\n\n"
    if not any(net.skips):
        body = "".join(f"    {call},\n" for each in calls for call in each)
        return f"{head}model = nn.Sequential(\n{body})\n{check}\n"
    init, forward = [], ["        x0 = x"]
    for number, (layer, skip, each) in enumerate(zip(net.layers, net.skips, calls, strict=True), 1):
        init.append(f"        self.layer{number} = {_made(each)}")
        line = f"self.layer{number}(x{number - 1})"
        if skip:
            brought = f"x{number - skip}"
            if not isinstance(layer.shortcut, nn.Identity):
                parts = layer.shortcut if isinstance(layer.shortcut, nn.Sequential) else [layer.shortcut]
                init.append(f"        self.shortcut{number} = {_made(list(map(layer_code, parts)))}")
                brought = f"self.shortcut{number}({brought})"
            line = f"torch.cat([{line}, {brought}], 1)" if layer.concat else f"{line} + {brought}"
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
