"""A network as a diagram: nodes with their numbers, arrows with their shapes, groups that a click or a key opens.

Layers are placed in the browser by dagre. Selecting with keys, zooming and saving send nothing to the server; opening
and folding a group does, and a selected node where the page listens.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from models.text import big, plural, times
from viz import state
from viz.components._component import component

if TYPE_CHECKING:
    from models.graph import Drawing, Graph, Node

_component = component(__file__)

WIDEST = 42
"""Characters of a call in a row."""

MOST = 800
"""Boxes and arrows that are drawn: to place them takes the browser a second."""

HINT = "[Arrow keys follow the arrows; Enter opens a group, Backspace folds it; + and − zoom, 0 fits the width.|]"


def shape_text(shape: tuple[int, ...], batch: int = 1) -> str:
    """`64 × 56 × 56`: without the batch axis, where there is one."""
    return times(shape[1:] if len(shape) > 1 and shape[0] == batch else shape) or "a number"


def field_text(node: Node) -> str:
    """`sees 11 × 11, jump 4`; nothing where there is no field."""
    if node.everything:
        return "sees everything"
    if node.size is None:
        return ""
    jump = node.jump or ()
    told = "" if not jump or None in jump else f", jump {times(jump[:1] if len(set(jump)) == 1 else jump)}"
    return f"sees {times(node.size)}{told}"


def cost_text(node: Node) -> str:
    """`36 864 parameters, 115 605 504 MACs`; nothing where there are none."""
    parts = [plural(node.parameters, "parameter")] if node.parameters else []
    if node.macs is None:
        parts.append("MACs not counted")
    elif node.macs:
        parts.append(f"{big(node.macs)} MACs")
    return ", ".join(parts)


def _role(node: Node, broken: bool) -> str:
    if broken:
        return "broken"
    if node.kind in ("input", "output"):
        return node.kind
    return "kernel" if node.parameters else "plain"


def diagram_data(drawing: Drawing, *, covered: bool = False, hidden: Collection[str] = ()) -> dict[str, Any]:
    """Nodes, arrows and frames as the browser needs them.

    Args:
        covered: numbers are asked for: shapes, costs and fields are question marks.
        hidden: nodes, by name, that are asked for: they are question marks themselves.
    """
    batch = next((node.shapes[0][0] for node in drawing.nodes if node.kind == "input"), 1)
    into = [0] * len(drawing.nodes)
    for edge in drawing.edges:
        into[edge.target] += 1
    nodes = []
    for at, node in enumerate(drawing.nodes):
        broken = at == drawing.broken
        ends = node.kind in ("input", "output")
        written = [node.kind] if node.group else [node.name] if ends else wrap(node.settings, WIDEST)
        head, call, rest = written[0].partition("(")
        shapes = ", ".join(shape_text(shape, batch) for shape in node.shapes)
        named = not ends and node.label == node.name != head
        lines = written[1:] + ([node.name] if named else [])
        numbers = ["does not fit"] if broken else [shapes] if ends else [field_text(node), cost_text(node)]
        lines += ["?"] * ends if covered else filter(None, numbers)
        said = [" ".join(written), *lines[len(written) - 1 :]]
        if ends and covered:
            said[-1] = "its shape is covered"
        if not ends and not broken and not covered:
            said.append(f"output {shapes}")
        if node.group:
            said.append(f"{plural(node.calls, 'operation')}, folded")
        if broken:
            said.append(drawing.message)
            lines += wrap(drawing.message, WIDEST)
        if node.name in hidden:
            head, call, rest, lines, said = "?", "", "", [], ["covered until the question is answered"]
        nodes.append(
            {
                "name": node.name,
                "head": head,
                "rest": call + rest,
                "lines": lines,
                "role": _role(node, broken),
                "group": node.group,
                "calls": 0 if ends else node.calls,
                "frame": drawing.framed[at],
                "joins": into[at] > 1,
                "told": "; ".join(said),
            }
        )
    edges = [
        (edge.source, edge.target, "?" if covered else ", ".join(shape_text(shape, batch) for shape in edge.shapes))
        for edge in drawing.edges
    ]
    frames = [
        {"name": frame.name, "title": f"{frame.kind} · {frame.name}", "parent": frame.parent}
        for frame in drawing.frames
    ]
    return {"nodes": nodes, "edges": edges, "frames": frames}


def opened(graph: Graph, key: str) -> Collection[str]:
    """The groups that are open on the diagram with this key: those of the beginning, and what was turned since."""
    from models.graph import opened_at_first

    turned = state.recall(f"{key}_turned", {})
    return {name for name in opened_at_first(graph) if turned.get(name, True)} | {n for n, on in turned.items() if on}


def _turn(graph: Graph, key: str) -> None:
    if not (asked := state.heard(key, "turn")):
        return
    if asked["open"]:
        _open(graph, key, asked["group"])
    else:
        state.forget(f"{key}_full")
        _turned(key, asked["group"], False)


def _turned(key: str, group: str, on: bool) -> None:
    state.remember(f"{key}_turned", state.recall(f"{key}_turned", {}) | {group: on})


def _open(graph: Graph, key: str, group: str) -> bool:
    """Open a group, if what is then drawn is not too much; else the diagram says so."""
    from models.graph import fold

    state.forget(f"{key}_full")
    drawing = fold(graph, {*opened(graph, key), group})
    if (parts := len(drawing.nodes) + len(drawing.edges)) > MOST:
        full = f"With “{group}” open there would be {big(parts)} boxes and arrows; {MOST} are drawn at most. Fold "
        state.remember(f"{key}_full", (graph, full + "another group first."))
        return False
    _turned(key, group, True)
    return True


def unfold(graph: Graph, key: str, name: str) -> None:
    """Open the groups around an operation on the diagram with this key, as far as that is not too much. For
    callbacks."""
    from models.graph import drawn_as

    while (group := drawn_as(graph, name, opened(graph, key))) not in (None, name):
        if not _open(graph, key, group):
            return


def diagram(
    graph: Graph,
    *,
    key: str,
    title: str,
    selected: str | None = None,
    alike: Collection[str] = (),
    covered: bool = False,
    hidden: Collection[str] = (),
    height: int = 640,
    on_node: Callable[[], None] | None = None,
    report: str = "",
) -> None:
    """Mount it.

    Args:
        graph: from `models.graph.read_graph`.
        title: what the diagram shows, for screen readers and the file.
        selected: name of the node to select, where the page chooses another one now.
        alike: names of nodes that are marked beside it.
        covered, hidden: see :func:`diagram_data`.
        height: most pixels that it takes, if the screen leaves no more below; what is larger scrolls.
        on_node: called when a node is selected; ``viz.state.heard(key, "node")`` is then its name.
        report: HTML that stands under the drawing in a file of both; without it there is no such file.
    """
    from models.graph import fold

    data = diagram_data(fold(graph, opened(graph, key)), covered=covered, hidden=hidden)
    said, full = state.recall(f"{key}_full", (None, ""))
    data |= {
        "title": title,
        "selected": selected,
        "alike": [node["name"] in alike for node in data["nodes"]],
        "height": height,
        "hint": "" if covered else HINT,
        "full": full if said is graph else "",
        "tells": on_node is not None,
        "report": report,
    }
    _component(key=key, data=data, on_turn_change=lambda: _turn(graph, key), on_node_change=on_node or (lambda: None))
