"""A closed form written once: as plain arithmetic it gives the number, on letters also how it is written.

A function such as ``lambda W, F, S: (W - F) // S + 1`` takes whole numbers and returns one. Given ``letter``s instead,
it returns a ``Term``: the same number, as LaTeX with letters, as LaTeX with the numbers filled in, and as short text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeVar

from models.text import big, raised

SUM, PRODUCT, ATOM = range(3)
"""What a term is at its outermost: it says where brackets go."""


@dataclass(frozen=True)
class Term:
    """A number and three ways to write it: ``symbols`` and ``filled`` are LaTeX, ``text`` is one short line.

    ``flat``: a sum of nothing but numbers and letters, which a line writes without spaces inside brackets.
    """

    value: Any
    symbols: str
    filled: str
    text: str
    rank: int = ATOM
    flat: bool = True

    def __add__(self, other: Term | int) -> Term:
        return _sum(self, _term(other), 1)

    def __sub__(self, other: Term | int) -> Term:
        return _sum(self, _term(other), -1)

    def __mul__(self, other: Term | int) -> Term:
        return _product(self, _term(other))

    def __rmul__(self, other: int) -> Term:
        return _product(_term(other), self)

    def __floordiv__(self, other: Term | int) -> Term:
        return _rounded(self, _term(other), "floor", "⌊", "⌋")

    def __ge__(self, other: Term | int) -> bool:
        return self.value >= _term(other).value


Number = TypeVar("Number", int, Term)


def letter(symbol: str, value: float) -> Term:
    """A setting: its letter in LaTeX, and its number."""
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return Term(value, symbol, shown, shown)


def _term(value: Term | int) -> Term:
    return value if isinstance(value, Term) else Term(value, str(value), str(value), str(value))


def _sum(a: Term, b: Term, sign: int) -> Term:
    b = b if b.rank > SUM or sign > 0 else bracketed(b)
    latex, line = ("+", "+") if sign > 0 else ("-", "−")
    return Term(
        a.value + sign * b.value,
        f"{a.symbols} {latex} {b.symbols}",
        f"{a.filled} {latex} {b.filled}",
        f"{a.text} {line} {b.text}",
        SUM,
        a.flat and b.flat and PRODUCT not in (a.rank, b.rank),
    )


def bracketed(term: Term) -> Term:
    """The same in brackets."""
    text = term.text.replace(" ", "") if term.flat else term.text
    latex = lambda s: rf"\left({s}\right)" if r"\left" in s or r"\frac" in s else f"({s})"  # noqa: E731
    return replace(
        term, symbols=latex(term.symbols), filled=latex(term.filled), text=f"({text})", rank=ATOM, flat=False
    )


def _product(a: Term, b: Term) -> Term:
    a, b = (bracketed(t) if t.rank == SUM else t for t in (a, b))
    beside = a.symbols.isdigit() and len(b.symbols) == 1  # 2P
    return Term(
        a.value * b.value,
        f"{a.symbols}{b.symbols}" if beside else rf"{a.symbols} \cdot {b.symbols}",
        rf"{a.filled} \cdot {b.filled}",
        f"{a.text}·{b.text}",
        PRODUCT,
        False,
    )


def _rounded(a: Term, b: Term, way: str, left: str, right: str) -> Term:
    latex = lambda x, y: rf"\left\l{way} \frac{{{x}}}{{{y}}} \right\r{way}"  # noqa: E731
    above = f"({a.text})" if a.rank == SUM else a.text
    value = a.value // b.value if way == "floor" else -(-a.value // b.value)
    line = f"{left}{above}/{b.text}{right}"
    return Term(value, latex(a.symbols, b.symbols), latex(a.filled, b.filled), line, ATOM, False)


def up(a: Any, b: Any) -> Any:
    """⌈a / b⌉."""
    return _rounded(a, _term(b), "ceil", "⌈", "⌉") if isinstance(a, Term) else -(-a // b)


def floor(a: Term) -> Term:
    """⌊a⌋."""
    latex = lambda s: rf"\lfloor {s} \rfloor"  # noqa: E731
    return Term(math.floor(a.value), latex(a.symbols), latex(a.filled), f"⌊{a.text}⌋", ATOM, False)


def share(a: Any, b: Any, ones: bool = False) -> Any:
    """a / b, of which nothing is left over. Where b is 1 the numbers are written without it, or with ``ones`` too."""
    if not isinstance(a, Term):
        return a // b
    b = _term(b)
    above = f"({a.text})" if a.rank == SUM else a.text
    filled = (
        (rf"\frac{{{a.filled}}}{{{b.filled}}}", f"{above}/{b.text}") if ones or b.value != 1 else (a.filled, a.text)
    )
    return Term(a.value // b.value, rf"\frac{{{a.symbols}}}{{{b.symbols}}}", *filled, PRODUCT, False)


def ratio(a: Term, b: Term) -> Term:
    """a / b, written as one fraction."""
    over = f"({a.text})" if a.rank == SUM else a.text
    under = f"({b.text})" if b.rank < ATOM else b.text
    exact = Fraction(a.value, b.value) if isinstance(a.value, int) and isinstance(b.value, int) else a.value / b.value
    latex = lambda x, y: rf"\frac{{{x}}}{{{y}}}"  # noqa: E731
    return Term(exact, latex(a.symbols, b.symbols), latex(a.filled, b.filled), f"{over}/{under}", PRODUCT, False)


def common(a: Any, b: Any) -> Any:
    """The greatest common divisor, which has a letter of its own."""
    if isinstance(a, Term):
        return letter("g", math.gcd(a.value, _term(b).value))
    return math.gcd(a, b)


def over_axes(symbol: str, values: Sequence[int]) -> Term:
    """The product of one number an axis, written short: 3² or 3·1."""
    value, alike = math.prod(values), len(set(values)) == 1
    power = len(values)
    filled = f"{values[0]}" + (f"^{power}" if power > 1 else "") if alike else r" \cdot ".join(map(str, values))
    text = f"{values[0]}" + (raised(power) if power > 1 else "") if alike else "·".join(map(str, values))
    return Term(value, rf"\prod {symbol}", filled, text, PRODUCT, False)


def remarked(term: Any, remark: str) -> Any:
    """A remark behind the number in the short line."""
    return replace(term, text=f"{term.text} ({remark})") if isinstance(term, Term) else term


def equal(term: Term, thousands: bool = True) -> tuple[str, str]:
    """``filled`` and ``text``, each with ``= number`` behind it."""
    value = big(term.value) if thousands else str(term.value)
    return f"{term.filled} = {value}", f"{term.text} = {value}"
