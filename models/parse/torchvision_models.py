"""Networks of torchvision by name, and by what `print(model)` shows of them. Their weights are never fetched."""

from __future__ import annotations

import difflib
import inspect
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from models.parse.layers import is_int, is_number
from models.parse.modules import check_size, made, shown
from models.parse.values import Known, Nothing
from models.parse.words import Outside, ParseError, quotable, quotable_sentence

if TYPE_CHECKING:
    from models.parse.interpreter import Interpreter

_PASSED_OVER = {"weights", "pretrained", "progress", "weights_backbone", "pretrained_backbone", "in_chans", "verbose"}
_SETTINGS = {"num_classes", "dropout", "aux_logits", "init_weights", "transform_input", "width_mult", "drop_rate"}
_TIMM = {
    "mobilenetv2_100": "mobilenet_v2",
    "mobilenetv3_large_100": "mobilenet_v3_large",
    "mobilenetv3_small_100": "mobilenet_v3_small",
    "vit_base_patch16_224": "vit_b_16",
    "vit_base_patch32_224": "vit_b_32",
    "vit_large_patch16_224": "vit_l_16",
    "swin_tiny_patch4_window7_224": "swin_t",
    "swin_small_patch4_window7_224": "swin_s",
    "swin_base_patch4_window7_224": "swin_b",
}


@lru_cache(1)
def _names() -> frozenset[str]:
    import torchvision

    return frozenset(torchvision.models.list_models(module=torchvision.models))


_LIKELY = re.compile(
    r"(alexnet|convnext|densenet|efficientnet|googlenet|inception|maxvit|mnasnet|mobilenet|regnet|resnet|resnext|"
    r"shufflenet|squeezenet|swin|vgg|vit|wide)[a-z0-9_]*"
)


def named(name: str) -> Known | None:
    """A bare `resnet18`."""
    if _LIKELY.fullmatch(name) and name in _names():
        return Known(name, _builder(name), alone=False)
    return None


def _nearest(name: str) -> list[str]:
    """The network of torchvision that a name which it does not have may mean."""
    return difflib.get_close_matches(name, sorted(_names()), n=1, cutoff=0.75)


def misspelt(name: str) -> bool:
    """Whether a name is almost that of a network."""
    return bool(_LIKELY.fullmatch(name) and _nearest(name))


def absent(name: str, line: int) -> ParseError:
    """The sentence for a network that torchvision does not have."""
    close = _nearest(name)
    hint = f"did you mean {close[0]}?" if close else "names such as resnet18 are read, or paste the class."
    return Outside(f'torchvision has no network "{quotable(name)}"; {hint}', line, name)


def at(path: str) -> Any:
    """What stands at a dotted name: torchvision's networks and their weights, and timm's call for them."""
    where, _, name = path.rpartition(".")
    if path in ("timm.create_model", "torchvision.models.get_model", "timm.models.create_model"):
        return Known("create_model", _create, alone=False)
    if path == "torch.hub.load":
        return Known("torch.hub.load", _hub, alone=False)
    if where.startswith("torchvision.models"):
        if (found := named(name)) is not None:
            return found
        if name.endswith("_Weights") or where.endswith("_Weights"):
            return Nothing(name)
    return None


def _builder(name: str):
    def build(it: Interpreter, *args: Any, **settings: Any) -> nn.Module:
        kept = {}
        for setting, value in settings.items():
            if setting in _PASSED_OVER:
                continue
            plain = value is None or isinstance(value, bool) or (is_number(value) and 0 <= value <= 10**6)
            if setting not in _SETTINGS or not plain or (setting == "num_classes" and not is_int(value)):
                raise ParseError(
                    f"{name} is read with num_classes and the like; {quotable(setting)}={shown(value)} is not.",
                    it.line,
                    name,
                )
            kept["dropout" if setting == "drop_rate" else setting] = value
        if args and not isinstance(args[0], (bool, Nothing, type(None))):
            raise ParseError(f"{name} is read with named settings, such as num_classes=10.", it.line, name)
        return build_known(it, name, kept)

    return build


def build_known(it: Interpreter, name: str, settings: dict[str, Any]) -> nn.Module:
    """A network of torchvision with random weights."""
    it.spend(20_000)
    it.foreign = True
    return made(it, _built(it, name, settings), name, name)


def _built(it: Interpreter, name: str, settings: dict[str, Any]) -> nn.Module:
    import torchvision

    if name in ("googlenet", "inception_v3"):
        settings = {"init_weights": False, **settings}
    try:
        with torch.device("meta"):
            model = torchvision.models.get_model(name, weights=None, **settings)
        numbers = sum(p.numel() for p in model.parameters())
        it.count(numbers, name, name)
        it.numbers -= numbers  # counted where it is made; before that nothing is allocated
        if it.device.type != "meta":
            with torch.device(it.device):
                model = torchvision.models.get_model(name, weights=None, **settings)
    except ParseError:
        raise
    except Exception as error:  # builders refuse with whatever they like
        raise ParseError(
            f"{name} does not take these settings: {quotable_sentence(str(error))}.", it.line, name
        ) from None
    check_size(it, model, deep=True)
    return model


def _create(it: Interpreter, name: Any, *args: Any, **settings: Any) -> nn.Module:
    wanted = str(name).rpartition("/")[2].partition(".")[0]
    wanted = _TIMM.get(wanted, wanted)
    if wanted not in _names():
        raise absent(str(name), it.line)
    return _builder(wanted)(it, **settings)


def _hub(it: Interpreter, repository: Any, name: Any = None, *args: Any, **settings: Any) -> nn.Module:
    if not isinstance(repository, str) or not repository.startswith("pytorch/vision"):
        raise ParseError("nothing is loaded from a hub; torchvision's networks are read by name.", it.line, "load")
    return _create(it, name, **settings)


_CLASSES = """
AlexNet ConvNeXt DenseNet EfficientNet GoogLeNet Inception3 MaxVit MNASNet MobileNetV2 MobileNetV3 RegNet ResNet
ShuffleNetV2 SqueezeNet SwinTransformer VGG VisionTransformer
"""

# --- print(model) ----------------------------------------------------------------------------------------------------


def printed(text: str) -> tuple[str, dict[str, int]] | None:
    """The network of torchvision whose printout this is: its name and settings."""
    text = text.strip()
    match = re.match(r"([A-Za-z]\w*)\(\s*\n\s*\(", text)
    if match is None or match[1] not in _CLASSES.split():
        return None
    for name in _of_class(match[1]):
        import torchvision

        sizes = re.findall(r"out_features=(\d+)", text) or re.findall(r"Conv2d\(\d+, (\d+)", text)
        classes = min(int(sizes[-1]), 100_000) if sizes and len(sizes[-1]) < 7 else 1_000
        for settings in ({"num_classes": classes}, {"num_classes": classes, "aux_logits": False}):
            if "aux_logits" in settings and name not in ("googlenet", "inception_v3"):
                continue
            if name in ("googlenet", "inception_v3"):
                settings = {**settings, "init_weights": False}
            with torch.device("meta"):
                model = torchvision.models.get_model(name, weights=None, **settings)
            if "".join(repr(model).split()) == "".join(text.split()):
                return name, settings
    return None


@lru_cache(64)
def _of_class(kind: str) -> tuple[str, ...]:
    """Names of the networks that are of a class, shorter ones first: `resnet18` before `resnet101`."""
    import torchvision

    found = []
    for name in sorted(_names(), key=lambda name: (len(name), name)):
        answer = inspect.signature(torchvision.models.get_model_builder(name)).return_annotation
        if getattr(answer, "__name__", str(answer).rpartition(".")[2]) == kind:
            found.append(name)
    return tuple(found)
