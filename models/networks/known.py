"""Which networks there are: torchvision's classification networks, and those that this project trained (`register`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from models.errors import NetworkError


@dataclass(frozen=True)
class _Own:
    build: Callable[[], nn.Module]
    weights: Path
    classes: tuple[str, ...] = ()
    side: int = 64


OWN: dict[str, _Own] = {}


def register(
    name: str, build: Callable[[], nn.Module], weights: Path | str, classes: Sequence[str] = (), side: int = 64
) -> None:
    """Add a network of our own: `build()` makes it, `weights` is its state dict, saved with `torch.save`.

    classes: their names, in the order of the scores. side: of the pictures that it was trained with, in pixels.
    """
    OWN[name] = _Own(build, Path(weights), tuple(classes), side)


def _register_small() -> None:
    from models.networks import small as small_network

    for name, antialiased in small_network.NETWORKS.items():
        build = partial(small_network.SmallNetwork, antialiased)
        register(name, build, small_network.weights_path(name), small_network.CLASSES, small_network.SIZE)


_register_small()


def names() -> list[str]:
    """Own networks first, then torchvision's classification networks, in alphabetical order."""
    import torchvision

    return [*OWN, *sorted(torchvision.models.list_models(module=torchvision.models))]


def check_name(name: str) -> None:
    if name not in OWN and name not in names():
        from difflib import get_close_matches

        near = get_close_matches(name, names(), 3)
        hint = f" Did you mean {' or '.join(near)}?" if near else " See names()."
        raise NetworkError(f"There is no network called {name!r}.{hint}")


def published(name: str) -> Any:
    """Torchvision's best trained weights for one of its networks: address, classes, and what they want of a picture."""
    import torchvision

    return torchvision.models.get_model_weights(name)["DEFAULT"]


def weights_bytes(name: str) -> int | None:
    """Size of the trained weights' file in bytes, to be shown before a download; `None` if it is not published."""
    check_name(name)
    if name in OWN:
        return OWN[name].weights.stat().st_size if OWN[name].weights.exists() else None
    size = published(name).meta.get("_file_size")  # in MiB, torchvision's unit
    return None if size is None else round(size * 2**20)


def hub_file(name: str) -> tuple[str, Path, str | None]:
    """Where torchvision publishes the weights, where torch keeps them on this disk, and how their SHA-256 begins."""
    url = published(name).url
    file = os.path.basename(urlparse(url).path)
    found = torch.hub.HASH_REGEX.search(file)
    return url, Path(torch.hub.get_dir()) / "checkpoints" / file, found.group(1) if found else None


def weights_at_hand(name: str) -> bool:
    """Whether trained weights lie on this disk, so that `load(name, pretrained=True)` needs no network."""
    check_name(name)
    return (OWN[name].weights if name in OWN else hub_file(name)[1]).exists()


def class_names(name: str) -> tuple[str, ...]:
    """Names of the classes that the trained network tells apart, in the order of its scores."""
    check_name(name)
    if name in OWN:
        return OWN[name].classes
    return tuple(published(name).meta["categories"])


def usual_side(name: str) -> int:
    """Side in pixels of the pictures that the network was trained with."""
    check_name(name)
    return OWN[name].side if name in OWN else published(name).transforms().crop_size[0]


class _NoMemory(TorchFunctionMode):
    """Parameters are made on the meta device. Nothing else is: some constructors compute with small real tensors."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is torch.empty:
            kwargs["device"] = "meta"
        elif func in _DRAWN and (weight := args[0] if args else kwargs["tensor"]).is_meta:
            return weight  # no numbers to be drawn, for which torch takes its time all the same
        return func(*args, **kwargs)


_DRAWN = {
    *(getattr(torch.Tensor, name) for name in ("normal_", "uniform_", "fill_", "zero_")),
    *(getattr(nn.init, name) for name in ("normal_", "uniform_", "constant_", "kaiming_uniform_")),
}


def skeleton(name: str) -> nn.Module:
    """The network's structure in evaluation mode, its parameters on the meta device: no weights, no memory,
    milliseconds.

    Enough for shapes, costs and receptive fields.
    """
    check_name(name)
    with _NoMemory():
        return (OWN[name].build() if name in OWN else build(name, None)).eval()


def build(name: str, weights: str | None) -> nn.Module:
    import torchvision

    # these two announce a slow default initialisation unless they are told which
    quick = {"init_weights": False} if weights is None and name in ("googlenet", "inception_v3") else {}
    return torchvision.models.get_model(name, weights=weights, **quick)
