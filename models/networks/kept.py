"""Networks that stay in memory, and the device that they work on."""

from __future__ import annotations

import ctypes
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import torch
from torch import nn

from models import device
from models.memory import memory_limit
from models.networks.known import OWN, check_name, skeleton
from models.networks.weights import make

T = TypeVar("T")

MOST = 1 << 30
"""Bytes of networks that are kept where there is plenty of memory."""


class _Networks:
    """The most recently used networks, bounded by the bytes of their parameters and buffers."""

    def __init__(self, limit: int):
        self.limit = limit
        self._kept: OrderedDict[tuple[str, bool, str], tuple[nn.Module, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._building: dict[tuple[str, bool, str], threading.Lock] = {}

    def get(self, key: tuple[str, bool, str], build: Callable[[], nn.Module], room: Callable[[], int]) -> nn.Module:
        """The kept network, or what ``build`` makes; so many bytes of ``room`` are made before."""
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
            expected = room()
            with self._lock:
                self._shrink(self.limit - expected)
            _give_back()
            module = build()
            size = _bytes_of(module)
            with self._lock:
                self._building.pop(key, None)
                if size <= self.limit:
                    self._kept[key] = (module, size)
                    self._shrink(self.limit)
            _give_back()
            return module

    def _shrink(self, limit: int) -> None:
        while self._kept and sum(s for _, s in self._kept.values()) > limit:
            self._kept.popitem(last=False)

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


def _most(memory: int) -> int:
    """Bytes of networks that are kept where this much memory is there: a fifth of it, 1 GiB at most."""
    return min(MOST, memory // 5)


def _give_back() -> None:
    """Return what was freed to the system: glibc keeps hundreds of megabytes of former networks otherwise."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def _bytes_of(module: nn.Module) -> int:
    return sum(t.numel() * t.element_size() for t in (*module.parameters(), *module.buffers()))


_networks = _Networks(int(os.environ.get("CONVSCOPE_NETWORK_BYTES", _most(memory_limit()))))


def cache_info() -> dict[str, int]:
    """`networks` kept, their `bytes`, and the `limit`: a fifth of the memory that this process may use, 1 GiB at
    most, or the environment's CONVSCOPE_NETWORK_BYTES."""
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
    check_name(name)
    return _networks.get(
        (name, pretrained, str(place)),
        lambda: make(name, pretrained).to(place),
        lambda: 0 if name in OWN else _bytes_of(skeleton(name)),  # own ones are small
    )


def ask(name: str, work: Callable[[nn.Module], T], pretrained: bool = False) -> tuple[T, str]:
    """Let `work` have a network on the best device there is: the GPU, else the CPU.

    Returns:
        What `work(network)` returns, and `""`, or a sentence if the GPU could not do it and the CPU did.
    """
    return device.attempt(lambda place: work(load(name, pretrained, place)), lambda place: _networks.forget(str(place)))
