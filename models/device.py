"""Which device does the work, how many threads, and what happens when the GPU is full."""

from __future__ import annotations

import os
import platform
import statistics
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from typing import Any, TypeVar

import torch
from torch import nn

from models.text import plural

T = TypeVar("T")
_state = threading.local()


@cache
def _threads() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(4, cores))


@cache
def setup() -> torch.device:
    """Choose the device and set the thread count, once per process.

    Threads: one per core that this process may use, four at most: the layers on screen are small, and several
    visitors share the machine.
    """
    torch.set_num_threads(_threads())
    if torch.cuda.is_available():
        # torch lets cuDNN round what a convolution multiplies to 10 bits; what is shown is held against exact numbers.
        torch.backends.cudnn.allow_tf32 = False
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in this thread alone while many small layers run one after the other.

    Two threads that meet after every layer wait a scheduler's tick each time another visitor has one of their cores:
    25 passes over 32 × 32 pixels then take 190 ms instead of 2. torch counts threads per calling thread, so other
    visitors are left alone.
    """
    if getattr(_state, "alone", False):
        yield
        return
    usual = _threads() if setup.cache_info().currsize else torch.get_num_threads()
    torch.set_num_threads(1)
    _state.alone = True
    try:
        yield
    finally:
        _state.alone = False
        torch.set_num_threads(usual)


def describe(device: torch.device | None = None) -> str:
    """The device in words: ``cpu, 2 threads`` or the GPU's name."""
    device = device or setup()
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"{platform.machine()} GPU (mps)"
    threads = torch.get_num_threads()
    return f"cpu, {plural(threads, 'thread')}"


@contextmanager
def reference() -> Iterator[None]:
    """Float64 on the CPU on purpose, in this thread alone: structure, and what the page's numbers are held against."""
    with one_thread():
        yield


def private_copy(module: nn.Module, place: torch.device | None = None) -> nn.Module:
    """The same parameters and buffers in module objects of one's own: hooks and flags set on it reach nobody else.

    ``place``: where they shall live; those that live elsewhere are copied there, and the module keeps its own.
    """

    def there(tensor: torch.Tensor) -> torch.Tensor:
        if place is None or tensor.device == place or tensor.is_meta:
            return tensor
        copied = tensor.detach().to(place)
        return nn.Parameter(copied, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else copied

    copied: dict[int, Any] = {id(t): there(t) for t in (*module.parameters(), *module.buffers())}
    # Nearly all that a layer holds are empty tables of hooks, on which deepcopy spends most of its time.
    own = (value for layer in module.modules() for value in vars(layer).values())
    copied |= {id(value): type(value)() for value in own if type(value) in (dict, OrderedDict, set) and not value}
    return deepcopy(module, copied)


def gave_up(error: BaseException | None) -> str:
    """Why a GPU gave up, from the error or what it was raised from; ``""`` if it has another cause."""
    while error is not None:
        if isinstance(error, torch.OutOfMemoryError):
            return "The GPU has no memory left for this picture, so the CPU did the work: the same numbers, later."
        if isinstance(error, NotImplementedError) or (isinstance(error, TypeError) and "MPS" in str(error)):
            return "The GPU lacks an operation of this network, so the CPU did the work: the same numbers, later."
        error = error.__cause__
    return ""


def attempt(
    job: Callable[[torch.device], T], full: Callable[[torch.device], None] = lambda place: None
) -> tuple[T, str]:
    """What ``job(device)`` returns on the best device there is: the GPU, else the CPU.

    Returns:
        The answer, and ``""``, or a sentence if the GPU could not do it and the CPU did. ``full(device)`` has then been
        called, to let go of what is kept there.
    """
    place = setup()
    told = ""
    if place.type != "cpu":
        try:
            return job(place), ""
        except Exception as error:
            told = gave_up(error)
            if not told:
                raise
        # outside the handler: until here the error's frames hold what fills the GPU
        full(place)
        if place.type == "cuda":
            torch.cuda.empty_cache()
    return job(torch.device("cpu")), told


def on(job: Callable[[torch.device], T]) -> T:
    """``attempt`` without the sentence."""
    return attempt(job)[0]


def answer(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """What a layer answers to ``x``, computed on the best device, as a tensor on the CPU; both stay where they are."""

    def job(place: torch.device) -> torch.Tensor:
        with torch.inference_mode():
            there = all(t.device == place for t in (*module.parameters(), *module.buffers()))
            return (module if there else private_copy(module, place))(x.to(place)).cpu()

    return on(job)


def run(module: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.device]:
    """One forward pass on the best device, to which the module moves: ``(output on the CPU, device that did it)``."""
    with torch.inference_mode():
        return on(lambda place: (module.to(place)(x.to(place)).cpu(), place))


def _wait(place: torch.device) -> None:
    """Until the device has done all that it was given."""
    if place.type == "cuda":
        torch.cuda.synchronize()
    elif place.type == "mps":
        torch.mps.synchronize()


def seconds(work: Callable[[], object], place: torch.device, budget: float, most: int, least: int = 1) -> list[float]:
    """How long ``work`` took on the device, one time after another: for about ``budget`` seconds, at ``least`` and at
    ``most`` so often."""
    times: list[float] = []
    while len(times) < most and (len(times) < least or sum(times) < budget):
        _wait(place)
        start = time.perf_counter()
        work()
        _wait(place)
        times.append(time.perf_counter() - start)
    return times


def forward_time(module: nn.Module, x: torch.Tensor, budget: float = 0.001) -> tuple[float, torch.device]:
    """Median time of one forward pass in seconds, measured for about ``budget`` seconds, and where it ran."""
    _, device = run(module, x)
    x = x.to(device)
    with torch.inference_mode():
        return statistics.median(seconds(lambda: module(x), device, budget, 50)), device
