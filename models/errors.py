"""Refusals of torch as one sentence that a visitor can be told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def first_line(error: BaseException) -> str:
    """What an error says, short enough for a sentence: its first line, or its kind where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


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
