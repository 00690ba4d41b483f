"""From what is pasted to a syntax tree: prompts, typographic quotes and the like are put right, line by line."""

from __future__ import annotations

import ast
import keyword
import re
import textwrap
import unicodedata
from dataclasses import dataclass

from models.parse.cells import as_class
from models.parse.words import STRING, ParseError, quotable, quotable_sentence, rewrite_printed, tokenize
from models.syntax import parse

MAX_TEXT = 64_000

_OTHERS = (
    (
        r"\A\s*(?:-{5,200}\s*)?(?:E +)?(?:\w{1,60}\s+)?Traceback \(most recent call last\)|"
        r"\A\s*(?:E +)?(?:[\w.]{1,60}\.)?\w{0,40}(?:Error|Exception|Warning): ",
        "this is an error message; paste the code that it is about, and what does not fit is said here.",
        "error message",
    ),
    (
        r"(?i)\A\s*(?:<!doctype|<\?xml|"
        r"<(?:html|head|body|div|p|pre|code|span|table|script|svg|h[1-6]|ul|ol|a|br)\b[^<>]{0,200}>)",
        "this is HTML, the source of a web page; paste the code alone, as the page shows it.",
        "HTML",
    ),
    (
        r"(?m)^[ \t]*(import keras|from keras|import tensorflow|from tensorflow)|\btf\.keras\b|"
        r"\bkeras\.(layers|Sequential|models|Model)\b|\bmodel\.add\((layers\.|Dense|Conv|keras)",
        "this is Keras code; paste the same network as PyTorch code, or what print(model) shows of it.",
        "Keras",
    ),
    (
        r"(?m)^Model: \"|Layer \(type\)\s+Output Shape\s+Param #\s+Connected to|_{20}\n {0,4}Layer \(type\)",
        "this is a summary that Keras prints; paste the network as PyTorch code, or what print(model) shows of it.",
        "Keras",
    ),
    (
        r"Layer \(type:depth-idx\)|Layer \(type\)\s+Output Shape\s+Param #|"
        r"Total params: [\d,]{1,20} *\n {0,4}Trainable params",
        "this is a table that torchinfo or torchsummary prints, which does not hold the layers' settings; paste the "
        "code, or what print(model) shows.",
        "torchinfo",
    ),
    (
        r"graph (torch[-_]jit[-_]export|main_graph)|\bir_version\s*[:=]|%[\w.]{1,60}\[(FLOAT|INT64), |\bonnx\.load\(",
        "this is an ONNX graph; paste the PyTorch code that it was made from, or what print(model) shows.",
        "ONNX",
    ),
    (
        r"\bnn\.compact\b|from flax|import flax|import haiku|\bnnx\.(Module|Linear)",
        "this is Flax code; paste the same network as PyTorch code.",
        "Flax",
    ),
    (
        r"(?m)^ *- \[(?:-?\d+|\[[-\d, ]{1,40}\]), *\d+, *[\w.]{1,60}, *\[",
        "this is a YAML file of a YOLO network, which names blocks of its own library; paste the PyTorch code, or what "
        "print(model) shows.",
        "YOLO",
    ),
)
_PIECES = re.compile(
    # A string that is never closed is kept too: gate 1 says so.
    rf"(?P<kept>\#[^\n]*|{STRING}|\"{{3}}[\s\S]*|'{{3}}[\s\S]*|[\"'][^\n]*)|(?P<double>[“”„«»](?P<a>[^“”„«»\"\n]*)[“”„«»])"
    rf"|(?P<single>[‘’‚](?P<b>[^‘’‚'\n]*)[‘’‚])|(?P<blank>[\u00a0\u2007\u202f\u2002-\u2006\u2008-\u200a\u3000])"
    rf"|(?P<wide>[，：（）［］｛｝])|(?P<unit>\ufeff)",
    re.VERBOSE,
)
_PROMPT = re.compile(r"\s*(?:>>>|\.\.\.+:?|In ?\[\d*\]:)(?: |$)")
_ANSWER = re.compile(r"\s*Out ?\[\d*\]:")
_FENCE = re.compile(r"\s*(```|~~~)[\w ]*$")


@dataclass(frozen=True)
class Source:
    """A text as a tree. `printed`: it was what `print(model)` shows; `script`: it holds classes or functions."""

    tree: ast.Module
    printed: bool
    script: bool
    text: str


def read_source(text: object) -> Source:
    """The syntax tree of a pasted text; the line numbers stay.

    Raises `ParseError`.
    """
    if not isinstance(text, str):
        raise ParseError("the network must be text.", 0, type(text).__name__)
    if len(text) > MAX_TEXT:
        raise ParseError(f"the text has {len(text)} characters; at most {MAX_TEXT} are read.", 0, "text")
    # Python ends a line at a lone carriage return too; were it left in, a comment could hide a statement from gate 1.
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    for pattern, sentence, name in _OTHERS:
        if re.search(pattern, text):
            raise ParseError(sentence, 0, name)
    pasted = text
    text = re.sub(r"\.__class__\.__name__\b", ".__name__", textwrap.dedent(_plain(text)))
    try:
        tokens = tokenize(text)
        printed = rewrite_printed([token for token in tokens if token.kind != "space"])
        # Python's parser sees what gate 1 has seen, and no comment.
        tree = parsed("".join(token.text for token in tokens) if printed is None else printed, pasted=pasted)
    except ParseError as error:
        if (inside := _fenced(pasted)) != pasted:
            return read_source(inside)
        if re.search(r"(?m)^[^\n\w]{0,20}(?:[\w.]{1,60}\.)?\w{0,40}(?:Error|Exception): ", pasted):
            told = "this is an error message, not a network; paste the code that it is about."
            raise ParseError(told, 0, "error message") from None
        if _is_markdown(pasted):
            told = "this is Markdown, with text around the code; paste the code alone."
            raise ParseError(told, 0, "Markdown") from None
        if _is_prose(_line(pasted, error.line)):
            alone = all(_is_prose(line) for line in pasted.splitlines() if line.strip())
            told = "paste the code of the network." if alone else "leave it out, or put # before it."
            told = f"this is text, not code; {told}"
            raise ParseError(told, error.line, _line(pasted, error.line)) from None
        raise
    try:
        tree = _wrapped(tree) if printed is not None else as_class(_wrapped(tree))
    except RecursionError:
        raise ParseError("this text is nested too deeply to be read; flatten it.", 0, "text") from None
    return Source(_mangled(tree), printed is not None, _is_script(tree), text)


def _mangled(tree: ast.Module) -> ast.Module:
    """What begins with two underscores in a class has the class's name before it, as Python has it."""
    for cls in reversed([node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]):
        for node in ast.walk(cls):
            for field in ("attr", "id", "name"):
                name = getattr(node, field, None)
                if isinstance(name, str) and name.startswith("__") and not name.endswith("__"):
                    setattr(node, field, f"_{cls.name.lstrip('_')}{name}")
    return tree


def _fenced(text: str) -> str:
    """Of a text with words around fences what stands between them, on the lines where it stands: what is marked as
    Python, else what is not marked; the text itself where neither is there."""
    lines, inside, words = text.split("\n"), None, False
    found: dict[str, list[int]] = {}
    for at, line in enumerate(lines):
        if _FENCE.match(line):
            inside = line.strip().strip("`~ ").lower() if inside is None else None
        elif inside is None:
            words = words or bool(line.strip())
        else:
            found.setdefault("python" if inside in ("py", "python3", "pytorch") else inside, []).append(at)
    kept = set(found.get("python") or found.get("", ())) if words else set()
    return "\n".join(line if at in kept else "" for at, line in enumerate(lines)) if kept else text


def _is_markdown(text: str) -> bool:
    """Whether a text that Python cannot read has words around fences, links, list items or bold words."""
    outside = re.split(r"(?m)^[ \t]*(?:```|~~~).*$", text)[::2]
    around = len(outside) > 1 and any(piece.strip() for piece in outside)
    return around or re.search(_MARKED, text) is not None


_MARKED = r"(?m)\]\(https?://|^[-*] [A-Za-z]+(?: |$)|(?:^|[ (])\*\*[A-Za-z][\w ]{0,60}\*\*(?:[ .,:;)]|$)"


def _line(text: str, number: int) -> str:
    """A line of a text, from 1; nothing if there is none of this number."""
    return next(iter(text.split("\n")[number - 1 : number]), "") if number else ""


def _is_prose(line: str) -> bool:
    """Whether a line that Python cannot read is a sentence: words and no sign of code."""
    words = re.fullmatch(r"\s*([A-Za-z]+)(?:[.,:;?!)]{0,3} [(]?[\w'’-]{1,60}){2,200}[)]? ?[.?!:,)]{0,3}\s*", line)
    return words is not None and not keyword.iskeyword(words[1])


def parsed(code: str, mode: str = "exec", pasted: str = "") -> ast.Module:
    """Python's own tree of words that gate 1 has let through. `pasted`: the text that they come from, whose columns
    are told."""
    try:
        tree = parse(code, mode=mode)
    except SyntaxError as error:
        reason = quotable_sentence(error.msg or "invalid syntax")
        text, at = (error.text or "").rstrip("\n"), (error.offset or 1) - 1
        if reason == "invalid syntax":
            word = re.match(r"[\w.]+|\S", text[at:])
            reason = f'"{quotable(word[0])}" cannot stand here' if word else "the line ends before it is complete"
            if word and re.match(r"\w", word[0]) and not keyword.iskeyword(word[0]):
                reason = f'before "{quotable(word[0])}" a comma, a colon, an operator or a new line is missing'
        reason += "" if reason.endswith("?") else "."
        there = _line(pasted, error.lineno or 0).find(text.strip())
        column = f" from column {there + at - len(text) + len(text.lstrip()) + 1} on" if there >= 0 and text else ""
        raise ParseError(f"Python cannot read this{column}: {reason}", error.lineno or 0, text.strip()) from None
    except (ValueError, MemoryError, RecursionError):
        raise ParseError("this text is nested too deeply to be read; flatten it.", 0, "text") from None
    return tree  # pyright: ignore[reportReturnType]


def _plain(text: str) -> str:
    """Without prompts, magic lines and fences, and with plain quotes, commas, brackets and spaces."""
    lines = text.split("\n")
    if any(re.match(r"\s*(?:>>>|In ?\[\d*\]:) ?", line) for line in lines):
        # What stands without a prompt is what Python answered, but in a notebook, whose cells have one prompt each.
        notebook = any("In [" in line for line in lines) and not any(re.match(r"\s*\.\.\.+:", line) for line in lines)
        answer = not notebook
        shows = any(re.match(r"\s*\([\w-]+\): ", line) for line in lines)
        if shows and not any(re.search(r"\bnn\.|\bclass ", line) for line in lines):
            # There is no code: what print(model) answers is the network.
            notebook, answer = True, False
            lines = ["" if _PROMPT.match(line) else _ANSWER.sub("", line) for line in lines]
        for at, line in enumerate(lines):
            match = _PROMPT.match(line)
            answer = not notebook or (not match and (answer or bool(_ANSWER.match(line))))
            lines[at] = line[match.end() :] if match else ("" if answer else line)
    lines = ["" if re.match(r"\s*[%!]\w*|\s*\$ ", line) or _FENCE.match(line) else line for line in lines]
    text = re.sub("[“”„]{3}", '"""', "\n".join(lines))
    return _PIECES.sub(_put_right, text) if not text.isascii() else text


def _put_right(match: re.Match) -> str:
    if match["double"] is not None:
        return f'"{match["a"]}"'
    if match["single"] is not None:
        return f"'{match['b']}'"
    if match["wide"] is not None:
        return unicodedata.normalize("NFKC", match["wide"])
    return match["kept"] if match["kept"] is not None else (" " if match["blank"] else "")


def _is_script(tree: ast.Module) -> bool:
    """Whether a text is a file of Python, of which the network is a part, and not the network alone."""
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in ("torchvision", "timm"):
            return True
        if isinstance(node, ast.Import) and any(
            a.name.partition(".")[0] in ("torchvision", "timm") for a in node.names
        ):
            return True
    return False


def _wrapped(tree: ast.Module) -> ast.Module:
    """`__init__` and `forward` that were pasted without their class get one; so do lines `self.conv1 = ...`."""
    methods = [node for node in tree.body if isinstance(node, ast.FunctionDef) and _is_method(node)]
    if not any(node.name == "forward" for node in methods) or any(isinstance(n, ast.ClassDef) for n in tree.body):
        return tree
    lines = [node for node in tree.body if _sets_self(node)]
    line = tree.body[0].lineno
    body: list[ast.stmt] = list(methods)
    if lines and not any(node.name == "__init__" for node in methods):
        init = parse("def __init__(self):\n    super().__init__()").body[0]
        assert isinstance(init, ast.FunctionDef)
        init.body += lines
        body.insert(0, init)
    made = ast.ClassDef("Net", [parse("nn.Module", mode="eval").body], [], body, [])
    for node in ast.walk(made):
        if isinstance(node, (ast.stmt, ast.expr)) and not hasattr(node, "lineno"):
            node.lineno = line
    made.lineno = line
    return ast.Module([*(node for node in tree.body if node not in methods and node not in lines), made], [])


def _is_method(node: ast.FunctionDef) -> bool:
    return bool(node.args.args) and node.args.args[0].arg == "self"


def _sets_self(node: ast.stmt) -> bool:
    return any(isinstance(part, ast.Name) and part.id == "self" for part in ast.walk(node)) and not isinstance(
        node, ast.FunctionDef
    )
