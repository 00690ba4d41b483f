"""The allow-list: every function, constant and tensor method that pasted text may name, by its dotted name.

Nothing is looked up on an object by the visitor's text: a name is either a key of these tables or it is refused. What
only prepares weights or prints is there too, and does nothing.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from models.parse.layers import EVERY_LAYER, Rule, rule_for
from models.parse.values import Known, LayerClass, Nothing, is_tensor
from models.parse.words import Outside, ParseError, quotable

_TORCH = """
cat concat concatenate stack hstack vstack add sub subtract mul multiply div divide matmul bmm mm addmm baddbmm einsum
mean sum prod max min maximum minimum amax amin argmax argmin topk relu softmax log_softmax sigmoid tanh exp log log2
log10 log1p sqrt rsqrt pow square abs neg sign sin cos erf floor ceil round flatten unflatten reshape permute transpose
swapaxes swapdims movedim moveaxis chunk split tensor_split unbind squeeze unsqueeze tile roll flip clamp clip where
masked_fill var std norm logsumexp cumsum outer tril triu narrow select broadcast_to repeat_interleave meshgrid
pixel_shuffle pixel_unshuffle channel_shuffle layer_norm dropout selu celu gather index_select diag cdist dist
pairwise_distance cosine_similarity dot mv inner tensordot lerp addcmul reciprocal exp2 expm1 atan atan2 sinh cosh tan
erfc trunc fmod remainder true_divide floor_divide cumprod diagonal diag_embed ravel rot90 nan_to_num sort argsort
median std_mean var_mean scatter scatter_add eq ne lt le gt ge logical_not logical_and logical_or prelu group_norm
batch_norm instance_norm
"""
_FACTORIES = """
zeros ones empty full rand randn arange linspace logspace eye tensor zeros_like ones_like full_like rand_like randn_like
empty_like randint randperm triu_indices
"""
_FUNCTIONAL = """
relu relu_ relu6 leaky_relu leaky_relu_ prelu elu selu celu gelu silu mish hardswish hardsigmoid hardtanh hardshrink
softshrink tanhshrink softplus softsign softmax softmin log_softmax logsigmoid sigmoid tanh glu threshold max_pool1d
max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d lp_pool1d lp_pool2d lp_pool3d adaptive_avg_pool1d
adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d dropout dropout1d
dropout2d dropout3d alpha_dropout interpolate upsample pad conv1d conv2d conv3d conv_transpose1d conv_transpose2d
conv_transpose3d linear bilinear batch_norm layer_norm group_norm instance_norm rms_norm normalize local_response_norm
pixel_shuffle pixel_unshuffle channel_shuffle unfold fold scaled_dot_product_attention cosine_similarity embedding
affine_grid grid_sample one_hot pairwise_distance rrelu elu_ pdist feature_alpha_dropout embedding_bag
mse_loss l1_loss smooth_l1_loss huber_loss cross_entropy nll_loss binary_cross_entropy
binary_cross_entropy_with_logits kl_div cosine_embedding_loss triplet_margin_loss margin_ranking_loss
hinge_embedding_loss soft_margin_loss poisson_nll_loss
"""
_METHODS = """
view reshape permute transpose contiguous flatten unflatten squeeze unsqueeze expand expand_as repeat repeat_interleave
tile chunk split tensor_split unbind size dim ndimension numel nelement mean sum max min amax amin prod var std norm
argmax argmin topk softmax log_softmax sigmoid tanh relu exp log log2 sqrt rsqrt pow square abs neg sign sin cos floor
ceil round add sub mul div add_ sub_ mul_ div_ relu_ sigmoid_ tanh_ exp_ pow_ sqrt_ abs_ neg_ clamp clamp_ clip clip_
matmul bmm mm masked_fill masked_fill_ clone detach t swapaxes swapdims movedim moveaxis narrow select roll flip tril
triu unfold view_as reshape_as logsumexp cumsum fill_ zero_ normal_ uniform_ copy_ erf bool long int float double
type_as new_zeros new_ones new_full new_empty gather index_select unsqueeze_ squeeze_ transpose_ requires_grad_
broadcast_to diag outer lt gt le ge eq ne dot mv inner lerp reciprocal cumprod diagonal ravel sort argsort median
nan_to_num scatter scatter_add logical_not logical_and logical_or tan true_divide remainder dist
"""
_MATH = "sqrt log log2 log10 exp ceil floor pow prod gcd cos sin tan fabs isqrt isclose isinf"
_TYPING = """
List Dict Tuple Optional Union Any Callable Type Sequence Iterable Literal Final Iterator ClassVar NamedTuple Mapping
"""

_KINDS = "float32 float64 float double half float16 bfloat16 long int64 int32 int bool uint8"
_PASSED_OVER = """
torch.device torch.manual_seed torch.cuda.manual_seed torch.cuda.manual_seed_all torch.set_grad_enabled torch.no_grad
torch.inference_mode torch.enable_grad torch.autocast torch.cuda.amp.autocast torch.amp.autocast
torch.set_default_device torch.cuda.empty_cache warnings.filterwarnings random.seed numpy.random.seed
torch.set_float32_matmul_precision torch.nn.utils.clip_grad_norm_ torch.nn.utils.clip_grad_value_
"""
_HANDED_ON = """
torch.compile torch.nn.DataParallel torch.jit.script torch.jit.ignore torch.jit.export torch.jit.unused
torch.autograd.Variable
"""
_PRODUCTS = """
torch.matmul torch.mm torch.bmm torch.einsum torch.addmm torch.baddbmm torch.outer torch.cdist
torch.inner torch.tensordot F.linear F.bilinear F.grid_sample
"""

SETTINGS = {
    **{f"conv{n}d": ("Conv{n}d", "- weight bias stride padding dilation groups") for n in "123"},
    **{
        f"conv_transpose{n}d": ("ConvTranspose{n}d", "- weight bias stride padding output_padding groups dilation")
        for n in "123"
    },
    **{
        f"max_pool{n}d": ("MaxPool{n}d", "- kernel_size stride padding dilation ceil_mode return_indices")
        for n in "123"
    },
    **{
        f"avg_pool{n}d": ("AvgPool{n}d", "- kernel_size stride padding ceil_mode count_include_pad divisor_override")
        for n in "123"
    },
    **{f"lp_pool{n}d": ("LPPool{n}d", "- norm_type kernel_size stride ceil_mode") for n in "123"},
    **{f"adaptive_avg_pool{n}d": ("AdaptiveAvgPool{n}d", "- output_size") for n in "123"},
    **{f"adaptive_max_pool{n}d": ("AdaptiveMaxPool{n}d", "- output_size return_indices") for n in "123"},
    "unfold": ("Unfold", "- kernel_size dilation padding stride"),
    "fold": ("Fold", "- output_size kernel_size dilation padding stride"),
    "pixel_shuffle": ("PixelShuffle", "- upscale_factor"),
    "pixel_unshuffle": ("PixelUnshuffle", "- downscale_factor"),
    "channel_shuffle": ("ChannelShuffle", "- groups"),
    "group_norm": ("GroupNorm", "- num_groups weight bias eps"),
    "local_response_norm": ("LocalResponseNorm", "- size alpha beta k"),
    "interpolate": ("Upsample", "- size scale_factor mode align_corners recompute_scale_factor"),
    "upsample": ("Upsample", "- size scale_factor mode align_corners"),
}
"""Functions that divide by a setting or allocate by it: the layer whose rules hold for them, and their arguments."""
_TENSORS = {"weight", "bias", "-"}


def _layer_of(name: str) -> str:
    return SETTINGS[name][0].replace("{n}", name[-2])


def check_settings(name: str, args: tuple, kwargs: dict) -> str | None:
    """What is wrong with the settings of `F.name(...)`, as `kernel_size must be a whole number ...`."""
    if name == "pad":
        pad = kwargs.get("pad", args[1] if len(args) > 1 else ())
        fits = isinstance(pad, (list, tuple)) and all(isinstance(p, int) and abs(p) <= 10**5 for p in pad)
        return None if fits else "pad must be whole numbers up to 100000, two per axis"
    if name == "affine_grid":
        size = kwargs.get("size", args[1] if len(args) > 1 else ())
        fits = isinstance(size, (list, tuple)) and all(isinstance(one, int) and one > 0 for one in size)
        return None if fits and math.prod(size) <= 2**24 else "size must be whole numbers, four for a picture"
    if name == "one_hot":
        count = kwargs.get("num_classes", args[1] if len(args) > 1 else None)
        fits = isinstance(count, int) and 0 < count <= 65_536
        return None if fits else "num_classes must be a whole number from 1 to 65536"
    if name not in SETTINGS:
        return None
    given = dict(zip(SETTINGS[name][1].split(), args, strict=False)) | kwargs
    for setting, value in given.items():
        rule: Rule | None = rule_for(_layer_of(name), setting)
        if setting in _TENSORS or value is None or rule is None:
            continue
        value = tuple(value) if isinstance(value, list) else value
        if wanted := rule(value):
            return f"{setting} must be {wanted}"
    return None


def _nothing(name: str) -> Known:
    return Known(name, lambda it, *args, **kwargs: Nothing(name), alone=False)


def _same(name: str) -> Known:
    """What hands its first argument on."""
    return Known(name, lambda it, first=None, *args, **kwargs: first, alone=False)


def _sum_of(values: Any) -> Any:
    return math.prod(values) if isinstance(values, (list, tuple)) else values


def _tensor(*sizes: Any) -> torch.Tensor:
    """`torch.Tensor(8, 3)` has these sizes, `torch.Tensor([8, 3])` these numbers."""
    if len(sizes) == 1 and not isinstance(sizes[0], int):
        return torch.tensor(sizes[0], dtype=torch.float32)
    return torch.empty(sizes)


TABLE: dict[str, Any] = {
    **{f"torch.{name}": Known(f"torch.{name}", getattr(torch, name)) for name in _TORCH.split()},
    **{f"torch.{name}": Known(f"torch.{name}", getattr(torch, name)) for name in _FACTORIES.split()},
    **{f"torch.nn.functional.{name}": Known(f"F.{name}", getattr(F, name)) for name in _FUNCTIONAL.split()},
    "torch.nn.Parameter": Known("nn.Parameter", nn.Parameter, kind=nn.Parameter),
    "torch.nn.parameter.Parameter": Known("nn.Parameter", nn.Parameter, kind=nn.Parameter),
    **{f"torch.nn.{name}": LayerClass(name, schema.cls) for name, schema in EVERY_LAYER.items()},
    **{
        f"torch.nn.{name}": LayerClass(name, getattr(nn, name))
        for name in ("Module", "Sequential", "ModuleList", "ModuleDict", "ParameterList")
    },
    **{f"math.{name}": Known(f"math.{name}", getattr(math, name)) for name in _MATH.split()},
    "math.pi": math.pi,
    "math.e": math.e,
    "math.inf": math.inf,
    "torch.pi": math.pi,
    "torch.inf": math.inf,
    "numpy.pi": math.pi,
    "numpy.inf": math.inf,
    "numpy.prod": Known("np.prod", _sum_of),
    **{f"numpy.{name}": Known(f"np.{name}", getattr(math, name)) for name in ("sqrt", "log", "log2", "ceil", "floor")},
    "numpy.array": Known("torch.tensor", torch.tensor),
    "numpy.eye": Known("torch.eye", torch.eye),
    **{f"numpy.{name}": getattr(torch, name) for name in ("float32", "float64", "int64")},
    "torch.from_numpy": _same("torch.from_numpy"),
    "torch.Tensor": Known("torch.Tensor", _tensor, kind=torch.Tensor),
    "torch.FloatTensor": Known("torch.FloatTensor", _tensor, kind=torch.Tensor),
    "torch.Size": Known("torch.Size", tuple),
    "torch.is_tensor": Known("torch.is_tensor", lambda it, value: is_tensor(value), alone=False),
    "torch.__version__": torch.__version__,
    **{f"torch.{name}": getattr(torch, name) for name in _KINDS.split()},
    "torch.cuda.is_available": Known("torch.cuda.is_available", lambda: False),
    "torch.cuda.device_count": Known("torch.cuda.device_count", lambda: 0),
    "torch.backends.mps.is_available": Known("torch.backends.mps.is_available", lambda: False),
    **{path: _nothing(path) for path in _PASSED_OVER.split()},
    **{path: _same(path) for path in _HANDED_ON.split()},
    **{f"typing.{name}": Nothing(name) for name in _TYPING.split()},
    "torch.dtype": Nothing("torch.dtype"),
    "torch.backends.cudnn": Nothing("torch.backends.cudnn"),
}

TENSOR_METHODS = frozenset(_METHODS.split())
"""Methods of tensors that may be called, by torch's names."""

FACTORIES = frozenset(f"torch.{name}" for name in [*_FACTORIES.split(), "Tensor", "FloatTensor"])
PRODUCTS = frozenset(
    _PRODUCTS.split()
    + [f"F.conv{n}d" for n in "123"]
    + [f"F.conv_transpose{n}d" for n in "123"]
    + ["F.scaled_dot_product_attention"]
)
"""What multiplies its inputs with one another, so that its work is not told by the size of its answer."""

MEASURES = frozenset(["torchmetrics", "wandb", "logging"])
"""Packages that watch a network from beside: what they make is passed over."""

ALIASES = {
    "nn": "torch.nn",
    "F": "torch.nn.functional",
    "torch": "torch",
    "math": "math",
    "np": "numpy",
    "numpy": "numpy",
    "torchvision": "torchvision",
    "models": "torchvision.models",
    "tv": "torchvision",
    "timm": "timm",
    "collections": "collections",
    "functools": "functools",
    "itertools": "itertools",
    "typing": "typing",
    "init": "torch.nn.init",
    "copy": "copy",
    "T": "torchvision.transforms",
}
"""What a name stands for where the text does not import it: pasted lines often come without their imports."""


def canonical(path: str) -> str:
    """One spelling of a dotted name: layers also stand in `torch.nn.modules.conv`."""
    if path.startswith(("torch.nn.modules.", "torch.functional.")):
        short = f"{'torch.nn' if path.startswith('torch.nn') else 'torch'}.{path.rpartition('.')[2]}"
        return short if short in TABLE else path
    return path


_NUMBERS = "numbers in tensors are not known while a network is drawn; use x.shape for sizes"
_INSTEAD = {
    "item": _NUMBERS,
    "tolist": _NUMBERS,
    "numpy": "leave the network's own forward in torch",
    "load": "nothing is loaded; the network gets new weights",
    "load_state_dict": "leave it out: the network gets new weights",
    "state_dict": "leave it out: the network gets new weights",
    "eval": "write the value itself",
    "exec": "write the statements themselves",
    "open": "no file is read here; write the values in the text",
    "as_strided": "use x.unfold(dim, size, step) or F.unfold",
    "apply_": "use functions of torch",
    "Function": "use functions of torch instead of an autograd.Function",
    "backward": "leave training out",
    "register_forward_hook": "leave hooks out",
    "register_forward_pre_hook": "leave hooks out",
    "register_backward_hook": "leave hooks out",
    "register_full_backward_hook": "leave hooks out",
    "register_hook": "leave hooks out",
    "orthogonal": "write the layer alone, whose shapes and MACs are the same",
}
REFUSED_METHODS = frozenset(_INSTEAD)


def instead(name: str) -> str:
    """What to write instead of something that is not read."""
    return _INSTEAD.get(name, "allowed are layers of torch.nn, functions of torch and F, and plain Python")


_OURS = frozenset(["torch", "torchvision", "timm", "math", "numpy", "collections", "functools", "itertools", "typing"])


def unknown(path: str, line: int) -> ParseError:
    name = path.rpartition(".")[2]
    better = instead(name)
    if path.startswith("torch.fft."):
        better = "complex numbers are not followed; leave it out, for it keeps the shape"
    elif name not in _INSTEAD and (path.partition(".")[0] not in _OURS or path.startswith("torchvision.")):
        better = "paste the class that it makes, or what print(model) shows"
    return Outside(f'"{quotable(path)}" is not read here; {better}.', line, name)
