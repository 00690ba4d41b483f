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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from time import monotonic
from typing import NamedTuple, TypeVar
from urllib.error import URLError
from urllib.parse import urlparse
from urllib.request import urlopen

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from models import device
from models.device import private_copy
from models.errors import first_line, runs_through
from models.formulas import big
from models.picture import resize, to_tensor

__all__ = [
    "NetworkError",
    "Prepared",
    "Survey",
    "ask",
    "cache_info",
    "class_names",
    "clear",
    "feature_maps",
    "fetch_weights",
    "load",
    "names",
    "own_names",
    "prepare",
    "register",
    "skeleton",
    "survey",
    "usual_side",
    "weights_at_hand",
    "weights_bytes",
]

T = TypeVar("T")

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
    from models.networks import small as small_network

    for name, antialiased in small_network.NETWORKS.items():
        build = partial(small_network.SmallNetwork, antialiased)
        register(name, build, small_network.weights_path(name), small_network.CLASSES, small_network.SIZE)


_register_small()


def names() -> list[str]:
    """Own networks first, then torchvision's classification networks, in alphabetical order."""
    import torchvision

    return [*_own, *sorted(torchvision.models.list_models(module=torchvision.models))]


def own_names() -> list[str]:
    """Networks that this project trained: their weights are always there."""
    return list(_own)


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


def _hub_file(name: str) -> tuple[str, Path, str | None]:
    """Where torchvision publishes the weights, where torch keeps them on this disk, and how their SHA-256 begins."""
    import torchvision

    url = torchvision.models.get_model_weights(name).DEFAULT.url
    file = os.path.basename(urlparse(url).path)
    found = torch.hub.HASH_REGEX.search(file)
    return url, Path(torch.hub.get_dir()) / "checkpoints" / file, found.group(1) if found else None


def weights_at_hand(name: str) -> bool:
    """Whether trained weights lie on this disk, so that `load(name, pretrained=True)` needs no network."""
    _known(name)
    return (_own[name].weights if name in _own else _hub_file(name)[1]).exists()


# -- fetching weights


class _Download:
    """One file on its way, in a thread of its own; everybody who wants it watches the same one."""

    SILENCE = 60.0
    """Seconds without a byte after which it counts as lost."""

    def __init__(self, name: str):
        self.name, self.total, self.error = name, weights_bytes(name), None
        self.url, self.path, self.prefix = _hub_file(name)
        self.over = threading.Event()
        threading.Thread(target=self._run, daemon=True, name=f"weights of {name}").start()

    def _run(self) -> None:
        try:
            with urlopen(self.url, timeout=10) as answer:  # torch's own download knows no time limit
                self.total = int(answer.headers.get("Content-Length") or 0) or self.total
            self.path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(self.url, str(self.path), self.prefix, progress=False)
        except Exception as error:  # told to whoever watches
            self.error = error
        finally:
            self.over.set()

    def arrived(self) -> int:
        """Bytes on the disk."""
        parts = self.path.parent.glob(f"{self.path.name}.*.partial")
        sizes = []
        for part in (self.path, *parts):
            try:
                sizes.append(part.stat().st_size)
            except FileNotFoundError:  # it has just got its final name
                continue
        return max(sizes, default=0)

    def watch(self) -> Iterator[tuple[int, int | None]]:
        last, since = -1, monotonic()
        while not self.over.wait(0.1):
            now = self.arrived()
            if now != last:
                last, since = now, monotonic()
            elif monotonic() - since > self.SILENCE:
                raise _unreachable(self.name, TimeoutError(f"nothing came for {self.SILENCE:.0f} seconds"))
            yield now, self.total
        if isinstance(self.error, RuntimeError):  # torch compares the hash
            raise NetworkError(
                f"What arrived is not the weights of {self.name} ({first_line(self.error).rstrip('.')}). Try again, or "
                "go on with random weights."
            ) from self.error
        if self.error is not None:
            raise _unreachable(self.name, self.error) from self.error
        yield self.arrived(), self.total


_downloads: dict[str, _Download] = {}
_downloads_lock = threading.Lock()


def _unreachable(name: str, error: BaseException) -> NetworkError:
    return NetworkError(
        f"The trained weights of {name} could not be fetched from torchvision's hub "
        f"({str(getattr(error, 'reason', None) or error).rstrip('.')}). Check the connection, or go on with random "
        "weights."
    )


def fetch_weights(name: str) -> Iterator[tuple[int, int | None]]:
    """Bring trained weights onto this disk: yields bytes so far and bytes in all (`None`: not known), until all are
    there.

    Several callers share one download. What arrives is checked against the hash in the file's name.

    Raises:
        NetworkError: no way to the hub, or not the file that was published.
    """
    _known(name)
    if weights_at_hand(name):
        return
    with _downloads_lock:
        job = _downloads.get(name)
        if job is None or job.over.is_set():
            job = _downloads[name] = _Download(name)
    try:
        yield from job.watch()
    except NetworkError:
        with _downloads_lock:
            if _downloads.get(name) is job:
                del _downloads[name]
        raise


# -- what goes in, and what the answers are called


def class_names(name: str) -> tuple[str, ...]:
    """Names of the classes that the trained network tells apart, in the order of its scores."""
    _known(name)
    if name in _own:
        return _own[name].classes
    import torchvision

    return tuple(torchvision.models.get_model_weights(name).DEFAULT.meta["categories"])


def usual_side(name: str) -> int:
    """Side in pixels of the pictures that the network was trained with."""
    _known(name)
    if name in _own:
        return _own[name].side
    import torchvision

    return torchvision.models.get_model_weights(name).DEFAULT.transforms().crop_size[0]


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
    mean, std = (0.0,) * 3, (1.0,) * 3
    if name not in _own:
        import torchvision

        recipe = torchvision.models.get_model_weights(name).DEFAULT.transforms()
        mean, std = recipe.mean, recipe.std
    side = usual_side(name) if side is None else side
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
        self._kept: OrderedDict[tuple[str, bool, str], tuple[nn.Module, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._building: dict[tuple[str, bool, str], threading.Lock] = {}

    def get(self, key: tuple[str, bool, str], build: Callable[[], nn.Module]) -> nn.Module:
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

    def forget(self, place: str) -> None:
        """Those on one device."""
        with self._lock:
            for key in [k for k in self._kept if k[2] == place]:
                del self._kept[key]

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


def load(name: str, pretrained: bool = False, place: torch.device | str = "cpu") -> nn.Module:
    """A network by name: evaluation mode, no gradients on its parameters, shared between callers, so do not change it.

    Kernels lie channels last in memory: a pass then takes two thirds to nine tenths of the time on the CPU.

    Args:
        pretrained: with trained weights. Torchvision's come from its hub the first time and from the disk afterwards;
            own ones from their file, read with `weights_only=True`. Otherwise random weights, the same at each call.
        place: the device that it shall live on; `ask` chooses one.

    Raises:
        NetworkError: no such name, weights that cannot be fetched, or a file that does not fit the network.
    """
    _known(name)
    return _networks.get((name, pretrained, str(place)), lambda: _make(name, pretrained).to(place))


def ask(name: str, work: Callable[[nn.Module], T], pretrained: bool = False) -> tuple[T, str]:
    """Let `work` have a network on the best device there is: the GPU, else the CPU.

    Returns:
        What `work(network)` returns, and `""`, or a sentence if the GPU could not do it and the CPU did.
    """
    place, told = device.setup(), ""
    if place.type != "cpu":
        try:
            return work(load(name, pretrained, place)), ""
        except Exception as error:
            told = _refusal(error)
            if not told:
                raise
        # outside the handler: until here the error's frames hold what fills the GPU
        _networks.forget(str(place))
        if place.type == "cuda":
            torch.cuda.empty_cache()
    return work(load(name, pretrained)), told


def _refusal(error: BaseException | None) -> str:
    """Why a GPU gave up, from the error or what it was raised from; `""` if it has another cause."""
    while error is not None:
        if isinstance(error, torch.OutOfMemoryError):
            return "The GPU has no memory left for this picture, so the CPU did the work: the same numbers, later."
        if isinstance(error, NotImplementedError):
            return "The GPU lacks an operation of this network, so the CPU did the work: the same numbers, later."
        error = error.__cause__
    return ""


def _make(name: str, pretrained: bool) -> nn.Module:
    with torch.inference_mode(False):  # weights made under it could never be asked for a gradient
        made = _made(name, pretrained).eval().requires_grad_(False)
        return made.to(memory_format=torch.channels_last)


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
        raise _unreachable(name, error) from error
    except (RuntimeError, EOFError, UnpicklingError) as error:  # does not match its hash, or was cut off on the disk
        raise NetworkError(
            f"The trained weights of {name} are damaged ({_complaint(error)}). Delete their file in "
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
        raise ValueError(f"it has {big(path.stat().st_size)} bytes, the network needs less than {big(room)}")
    if not zipfile.is_zipfile(path):
        raise ValueError("it is not an archive of torch.save, or is cut off")
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > room:
        raise ValueError(f"it unpacks to {big(unpacked)} bytes, the network needs less than {big(room)}")


def _complaint(error: Exception) -> str:
    """The first thing that is wrong: torch's lists begin with a heading."""
    if isinstance(error, UnpicklingError):  # torch would advise to run what is in the file
        return "there is something else than weights in the file, or it was cut off"
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
        In the order of `layers`; contiguous tensors of one's own, which later in-place layers have not touched. A layer
        that runs several times gives its last answer. Under `inference_mode`; the module itself is neither hooked nor
        changed, so several threads may ask the same one.

    Raises:
        NetworkError: no such layer, one that never ran or whose answer is no tensor, or an image that does not fit.
    """
    wanted = list(dict.fromkeys(layers))
    return _run(module, x, wanted, everywhere=False).maps


class Survey(NamedTuple):
    """One pass through a network.

    shapes: of the maps that layers answer with, name to `(C, H, W)`, in the order in which they run; layers that hold
    no others, each named once, at its last run. maps: the answers of the layers asked for, and of those beside them.
    calls: how many layers had run when a layer had for the last time.
    """

    shapes: dict[str, tuple[int, ...]]
    maps: dict[str, Tensor]
    calls: dict[str, int]


def survey(
    module: nn.Module, x: Tensor, layers: Iterable[str] = (), beside: Iterable[str] = (), before: Survey | None = None
) -> Survey:
    """The shapes of all maps, and the answers of some layers, in one pass: `feature_maps` and all layers' names.

    Args:
        beside: further layers, whose answers are kept where they are maps.
        before: an earlier survey of the same network with an input of the same shape. Shapes are then known, and the
            pass ends as soon as all layers asked for have run for the last time.

    Raises:
        NetworkError: as `feature_maps`.
    """
    wanted = list(dict.fromkeys(layers))
    more = [n for n in dict.fromkeys(beside) if n not in wanted]
    calls = before.calls if before else {}
    known = all(n in calls for n in (*wanted, *more)) and bool(wanted)
    found = _run(module, x, wanted, True, more, max(calls[n] for n in (*wanted, *more)) if known else None)
    return Survey(before.shapes, found.maps, calls) if known else found


class _Done(Exception):
    """All that was asked for is there."""


def _run(
    module: nn.Module, x: Tensor, wanted: list[str], everywhere: bool, beside: Sequence[str] = (),
    until: int | None = None,
) -> Survey:  # fmt: skip
    known = dict(module.named_modules())
    if unknown := [n for n in (*wanted, *beside) if n not in known]:
        raise NetworkError(f"There is no layer {unknown[0]!r} in this network; names are those of named_modules().")
    copy = private_copy(module)
    answers: dict[str, Tensor] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    calls: dict[str, int] = {}
    count = 0

    def keep(name):
        def hook(_module, _args, answer):
            if isinstance(answer, Mapping):
                answer = next(iter(answer.values()))
            if isinstance(answer, (tuple, list)):
                answer = answer[0]
            if isinstance(answer, Tensor):
                answers[name] = answer.clone(memory_format=torch.contiguous_format)

        return hook

    def note(name):
        def hook(_module, _args, answer):
            nonlocal count
            count += 1
            if isinstance(answer, Tensor) and answer.dim() == 4:
                shapes.pop(name, None)
                shapes[name] = tuple(answer.shape[1:])
                calls[name] = count
            if count == until:
                raise _Done

        return hook

    for name in (*wanted, *beside):
        copy.get_submodule(name).register_forward_hook(keep(name))
    if everywhere:
        for name, child in copy.named_modules():
            if name and next(child.children(), None) is None:
                child.register_forward_hook(note(name))
    parameter = next(copy.parameters(), None)
    if parameter is not None:
        x = x.to(parameter.device, parameter.dtype)
    with torch.inference_mode(), runs_through(x, NetworkError), suppress(_Done):
        copy(x)
    if silent := [n for n in wanted if n not in answers]:
        raise NetworkError(
            f"Layer {silent[0]!r} gave no tensor: it did not run in evaluation mode, or answers something else."
        )
    return Survey(shapes, {name: answers[name] for name in (*wanted, *(n for n in beside if n in shapes))}, calls)
