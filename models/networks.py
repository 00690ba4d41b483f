"""Networks by name, and what their layers answer to a picture.

Names are torchvision's classification networks and whatever this project trained itself (`register`). One copy of each
network serves all threads: it is in evaluation mode, frozen, and never gets a hook; `feature_maps` works on a copy of
the module objects that shares the weights.
"""

from __future__ import annotations

import os
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import NamedTuple
from urllib.error import URLError

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from models.picture import resize, to_tensor
from models.rf_probe import first_line, private_copy

__all__ = [
    "NetworkError",
    "Prepared",
    "cache_info",
    "class_names",
    "clear",
    "feature_maps",
    "load",
    "names",
    "prepare",
    "register",
    "skeleton",
    "weights_bytes",
]


LARGEST_SIDE = 1024


class NetworkError(RuntimeError):
    """One sentence: which network or weights cannot be had, and what to do."""


@dataclass(frozen=True)
class _Own:
    build: Callable[[], nn.Module]
    weights: Path
    classes: tuple[str, ...] = ()
    side: int = 64


_own: dict[str, _Own] = {}


def register(
    name: str, build: Callable[[], nn.Module], weights: Path | str, classes: Sequence[str] = (), side: int = 64
) -> None:
    """Add a network of our own: `build()` makes it, `weights` is its state dict, saved with `torch.save`.

    classes: their names, in the order of the scores. side: of the pictures that it was trained with, in pixels.
    """
    _own[name] = _Own(build, Path(weights), tuple(classes), side)


def _register_small() -> None:
    from models import small_network

    for name, antialiased in small_network.NETWORKS.items():
        build = partial(small_network.SmallNetwork, antialiased)
        register(name, build, small_network.weights_path(name), small_network.CLASSES, small_network.SIZE)


_register_small()


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


# -- what goes in, and what the answers are called


def class_names(name: str) -> tuple[str, ...]:
    """Names of the classes that the trained network tells apart, in the order of its scores."""
    _known(name)
    if name in _own:
        return _own[name].classes
    import torchvision

    return tuple(torchvision.models.get_model_weights(name).DEFAULT.meta["categories"])


class Prepared(NamedTuple):
    """A picture as a network wants it.

    x: `(1, 3, H, W)` float32, scaled and normalised. picture: `(H, W, 3)` uint8, the same pixels, to be drawn under
    maps.
    """

    x: Tensor
    picture: np.ndarray


def prepare(name: str, picture: np.ndarray, side: int | None = None, crop: bool = True) -> Prepared:
    """Resize a picture so that its shorter side is `side`, cut the middle square out, and normalise its colours.

    Args:
        picture: `(H, W, 3)` uint8, RGB.
        side: in pixels; default: what the network was trained with.
        crop: `False` keeps the picture's shape, its longer side at most four times the shorter one.

    Raises:
        NetworkError: not such a picture, or a side below 1.
    """
    _known(name)
    pixels = np.asarray(picture)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise NetworkError(f"A picture is (height, width, 3) in uint8; got {pixels.shape} in {pixels.dtype}.")
    mean, std, usual = (0.0,) * 3, (1.0,) * 3, _own[name].side if name in _own else 0
    if name not in _own:
        import torchvision

        recipe = torchvision.models.get_model_weights(name).DEFAULT.transforms()
        mean, std, usual = recipe.mean, recipe.std, recipe.crop_size[0]
    side = usual if side is None else side
    if not 1 <= side <= LARGEST_SIDE:
        raise NetworkError(f"A picture of {side} pixels cannot be made: use 1 to {LARGEST_SIDE}.")
    height, width = pixels.shape[:2]
    keep = min(height, width) * (1 if crop else 4)
    top, left = max(0, height - keep) // 2, max(0, width - keep) // 2
    pixels = pixels[top : top + keep, left : left + keep]
    scale = side / min(pixels.shape[:2])
    pixels = resize(np.ascontiguousarray(pixels), tuple(max(1, round(n * scale)) for n in pixels.shape[:2]))
    x = to_tensor(pixels)
    return Prepared((x - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1), pixels)


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
    with torch.inference_mode(False):  # weights made under it could never be asked for a gradient
        return _made(name, pretrained).eval().requires_grad_(False)


def _made(name: str, pretrained: bool) -> nn.Module:
    if not pretrained:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return _own[name].build() if name in _own else _build(name, None)
    if name in _own:
        module = _own[name].build()
        _read_weights(name, module, _own[name].weights)
        return module
    import torchvision

    try:
        # read once without running anything in it: torchvision's own reader would, and checks only what it downloads
        torchvision.models.get_model_weights(name).DEFAULT.get_state_dict(
            progress=False, check_hash=True, weights_only=True
        )
        return _build(name, "DEFAULT")
    except (URLError, OSError, TimeoutError) as error:
        raise NetworkError(
            f"The trained weights of {name} could not be fetched from torchvision's hub "
            f"({getattr(error, 'reason', None) or error}). Check the connection, or go on with random weights."
        ) from error
    except (RuntimeError, EOFError, UnpicklingError) as error:  # does not match its hash, or was cut off on the disk
        raise NetworkError(
            f"The trained weights of {name} are damaged ({first_line(error).rstrip('.')}). Delete their file in "
            "torch's hub/checkpoints and try again."
        ) from error


def _read_weights(name: str, module: nn.Module, path: Path) -> None:
    """Fill a network from a file that may be anything: nothing in it is run, and no more is read than fits."""
    try:
        _check_archive(path, module)
        state = torch.load(path, map_location="cpu", weights_only=True)
        module.load_state_dict(state)
        if not all(bool(torch.isfinite(t).all()) for t in module.state_dict().values()):
            raise ValueError("some weights are not finite numbers")
    except FileNotFoundError:
        raise NetworkError(f"The weights of {name} are missing: {path.name} is not in {path.parent.name}/.") from None
    except Exception as error:  # an unpickler meets anything in a file that is not a state dict
        raise NetworkError(
            f"{path.name} does not hold weights for {name} ({_complaint(error)}). Save them anew with "
            "torch.save(net.state_dict(), path)."
        ) from error


def _check_archive(path: Path, module: nn.Module) -> None:
    """What the file would become, read from its directory of contents before anything is unpacked."""
    room = 2 * sum(t.numel() * t.element_size() for t in module.state_dict().values()) + (1 << 20)
    if path.stat().st_size > room:
        raise ValueError(f"it has {path.stat().st_size:,} bytes, the network needs less than {room:,}")
    if not zipfile.is_zipfile(path):
        raise ValueError("it is not an archive of torch.save, or is cut off")
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > room:
        raise ValueError(f"it unpacks to {unpacked:,} bytes, the network needs less than {room:,}")


def _complaint(error: Exception) -> str:
    """The first thing that is wrong: torch's lists begin with a heading."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Error(s) in loading state_dict"):
        return lines[1].rstrip(".")
    return first_line(error).rstrip(".")


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
