"""Networks that stay in memory, and the device that they work on."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import torch
from cachetools import LRUCache, cached
from torch import nn

from models import device
from models.memory import memory_limit
from models.networks.known import OWN, check_name, skeleton
from models.networks.weights import make

T = TypeVar("T")

MOST = 1 << 30
"""Bytes of networks that are kept where there is plenty of memory."""


class _Networks:
    """The most recently used networks, bounded by the bytes of their parameters and buffers.

    A network that two threads want at once is built once; others do not wait for it.
    """

    def __init__(self, limit: int):
        self._kept: LRUCache[Any, nn.Module] = LRUCache(limit, _bytes_of)
        self._changed = threading.Condition()
        self.get = cached(self._kept, condition=self._changed)(self._build)

    def _build(self, name: str, pretrained: bool, place: str) -> nn.Module:
        room = 0 if name in OWN else _bytes_of(skeleton(name))  # own ones are small
        with self._changed:
            while self._kept and self._kept.currsize > self._kept.maxsize - room:
                self._kept.popitem()
        _give_back()
        module = make(name, pretrained).to(place)
        _give_back()
        return module

    def info(self) -> dict[str, int]:
        with self._changed:
            return {"networks": len(self._kept), "bytes": int(self._kept.currsize), "limit": int(self._kept.maxsize)}

    def forget(self, place: str) -> None:
        """Those on one device."""
        with self._changed:
            for key in [k for k in self._kept if k[2] == place]:
                del self._kept[key]

    def clear(self) -> None:
        with self._changed:
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
    return _networks.get(name, pretrained, str(place))


def ask(name: str, work: Callable[[nn.Module], T], pretrained: bool = False) -> tuple[T, str]:
    """Let `work` have a network on the best device there is: the GPU, else the CPU.

    Returns:
        What `work(network)` returns, and `""`, or a sentence if the GPU could not do it and the CPU did.
    """
    return device.attempt(lambda place: work(load(name, pretrained, place)), lambda place: _networks.forget(str(place)))
