"""Gate 1: characters and words, bounded before Python's parser sees them; and `print(model)` spelled as code."""

from __future__ import annotations

import difflib
import keyword
import re
import unicodedata
from typing import NamedTuple

MAX_BRACKETS = 64
MAX_CHAIN = 64
MAX_F_STRING = 300
MAX_NAME = 64
MAX_LAYERS = 1_000

ALLOWED = "layers of torch.nn, classes with a forward, functions of torch and F, and plain Python"


class ParseError(ValueError):
    """Text that is not a network. `.line` (from 1; 0: the text as a whole), `.name` (what was met), `.message`;
    `.said` is the message without the line."""

    def __init__(self, message: str, line: int = 0, name: str = "") -> None:
        self.line, self.said = line, message
        self.name = quotable(name)
        self.message = f"Line {line}: {message}" if line else message
        self.within = False
        """Raised inside a function or class of the text, not where it is used."""
        self.raised: type[Exception] | None = None
        """What Python itself raises there; None where it would not, or where that is not known."""
        super().__init__(self.message)


class Outside(ParseError):
    """A line that asks for what lies outside of the network: a run of it, or a function of another package."""


class Loaded(Outside):
    """A name is used that stands for weights which would have been loaded."""


class OutOfSteps(ParseError):
    """The budget is spent: nothing more of this text is read."""


def quotable(text: str) -> str:
    """Short, printable, and free of what a page could take for markup."""
    plain = (c.isprintable() and c not in "`<>" if c.isascii() else is_name(c) for c in text[:40])
    shown = "".join(c if fits else f"U+{ord(c):04X}" for c, fits in zip(text[:40], plain, strict=True))
    return shown + ("…" if len(text) > 40 else "")


def is_name(text: str) -> bool:
    """Whether Python takes a word for a name as it is spelled: not one that it would turn into another."""
    return text.isidentifier() and unicodedata.normalize("NFKC", text) == text


def quotable_sentence(message: str) -> str:
    first = message.strip().split("\n")[0].rstrip(".")
    return "".join(c for c in first if c.isascii() and c.isprintable() and c not in "`<>")[:200]


STRING = r"""[rRuUbBfF]{0,2}(?:\"{3}(?:[^\\]|\\[\s\S])*?\"{3}|'{3}(?:[^\\]|\\[\s\S])*?'{3}
      |"(?!"")(?:[^"\\\n]|\\[\s\S])*"|'(?!'')(?:[^'\\\n]|\\[\s\S])*')"""
_TOKEN = re.compile(
    rf"""(?P<newline>(?:[ \t\f]*\n)+)
      | (?P<space>[ \t\f]+|\\\n)
      | (?P<comment>\#[^\n]*)
      | (?P<text>{STRING})
      | (?P<number>(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)
      | (?P<word>[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)
      | (?P<sign>\*\*|//|->|:=|[<>=!]=|<<|>>|\.\.\.|[-+*/%()\[\]{{}},.=:<>@;&|^~])""",
    re.ASCII | re.VERBOSE,
)
_PRINTED_CHILD = re.compile(r"[ \t]*\([\w\-]+\):", re.ASCII)
_OPENING, _CLOSING = "([{", ")]}"
_OWN_NAMES = {
    *("__init__", "__name__", "__version__", "__all__", "__call__", "__repr__", "__str__", "__len__", "__getitem__"),
    *("__iter__", "__author__", "__future__", "__post_init__"),
}


class Token(NamedTuple):
    kind: str
    text: str
    line: int


def tokenize(text: str) -> list[Token]:
    """The text in pieces, without its comments, or the first thing that has no place in a network."""
    found: list[Token] = []
    position, line, brackets, chains = 0, 1, 0, [0]
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unreadable(text, position, line)
        kind, piece, position = match.lastgroup or "", match.group(), match.end()
        if kind == "number":
            after = text[position : position + 1]
            if len(piece) > 24 or (after.isascii() and (after.isalnum() or after == "_")):
                raise ParseError(
                    f'"{quotable(piece + after)}" is not a number that is read here; write one such as 64 or 0.1.',
                    line,
                    piece + after,
                )
        elif kind == "word":
            # An accent of its own after a letter is the letter with an accent; Python reads it so too.
            piece = unicodedata.normalize("NFC", piece)
            if not is_name(piece):
                raise _unreadable(text, match.start() + _first_foreign(match.group()), line)
            _check_word(piece, line)
        elif kind == "text" and "f" in piece[:2].lower() and len(piece) > MAX_F_STRING:
            raise ParseError(f"this f-string is longer than {MAX_F_STRING} characters; shorten it.", line, "f")
        if kind in ("sign", "word"):
            # Chains are what Python's parser recurses on, so they are bounded before it sees the text.
            if piece in _OPENING:
                brackets += 1
                chains[-1] += 1
                chains.append(0)
                if brackets > MAX_BRACKETS:
                    raise ParseError(
                        f"brackets are nested deeper than {MAX_BRACKETS}; flatten the network.", line, piece
                    )
            elif piece in _CLOSING:
                brackets -= 1
                if brackets < 0:
                    raise ParseError(f'"{piece}" closes a bracket that was never opened.', line, piece)
                chains.pop()
            elif piece == ",":
                chains[-1] = 0
            elif kind == "sign" or keyword.iskeyword(piece):
                chains[-1] += 1
            if chains[-1] > MAX_CHAIN:
                raise ParseError(
                    f"more than {MAX_CHAIN} operations follow one another; write the result as a number.", line, piece
                )
        if kind == "newline" and (not brackets or _PRINTED_CHILD.match(text, position)):
            chains[-1] = 0
        if kind != "comment":
            found.append(Token(kind, piece, line))
        line += piece.count("\n")
    return found


def _first_foreign(word: str) -> int:
    """Where the character stands for which a word is no name."""
    foreign = [at for at, c in enumerate(word) if not c.isascii()]
    fits = [unicodedata.is_normalized("NFKC", word[at]) and f"_{word[at]}".isidentifier() for at in foreign]
    return foreign[fits.index(False) if False in fits else 0]


def _check_word(word: str, line: int) -> None:
    private = re.fullmatch(r"__[A-Za-z]\w*(?<!__)", word)
    if len(word) > MAX_NAME or (word.startswith("__") and not private and word not in _OWN_NAMES):
        close = difflib.get_close_matches(word, _OWN_NAMES, n=1, cutoff=0.75)
        better = f'did you mean "{close[0]}"?' if close else f"allowed are {ALLOWED}."
        raise ParseError(f'the name "{quotable(word)}" is not allowed here; {better}', line, word)


def _unreadable(text: str, position: int, line: int) -> ParseError:
    character = text[position]
    if character in "'\"":
        return ParseError(
            "this string is never closed.",
            line,
            character,
        )
    if character == "\t" or character.isspace():
        return ParseError(
            "a space that is not an ordinary one stands here; replace it by a plain space.", line, character
        )
    if not character.isascii():
        return ParseError(
            f'the character "{quotable(character)}" is not allowed outside comments; names are letters, digits and _.',
            line,
            character,
        )
    return ParseError(f'the sign "{quotable(character)}" is not allowed here; allowed are {ALLOWED}.', line, character)


# --- the spelling of print(model) ------------------------------------------------------------------------------------


def rewrite_printed(tokens: list[Token]) -> str | None:
    """What `print(model)` shows, as code: `(0): ReLU()` becomes `("0", ReLU(), 1),` on its line. None: it is code."""
    pieces: list[str] = []
    printed, depth, waiting, open_children = False, 0, 0, []
    position = 0
    while position < len(tokens):
        header = _child_header(tokens, position)
        if header is not None:
            name, copies, position = header
            pieces.append(f'("{name}",')
            printed = True
            waiting = copies
            continue
        token = tokens[position]
        pieces.append(token.text)
        if token.text in _OPENING:
            depth += 1
            if waiting:
                open_children.append((depth, waiting))
                waiting = 0
        elif token.text in _CLOSING:
            if open_children and open_children[-1][0] == depth:
                pieces.append(f", {open_children.pop()[1]}),")
            depth -= 1
        position += 1
    return re.sub(r" *\n *", "\n", " ".join(pieces)) if printed else None


def _child_header(tokens: list[Token], start: int) -> tuple[str, int, int] | None:
    """`(0):`, `(conv1):` or `(3-5): 3 x` at a position: name, copies, where the layer starts."""

    def texts(count: int) -> list[str]:
        return [token.text for token in tokens[start : start + count]]

    if texts(1) != ["("] or (start and tokens[start - 1].kind != "newline" and tokens[start - 1].text != "("):
        return None
    for length in (1, 3):
        words = texts(length + 3)
        if len(words) == length + 3 and words[-2:] == [")", ":"]:
            name = "".join(words[1:-2])
            if not re.fullmatch(r"\w+|\d+-\d+", name, re.ASCII) and not is_name(name):
                return None
            position, copies = start + length + 3, 1
            ahead = tokens[position : position + 2]
            if len(ahead) == 2 and ahead[0].kind == "number" and ahead[1].text == "x":
                if not ahead[0].text.isdigit() or not 1 <= int(ahead[0].text) <= MAX_LAYERS:
                    raise ParseError(
                        f'"{quotable(ahead[0].text)} x" asks for more layers than the {MAX_LAYERS} that are read.',
                        ahead[0].line,
                        ahead[0].text,
                    )
                copies, position = int(ahead[0].text), position + 2
            return name, copies, position
    return None
