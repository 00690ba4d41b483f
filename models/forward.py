"""Running a network that somebody else has made: on a copy of one's own, with refusals that can be told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

from torch import Tensor, nn


def first_line(error: BaseException) -> str:
    """What an error says, short enough for a sentence: its first line, or its kind where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def private_copy(module: nn.Module) -> nn.Module:
    """The same parameters and buffers in module objects of one's own: hooks and flags set on it reach nobody else."""
    shared = {id(t): t for t in (*module.parameters(), *module.buffers())}
    return deepcopy(module, shared)


@contextmanager
def runs_through(x: Tensor, error: type[Exception]) -> Iterator[None]:
    """What torch refuses while `x` runs through a network becomes an `error`, of which `does_not_run` then holds."""
    try:
        yield
    except error:  # a sentence of our own
        raise
    except (RuntimeError, ValueError) as refusal:
        told = error(f"An input of shape {list(x.shape)} does not run through: {first_line(refusal)}")
        told.does_not_run = True
        raise told from refusal


def does_not_run(error: Exception) -> bool:
    """Whether an error says that an input does not run through the network: another size may."""
    return getattr(error, "does_not_run", False)
