"""Which device does the work, how many threads, and what happens when the GPU is full."""

from __future__ import annotations

import os
import platform
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache

import torch
from torch import nn

from models.text import plural

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


def private_copy(module: nn.Module) -> nn.Module:
    """The same parameters and buffers in module objects of one's own: hooks and flags set on it reach nobody else."""
    shared = {id(t): t for t in (*module.parameters(), *module.buffers())}
    return deepcopy(module, shared)


def run(module: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.device]:
    """One forward pass in float32 on the best device: ``(output on the CPU, device that did it)``.

    Where the GPU has no memory left, or lacks the operation, the CPU does it.
    """
    device = setup()
    with torch.inference_mode():
        if device.type != "cpu":
            try:
                return module.to(device)(x.to(device)).cpu(), device
            except (torch.OutOfMemoryError, NotImplementedError):
                if device.type == "cuda":
                    torch.cuda.empty_cache()
        cpu = torch.device("cpu")
        return module.to(cpu)(x.to(cpu)), cpu


def forward_time(module: nn.Module, x: torch.Tensor, budget: float = 0.004) -> tuple[float, torch.device]:
    """Median time of one forward pass in seconds, measured for about ``budget`` seconds, and where it ran."""
    _, device = run(module, x)
    x, spent, times = x.to(device), 0.0, []

    def wait():
        if device.type == "cuda":
            torch.cuda.synchronize()
        elif device.type == "mps":
            torch.mps.synchronize()

    with torch.inference_mode():
        while spent < budget and len(times) < 50:
            wait()
            start = time.perf_counter()
            module(x)
            wait()
            times.append(time.perf_counter() - start)
            spent += times[-1]
    return statistics.median(times), device
