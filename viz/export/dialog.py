"""Take away: a format, its options, what will come out, and the file, which is made beside the visitors' runs."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from models.text import sentence
from models.turns import Waiting, in_turn
from viz import state
from viz.export.formats import FORMATS, Format, Option, Progress
from viz.export.taken import Taken

PREVIEWED = 40
"""Steps of a walk that the preview shows at most."""
LINKED = ("Chart", "Document", "Numbers")
"""Groups whose files hold the link to their page."""
PREVIEW = "width: 100%; max-height: 60vh; object-fit: contain"


class _Stopped(Exception):
    """Nobody waits for the file any more."""


class Job:
    """A file that is being made in a thread of its own, in the turn of those who measure times on this server.

    Attributes:
        share, told: how far it is, from 0 to 1, and what is being done.
        data: the file, once it is there. error: a sentence, where there will be none. stopped: whether it was asked to.
    """

    def __init__(self, make: Callable[[Progress], bytes]) -> None:
        self.share, self.told, self.error = 0.0, "…", ""
        self.data: bytes | None = None
        self.done = self.stopped = False
        self._stop = threading.Event()
        threading.Thread(target=self._run, args=(make,), daemon=True).start()

    def stop(self) -> None:
        """The next step is the last."""
        self._stop.set()

    def _said(self, share: float, doing: str) -> None:
        if self._stop.is_set():
            raise _Stopped
        self.share, self.told = share, doing

    def _run(self, make: Callable[[Progress], bytes]) -> None:
        def work() -> Iterator[bytes]:
            yield make(self._said)

        steps = in_turn(work)
        try:
            for one in steps:
                if isinstance(one, Waiting):
                    self._said(0.0, one.told("Making"))
                else:
                    self.data = one
        except _Stopped:
            self.stopped, self.error = True, "Stopped."
        except ValueError as error:
            self.error = sentence(error)
        except Exception:
            logging.getLogger(__name__).exception("A file to take away was not made")
            self.error = "This file could not be made. Choose another format, or fewer steps."
        finally:
            steps.close()
            self.done = True


def _close() -> None:
    state.forget("dialog")
    state.forget("take_drawn")
    state.forget("take_made")
    _forget()


def _forget() -> None:
    if job := state.recall("take_job"):
        job.stop()
    state.forget("take_job")


@st.dialog("Take away", width="large", on_dismiss=_close)
def take_away(pages: Mapping[str, Taken]) -> None:
    """``pages``: what there is to take, by a name where there are several pictures."""
    left, right = st.columns([2, 3], gap="medium")
    with left:
        which = next(iter(pages))
        if len(pages) > 1:
            which = _one_of("Picture", list(pages), which, str, "take_which")
        page = pages[which]
        if page.covered:
            st.info("The picture tells the answer: answer the question first.")
            return
        offered = [one for one in FORMATS.values() if one.offered(page)]
        if not offered:
            st.info("There is nothing on this page to take along at the moment. Link holds what it shows.")
            return
        groups = list(dict.fromkeys(one.group for one in offered))
        group = _one_of("What", groups, groups[0], str, "take_group", few=len(groups))
        mine = {one.name: one for one in offered if one.group == group}
        one = _first(list(mine.values()), page)
        if len(mine) > 1:
            label = lambda name: mine[name].label  # noqa: E731
            one = mine[_one_of("Format", list(mine), one.name, label, f"take_{group}")]
        if one.help:
            st.caption(one.help)
        chosen = st.container()
    # A large layer takes seconds: what is awaited is said at once.
    with right, st.spinner("Drawing …"):
        with chosen:
            options = {option.name: _choice(one, option) for option in _possible(one, page)}
        try:
            drawn = _preview(one, page, options)
            # Drawn once where the preview is the file.
            made = None if one.slow else drawn if one.name == "svg" else _made(one, page, options)
        except ValueError as error:
            st.info(sentence(error))
        else:
            _file(one, page, options, which, made)
    told = "Free for any use, no attribution needed."
    if page.link and group in LINKED:
        told += f" A link in the file leads to {urlsplit(page.link).netloc}, as that of Link and of its QR code."
    st.caption(told)


def _first(formats: list[Format], page: Taken) -> Format:
    """The first that can be made of this page, as far as that is known at once."""
    for one in formats:
        if one.slow or one.group != "Document":
            return one
        try:
            _made(one, page, {})
        except ValueError:
            continue
        return one
    return formats[0]


def _made(one: Format, page: Taken, options: Mapping[str, Any]) -> bytes:
    """The file, or the ValueError why there is none: of each format the last is kept while the page stays as it is."""
    wanted = {option.name: option.default for option in one.options_of(page)} | dict(options)
    of, files = state.recall("take_made") or (None, {})
    if of is not page:
        files = {}
        state.remember("take_made", (page, files))
    if one.name not in files or files[one.name][0] != wanted:
        try:
            files[one.name] = wanted, one.make(page, wanted)
        except ValueError as error:
            files[one.name] = wanted, error
    made = files[one.name][1]
    if isinstance(made, ValueError):
        raise made.with_traceback(None)
    return made


def _possible(one: Format, page: Taken) -> list[Option]:
    """The options of a format that mean something here."""
    drawn = page.stages
    lead, found = drawn[0], []
    for option in one.options_of(page):
        if option.name == "matrix" and not any(panel.get("operator") for panel in drawn):
            continue
        if option.name == "numbers" and not (page.drawing or {}).get("numbers"):
            continue
        if option.name == "tables" and not page.tables:
            continue
        if option.name == "legend" and not lead.get("legend"):
            continue
        if option.name == "walk":
            ways = _ways(page.drawing or {})
            if len(ways) < 2:
                continue
            option = replace(option, values={way: option.values[way] for way in ways})
        found.append(option)
    return found


def _ways(drawing: Mapping[str, Any]) -> list[str]:
    from viz.export.engine import Look, Picture

    return Picture(drawing, Look()).ways


def _choice(one: Format, option: Option) -> Any:
    """The widget of one option; what was chosen is chosen again the next time."""
    key, how = f"take_{one.name}_{option.name}", {"help": option.help or None}
    default = option.default
    if option.name == "theme" and (shown := st.context.theme.type) and default != "auto":
        # As the page is, and chosen for each theme of the page.
        key, default = f"{key}_{shown}", shown
    if isinstance(default, bool):
        # Chosen for itself where a page begins otherwise.
        key = key if option in one.options else f"{key}_here"
        return st.toggle(option.label, default, key=key, persist_state="session", **how)
    if option.values is None:
        how |= {"key": key, "persist_state": "session"}
        return int(st.number_input(option.label, option.low, option.high, default, **how))
    return _one_of(option.label, list(option.values), default, option.values.__getitem__, key, **how)


def _one_of(
    label: str, values: list, default: Any, told: Callable[[Any], str], key: str, few: int = 4, **how: Any
) -> Any:
    """Few choices side by side, many in a list. What is not offered here goes back to the default."""
    if state.heard(key) not in (None, *values):
        state.give({key: default})
    how |= {"format_func": told, "key": key, "persist_state": "session"}
    if len(values) > few:
        return st.selectbox(label, values, values.index(default), **how)
    return st.segmented_control(label, values, default=default, required=True, **how)


def _preview(one: Format, page: Taken, options: Mapping[str, Any]) -> bytes | None:
    """What will come out, of a picture or an animation. Raises ValueError where nothing will."""
    if one.group == "Chart":
        _charts(page)
        return None
    shown = {"Picture": "svg", "Animation": "moving_svg"}.get(one.group)
    if shown is None:
        return None
    options = {**options, "steps": min(int(options.get("steps") or PREVIEWED), PREVIEWED)}
    # When a file is ready the page runs again, and nothing of the picture is another one.
    wanted = shown, options, page.title, page.height, page.drawing
    kept = state.recall("take_drawn")
    if kept is None or kept[0] != wanted:
        kept = wanted, FORMATS[shown].make(page, options)
        state.remember("take_drawn", kept)
    with st.container(key="take_preview"):
        address = f"data:image/svg+xml;base64,{base64.b64encode(kept[1]).decode()}"
        st.html(f'<img alt="The {one.said} as it will be" src="{address}" style="{PREVIEW}">')
    return kept[1]


def _charts(page: Taken) -> None:
    """The charts of a page, each with Plotly's own button that saves it."""
    from viz.figures.plot import CONFIG

    camera = _one_of("The camera above a chart saves it as", ["svg", "png"], "svg", str.upper, "take_camera")
    for number, (name, figure) in enumerate(page.charts.items()):
        image = {"format": camera, "filename": name, "scale": 2 if camera == "png" else 1}
        config = CONFIG | {"displayModeBar": True, "toImageButtonOptions": image}
        st.plotly_chart(figure, theme="streamlit", key=f"take_chart_{number}_{camera}", alt=name, config=config)


def _file(one: Format, page: Taken, options: Mapping[str, Any], which: str, made: bytes | None) -> None:
    """The way to the file: ``made`` at once, or in the background when it is asked for."""
    if made is not None:
        _download(one, made)
        return
    # The page under an open dialog stays as it is.
    wanted = repr((one.name, sorted(options.items()), which))
    job: Job | None = state.recall("take_job")
    if job and state.recall("take_wanted") != wanted:
        _forget()
        job = None
    if job is None:
        st.button(
            f"Make the {one.said}", icon=":material/movie:", key="take_make",
            on_click=_begin, args=(one, page, options, wanted),
        )  # fmt: skip
    elif job.done:
        _end(one, job)
    else:
        _wait(job)


def _begin(one: Format, page: Taken, options: Mapping[str, Any], wanted: str) -> None:
    _forget()
    state.remember("take_wanted", wanted)
    state.remember("take_job", Job(lambda said: one.make(page, options, said)))


@st.fragment(run_every=0.4)
def _wait(job: Job) -> None:
    """How far it is; when it is over, the whole dialog is drawn anew."""
    if job.done:
        st.rerun()
    st.progress(job.share, job.told)
    st.button("Stop", icon=":material/stop:", key="take_stop", on_click=job.stop)


def _end(one: Format, job: Job) -> None:
    if job.data is not None:
        _download(one, job.data)
        return
    st.info(job.error)
    if job.stopped:
        st.button("Once more", icon=":material/refresh:", key="take_again", on_click=_forget)


def _download(one: Format, data: bytes) -> None:
    size = f"{len(data) / 1000:.0f} kB" if len(data) < 1e6 else f"{len(data) / 1e6:.1f} MB"
    what = one.name if one.group in ("Document", "Numbers") else one.group.lower()
    st.download_button(
        f"Download the {one.said}, {size}", data, f"convscope-{what}.{one.ending}", one.media, on_click="ignore",
        icon=":material/download:", key="take_download",
    )  # fmt: skip
