"""Your network: pasted code in, a table out, each layer that does not fit with the change that would mend it."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import streamlit as st

from models.advice import Advice, Repair, advise
from models.networks.table import describe
from models.parse import ParseError, parse_network
from models.parse.code import EXAMPLES, to_code
from models.text import big, plural, quoted, sentence, times
from pages._lesson import columns, offer
from pages._question import Asking
from pages.receptive_field._questions import YOUR_NETWORK
from viz import state
from viz.controls.examples import examples
from viz.figures import numbers, show, table
from viz.state import Text, escaped, literal
from viz.words import remark, say

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


def _default_input(name: str | None) -> str:
    """The input that belongs to an example; for the visitor's own code, what a bare link means."""
    return shape_text(EXAMPLES[name or START].input_shape)


@dataclass(frozen=True)
class NetworkText:
    """Code and input as settings. The link names the example, or packs the visitor's own code while it is short."""

    names: ClassVar[tuple[str, ...]] = ("network", "code", "input")

    @property
    def code(self) -> Text:
        title = "A network: nn.Sequential(…), a list of layers, or what print(model) shows"
        return Text("code", EXAMPLES[START].code, title, None, area=True, key="network_code")

    @property
    def input(self) -> Text:
        hint = "One size for sequences, two for pictures, three for volumes. The batch axis is added."
        return Text("input", _default_input(START), "Input: channels × height × width", hint, key="network_input")

    @property
    def example(self) -> str | None:
        """The example that is shown; None if the code is the visitor's own."""
        return next((name for name, one in EXAMPLES.items() if one.code == self.code.value), None)

    def choose(self, name: str) -> None:
        """Show an example from now on. For callbacks and links."""
        state.give({self.code.at: EXAMPLES[name].code, self.input.at: _default_input(name)})

    def take(self, query: Mapping[str, list[str]]) -> list[str]:
        """Take example or code, and the input, over from a link; a sentence for each thing that could not be."""
        names, told = {_title(name): name for name in EXAMPLES} | {name: name for name in EXAMPLES}, []
        asked, packed, shape = (query.get(name, [None])[-1] for name in self.names)
        if asked is not None and asked not in names:
            told.append(f"network: {quoted(asked)} is none of the examples: {EXAMPLES[START].title} is shown.")
        self.choose(names.get(asked, START))
        if packed is not None:
            try:
                self.code.give(unpack(packed))
            except ValueError as error:
                told.append(f"code: {error}")
        if shape is not None:
            self.input.give(shape)
        return told

    def query(self) -> dict[str, str]:
        """What the link says of them."""
        name, shape = self.example, self.input.value
        if name:
            found = {} if name == START else {"network": _title(name)}
        else:
            found = {"code": packed} if (packed := self._packed()) else {}
        return found | ({} if shape == _default_input(name) else {"input": shape})

    def _packed(self) -> str:
        """The visitor's code for the link; nothing if it is too long."""
        packed = pack(self.code.value) if len(self.code.value) <= MAX_TEXT else ""
        return packed if len(packed) <= LONGEST else ""

    def fits(self) -> bool:
        """Whether the link holds the code."""
        return bool(self.example or self._packed())


def _title(name: str) -> str:
    """An example's name, as its button and the link spell it."""
    return EXAMPLES[name].title.split(" (")[0]


def lesson() -> None:
    """Examples, code and input at the left, the table at the right."""
    st.html("<style>.st-key-network_code textarea { font-family: monospace; font-size: .85rem; }</style>")
    network = NetworkText()
    asking = Asking("your-network", YOUR_NETWORK, (network,))
    state.take(network, asking)
    covered, shown = asking.waits(), network.example
    with st.container(key="lesson"):
        left, right = columns("Code", (2, 3))
        with left, st.container(key="controls", gap="small"):
            say("Start from")
            examples("network_examples", "example", {name: _title(name) for name in EXAMPLES}, shown, network.choose)
            code = network.code.draw(height=330)
            size = network.input.draw()
        with right:
            # A question brings its example: beside code of the visitor's own there is none to take it away.
            if shown:
                asking.draw()
            try:
                shape = read_shape(size)
                module = parse_network(code, device="meta")
                found = describe(module, shape)
            except ParseError as error:
                st.error(literal(error.message), icon=":material/block:")
                if error.line:
                    line = code.split("\n")[error.line - 1] if error.line <= code.count("\n") + 1 else ""
                    st.code(f"{error.line}: {line[:200]}", language=None)
                remark("Read are layers of torch.nn, nn.Sequential, numbers, tuples, lists, range, assignments.")
                return
            except ValueError as error:
                st.error(f"{sentence(error).rstrip('.')}.", icon=":material/block:")
                return
            if covered:
                with st.container(key="stage_area"):
                    _layers(found, covered)
                offer(lambda: ("", ""), covered=True)
                return
            _result(found, shape, advise(module, shape), EXAMPLES.get(shown or ""))
            offer(
                lambda: (
                    "Builds exactly this network: its layers and their settings, with new weights.",
                    to_code(module),
                ),
                network.fits(),
                "Your code is too long for a link, so it opens with an example: take the code along instead.",
            )


def _result(found, shape, wrong, example) -> None:
    _advice(wrong)
    fits = found.broken is None
    last = [line for line in found.lines if line.row.status == "ok"][-1:]
    show(_cards(found, last[0] if last else None, example), key="network_cards")
    _layers(found)
    for note in found.notes:
        remark(note.replace("`", ""))
    remark(
        f"Input {' × '.join(map(str, shape))}, batch first. "
        + ("Every layer fits. " if fits else "The table stops where the shape stops fitting. ")
        + "Shapes and MACs are PyTorch's own, on the meta device; fields are traced from the graph."
    )
    st.download_button(
        "Markdown", found.markdown(), "network.md", "text/markdown", icon=":material/description:", on_click="ignore"
    )  # fmt: skip


def _advice(wrong: Sequence[Advice]) -> None:
    """What does not fit, and what would do: each tried, with what it costs."""
    for one in wrong:
        repairs = [f"1. {escaped(sentence(repair.words))}. {_costs(repair)}" for repair in one.repairs]
        box, icon = (st.info, ":material/info:") if one.silent else (st.error, ":material/link_off:")
        box("\n\n".join([f"**{escaped(sentence(one.why))}**", *(["\n".join(repairs)] if repairs else [])]), icon=icon)


def _costs(repair: Repair) -> str:
    """What the network then returns and costs; or what does not fit next."""
    if repair.then:
        return f"Then {escaped(repair.then)}"
    wide = f"{big(repair.weights)} weights there, " if repair.weights > repair.parameters / 2 else ""
    gives = "" if repair.gives is None else f"gives {times(repair.gives)}, "
    return f"*Tried: {gives}{wide}{plural(repair.parameters, 'parameter')} and {big(repair.macs)} MACs in all.*"


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


def _layers(found, covered: bool = False) -> None:
    """A line per layer; of one that does not fit, why. ``covered``: their names alone."""
    head = ("no.", "layer", "output", "parameters", "MACs", "receptive field", "jump", "start", "does not fit")
    rows = []
    for line in found.lines:
        row = line.row
        name, kind, out, _, _, size, jump, start, _ = line.cells()
        wrong = f"✗ {row.message}" if row.status in ("broken", "too large") else ""
        out = "not reached" if row.status == "not reached" else out.replace("×", " × ")
        rows.append((name, kind, out, row.parameters or 0, line.macs, size, jump, start, wrong))
    if covered:
        rows = [(*one[:2], *"?" * (len(one) - 2)) for one in rows]
    shown = len(head) - (found.broken is None)
    table(head[:shown], [row[:shown] for row in rows], key="network_layers", label="Layers of the network")


if __name__ == "__main__":
    lesson()
