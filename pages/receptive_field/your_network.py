"""Your network: pasted code in, a drawing and a table out; what does not fit with the changes that would mend it."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from html import escape
from itertools import islice
from math import prod
from typing import ClassVar

import streamlit as st
import torch
from torch import nn

from models.advice import Advice, Repair
from models.advice.inputs import axes_of, batch_sign, batched, fed_by, read_inputs
from models.graph import Graph, drawn_as, first_of
from models.measure import blank, on_paper, settled
from models.networks.table import COLUMNS, csv_text, learned, listed_in, markdown_text, report_of, rows_of
from models.parse import Argument, ParseError
from models.parse.code import EXAMPLES, made_in, to_code, with_imports
from models.text import big, listed, plural, quoted, sentence, times
from pages._lesson import columns, offer
from pages._question import Asking
from pages.receptive_field import _second, _sizes
from pages.receptive_field._kept import (
    Given,
    advice_at,
    asked_of,
    graph_at,
    inputs_for,
    main_of,
    names_of,
    needs_of,
    network_of,
)
from pages.receptive_field._questions import YOUR_NETWORK
from viz import state
from viz.components.diagram import diagram, opened, unfold
from viz.controls.examples import examples
from viz.figures import along, numbers, show, table
from viz.state import Choice, Fold, Text, escaped, literal
from viz.words import remark, say

START = "lenet5"
FED = "network_fed"
"""Where the session keeps what the text that is shown feeds its network."""
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
    """The shape of the first input that a visitor means, batch axis first. Raises `ValueError`, a sentence that says
    what to write."""
    return read_inputs(text).shapes[0]


def shape_text(shape: tuple[int, ...]) -> str:
    """What `given_input` reads as this shape: the batch axis stands there where it is not 1."""
    if shape == (1,):
        return "()"
    return "x".join(map(str, shape[1:])) if shape[0] == 1 else f"torch.randn({', '.join(map(str, shape))})"


def inputs_text(shapes: Sequence[tuple[int, ...]], parts: Iterable[int]) -> str:
    """What `given_input` reads as these inputs; `parts`: of each, how many of the shapes it holds in a tuple."""
    row = iter(map(shape_text, shapes))
    return "; ".join(f"({', '.join(islice(row, part))})" if part else next(row) for part in parts)


def _default_input(name: str | None) -> str:
    """The input that belongs to an example; for the visitor's own code, what a bare link means."""
    return shape_text(EXAMPLES[name or START].input_shape)


def _short(code: str) -> bool:
    """Whether a link holds it."""
    return len(code) <= MAX_TEXT and len(pack(code)) <= LONGEST


@dataclass(frozen=True)
class NetworkText:
    """Code and input as settings. The link names the example, or packs the visitor's own code while it is short."""

    names: ClassVar[tuple[str, ...]] = ("network", "code", "input")

    @property
    def code(self) -> Text:
        title = "A network: a class, nn.Sequential(…), a list of layers, or what print(model) shows"
        return Text("code", EXAMPLES[START].code, title, None, area=True, key="network_code")

    @property
    def input(self) -> Text:
        hint = (
            "One size for sequences, two for pictures, three for volumes. The batch axis is added. Several inputs: "
            "3x32x32; 100, and those that forward takes in a tuple in brackets: 3x32x32; (16x8x8, 16x8x8). () is one "
            "number for each example, such as a label."
        )
        return Text("input", _default_input(START), "Input: channels × height × width", hint, key="network_input")

    @property
    def example(self) -> str | None:
        """The example that is shown; None if the code is the visitor's own."""
        return next((name for name, one in EXAMPLES.items() if one.code == self.code.value), None)

    def choose(self, name: str) -> None:
        """Show an example from now on. For callbacks and links."""
        state.give({self.code.at: EXAMPLES[name].code, self.input.at: _default_input(name)})

    def follow(self) -> None:
        """Other code, or another of its networks, brings the input that it is meant for, unless the visitor has typed
        one; what other code itself feeds its network takes that over too. For callbacks."""
        state.catch_up()
        typed, brought = self.input.value, state.recall("network_input_brought")
        fed, before = (*fed_by(self.code.value),), state.recall(FED)
        if typed in (brought, *map(_default_input, EXAMPLES)) or (fed and fed != before):
            with suppress(ValueError):
                text = self.code.value
                names = names_of(text)
                which = _which(names, text)
                name = which.value if which else next(iter(names), None)
                now = read_shape(typed)
                shapes = inputs_for(text, name, now) or (now,)
                parts = asked_of(Given(text, name)).values() if len(shapes) > 1 else (0,)
                brought = inputs_text(shapes, parts)
                self.input.give(brought)
                state.remember("network_input_brought", brought)

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
        return pack(self.code.value) if _short(self.code.value) else ""

    def fits(self) -> bool:
        """Whether the link holds the code."""
        return bool(self.example or self._packed())


SECOND = Text(
    "with", "", "A second network", None, area=True, key="network_second", read=unpack, spell=pack, tells=_short
)

WHAT_IF = Fold("whatif", False, "**What if the input had another size?** Sizes that fit, fields that cover, tiles")
COMPARE = Fold("second", False, "**How does another network differ?** Paste a second one")


def _title(name: str) -> str:
    """An example's name, as its button and the link spell it."""
    return EXAMPLES[name].title.split(" (")[0]


def given_input(code: Given, text: str) -> tuple[Given, tuple[int, ...], bool]:
    """The code with the shapes of further inputs, the first one's shape, batch first, and whether the batch axis was
    added: not to four sizes for a network of pictures, unless that alone fits, nor where they alone fit as they stand.

    Raises:
        ValueError: a sentence, about the code or the input.
    """
    (shape, *others), added, parts = read_inputs(text)
    code, typed = replace(code, others=tuple(others), parts=parts if any(parts) else ()), shape[1:]
    ways = [(code, shape, added)]
    if added and len(typed) == 4:
        with_batch = replace(code, others=tuple(batched(one, typed[0]) for one in others))
        ways.insert(axes_of(network_of(code)) != 2, (with_batch, typed, False))
    for given, sizes, one in ways:
        with suppress(ValueError):  # forward itself may refuse another number of axes
            labelled = _labelled(given, sizes)
            if not graph_at(labelled, sizes).broken:
                return labelled, sizes, one
    given, sizes, one = ways[0]
    _refuse_batches(given, sizes)
    return _labelled(given, sizes), sizes, one


def _refuse_batches(code: Given, shape: tuple[int, ...]) -> None:
    """Raises `ValueError`, a sentence, where the inputs would fit if all had as many examples as the first."""
    own = [one[len(one) == len(shape) + 1 :] for one in code.others]
    same = replace(code, others=tuple((shape[0], *one[1:]) for one in own))
    fits = False
    with suppress(ValueError):
        fits = same.others != (*own,) and not graph_at(same, shape).broken
    if fits:
        batches = listed(dict.fromkeys([shape[0], *(one[0] for one in own)]), "and")
        right = inputs_text((shape, *same.others), code.parts or (0,) * (1 + len(own)))
        raise ValueError(f"the batches differ, {batches}: give each input as many examples, as in {right}")


def _labelled(code: Given, shape: tuple[int, ...]) -> Given:
    """The same with `1` read as one number for each example, where it does not fit as a row of one."""
    labels = tuple(one[:1] if one[1:] == (1,) else one for one in code.others)
    if labels == code.others or not graph_at(code, shape).broken:
        return code
    other = replace(code, others=labels)
    return code if graph_at(other, shape).broken else other


def lesson() -> None:
    """Examples, code and input at the left, the drawing at the right; the table, and what else can be asked."""
    boxes = ":is(.st-key-network_code, .st-key-network_second) textarea"
    st.html(f"<style>{boxes} {{ font-family: monospace; font-size: .85rem; max-height: 48vh; }}</style>")
    network = NetworkText()
    asking = Asking("your-network", YOUR_NETWORK, (network,))
    state.take(network, SECOND, WHAT_IF, COMPARE, asking)
    covered, shown = asking.waits(), network.example
    state.remember(FED, (*fed_by(network.code.value),))
    with st.container(key="lesson"):
        left, right = columns("Code", (2, 3))
        with left, st.container(key="controls", gap="small"):
            say("Start from")
            examples("network_examples", "example", {name: _title(name) for name in EXAMPLES}, shown, network.choose)
            text = network.code.draw(height=390, on_change=network.follow)
            asked = st.container()
            size = network.input.draw()
            line = st.container()
        with right:
            # A question brings its example: beside code of the visitor's own there is none to take it away.
            if shown:
                asking.draw()
            with st.container(key="stage_area"):
                try:
                    with asked:
                        code = _given(text, network.follow)
                    if code is None:
                        st.info("Give the network its arguments at the left, under the code.", icon=":material/input:")
                        return
                    code, shape, added = given_input(code, size)
                    graph = graph_at(code, shape)
                    state.take(_sizes.side(shape))
                except ParseError as error:
                    # Markdown reads __init__ as bold.
                    st.error(literal(sentence(error)).replace("__", r"\_\_"), icon=":material/block:")
                    if error.line:
                        wrong = text.split("\n")[error.line - 1] if error.line <= text.count("\n") + 1 else ""
                        st.code(f"{error.line}: {wrong[:200]}", language=None)
                    # No term of the list of words: these classes are Python's.
                    st.caption(
                        "Read are classes with a forward, nn.Sequential, lists of layers, torchvision's networks."
                    )
                    return
                except ValueError as error:
                    st.error(f"{sentence(error).rstrip('.')}.", icon=":material/block:")
                    return
                if covered:
                    _layers(graph, covered=True)
                    offer(lambda: ("", ""), covered=True)
                    return
                wrong = st.container()
                show(_cards(graph, EXAMPLES.get(shown or "")), key="network_cards")
                chosen = _chosen(graph)
                alike = made_by(graph, text)
                _drawing(graph, chosen, next((names for names in alike.values() if chosen in names), ()))
        with line:
            batch = "the batch axis, 1, was added" if added else "batch axis first, as you gave it"
            if sign := batch_sign(size):
                batch = f"{escaped(sign.replace('-', '−'))} was read as the batch axis, 1"
            given = " and ".join(map(times, (shape, *code.others)))
            remark(f"{'Inputs' if code.others else 'Input'} {given}: {batch}.")
            _line(graph, text, alike, chosen)
    _layers(graph, chosen)
    # It tries many a network, and is told where the drawing has been sent.
    with wrong:
        if graph.broken:
            _another(code, shape)
        _advice(advice := advice_at(code, shape))
    _told(graph, advice)
    WHAT_IF.draw(lambda: _sizes.draw(code, shape, graph))
    COMPARE.draw(lambda: _second.draw(SECOND, code, shape, graph))
    offer(
        lambda: _script(code, shape),
        network.fits() and SECOND.tells(SECOND.value),
        "Your code is too long for a link, so it opens with an example: take the code along instead.",
    )


def _which(names: Sequence[str], text: str) -> Choice | None:
    """Which of the networks of a text is shown, `main_of` it if nothing is chosen; None where there is one at most."""
    return (
        Choice("which", main_of(text), "Which network?", None, names, key="network_which") if len(names) > 1 else None
    )


def _given(text: str, follow: Callable[[], None]) -> Given | None:
    """The text with what is still asked of it: which of several networks, and the arguments that it must be called
    with. None while one of these is missing. `follow`: of the choice of a network."""
    names = names_of(text)
    name = main_of(text)
    if (which := _which(names, text)) is not None:
        state.take(which)
        name = which.draw(on_change=follow)
    wanted = needs_of(text, name)
    asked = [Text(f"arg_{one.name}", "", _called(one), "As Python writes it.", tells=_short) for one in wanted]
    state.take(*asked)
    values = [(one.name, box.draw().strip()) for one, box in zip(wanted, asked, strict=True)]
    return Given(text, name, tuple(values)) if all(value for _, value in values) else None


def _called(argument: Argument) -> str:
    return f"{argument.name}: {argument.hint}" if argument.hint else argument.name


def _script(code: Given, shape: tuple[int, ...]) -> tuple[str, str]:
    module, graph = network_of(code), graph_at(code, shape)
    made, name = "", "model"
    if isinstance(module, nn.Sequential):
        with suppress(ValueError):  # classes of the visitor's own have no line that makes them
            made = f"import torch\n{to_code(module)}"
            told = "Builds exactly this network: its layers and their settings, with new weights"
    if not made:
        made = with_imports(code.text, "torch")
        name = made_in(code.text, code.name or main_of(code.text) or "", dict(code.arguments))
        told = f"Your code, {'as you pasted it' if made == code.text else 'with the imports that it lacked'}"
    if not name or graph.broken or graph.macs > RUN:
        return f"{told}.", made
    asserted, checks = _checks(code, shape)
    model = "" if name == "model" else f"model = {name}\n"
    return f"{told}; asserts {asserted}.", f"{made.rstrip()}\n\n{model}{checks}"


def _checks(code: Given, shape: tuple[int, ...]) -> tuple[str, str]:
    """What a script can assert of ``model``, in words, and the lines that do."""
    network, asked = settled(network_of(code), shape), asked_of(code)
    count = sum(one.numel() for one in network.parameters())
    asserted, lines = "the parameters", [f"assert sum(p.numel() for p in model.parameters()) == {count}"]
    # What cannot run without numbers is not asserted.
    with suppress(Exception), on_paper(network) as (ghost, _):
        others = code.others or (shape,) * (len(asked) - 1)
        inputs = [blank(network, shape), *(torch.empty(one, device="meta") for one in others)]
        out = ghost(*inputs)
        if isinstance(out, torch.Tensor) and not any(asked.values()):
            kinds = ["" if one.dtype == torch.float else f", dtype={one.dtype}" for one in inputs]
            given = [f"torch.zeros({tuple(one.shape)}{kind})" for one, kind in zip(inputs, kinds, strict=True)]
            lines = [f"y = model.eval()({', '.join(given)})", f"assert y.shape == {tuple(out.shape)}", *lines]
            asserted = "the shape that comes out and the parameters"
    return asserted, "".join(f"{line}\n" for line in lines)


RUN = 10**10
"""MACs up to which a script runs its network."""

DRAWING, TABLE, NODE = "network_drawing", "network_layers", "network_node"
"""Keys of the drawing and the table, and where the session keeps which operation is chosen, by name: drawing, table and
line of the code show what stands there."""


def _chosen(graph: Graph) -> str | None:
    """The name of the operation that is chosen, else of that which does not fit. Another text keeps it where it has one
    of that name."""
    name = state.recall(NODE)
    if any(node.name == name for node in (*graph.nodes, *graph.rest)):
        return name
    return graph.nodes[graph.broken.node].name if graph.broken else None


def _choose(graph: Graph, name: str | None) -> None:
    """Choose an operation, and open what hides it in the drawing. For callbacks."""
    state.remember(NODE, name)
    if name is not None:
        unfold(graph, DRAWING, name)


def _drawing(graph: Graph, chosen: str | None, alike: Sequence[str]) -> None:
    """The network as a diagram. ``alike``: all that the line of the code makes of which the chosen operation is."""
    names = [node.name for node in graph.nodes]
    groups = opened(graph, DRAWING)

    def choose() -> None:
        at = first_of(graph, state.heard(DRAWING, "node") or "")
        state.remember(NODE, None if at is None else names[at])

    diagram(
        graph,
        key=DRAWING,
        title="Diagram of your network",
        selected=chosen and drawn_as(graph, chosen, groups),
        alike={drawn_as(graph, name, groups) for name in alike},
        height=430,
        on_node=choose,
        report=_report(graph),
    )


def _report(graph: Graph) -> str:
    """The table in HTML, for the file of drawing and table."""
    cell = lambda kind, text: f"<{kind}>{escape(text)}</{kind}>"  # noqa: E731
    row = lambda kind, cells: f"<tr>{''.join(cell(kind, one) for one in cells)}</tr>"  # noqa: E731
    rows = [row("td", one) for one in report_of(graph)]
    above = sum(node.kind == "input" for node in graph.nodes)
    # The drawing counts the rows of the body: what stands above and below them belongs to no node.
    parts = {"thead": [row("th", COLUMNS), *rows[:above]], "tbody": rows[above:-1], "tfoot": rows[-1:]}
    lines = "".join(f"<{part}>{''.join(each)}</{part}>" for part, each in parts.items())
    sums = f"{plural(learned(graph), 'parameter')}, {big(graph.macs)} MACs."
    return f'<p>{sums}</p><div class="table"><table>{lines}</table></div>'


def made_by(graph: Graph, code: str) -> dict[int, list[str]]:
    """The operations that each line of the code makes, by their names; lines that make none are left out."""
    found: dict[int, list[str]] = {}
    for node in (*graph.nodes, *graph.rest):
        if 0 < node.line <= code.count("\n") + 1:
            found.setdefault(node.line, []).append(node.name)
    return dict(sorted(found.items()))


def _line(graph: Graph, code: str, made: Mapping[int, Sequence[str]], chosen: str | None) -> None:
    """The line of the code that makes the chosen operation; another line chooses what it makes."""
    if not made:
        return
    lines = code.split("\n")
    titles = {at: f"{at}: {lines[at - 1].strip()[:200]}" for at in made}
    box = Choice("line", None, "Line of the code", "Type to search.", titles, key="network_line")
    at = next((at for at, names in made.items() if chosen in names), None)
    box.give(at)
    box.draw(
        index=None,
        placeholder="Choose a line, a node or a row",
        on_change=lambda: _choose(graph, next(iter(made.get(box.value, ())), None)),
    )
    if at and len(made[at]) > 1:
        names = ", ".join(made[at][:6]) + (", …" if len(made[at]) > 6 else ".")
        remark(f"This line makes {big(len(made[at]))} operations: {names}")


def _told(graph: Graph, advice: Sequence[Advice]) -> None:
    """What the numbers are, as far as no advice says it, and the table to take along."""
    for note in graph.notes:
        if not any(sentence(note).partition(":")[0] in one.why for one in advice):
            remark(note.replace("`", ""))
    fits = "The table stops where the shape stops fitting. " if graph.broken else "Every layer fits. "
    remark(
        f"{fits}Shapes and MACs are PyTorch's own, on the meta device; fields are traced from the graph. What you "
        "choose in the drawing, in the table (by key: Shift+Space) or among the lines of the code is chosen in all "
        "three."
    )
    with st.container(horizontal=True):
        rows = report_of(graph)
        for name, text, kind, icon in (
            ("Markdown", markdown_text(COLUMNS, rows), "text/markdown", ":material/description:"),
            ("CSV", csv_text(COLUMNS, rows), "text/csv", ":material/table:"),
        ):
            file = f"network.{'md' if name == 'Markdown' else 'csv'}"
            st.download_button(name, text, file, kind, icon=icon, on_click="ignore")


def _advice(wrong: Sequence[Advice]) -> None:
    """What does not fit, and what would do: each tried, with what it costs."""
    for one in wrong:
        repairs = [f"1. {escaped(sentence(repair.words))}. {_costs(repair)}" for repair in one.repairs]
        box, icon = (st.info, ":material/info:") if one.silent else (st.error, ":material/link_off:")
        box("\n\n".join([f"**{escaped(sentence(one.why))}**", *(["\n".join(repairs)] if repairs else [])]), icon=icon)


def _another(code: Given, shape: tuple[int, ...]) -> None:
    """Where the input does not fit the network that is chosen, but another of the text: which."""
    for name in names_of(code.text):
        if name != code.name and not needs_of(code.text, name):
            with suppress(ValueError):  # it may take another number of inputs, or not be one that is read
                if not graph_at(replace(code, name=name, arguments=()), shape).broken:
                    st.info(f"**This input fits {escaped(name)}: choose it.**", icon=":material/alt_route:")
                    return


def _costs(repair: Repair) -> str:
    """What the network then returns and costs; or what does not fit next."""
    if repair.then:
        return f"Then {escaped(repair.then)}"
    wide = f"{big(repair.weights)} weights there, " if repair.weights > repair.parameters / 2 else ""
    outputs = () if repair.gives is None else (repair.gives, *repair.more)
    gives = f"gives {listed(map(_size, outputs), 'and')}, " if outputs else ""
    return f"*Tried: {gives}{wide}{plural(repair.parameters, 'parameter')} and {big(repair.macs)} MACs in all.*"


def _size(shape: tuple[int, ...]) -> str:
    """A shape as people write it; that of a scalar has no sizes."""
    return times(shape) or "a number"


def _cards(graph: Graph, example) -> str:
    """Sums, and the field of the last layer whose units still have a place."""
    inside = [node for node in graph.nodes if node.kind not in ("input", "output")]
    shown = [("Operations", str(len(inside) + len(graph.rest)), "in the order of execution")]
    source, parameters = "", learned(graph)
    if example is not None and parameters == example.parameters:
        author = example.source.split(",")[0]
        source = f"a variant of {author}: see the code's first line" if example.variant else f"as published: {author}"
    shown.append(("Parameters", big(parameters), source or "learned numbers, shared ones once"))
    told = "up to what does not fit" if graph.broken else "multiply–accumulates, padding included"
    if len(graph.nodes[0].shapes[0]) > 2 and graph.nodes[0].shapes[0][0] > 1:
        told += f", of all {graph.nodes[0].shapes[0][0]} examples"
    shown.append(("MACs", big(graph.macs), told))
    last = graph.returned or [one for one in inside[-2:-1] if one.shapes]
    if last:
        told = "of the last operation that fits" if graph.broken else "what the network returns"
        more = "".join(f"; {node.name} {_size(node.shapes[0])}" for node in last[1:])
        shown.append(("Output", _size(last[0].shapes[0]), f"{last[0].name}{more}" if more else told))
    if field := _field(graph):
        shown.append(("Receptive field", *field))
    return numbers(shown)


def _field(graph: Graph) -> tuple[str, str] | None:
    """The field of a unit of what the network returns, as far as there is a window; and of what it is the field."""
    ends = {at for at, node in enumerate(graph.nodes) if node.kind == "output"}
    returned = [edge.source for edge in graph.edges if edge.target in ends]
    returned = [len(graph.nodes) - 2] if graph.broken else [*dict.fromkeys(returned)]
    if not returned or (last := graph.nodes[returned[0]]).kind == "input":
        return None
    seen = [node for node in graph.nodes if node.size is not None and not node.everything]
    if not seen:
        return ("whole input", "of each unit of the output") if last.everything else None
    # Of several ways that end in the whole input, the one that sees most before: of equals the last.
    node = last if last in seen else max(reversed(seen), key=lambda one: prod(one.size or ()))
    if node is last and len(returned) > 1:
        after = f", one of {len(returned)} outputs"
    elif node is last:
        after = ", the last that fits" if graph.broken else ", the output"
    elif any(one.everything for one in graph.nodes[graph.nodes.index(node) :]):
        after = "; after it, the whole input" + ("" if last.everything else ", and later none can be followed")
    else:
        after = "; after it, none can be followed"
    kind = f" ({node.kind})" if node.label == node.name else ""
    return times(node.size), f"of {node.label}{kind}{after}"


def _layers(graph: Graph, chosen: str | None = None, covered: bool = False) -> None:
    """A line per operation; of one that does not fit, why. ``covered``: their names alone."""
    head = ("name", "operation", "output", "parameters", "MACs", "receptive field", "jump", "start", "does not fit")
    rows = []
    operations = listed_in(graph)
    for node, (name, call, out, _, _, size, jump, start, wrong) in zip(operations, rows_of(graph), strict=True):
        reached = wrong != "not reached"
        out = out.replace("×", " × ") if reached else wrong
        wrong = f"✗ {wrong}" if wrong and reached else ""
        field = along(size, None if node.everything else node.size), along(jump, node.jump), along(start, node.start)
        rows.append((name, call, out, node.parameters, node.macs, *field, wrong))
    if covered:
        rows = [(*one[:2], *"?" * (len(one) - 2)) for one in rows]
    shown = len(head) - (not graph.broken)

    names = [node.name for node in operations]

    def choose(row: int | None) -> None:
        _choose(graph, None if row is None or row >= len(names) else names[row])

    lines = [row[:shown] for row in rows]
    height = min(330, 36 * (len(lines) + 1) + 2)
    at = names.index(chosen) if chosen in names else None
    of = f"{names} {shown} {covered}"
    table(head[:shown], lines, key=TABLE, of=of, label="Layers of the network", on_row=choose, row=at, height=height)


if __name__ == "__main__":
    lesson()
