"""Methods of modules and of tensors, and what fills weights: the rest of the allow-list."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from models.parse.layers import is_int
from models.parse.modules import FollowsShape, add_child, check_ready, check_size, made, parameter
from models.parse.values import Known, is_tensor
from models.parse.words import ParseError, quotable

if TYPE_CHECKING:
    from models.parse.interpreter import Interpreter


def _listed(call: Callable[[nn.Module], Any]) -> Callable:
    def method(it: Interpreter, module: nn.Module, *args: Any, **kwargs: Any) -> list:
        check_ready(it, module)
        return it.checked(list(call(module)))

    return method


def itself(it: Interpreter, module: nn.Module, *args: Any, **kwargs: Any) -> nn.Module:
    """Where a network lives and what kind of numbers it holds is not the text's to say."""
    return module


def _train(it: Interpreter, module: nn.Module, mode: bool = True) -> nn.Module:
    return module.train(bool(mode))


def _apply(it: Interpreter, module: nn.Module, function: Any) -> nn.Module:
    for part in list(module.modules()):
        it.call(function, [part], {})
    return module


def _register_buffer(it: Interpreter, module: nn.Module, name: str, tensor: Any, persistent: bool = True) -> None:
    check_ready(it, module)
    if tensor is not None and not isinstance(tensor, torch.Tensor):
        raise ParseError("register_buffer takes a name and a tensor.", it.line, "register_buffer")
    _check_name(it, module, name)
    module.register_buffer(name, None if tensor is None else tensor.detach().to(it.device), bool(persistent))


def _register_parameter(it: Interpreter, module: nn.Module, name: str, value: Any) -> None:
    check_ready(it, module)
    _check_name(it, module, name)
    if value is not None and not isinstance(value, nn.Parameter):
        raise ParseError("register_parameter takes a name and an nn.Parameter.", it.line, "register_parameter")
    module.register_parameter(name, value)


def _check_name(it: Interpreter, module: nn.Module, name: Any) -> None:
    if not isinstance(name, str) or not name.isidentifier() or hasattr(nn.Module, name) or name in module.__dict__:
        raise ParseError(f'"{quotable(str(name))}" cannot be registered: torch uses the name.', it.line, str(name))


def _append(it: Interpreter, module: nn.Module, child: Any) -> nn.Module:
    if isinstance(module, nn.ParameterList):
        module.append(parameter(it, child))
        return module
    add_child(it, module, str(len(module._modules)), child)
    return module


def _extend(it: Interpreter, module: nn.Module, children: Any) -> nn.Module:
    for child in it.items(children):
        _append(it, module, child)
    return module


def _insert(it: Interpreter, module: nn.Module, at: int, child: Any) -> nn.Module:
    if not isinstance(child, nn.Module) or not isinstance(at, int):
        raise ParseError("insert takes a place and a layer.", it.line, "insert")
    module.insert(at, child)  # pyright: ignore[reportCallIssue]
    it.spend(20)
    check_size(it, module)
    return module


def _forward(it: Interpreter, module: nn.Module, *args: Any, **kwargs: Any) -> Any:
    return it.call_module(module, list(args), kwargs)


def _submodule(it: Interpreter, module: nn.Module, path: str) -> Any:
    for name in str(path).split("."):
        module = it.attribute(module, name)
    return module


_ITSELF = "to cuda cpu float half double bfloat16 requires_grad_ zero_grad compile"
MODULE_METHODS: dict[str, Callable] = {
    "parameters": _listed(lambda module: module.parameters()),
    "named_parameters": _listed(lambda module: module.named_parameters()),
    "buffers": _listed(lambda module: module.buffers()),
    "children": _listed(lambda module: module.children()),
    "named_children": _listed(lambda module: module.named_children()),
    "modules": _listed(lambda module: module.modules()),
    "named_modules": _listed(lambda module: module.named_modules()),
    "apply": _apply,
    "add_module": add_child,
    "register_module": add_child,
    "register_buffer": _register_buffer,
    "register_parameter": _register_parameter,
    "get_submodule": _submodule,
    **dict.fromkeys(["save_hyperparameters", "log", "freeze"], itself),
    "eval": lambda it, module: _train(it, module, False),
    "train": _train,
    "forward": _forward,
    **dict.fromkeys(_ITSELF.split(), itself),
}
STACK_METHODS: dict[str, Callable] = {"append": _append, "extend": _extend, "insert": _insert}
NAMED_METHODS: dict[str, Callable] = {
    "keys": _listed(lambda module: module._modules.keys()),
    "values": _listed(lambda module: module._modules.values()),
    "items": _listed(lambda module: module._modules.items()),
}


def method_of(module: nn.Module, name: str) -> Callable | None:
    """A method of a module that may be called."""
    if isinstance(module, (nn.Sequential, nn.ModuleList, nn.ParameterList)) and name in STACK_METHODS:
        return STACK_METHODS[name]
    if isinstance(module, nn.ModuleDict) and name in NAMED_METHODS:
        return NAMED_METHODS[name]
    return MODULE_METHODS.get(name)


# --- filling weights -------------------------------------------------------------------------------------------------

_FILLS = """
uniform_ normal_ trunc_normal_ constant_ ones_ zeros_ xavier_uniform_ xavier_normal_ kaiming_uniform_ kaiming_normal_
"""


def _fill(name: str) -> Callable:
    function = getattr(nn.init, name)

    def call(it: Interpreter, tensor: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(tensor, torch.Tensor):
            raise ParseError(f"nn.init.{name} fills a parameter; this is none.", it.line, name)
        it.spend(20)
        try:
            return function(tensor, *args, **kwargs)
        except (ValueError, TypeError, RuntimeError, NotImplementedError, ZeroDivisionError) as error:
            raise it.refused(f"nn.init.{name}", error) from None

    return call


def _untouched(it: Interpreter, tensor: Any = None, *args: Any, **kwargs: Any) -> Any:
    """Values that no shape depends on, and that would take long."""
    return tensor


def _transformer_encoder(it: Interpreter, encoder_layer: Any, num_layers: int, norm: Any = None, **_: Any) -> Any:
    if (
        not isinstance(encoder_layer, nn.TransformerEncoderLayer)
        or not isinstance(num_layers, int)
        or not 1 <= num_layers <= 100
    ):
        raise ParseError("nn.TransformerEncoder takes a layer and how many of them.", it.line, "TransformerEncoder")
    own = sum(p.numel() for p in encoder_layer.parameters())
    it.count(own * (num_layers - 1), "nn.TransformerEncoder", "TransformerEncoder")
    return made(
        it, nn.TransformerEncoder(encoder_layer, num_layers, norm), "nn.TransformerEncoder", "TransformerEncoder"
    )


def _drop_path(it: Interpreter, p: float = 0.0, *args: Any, **kwargs: Any) -> nn.Module:
    from torchvision.ops import StochasticDepth

    return made(it, StochasticDepth(min(max(it.number(p, "DropPath"), 0.0), 1.0), "row"), "DropPath", "DropPath")


def _pair(it: Interpreter, value: Any) -> tuple:
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _parameter_list(it: Interpreter, values: Any = ()) -> nn.Module:
    return nn.ParameterList([parameter(it, value) for value in it.items(values)])


_NORMS = {
    "torch.nn.utils.weight_norm": nn.utils.weight_norm,
    "torch.nn.utils.spectral_norm": nn.utils.spectral_norm,
    "torch.nn.utils.parametrizations.weight_norm": nn.utils.parametrizations.weight_norm,
    "torch.nn.utils.parametrizations.spectral_norm": nn.utils.parametrizations.spectral_norm,
}


def _normed(path: str) -> Known:
    """A layer of torch whose weight is worked out from other parameters, as torch itself does it."""
    name = path.removeprefix("torch.")

    def call(it: Interpreter, module: Any, *args: Any, **settings: Any) -> Any:
        if not it.building:
            raise ParseError(f"{name} changes a layer in forward; call it in __init__.", it.line, name)
        if not isinstance(module, nn.Module) or isinstance(module, FollowsShape) or not module._parameters:
            raise ParseError(f"{name} takes a layer with weights, such as nn.Conv2d(3, 8, 3).", it.line, name)
        steps = settings.get("n_power_iterations", args[1] if len(args) > 1 and "spectral" in name else 1)
        if not is_int(steps) or not 1 <= steps <= 100:
            raise ParseError(f"in {name}, n_power_iterations must be a whole number from 1 to 100.", it.line, name)
        it.spend(1_000)
        before = _numbers(module)
        try:
            # torch calls the older two deprecated, and so they are; people's code has them.
            with warnings.catch_warnings(), torch.no_grad(), torch.device(it.device):
                warnings.simplefilter("ignore", FutureWarning)
                normed = _NORMS[path](module, *args, **settings)
        except Exception as error:  # torch refuses with whatever it likes
            raise it.refused(name, error) from None
        it.count(_numbers(normed) - before, name, name)
        if "parametrizations" not in path:
            normed.register_forward_hook(_forget_gradient, always_call=True)
        return normed

    return Known(name, call, alone=False)


def _forget_gradient(module: nn.Module, given: Any, answer: Any) -> None:
    """The weight that the older two work out in each run must be a leaf, or the layer cannot be copied."""
    for name, value in module.__dict__.items():
        if isinstance(value, torch.Tensor):
            module.__dict__[name] = value.detach()


def _numbers(module: nn.Module) -> int:
    return sum(t.numel() for t in (*module.parameters(), *module.buffers()))


def _checkpoint(it: Interpreter, function: Any, *args: Any, **kwargs: Any) -> Any:
    """What is computed again in training instead of being kept: the same answer."""
    return it.call(function, list(args), {key: value for key, value in kwargs.items() if key not in _OF_CHECKPOINT})


def _checkpoints(it: Interpreter, functions: Any, segments: Any, x: Any, **kwargs: Any) -> Any:
    for function in it.items(functions):
        x = it.call(function, [x], {})
    return x


_OF_CHECKPOINT = {"use_reentrant", "preserve_rng_state", "context_fn", "determinism_check", "debug"}
_LOSSES = "CrossEntropyLoss BCELoss BCEWithLogitsLoss MSELoss L1Loss SmoothL1Loss NLLLoss KLDivLoss HuberLoss"


def _loss(name: str) -> Callable:
    """A loss stands beside the network; its settings change no shape."""
    return lambda it, *args, **kwargs: made(it, getattr(nn, name)(), name, name)


METHOD_TABLE: dict[str, Any] = {
    **{f"torch.nn.init.{name}": Known(name, _fill(name), alone=False) for name in _FILLS.split()},
    **{
        f"torch.nn.init.{name}": Known(name, _untouched, alone=False)
        for name in ("orthogonal_", "dirac_", "eye_", "sparse_")
    },
    "torch.nn.init.calculate_gain": Known("calculate_gain", nn.init.calculate_gain),
    "torch.nn.Parameter": Known("nn.Parameter", parameter, alone=False, kind=nn.Parameter),
    "torch.nn.parameter.Parameter": Known("nn.Parameter", parameter, alone=False, kind=nn.Parameter),
    "torch.nn.ParameterList": Known("nn.ParameterList", _parameter_list, alone=False, kind=nn.ParameterList),
    **{path: _normed(path) for path in _NORMS},
    "torch.utils.checkpoint.checkpoint": Known("checkpoint", _checkpoint, alone=False),
    "torch.utils.checkpoint.checkpoint_sequential": Known("checkpoint_sequential", _checkpoints, alone=False),
    **{f"torch.nn.{name}": Known(name, _loss(name), alone=False) for name in _LOSSES.split()},
    "torch.nn.TransformerEncoder": Known("nn.TransformerEncoder", _transformer_encoder, alone=False),
    **{
        f"{place}.{name}": value
        for place in ("timm.layers", "timm.models.layers", "timm.layers.helpers")
        for name, value in {
            "DropPath": Known("DropPath", _drop_path, alone=False),
            "to_2tuple": Known("to_2tuple", _pair, alone=False),
            "trunc_normal_": Known("trunc_normal_", _fill("trunc_normal_"), alone=False),
        }.items()
    },
    "torchvision.ops.StochasticDepth": Known("StochasticDepth", _drop_path, alone=False),
}


# --- tensors ---------------------------------------------------------------------------------------------------------

TENSOR_ATTRIBUTES = frozenset(["T", "mT", "data"])
MOVES = frozenset(["to", "cuda", "cpu", "half", "bfloat16", "type", "astype"])
"""Methods that may change a tensor's place or kind."""


def moved(it: Interpreter, tensor: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`.to(...)`, `.cuda()`, `.half()`: only another kind of number is followed, and only as far as all can compute."""
    kinds = [each for each in (*args, *kwargs.values()) if isinstance(each, torch.dtype)]
    like = [each for each in args if is_tensor(each)]
    if kinds and kinds[0] not in (torch.float16, torch.bfloat16):
        return it.tensor_call("to", lambda x: x.to(kinds[0]), [tensor], {})
    if like and it.dtype_of(like[0]) != it.dtype_of(tensor):
        return it.tensor_call("to", lambda x: x.to(it.dtype_of(like[0])), [tensor], {})
    return tensor
