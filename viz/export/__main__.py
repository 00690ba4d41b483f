"""Pictures, animations and more of any layer, from the command line.

    python -m viz.export --kind transposed --input-size 3 --kernel-size 3 --stride 2 --padding 1 out.gif
    python -m viz.export --link "https://…/playground?kernel_size=3" out.png --theme dark --padding 1
    python -m viz.export --batch configs.csv --out folder

The ending of the file decides on its format. A setting takes one value, or one for each axis: 3,5; beside a link it
changes the link's layer. The table of a batch has a column for each setting or option that is not the default, and one
named file.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qs, parse_qsl, urlsplit

from models.text import big, quoted, read_whole
from viz.export.formats import FORMATS, Format, Option

if TYPE_CHECKING:
    from models.errors import SpecError
    from models.share import Scene
    from models.spec import LayerSpec
    from viz.export.taken import Taken

PAGES = {
    "transposed": ("ct_", {"kind": "transposed", "input_size": "2"}),
    "cost-separable": (
        "ds_",
        {
            "kind": "depthwise_separable",
            "input_size": "8",
            "in_channels": "3",
            "out_channels": "3",
            "kernel_size": "3",
            "padding": "1",
        },
    ),
    "playground": ("", {}),
}
"""How the address of a lesson on one layer begins -> what stands before its settings in a link, and what a bare link
means."""

VIEWS = {
    "layer": "the layer as it is",
    "zeros": "a transposed layer as an ordinary one, zeros inserted",
    "views": "a transposed layer, computed in four ways",
    "matrix": "the matrices of a transposed layer, both ways round",
}
SHOWN = {"transposed": "views", "transposed-sizes": "zeros", "transposed-matrix": "matrix"}
"""Which view a page shows, where it is not the layer."""

SIDES = ("a", "b")
"""Of two layers that a link compares."""
NO_SIDES = "side: this link does not compare two layers."

NUMBERS = ("input", "weights", "seed")
"""Settings that say where a layer's numbers come from."""

STACK, POOLING = "receptive-field", "feature-maps-pooling"
"""The page on a stack of layers, and that on pooling, of which the worked example is drawn."""

BESIDES = {
    "playground": "against cell",
    "transposed": "ct_against cell",
    "transposed-sizes": "ct_against",
    "transposed-matrix": "ct_against entries colour flat ct_back ct_blocks trip_image_c trip_image_d trip_small_c "
    "trip_small_d",
    "cost-separable": "layer order",
    STACK: "layers dims size channels layer unit apart algebra measured",
    POOLING: "fm_picture fm_shape fm_seed fm_size fm_colour fm_crop fm_edge fm_top fm_left fm_pool fm_window fm_stride "
    "fm_example fm_unpooled fm_forgotten",
}
"""The settings of each page besides those of a layer and its questions, drawn or not."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One sentence."""
        sys.stderr.write(f"{message[:1].upper()}{message[1:]}.\n".replace("..\n", ".\n"))
        sys.exit(2)


def _options() -> dict[str, Option]:
    """Every option of any format by its name, with all that it may be in any of them."""
    found: dict[str, Option] = {}
    for option in (option for one in FORMATS.values() for option in one.options):
        known = found.setdefault(option.name, option)
        if option.values:
            found[option.name] = replace(known, values={**(known.values or {}), **option.values})
    return found


def parser() -> argparse.ArgumentParser:
    """Settings as the app has them, options as the formats have them."""
    from models.share import Scene
    from models.sources import INPUTS, WEIGHTS
    from models.spec import QUERY_DEFAULTS

    made = _Parser(
        prog="python -m viz.export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("file", nargs="?", help="what is written")
    formats = "; ".join(f"{one.name}: {one.label}, .{one.ending}" for one in FORMATS.values())
    made.add_argument(
        "--format", choices=FORMATS, metavar="FORMAT", help=f"where an ending stands for several: {formats}"
    )
    made.add_argument("--link", help="a link that was shared; settings beside it change its layer")
    made.add_argument("--batch", help="a table of settings, as CSV: one file a row")
    made.add_argument("--out", help="the folder for a batch; default: this one")
    made.add_argument("--title", help="of the file")
    made.add_argument("--side", choices=SIDES, help="of a link that compares two layers one: a is the frozen one")
    views = "; ".join(f"{name}: {what}" for name, what in VIEWS.items())
    made.add_argument("--view", choices=VIEWS, help=f"{views}. Default: what the link's page shows, or layer.")
    layer = made.add_argument_group("the layer")
    for name, default in QUERY_DEFAULTS.items():
        known = f"{', '.join(found)}; " if (found := _known_values(name)) else ""
        layer.add_argument(_flag(name), metavar="VALUE", help=f"{known}default: {_spoken(default)}")
    layer.add_argument("--input", help=f"numbers: {', '.join(INPUTS)}")
    layer.add_argument("--weights", help=f"numbers: {', '.join(WEIGHTS)}")
    layer.add_argument("--seed", help=f"of random numbers; default: {Scene.seed}")
    look = made.add_argument_group("the file")
    for name, option in _options().items():
        known = "yes, no" if isinstance(option.default, bool) else ", ".join(_known_choices(option))
        look.add_argument(_flag(name), help=f"{option.label}{f': {known}' if known else ''}. {option.help}")
    return made


def _known_choices(option: Option) -> list[str]:
    """What an option can be, with the formats that take it where not all do that have the option."""
    having = {one.name: own.values or {} for one in FORMATS.values() for own in one.options if own.name == option.name}
    told = []
    for value in option.values or ():
        takes = [name for name, values in having.items() if value in values]
        told.append(f"{value} ({', '.join(takes)})" if len(takes) < len(having) else str(value))
    return told


def _known_values(name: str) -> list[str]:
    """What a setting of a layer can be, where that is a few words; numbers say so themselves."""
    from models.layers import KINDS
    from models.spec import CHOICES, QUERY_DEFAULTS

    if isinstance(QUERY_DEFAULTS[name], bool):
        return ["yes", "no"]
    words = CHOICES | {"kind": tuple(KINDS), "dims": ("1", "2", "3")}
    return list(words.get(name, ()))


def _spoken(default: Any) -> str:
    return ("no", "yes")[default] if isinstance(default, bool) else str(default)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def scene_of(settings: Mapping[str, str], told: Callable[[str], None] | None = None) -> Scene:
    """The layer and its numbers from text, as links spell them. Raises ValueError with one sentence.

    Args:
        told: hears a sentence on each setting that does not fit, in whose place the nearest layer is taken, as the app
            does with a link. Left out, such a setting is an error.
    """
    from models.layers import KINDS
    from models.share import Scene, read_array, read_weights
    from models.sources import INPUTS, WEIGHTS
    from models.spec import LayerSpec, SpecError, read_settings, repair

    try:
        asked, unread = read_settings(settings)
        if told:
            spec, refused = repair(asked)
            for error in (*unread, *refused):
                told(f"{error.field}: {error.message} The nearest layer is taken.")
        elif settings.get("kind", "conv") not in KINDS:
            raise SpecError("kind", f"{quoted(settings['kind'])} is none of {', '.join(KINDS)}.")
        elif unread:
            raise unread[0]
        else:
            spec = LayerSpec(**asked)
            _refuse_unused(spec, settings)
    except SpecError as error:
        raise _told(error) from None
    sources = {}
    for name, known in (("input", INPUTS), ("weights", WEIGHTS)):
        titles = {source.title: key for key, source in known.items()} | {"Your own": "own"}
        value = settings.get(name, "example")
        sources[name] = titles.get(value, value)
        if sources[name] not in (*known, "own"):
            raise ValueError(f"{name}: “{value[:40]}” is none of {', '.join(known)}.")
        if sources[name] == "own" and not told and {"input": "x", "weights": "w"}[name] not in settings:
            raise ValueError(f"{name}: numbers of your own come with a link: give one, with --link.")
    seed = _whole("seed", settings.get("seed", "0"), 0, 9999)
    own = read_array(settings["x"]) if "x" in settings else None
    weights = read_weights(settings["w"]) if "w" in settings else {}
    if own is not None:
        sources["input"] = "own"
    if weights:
        sources["weights"] = "own"
    return Scene(spec, sources["input"], sources["weights"], seed, own, weights)


def _refuse_unused(spec: LayerSpec, settings: Mapping[str, str]) -> None:
    """Raises SpecError for a setting that this kind of layer does not take."""
    from models.layers import KINDS
    from models.spec import QUERY_DEFAULTS, SpecError

    kind = KINDS[spec.kind]
    for param in settings:
        name = _plain(param)
        if name in QUERY_DEFAULTS and name not in ("kind", "dims", "input_size", "in_channels", *kind.takes):
            raise SpecError(param, f"{kind.title} does not take it: leave it out.")


def _plain(param: str) -> str:
    """A setting without the axis that it may end in."""
    return param[:-2] if param[-2:] in ("_d", "_h", "_w") else param


def _changed(scene: Scene, own: Mapping[str, str]) -> Scene:
    """The scene of a link with settings that were given beside it. Raises ValueError with one sentence."""
    from models.spec import SpecError, read_settings

    numbers = {name: own[name] for name in NUMBERS if name in own}
    fresh = scene_of(numbers)
    query = {name: text for name, text in scene.spec.to_query().items() if _plain(name) not in own}
    names = dict.fromkeys(map(_plain, own))
    try:
        asked, unread = read_settings(_per_axis(query | own))
        if wrong := next((error for error in unread if _plain(error.field) in names), None):
            raise wrong
        spec = scene.spec.change(**{name: asked[name] for name in names if name in asked})
        _refuse_unused(spec, own)
    except SpecError as error:
        raise _told(error) from None
    return replace(scene, spec=spec, **{name: getattr(fresh, name) for name in numbers})


def _told(error: SpecError) -> ValueError:
    """Of a page it would say that it goes on without."""
    return ValueError(f"{error.field}: {error.message.replace(': it is left out', '')}")


def _whole(name: str, text: str, low: int, high: int) -> int:
    try:
        return read_whole(text, low, high)
    except ValueError as error:
        raise ValueError(f"{name}: {error}.") from None


def page_of_link(link: str) -> tuple[str, dict[str, str]]:
    """The page that a link leads to, and its parameters. Raises ValueError where it is none."""
    try:
        address = urlsplit(link)
    except ValueError:
        raise ValueError(f"link: “{link[:80]}” is not an address.") from None
    asked = {name: texts[-1] for name, texts in parse_qs(address.query, keep_blank_values=True).items()}
    return address.path.rstrip("/").rpartition("/")[2], asked


def settings_of_link(link: str) -> dict[str, str]:
    """What a link says of a layer. Raises ValueError where it is a link to something else."""
    page, asked = page_of_link(link)
    start = next((one for one in PAGES if page.startswith(one)), None)
    if start is None:
        known = ", ".join((*PAGES, POOLING, STACK))
        raise ValueError(f"“{link[:80]}” is no link to a page on one layer or one stack: those of {known} are.")
    prefix, bare = PAGES[start]
    return bare | {name.removeprefix(prefix): text for name, text in asked.items()}


def taken_of(scene: Scene, view: str = "layer", title: str = "", look: Mapping[str, str] | None = None) -> Taken:
    """What a page on this layer has. Raises ValueError where it cannot be drawn.

    Args:
        look: parameters of the page as its link spells them: how matrices look, and the pinned ``cell``.
    """
    from models import lab
    from models.code import to_code
    from models.layers import KINDS
    from viz.export.taken import Taken
    from viz.scenes.four_views import MOST_FLAT, four_views, matrices, zeros_alone
    from viz.scenes.layer import scene as drawn
    from viz.scenes.pinned import selected

    found = lab.of(scene)
    if found.why_not:
        raise ValueError(found.why_not)
    if view != "layer" and scene.spec.kind != "transposed":
        raise ValueError(f"view: {VIEWS[view]}; this layer is a {KINDS[scene.spec.kind].title.lower()}.")
    look = look or {}
    numbers, flat = look.get("entries") != "Structure", look.get("flat") != "false" and found.y.size <= MOST_FLAT
    colour = "value" if look.get("colour") == "Weight" else "tap"
    drawing = {"layer": lambda: drawn(found, image=scene.input == "photo"), "zeros": lambda: zeros_alone(found),
               "views": lambda: four_views(found),
               "matrix": lambda: matrices(found, numbers=numbers, flat=flat, colour=colour)}[view]()  # fmt: skip
    # The other pages pin nothing.
    if "cell" in look and view in ("layer", "views"):
        pinned = selected(scene, look["cell"], [] if view == "views" else drawing["grids"])
        if pinned is None:
            told = "is no cell of this layer: it is left out; write grid, channel and place, such as output.0.1.2."
            _say(f"cell: {quoted(look['cell'])} {told}")
        else:
            drawing = four_views(found, pinned) if view == "views" else drawing | {"selected": pinned}
    told = "Builds exactly this layer, and asserts its numbers."
    return Taken(
        title or KINDS[scene.spec.kind].title, drawing=drawing, scene=scene, script=lambda: (told, to_code(found))
    )


def taken_of_link(
    link: str, view: str = "", title: str = "", side: str = "", own: Mapping[str, str] | None = None
) -> Taken:
    """What the page has that a link leads to. Raises ValueError where it is a link to something else.

    Args:
        side: ``a`` or ``b`` of a link that compares two layers; both if left out.
        own: settings in place of those of the layer that is drawn; of two, of the one that is not frozen. The link,
            which does not have them, is not told then.
    """
    page, asked = page_of_link(link)
    _tell_strange(page, asked)
    if page in (STACK, POOLING):
        if side:
            raise ValueError(NO_SIDES)
        if own:
            raise ValueError(f"{next(iter(own))}: this link is to no single layer that it could change: leave it out.")
        return replace((stacked if page == STACK else pooled)(asked, title), link=link)
    settings, link = settings_of_link(link), "" if own else link
    against = settings.get("against")
    if side and against is None:
        raise ValueError(NO_SIDES)
    one = scene_of(dict(parse_qsl(against)), _say) if against is not None and side != "b" else None
    if one and side:
        one = _changed(one, own or {})
        return replace(taken_of(one, view or SHOWN.get(page, "layer"), title), link=link)
    scene = _changed(scene_of(settings, _say), own or {})
    if one and page in ("playground", "transposed"):
        return replace(_beside(one, scene, title), link=link)
    return replace(taken_of(scene, view or SHOWN.get(page, "layer"), title, asked), link=link)


def settings_of_page(page: str) -> list[str]:
    """What a link to one of ``BESIDES`` may say."""
    known = [*BESIDES[page].split(), "ask", "answered"]
    if page in (STACK, POOLING):
        return known
    prefix = next(prefix for start, (prefix, _) in PAGES.items() if page.startswith(start))
    own = [*_of_layers(), "x", "w"]
    return [*(prefix + name for name in own), *(own if prefix else ()), *known]


def _tell_strange(page: str, asked: Mapping[str, str]) -> None:
    """Says of a link, as its page does, which parameters are no setting of it."""
    from viz.state import FRAME, no_setting

    known = settings_of_page(page) if page in BESIDES else [*asked]
    for name in asked:
        if name not in (*known, *FRAME) and not name.startswith("embed"):
            _say(no_setting(name, known))


def _say(text: str) -> None:
    """What of a link is left out, while the rest is drawn."""
    sys.stderr.write(f"{text}\n")


def _beside(one: Scene, other: Scene, title: str) -> Taken:
    """Two layers that a page compares."""
    from models import lab
    from viz.export.taken import VERSUS, Taken, beside
    from viz.figures.cards import numbers_side_by_side

    numbers = numbers_side_by_side(lab.of(one), lab.of(other))
    drawings = (taken_of(each).drawing or {} for each in (one, other))
    return Taken(
        title or "A and B", drawing=beside(*drawings, Taken.height, numbers), pair={"A": one, "B": other},
        tables={VERSUS: numbers},
    )  # fmt: skip


def pooled(asked: Mapping[str, str], title: str = "") -> Taken:
    """The worked example of the page on pooling, from its link's parameters. Raises ValueError."""
    from models.presets import POOLED
    from models.share import Scene

    name = asked.get("fm_example", next(iter(POOLED)))
    if name not in POOLED:
        raise ValueError(f"fm_example: {quoted(name)} is none of {', '.join(POOLED)}.")
    return replace(taken_of(Scene(POOLED[name]), title=title), height=380)


def stacked(asked: Mapping[str, str], title: str = "") -> Taken:
    """What the page on a stack of layers has, from its link's parameters. Raises ValueError."""
    from models.stack import MAX_CHANNELS, MAX_SIZE, MAX_TEXT, PRESETS, read_stack, unit_of
    from models.stack.code import stack_code
    from models.stack.field import analyse
    from viz.export.taken import Taken
    from viz.scenes import stack as drawn

    usual = PRESETS["three"].stack
    numbers = {name: asked.get(name, str(getattr(usual, name))) for name in ("size", "channels")}
    numbers["dims"] = asked.get("dims", f"{usual.dims}").removesuffix("-D")
    most = {"size": max(MAX_SIZE.values()), "channels": MAX_CHANNELS, "dims": max(MAX_SIZE)}
    text = asked.get("layers", usual.to_text())
    if len(text) > MAX_TEXT:
        raise ValueError(f"layers: {len(text)} characters are too many; at most {MAX_TEXT} are read.")
    stack = read_stack(text, **{name: _whole(name, value, 1, most[name]) for name, value in numbers.items()})
    if not stack.drawn:
        raise ValueError(f"{stack.size} pixels are too many to be drawn one by one.")
    field = analyse(stack)
    layer, place = len(stack.layers), field.middle()
    if "unit" in asked:
        if found := unit_of(stack, asked["unit"]):
            layer, place = found
        else:
            _say(f"unit: {quoted(asked['unit'])} names no unit of this stack: the middle one is selected.")
    told = "Builds exactly this stack, and asserts the shape of each map and the parameters."
    return Taken(
        title or "A stack of layers", drawing=drawn.scene(field, layer, tuple(place)),
        height=drawn.stage_height(stack), script=lambda: (told, stack_code(stack)),
    )  # fmt: skip


def format_of(path: Path, name: str | None) -> Format:
    """The format that is asked for, or the first with this ending. Raises ValueError."""
    ending = path.suffix.removeprefix(".").lower()
    if name:
        if name not in FORMATS:
            raise ValueError(f"format: “{name[:40]}” is none of {', '.join(FORMATS)}.")
        if ending != FORMATS[name].ending:
            raise ValueError(f"{path.name}: a file of the format {name} ends in .{FORMATS[name].ending}.")
        return FORMATS[name]
    found = next((one for one in FORMATS.values() if one.ending == ending), None)
    if found is None:
        endings = ", ".join(dict.fromkeys(f".{one.ending}" for one in FORMATS.values()))
        raise ValueError(f"{path.name}: its ending is none of {endings}.")
    return found


def chosen_of(one: Format, asked: Mapping[str, str]) -> dict[str, Any]:
    """Options of a format from text. Raises ValueError."""
    found = {}
    for option in one.options:
        if option.name not in asked:
            continue
        text = asked[option.name].strip().lower()
        if isinstance(option.default, bool):
            if text not in ("yes", "no", "true", "false"):
                raise ValueError(f"{option.name}: “{text[:40]}” is neither yes nor no.")
            found[option.name] = text in ("yes", "true")
        elif option.values:
            known = {str(value): value for value in option.values} | {
                f"{v:g}": v for v in option.values if isinstance(v, float)
            }
            if text not in known:
                raise ValueError(f"{option.name}: “{text[:40]}” is none of {', '.join(map(str, option.values))}.")
            found[option.name] = known[text]
        else:
            found[option.name] = _whole(option.name, text, option.low, option.high)
    return found


def make(path: Path, asked: Mapping[str, str], said: Callable[[float, str], None]) -> int:
    """Write one file; returns how many bytes it has. Raises ValueError with one sentence."""
    one = format_of(path, asked.get("format"))
    view, title, side = (asked.get(name) or "" for name in ("view", "title", "side"))
    # Some formats are XML, which has no place for control characters.
    title = "".join(letter for letter in title if letter.isprintable())
    if side not in ("", *SIDES):
        raise ValueError(f"side: “{side[:40]}” is none of {', '.join(SIDES)}.")
    if asked.get("link"):
        page = taken_of_link(asked["link"], view, title, side, _of_layer(asked))
    elif side:
        raise ValueError("side: two layers are compared by a link alone: give one, with --link.")
    else:
        page = taken_of(scene_of(_per_axis(asked)), view or "layer", title)
    data = one.make(replace(page, heading=title), chosen_of(one, asked), said)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return len(data)


def _of_layer(asked: Mapping[str, str]) -> dict[str, str]:
    """Those of the settings that are the layer's."""
    from models.spec import QUERY_DEFAULTS

    return {name: text for name, text in asked.items() if _plain(name) in (*QUERY_DEFAULTS, *NUMBERS)}


def _bar(name: str) -> Callable[[float, str], None]:
    def said(share: float, doing: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{name}: {doing:<40}")

    return said


def _tell(name: str, text: str) -> None:
    sys.stderr.write(f"{chr(13) if sys.stderr.isatty() else ''}{name}: {text:<40}\n")


def _spelled(name: str, text: str) -> dict[str, str]:
    """A setting as links spell it: several values, as in 3,5, are one for each axis."""
    from models.spec import QUERY_DEFAULTS, SPATIAL

    if isinstance(QUERY_DEFAULTS.get(name), bool):
        return {name: {"yes": "true", "no": "false"}.get(text.lower(), text)}
    values = text.replace(",", " ").split()
    if name not in SPATIAL or len(values) < 2:
        return {name: text}
    # How many axes there are is known once all settings are.
    return {name: ",".join(values)}


def _per_axis(asked: Mapping[str, str]) -> dict[str, str]:
    """Several values of a setting, one for each axis, as links spell them. Raises ValueError where they are as many as
    there are axes nowhere."""
    from models.spec import AXES, SPATIAL, read_settings

    several = {name: asked[name].split(",") for name in SPATIAL if "," in asked.get(name, "")}
    if not several:
        return dict(asked)
    axes = AXES[read_settings({name: asked[name] for name in ("kind", "dims") if name in asked})[0]["dims"]]
    made = {name: text for name, text in asked.items() if name not in several} | {"per_axis": "true"}
    for name, values in several.items():
        if len(values) != len(axes):
            has = f"{len(values)} values for {len(axes)} {'axis' if len(axes) == 1 else 'axes'}"
            raise ValueError(f"{name}: {has}; give one, or one for each axis.")
        made |= {f"{name}_{axis}": value for axis, value in zip(axes, values, strict=True)}
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0, or 2 after a sentence on what is wrong."""
    made = parser()
    known, strange = made.parse_known_args(argv)
    if strange:
        # What follows an unknown flag may be its value: the flag alone is certain.
        made.error(f"unrecognized arguments: {' '.join([one for one in strange if one.startswith('-')] or strange)}")
    given = vars(known)
    batch, out, file = given.pop("batch"), given.pop("out"), given.pop("file")
    asked: dict[str, str] = {}
    try:
        for name, value in given.items():
            if value is not None:
                asked |= _spelled(name, value)
        if given["link"] == "":
            raise ValueError("link: it is empty: give the link that was shared.")
        if batch is not None and file:
            raise ValueError(f"The table of a batch names its files: leave out {file[:80]}.")
        if batch is not None:
            return _batch(Path(batch), Path(out or "."), asked)
        if out is not None:
            raise ValueError("out: it is the folder for a batch; name a single file with its folder: figures/out.gif.")
        if not file:
            raise ValueError("No file is named: end with one, such as out.gif.")
        size = make(Path(file), asked, _bar(file))
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{_sentence(error)}\n")
        return 2
    _tell(file, f"{big(size)} bytes")
    return 0


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}."
    return " ".join(str(error).split())


def _of_layers() -> list[str]:
    """What is said of a layer and its numbers."""
    from models.spec import QUERY_DEFAULTS, SPATIAL

    return [*QUERY_DEFAULTS, "per_axis", *(f"{name}_{axis}" for name in SPATIAL for axis in "dhw"), *NUMBERS]


def _known() -> set[str]:
    """What a column may be called."""
    return {*_of_layers(), *_options(), "file", "title", "format", "link", "view", "side"}


def _batch(table: Path, out: Path, asked: Mapping[str, str]) -> int:
    """Each row of a table; one that fails is told, and the others go on."""
    try:
        text = table.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{table} is not written in UTF-8: save it as CSV in UTF-8.") from None
    first = text.partition("\n")[0]
    apart = ";" if first.count(";") > first.count(",") else ","
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=apart))
    if not rows or "file" not in rows[0]:
        raise ValueError(f"{table}: its first line must name the columns, one of them file, with a row for each file.")
    known = _known()
    if strange := [name for name in rows[0] if name and name.strip().replace("-", "_") not in known]:
        raise ValueError(f"{table}: no setting and no option is called “{strange[0][:40]}”.")
    _refuse_lost(table, out, [(row["file"] or "").strip() for row in rows])
    failed = 0
    for number, row in enumerate(rows, 1):
        own = {}
        for name, value in row.items():
            if name and value and value.strip():
                own |= _spelled(name.strip().replace("-", "_"), value.strip())
        name = own.pop("file")
        try:
            size = make(out / name, {**asked, **own}, _bar(name))
            _tell(f"{number} of {len(rows)}", f"{name}, {big(size)} bytes")
        except ValueError as error:
            failed += 1
            _tell(f"{number} of {len(rows)}", f"{name}: {_sentence(error)}")
    return 2 if failed else 0


def _refuse_lost(table: Path, out: Path, names: Sequence[str]) -> None:
    """Raises ValueError where a row names no file, one outside the folder, or that of another row."""
    whose: dict[Path, int] = {}
    for number, name in enumerate(names, 1):
        if not name:
            raise ValueError(f"{table}: row {number} names no file.")
        path = (out / name).resolve()
        if out.resolve() not in path.parents:
            raise ValueError(f"{table}: row {number} leads out of the folder {out}: “{name[:40]}”.")
        if (other := whose.setdefault(path, number)) != number:
            raise ValueError(f"{table}: rows {other} and {number} name the same file, {name[:40]}.")


if __name__ == "__main__":
    sys.exit(main())
