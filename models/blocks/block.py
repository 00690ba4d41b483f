"""What an entry of the registry says: a block's settings, the layers that they make, and what these must cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from numbers import Integral, Real
from types import SimpleNamespace
from typing import Any

from torch import nn

from models.errors import SpecError
from models.formulas import Formula, formula_of
from models.terms import SUM, Term, letter, over_axes
from models.text import listed, said

Settings = SimpleNamespace
"""One value for each setting of a block, as attributes."""

Refusals = Iterator[tuple[str, str]]
"""Setting, and one sentence: what is wrong and what would be right."""

Forms = tuple[Term, Term, Term]
"""Weights, the other parameters (biases, norms), and MACs."""


MOST_SIDE = 1 << 14
"""Pixels along a side of an image."""

TORCHS = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "bias")
"""Settings that torch's convolutions have: they stand beside controls in its spelling."""


@dataclass(frozen=True)
class Setting:
    """One setting: its type is that of ``default``.

    Attributes:
        name: the paper's word for it, as an identifier.
        help: what it does, in one sentence.
        least, most: bounds of a number, both included.
        choices: what a word may be; for a number, the values that it may have.
        steps: for a number that is not whole, the values that the paper tries; others between the bounds are taken.
        label: as it stands beside a control.
    """

    name: str
    default: Any
    help: str
    least: float = 1
    most: float = 1024
    choices: tuple = ()
    steps: tuple[float, ...] = ()
    label: str = ""

    def __post_init__(self):
        plain = self.name if self.name in TORCHS else self.name.replace("_", " ").capitalize()
        object.__setattr__(self, "label", self.label or plain)

    def read(self, value: Any) -> Any:
        """The value in the setting's type.

        Raises:
            SpecError: another type, or out of bounds.
        """
        if isinstance(self.default, bool):
            if not isinstance(value, bool):
                raise SpecError(self.name, f"{said(value)} is neither True nor False: use one of them.")
            return value
        kind = {int: Integral, float: Real}.get(type(self.default), str)
        fits = isinstance(value, kind) and not isinstance(value, bool)
        if self.choices:
            if not fits or value not in self.choices:
                raise SpecError(self.name, f"{said(value)} is not among its values: use {listed(self.choices)}.")
        elif not fits or not self.least <= value <= self.most:
            what = "a whole number" if kind is Integral else "a number"
            raise SpecError(self.name, f"{said(value)} does not fit: use {what} from {self.least} to {self.most}.")
        return type(self.default)(value)


@dataclass(frozen=True)
class Paper:
    """Where a block comes from; ``url`` is its arXiv or DOI address."""

    authors: str
    title: str
    year: int
    url: str

    @property
    def source(self) -> tuple[str, str]:
        """Title and address, as ``Formula.source`` has them."""
        return f"{self.authors} {self.year}, {self.title}", self.url


def multiples(step: int) -> range:
    """Sides that are so many times a whole number."""
    return range(step, MOST_SIDE + 1, step)


@dataclass(frozen=True)
class Block:
    """One block.

    Attributes:
        name: as ``build`` takes it.
        title: as people call it.
        teaches: what there is to see in it, in one sentence.
        paper: where it comes from.
        settings: in the order of the paper; the defaults are the paper's.
        make: settings -> the real layers.
        side: pixels along each side of the image that it usually meets: a number, or a function of the settings.
        forms: settings and side -> its closed forms.
        channels: settings -> channels of the image that it takes.
        refuses: settings -> (setting, sentence) for settings that do not fit each other.
        sides: settings -> the sides that an image may have.
    """

    name: str
    title: str
    teaches: str
    paper: Paper
    settings: tuple[Setting, ...]
    make: Callable[[Settings], nn.Module] = field(repr=False)
    side: int | Callable[[Settings], int] = field(repr=False)
    forms: Callable[[Settings, int], Forms] = field(repr=False)
    channels: Callable[[Settings], int] = field(default=lambda s: s.in_channels, repr=False)
    refuses: Callable[[Settings], Refusals] = field(default=lambda s: iter(()), repr=False)
    sides: Callable[[Settings], range] = field(default=lambda s: multiples(1), repr=False)

    def settle(self, **given: Any) -> Settings:
        """Every setting with its value: what was given, the default otherwise.

        Raises:
            SpecError: one sentence, for an unknown setting, for a value out of bounds, and for values that do not fit
                each other.
        """
        known = {setting.name: setting for setting in self.settings}
        for name in given:
            if name not in known:
                raise SpecError(name, f"{self.title} has no such setting: it takes {listed(known, 'and')}.")
        found = Settings(**{name: one.read(given.get(name, one.default)) for name, one in known.items()})
        for name, sentence in self.refuses(found):
            raise SpecError(name, sentence)
        return found

    def build(self, **settings: Any) -> nn.Module:
        """The real layers, with torch's own initial weights; raises as ``settle`` does."""
        return self.make(self.settle(**settings))

    def input_shape(self, side: int | None = None, **settings: Any) -> tuple[int, int, int, int]:
        """``(1, C, H, W)`` of the image that the block usually meets, or of one with this ``side``.

        Raises:
            SpecError: as ``settle``; or the side does not fit the settings.
        """
        s = self.settle(**settings)
        side = self._side(s, side)
        return 1, self.channels(s), side, side

    def formulas(self, side: int | None = None, **settings: Any) -> dict[str, Formula]:
        """Closed forms for a square image, by name.

        ``weights``: those of convolutions and dense layers alone, which papers count. ``parameters``: biases and norms
        too. ``macs``: as ``models.measure`` counts them.
        """
        s = self.settle(**settings)
        weights, rest, macs = self.forms(s, self._side(s, side))
        parameters = weights + rest if rest.value else weights
        named = {"weights": weights, "parameters": parameters, "macs": macs}
        return {name: formula_of(term, self.paper.source) for name, term in named.items()}

    def _side(self, s: Settings, side: int | None) -> int:
        usual = self.side(s) if callable(self.side) else self.side
        side, fit = usual if side is None else side, self.sides(s)
        if side not in fit:
            near = fit[min(max(0, round((side - fit.start) / fit.step)), len(fit) - 1)]
            plain = f"a multiple of {fit.step}, such as {near}" if fit.start == fit.step else ""
            use = plain or f"{near}, or another in steps of {fit.step} from {fit.start} on"
            raise SpecError("side", f"{side} pixels do not fit these settings: use {use}.")
        return side


def weights(module: nn.Module) -> int:
    """Weights of the convolutions and dense layers alone, without biases and norms: what papers count."""
    kinds = (nn.modules.conv._ConvNd, nn.Linear)
    return sum(layer.weight.numel() for layer in module.modules() if isinstance(layer, kinds))


def letters(values: dict[str, int]) -> list[Term]:
    """A letter for each of several numbers."""
    return [letter(symbol, value) for symbol, value in values.items()]


def square(symbol: str, side: int) -> Term:
    """Cells of a square image or taps of a square kernel."""
    return over_axes(symbol, (side, side))


def added(terms: list[Term]) -> Term:
    """Their sum, each term written out."""
    return sum(terms[1:], terms[0])


def strided(side: int, stride: int) -> int:
    """Outputs along an axis of a layer that keeps the size but for its stride."""
    return -(-side // stride)


def total(terms: list[Term], symbols: str) -> Term:
    """The sum of a whole network's terms, all alike: ``symbols`` says what is summed, the lines show the first two and
    the last."""
    value = sum(term.value for term in terms)
    filled, text = ([getattr(t, name) for t in (*terms[:2], terms[-1])] for name in ("filled", "text"))
    return Term(
        value, symbols, " + ".join([*filled[:2], r"\dots", filled[2]]), " + ".join([*text[:2], "…", text[2]]), SUM
    )
