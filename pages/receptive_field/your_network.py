"""Your network: pasted code in, a table out, each layer that does not fit with the change that would mend it."""

from __future__ import annotations

import base64
import re
import zlib
from html import escape

import streamlit as st

from models.text import big, quoted
from pages._lesson import offer
from viz.figures import numbers, show, table
from viz.url import into_link, literal, tell_once, unknown

PARAMETERS = ("network", "code", "input")
"""URL parameters of this page: an example's name, packed code, the input's shape."""

EXAMPLE_NAMES = ("lenet5", "small_vgg", "context", "dcgan")
START = "lenet5"
MAX_TEXT = 64_000
LONGEST = 1700
"""Characters of packed code in a link, so that the whole link stays below 2,000."""


def pack(code: str) -> str:
    """Code for a link: deflated, base64 for URLs."""
    return base64.urlsafe_b64encode(zlib.compress(code.encode(), 9)).decode().rstrip("=")


def unpack(text: str) -> str:
    """The code in a link, at most `MAX_TEXT` characters of it.

    Raises:
        ValueError: a sentence; the text is not what `pack` made.
    """
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        reader = zlib.decompressobj()
        code = reader.decompress(raw, MAX_TEXT)
        if reader.unconsumed_tail or not reader.eof:
            raise ValueError
        return code.decode()
    except (ValueError, zlib.error):
        raise ValueError("the code in this link is damaged or cut off: the example is shown instead.") from None


def read_shape(text: str) -> tuple[int, ...]:
    """`3x224x224` or `1, 28, 28` as `(1, 3, 224, 224)`: channels, then one to three axes; a batch of one is added.

    Raises:
        ValueError: a sentence that says what to write.
    """
    words = [word for word in re.split(r"[x×,;\s()\[\]]+", text.strip().lower()) if word]
    if not 1 <= len(words) <= 4 or not all(w.isascii() and w.isdigit() for w in words):
        raise ValueError("write the input as channels × height × width, such as 3x224x224")
    if max(map(len, words)) > 6:
        raise ValueError("every size of the input must be below 1000000, such as 3x224x224")
    shape = tuple(int(word) for word in words)
    if min(shape) < 1:
        raise ValueError("every size of the input must be at least 1, such as 3x224x224")
    return (1, *shape)


def shape_text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape[1:]))


def _take_example() -> None:
    from models.parse.code import EXAMPLES

    name = st.session_state.get("network")
    if name in EXAMPLES:
        st.session_state["_code"] = EXAMPLES[name].code
        st.session_state["input"] = shape_text(EXAMPLES[name].input_shape)


def _own_code() -> None:
    """The text was changed: no example is shown any more."""
    from models.parse.code import EXAMPLES

    code = st.session_state["_code"]
    st.session_state["network"] = next((n for n, e in EXAMPLES.items() if e.code == code), None)


def lesson() -> None:
    """Examples, code and input at the left, the table at the right."""
    from models.networks.table import describe
    from models.parse import ParseError, parse_network
    from models.parse.code import EXAMPLES, to_code

    st.html("<style>.st-key-_code textarea { font-family: monospace; font-size: .85rem; }</style>")
    told = [*unknown(PARAMETERS), *_start(EXAMPLES)]
    state = st.session_state
    with st.container(key="lesson"):
        left, right = st.columns([2, 3], gap="medium")
        with left, st.container(key="controls", gap="small"):
            st.pills(
                "Start from",
                list(EXAMPLES),
                key="network",
                bind=None if state.get("network") is None else "query-params",
                format_func=lambda name: EXAMPLES[name].title.split(" (")[0],
                on_change=_take_example,
            )
            st.text_area(
                "A network: nn.Sequential(…), a list of layers, or what print(model) shows",
                key="_code",
                persist_state="session",
                height=330,
                on_change=_own_code,
            )
            st.text_input(
                "Input: channels × height × width",
                key="input",
                bind="query-params",
                value="1x32x32",
                help="One size for sequences, two for pictures, three for volumes. The batch axis is added.",
            )
        with right:
            tell_once(told)
            code = state["_code"]
            try:
                shape = read_shape(state["input"])
                module = parse_network(code, device="meta")
                found = describe(module, shape)
            except ParseError as error:
                st.error(literal(error.message), icon=":material/block:")
                if error.line:
                    line = code.split("\n")[error.line - 1] if error.line <= code.count("\n") + 1 else ""
                    st.code(f"{error.line}: {line[:200]}", language=None)
                st.caption("Read are layers of torch.nn, nn.Sequential, numbers, tuples, lists, range, assignments.")
                return
            except ValueError as error:
                sentence = str(error)
                st.error(f"{sentence[0].upper()}{sentence[1:].rstrip('.')}.", icon=":material/block:")
                return
            _result(found, shape, EXAMPLES.get(state.get("network") or ""))
            offer(
                lambda: (
                    "Builds exactly this network: its layers and their settings, with new weights.",
                    to_code(module),
                ),
                _packed(EXAMPLES) is not None,
                "Your code is too long for a link, so it opens with an example: take the code along instead.",
            )


def _start(examples) -> list[str]:
    """Fill the fields once, from the link or from the first example; keep the link up to date."""
    state, told = st.session_state, []
    if "_code" not in state:
        name = st.query_params.get("network")
        by_title = {examples[n].title.split(" (")[0]: n for n in examples}
        if name is not None and name not in (*by_title, *examples):
            told.append(f"network: {quoted(name)} is none of the examples: {examples[START].title} is shown.")
        chosen = by_title.get(name, name if name in examples else START)
        state["_code"] = examples[chosen].code
        state.setdefault("network", chosen)
        if "input" not in st.query_params:
            state["input"] = shape_text(examples[chosen].input_shape)
        packed = st.query_params.get("code")
        if packed is not None:
            try:
                state["_code"] = unpack(packed)
                state["network"] = None
            except ValueError as error:
                told.append(f"code: {error}")
    if state.get("input") is None and "input" not in st.query_params:
        state["input"] = "1x32x32"
    if state.get("input") is None:
        state["input"] = st.query_params["input"]
    into_link("code", _packed(examples) or "")
    return told


def _packed(examples) -> str | None:
    """The visitor's code for the link, nothing for an example's, ``None`` for what is too long."""
    code = st.session_state["_code"]
    if any(example.code == code for example in examples.values()):
        return ""
    packed = pack(code) if len(code) <= MAX_TEXT else ""
    return packed if 0 < len(packed) <= LONGEST else None


def _result(found, shape, example) -> None:
    if found.broken is not None:
        sentence = found.broken.row.message
        if found.broken is found.lines[0]:  # then the input may be what is wrong
            sentence = f"{sentence.rstrip('.')}. Or change the input."
        st.error(f"**{sentence[0].upper()}{sentence[1:]}**", icon=":material/link_off:")
    fits = found.broken is None
    last = [line for line in found.lines if line.row.status == "ok"][-1:]
    show(_cards(found, last[0] if last else None, example) + _rows(found), key="network_table")
    for note in found.notes:
        st.caption(note.replace("`", ""))
    st.caption(
        f"Input {' × '.join(map(str, shape))}, batch first. "
        + ("Every layer fits. " if fits else "The table stops where the shape stops fitting. ")
        + "Shapes and MACs are PyTorch's own, on the meta device; fields are traced from the graph."
    )
    with st.container(key="network_actions", horizontal=True):
        for name, icon, text, file, kind in (
            ("CSV", "table", found.csv(), "network.csv", "text/csv"),
            ("Markdown", "description", found.markdown(), "network.md", "text/markdown"),
        ):
            st.download_button(name, text, file, kind, icon=f":material/{icon}:", on_click="ignore")


def _cards(found, last, example) -> str:
    """Sums, and the field of the last layer whose units still have a place."""
    placed = [line for line in found.lines if line.size is not None and not line.everything]
    shown = [("Layers", str(len(found.lines)), "in the order of execution")]
    source = ""
    if example is not None and found.parameters == example.parameters:
        author = example.source.split(",")[0]
        source = f"a variant of {author}: see the code's first line" if example.variant else f"as published: {author}"
    shown.append(("Parameters", big(found.parameters), source or "learned numbers, shared ones once"))
    shown.append(("MACs", big(found.macs), "convolutions and linear layers, padding included"))
    if last is not None:
        shown.append(("Output", " × ".join(map(str, last.row.output_shape)), "of the last layer that fits"))
    if placed:
        size = placed[-1].size
        text = " × ".join(map(str, size))
        shown.append(("Receptive field", text, f"of layer {placed[-1].row.name}, {placed[-1].row.kind}"))
    return numbers(shown)


def _rows(found) -> str:
    head = ("no.", "layer", "output", "parameters", "MACs", "receptive field", "jump", "start")
    rows, marked = [], []
    for i, line in enumerate(found.lines):
        row = line.row
        name, kind, out, _, _, size, jump, start, _ = line.cells()
        what = f"<code>{escape(kind)}</code>"
        if row.status in ("broken", "too large"):
            marked.append(i)
            what += f'<br><span class="cs-what">✗ {escape(row.message)}</span>'
        status = "not reached" if row.status == "not reached" else out
        rows.append(
            (
                escape(name),
                f'<span class="cs-code">{what}</span>',
                escape(status.replace("×", " × ")),
                big(row.parameters) if row.parameters else "0",
                "" if line.macs is None else big(line.macs),
                escape(size),
                escape(jump),
                escape(start),
            )
        )
    return table(head, rows, label="Layers of the network", marked=marked, raw=range(len(head)))


if __name__ == "__main__":
    lesson()
