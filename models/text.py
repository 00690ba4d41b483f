"""Numbers and foreign words as people read them, the same on every page and in every sentence."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Context
from fractions import Fraction


def big(value: float, decimals: int = 0) -> str:
    """A number with thin spaces between thousands, which neither a decimal point nor a comma can be taken for, and at
    which no line breaks."""
    return f"{value:,.{decimals}f}".replace(",", "\u202f").replace("-", "−")


def digits(value: float, count: int = 3) -> str:
    """``0.563`` for 0.5625: at most so many digits, a half rounded up as on paper."""
    return f"{float(Context(count, ROUND_HALF_UP).create_decimal(value)):.{count}g}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def raised(value: int) -> str:
    """``²``: an exponent."""
    return str(value).translate(_RAISED)


def scientific(value: float, digits: int = 2) -> str:
    """A finite number with a power of ten, ``1.3·10⁻⁷`` or ``10⁶``, with at most so many digits before the power."""
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    power = f"10{raised(int(exponent))}"
    return {"1": power, "-1": f"−{power}"}.get(mantissa, f"{mantissa}·{power}".replace("-", "−"))


def whole(value: int | Fraction) -> int | Fraction:
    """A fraction that is a whole number, as one."""
    return int(value) if Fraction(value).denominator == 1 else value


def times(values: Sequence[object], sign: str = " × ") -> str:
    """``2 × 2``: sizes as people write them; ``?`` for one that is not known."""
    return sign.join("?" if v is None else str(v).replace("-", "−") for v in values)


def plural(count: int, one: str) -> str:
    """``1 layer``, ``2 layers``."""
    return f"{big(count)} {one if count == 1 else one + 's'}"


def listed(names: Iterable[object], last: str = "or") -> str:
    """``1, 2 or 3``."""
    *first, end = [str(n) for n in names]
    return f"{', '.join(first)} {last} {end}" if first else end


_CODE = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "truediv": "/",
    "getitem": "[…]",
    "matmul": "torch.matmul()",
    "cat": "torch.cat()",
    "concat": "torch.cat()",
    "concatenate": "torch.cat()",
    "stack": "torch.stack()",
}


def spelled(function: str) -> str:
    """`view()`, `torch.cat()`, `+`: a function as code calls it."""
    return _CODE.get(function, f"{function}()")


def called(function: str) -> str:
    """`the call torch.cat()`, `the operator +`: the same as a sentence may begin."""
    code = spelled(function)
    return f"the {'call' if code.endswith('()') else 'operator'} {code}"


def sentence(text: object) -> str:
    """What an error says, with the capital with which a sentence begins."""
    return f"{text}"[:1].upper() + f"{text}"[1:]


def quoted(text: str) -> str:
    """Foreign text as it may stand in a sentence: on one line, at most 40 characters, control characters shown as ·."""
    return "“" + "".join(c if c.isprintable() else "·" for c in text[:40]) + "”"


def read_whole(text: str, low: int, high: int) -> int:
    """A whole number between two ends, both included, from foreign text. Raises ValueError with a sentence that has no
    stop."""
    if not re.fullmatch(r"-?[0-9]{1,9}", text, re.ASCII) or not low <= int(text) <= high:
        raise ValueError(f"{quoted(text)} is not a whole number from {low} to {high}")
    return int(text)


_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = 40


def said(value: object) -> str:
    """Any value as it may stand in a sentence: never longer than a line."""
    try:
        text = _short.repr(value)
    except Exception:
        # Python refuses to write whole numbers of more than 4,300 digits; other objects may refuse as they like.
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:59] + "…"
