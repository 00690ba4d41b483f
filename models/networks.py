"""Networks by name, and what their layers answer to a picture.

Names are torchvision's classification networks and whatever this project trained itself (`register`). One copy of each
network serves all threads: it is in evaluation mode, frozen, and never gets a hook; `feature_maps` works on a copy of
the module objects that shares the weights.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from models.rf_probe import first_line, private_copy

__all__ = [
    "NetworkError",
    "cache_info",
    "clear",
    "feature_maps",
    "load",
    "names",
    "register",
    "skeleton",
    "weights_bytes",
]


class NetworkError(RuntimeError):
    """One sentence: which network or weights cannot be had, and what to do."""


@dataclass(frozen=True)
class _Own:
    build: Callable[[], nn.Module]
    weights: Path


_own: dict[str, _Own] = {}


def register(name: str, build: Callable[[], nn.Module], weights: Path | str) -> None:
    """Add a network of our own: `build()` makes it, `weights` is its state dict, saved with `torch.save`."""
    _own[name] = _Own(build, Path(weights))


def names() -> list[str]:
    """Own networks first, then torchvision's classification networks, in alphabetical order."""
    import torchvision

    return [*_own, *sorted(torchvision.models.list_models(module=torchvision.models))]


def _known(name: str) -> None:
    if name not in _own and name not in names():
        from difflib import get_close_matches

        near = get_close_matches(name, names(), 3)
        hint = f" Did you mean {' or '.join(near)}?" if near else " See names()."
        raise NetworkError(f"There is no network called {name!r}.{hint}")


def weights_bytes(name: str) -> int | None:
    """Size of the trained weights' file in bytes, to be shown before a download; `None` if it is not published."""
    _known(name)
    if name in _own:
        return _own[name].weights.stat().st_size if _own[name].weights.exists() else None
    import torchvision

    size = torchvision.models.get_model_weights(name).DEFAULT.meta.get("_file_size")  # in MiB, torchvision's unit
    return None if size is None else round(size * 2**20)


# -- structure


class _NoMemory(TorchFunctionMode):
    """Parameters are made on the meta device. Nothing else is: some constructors compute with small real tensors."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is torch.empty:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


def skeleton(name: str) -> nn.Module:
    """The network's structure in evaluation mode, its parameters on the meta device: no weights, no memory,
    milliseconds.

    Enough for shapes, costs and receptive fields.
    """
    _known(name)
    with _NoMemory():
        return (_own[name].build() if name in _own else _build(name, None)).eval()


def _build(name: str, weights: str | None) -> nn.Module:
    import torchvision

    # these two announce a slow default initialisation unless they are told which
    quick = {"init_weights": False} if weights is None and name in ("googlenet", "inception_v3") else {}
    return torchvision.models.get_model(name, weights=weights, **quick)


# -- cache


class _Networks:
    """The most recently used networks, bounded by the bytes of their parameters and buffers."""

    def __init__(self, limit: int):
        self.limit = limit
        self._kept: OrderedDict[tuple[str, bool], tuple[nn.Module, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._building: dict[tuple[str, bool], threading.Lock] = {}

    def get(self, key: tuple[str, bool], build: Callable[[], nn.Module]) -> nn.Module:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
            building = self._building.setdefault(key, threading.Lock())
        with building:  # a network that two threads want at once is built once; others do not wait for it
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    return self._kept[key][0]
            module = build()
            size = sum(t.numel() * t.element_size() for t in (*module.parameters(), *module.buffers()))
            with self._lock:
                self._building.pop(key, None)
                if size <= self.limit:
                    self._kept[key] = (module, size)
                    while sum(s for _, s in self._kept.values()) > self.limit:
                        self._kept.popitem(last=False)
            return module

    def info(self) -> dict[str, int]:
        with self._lock:
            return {
                "networks": len(self._kept), "bytes": sum(s for _, s in self._kept.values()), "limit": self.limit,
            }  # fmt: skip

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


_networks = _Networks(int(os.environ.get("CONVSCOPE_NETWORK_BYTES", 1 << 30)))


def cache_info() -> dict[str, int]:
    """`networks` kept, their `bytes`, and the `limit` (1 GiB, or the environment's CONVSCOPE_NETWORK_BYTES)."""
    return _networks.info()


def clear() -> None:
    """Forget all kept networks."""
    _networks.clear()


def load(name: str, pretrained: bool = False) -> nn.Module:
    """A network by name: evaluation mode, no gradients on its parameters, shared between callers, so do not change it.

    Args:
        pretrained: with trained weights. Torchvision's come from its hub the first time and from the disk afterwards;
            own ones from their file, read with `weights_only=True`. Otherwise random weights, the same at each call.

    Raises:
        NetworkError: no such name, weights that cannot be fetched, or a file that does not fit the network.
    """
    _known(name)
    return _networks.get((name, pretrained), lambda: _make(name, pretrained))


def _make(name: str, pretrained: bool) -> nn.Module:
    if not pretrained:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            module = _own[name].build() if name in _own else _build(name, None)
    elif name in _own:
        module = _own[name].build()
        _read_weights(name, module, _own[name].weights)
    else:
        try:
            module = _build(name, "DEFAULT")
        except (URLError, OSError, TimeoutError) as error:
            raise NetworkError(
                f"The trained weights of {name} could not be fetched from torchvision's hub "
                f"({getattr(error, 'reason', None) or error}). Check the connection, or go on with random weights."
            ) from error
        except RuntimeError as error:  # torch.hub's word for a file that does not match its hash
            raise NetworkError(
                f"The trained weights of {name} arrived damaged ({first_line(error)}). Try again."
            ) from error
    return module.eval().requires_grad_(False)


def _read_weights(name: str, module: nn.Module, path: Path) -> None:
    try:
        module.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except FileNotFoundError:
        raise NetworkError(f"The weights of {name} are missing: {path.name} is not in {path.parent.name}/.") from None
    except Exception as error:  # an unpickler meets anything in a file that is not a state dict
        raise NetworkError(
            f"{path.name} does not hold weights for {name} ({first_line(error)}). Save them anew with "
            "torch.save(net.state_dict(), path)."
        ) from error


# -- feature maps


def feature_maps(module: nn.Module, x: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
    """What layers answer to `x`, by name.

    Args:
        x: `(N, C, *spatial)`, on any device; it is moved to the module's.
        layers: names as in `module.named_modules()`.

    Returns:
        In the order of `layers`; tensors of one's own, which later in-place layers have not touched. A layer that runs
        several times gives its last answer. Under `inference_mode`; the module itself is neither hooked nor changed, so
        several threads may ask the same one.

    Raises:
        NetworkError: no such layer, one that never ran or whose answer is no tensor, or an image that does not fit.
    """
    wanted = list(dict.fromkeys(layers))
    known = dict(module.named_modules())
    if unknown := [n for n in wanted if n not in known]:
        raise NetworkError(f"There is no layer {unknown[0]!r} in this network; names are those of named_modules().")
    copy = private_copy(module)
    answers: dict[str, Tensor] = {}

    def keep(name):
        def hook(_module, _args, answer):
            if isinstance(answer, Mapping):
                answer = next(iter(answer.values()))
            if isinstance(answer, (tuple, list)):
                answer = answer[0]
            if isinstance(answer, Tensor):
                answers[name] = answer.clone()

        return hook

    for name in wanted:
        copy.get_submodule(name).register_forward_hook(keep(name))
    parameter = next(copy.parameters(), None)
    if parameter is not None:
        x = x.to(parameter.device, parameter.dtype)
    with torch.inference_mode():
        try:
            copy(x)
        except (RuntimeError, ValueError) as error:
            raise NetworkError(
                f"An input of shape {list(x.shape)} does not run through: {first_line(error)}"
            ) from error
    if silent := [n for n in wanted if n not in answers]:
        raise NetworkError(
            f"Layer {silent[0]!r} gave no tensor: it did not run in evaluation mode, or answers something else."
        )
    return {name: answers[name] for name in wanted}
