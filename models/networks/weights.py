"""Trained weights: fetched from torchvision's hub, and read from files that may hold anything."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from pickle import UnpicklingError
from time import monotonic
from urllib.error import URLError
from urllib.request import urlopen

import torch
from torch import nn

from models.errors import NetworkError, first_line
from models.networks import known
from models.networks.known import OWN, build, check_name, weights_at_hand, weights_bytes
from models.text import big


class _Download:
    """One file on its way, in a thread of its own; everybody who wants it watches the same one."""

    SILENCE = 60.0
    """Seconds without a byte after which it counts as lost."""

    def __init__(self, name: str):
        self.name, self.total, self.error = name, weights_bytes(name), None
        self.url, self.path, self.prefix = known.hub_file(name)
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
    check_name(name)
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


def make(name: str, pretrained: bool) -> nn.Module:
    with torch.inference_mode(False):  # weights made under it could never be asked for a gradient
        made = _made(name, pretrained).eval().requires_grad_(False)
        return made.to(memory_format=torch.channels_last)


def _made(name: str, pretrained: bool) -> nn.Module:
    if not pretrained:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return OWN[name].build() if name in OWN else build(name, None)
    if name in OWN:
        module = OWN[name].build()
        _read_weights(name, module, OWN[name].weights)
        return module
    try:
        # read once without running anything in it: torchvision's own reader would, and checks only what it downloads
        known.published(name).get_state_dict(progress=False, check_hash=True, weights_only=True)
        return build(name, "DEFAULT")
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
