"""What can be refused, each as one sentence that a visitor can be told: what is wrong, and what would be right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


class Refusal(ValueError):
    """``.message`` is the sentence. ``.does_not_run``: an input did not run through a network; another size may."""

    does_not_run = False

    def __init__(self, message: str = ""):
        super().__init__(message)
        self.message = message


class SpecError(Refusal):
    """Settings that the layer does not take.

    ``.field`` is the setting that is in the way; ``.message`` is one sentence: what is wrong and what would be right.
    """

    def __init__(self, field: str, message: str):
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class UnreadableError(SpecError):
    """A value that no layer takes for this setting, whatever the others are."""


class StackError(Refusal):
    """Which layer cannot be, and what would be right. ``.layer`` counts from 1; 0: the stack as a whole."""

    def __init__(self, message: str, layer: int = 0):
        self.layer = layer
        super().__init__(f"Layer {layer}: {message}" if layer else message)


class OperatorError(Refusal):
    """A layer whose operator cannot be measured as asked."""


class TransposedError(Refusal):
    """A layer or an input that the ways of a transposed convolution do not take."""


class UpsamplingError(Refusal):
    """Settings or pictures that the ways of upsampling do not take."""


class ReceptiveFieldError(Refusal):
    """Which layer cannot be read or does not fit, and what would help."""


class GraphError(Refusal):
    """A network that cannot be drawn as a graph."""


class NetworkError(Refusal, RuntimeError):
    """Which network or weights cannot be had, and what to do."""


class ActivationError(Refusal):
    """Maps, a unit or a setting that cannot be shown."""


class AttributionError(Refusal):
    """A picture, class or setting that cannot be asked about."""


class EquivarianceError(Refusal):
    """A layer, motion or picture that cannot be asked."""


class FilterError(Refusal):
    """Settings that make no kernel, or a picture that it does not fit."""


class LearningError(Refusal):
    """Settings or data that cannot be trained on."""


class DrawingError(Refusal):
    """A drawing that cannot be made; the message says which ones can."""


class PictureError(Refusal):
    """A file that is not read as a picture."""


class TableError(Refusal):
    """A pasted table that cannot be used."""


class FileError(Refusal):
    """A file that is not one of ours."""


class ExportError(Refusal):
    """A file that cannot be made, and what to change so that it can."""


def first_line(error: BaseException) -> str:
    """What an error says, short enough for a sentence: its first line, or its kind where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


@contextmanager
def runs_through(x: Tensor, error: type[Refusal]) -> Iterator[None]:
    """What torch refuses while `x` runs through a network becomes an `error` whose `does_not_run` holds."""
    try:
        yield
    except error:  # a sentence of our own
        raise
    except (RuntimeError, ValueError) as refusal:
        told = error(f"An input of shape {list(x.shape)} does not run through: {first_line(refusal)}")
        told.does_not_run = True
        raise told from refusal


def does_not_run(error: BaseException) -> bool:
    """Whether an error says that an input does not run through the network: another size may."""
    return getattr(error, "does_not_run", False)
