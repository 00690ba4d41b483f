"""Taking a scene along: code, link with QR code, file; and bringing numbers in: a pasted table, a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from models.script import with_needs
from models.share import FileError, Scene, read_file, write_file
from models.sources import TableError
from models.spec import SpecError
from models.text import sentence
from viz import state
from viz.controls.numbers import SceneEditor
from viz.network import for_others

if TYPE_CHECKING:
    from viz.export.taken import Taken

ICONS = {"Code": "code", "Link": "link", "Paste": "content_paste", "File": "draft", "Take away": "download"}
LONG = 320
"""Characters of a link that take five lines of its dialog."""
NO_NETWORK = (
    "Only this machine can open this link: it has no address in a network, or the server was told to listen here "
    "alone. Connect it to the network of the phones and start the app again, without --server.address."
)


def buttons(names: Sequence[str], page: str) -> None:
    """Actions; each opens a dialog in this run. ``page`` keeps the dialogs of several pages apart."""
    for name in names:
        key = f"open_{name.lower().replace(' ', '_')}"
        st.button(name, key=key, icon=f":material/{ICONS[name]}:", on_click=_open, args=(name, page))


def _open(name: str, page: str) -> None:
    state.remember("dialog", f"{page} {name}")
    state.forget("room_dialog")
    state.forget("paste_error")
    state.forget("file_error")
    state.forget("take_job")


def qr(url: str, sized: bool = True) -> str:
    """The QR code of a link, as SVG, of its own size or of any; nothing for a link that is too long for it."""
    import segno

    try:
        code = segno.make(url, error="l", micro=False)
    except segno.DataOverflowError:
        return ""
    return code.svg_inline(scale=4, border=3, dark="#000", light="#fff", omitsize=not sized)


def scene_dialogs(page: str, editor: SceneEditor, scene: Scene) -> None:
    """Draw the Paste or File dialog, if :func:`buttons` asked for it; it stays until it is closed."""
    name = state.recall("dialog")
    if name == f"{page} Paste":
        _paste(editor, scene)
    elif name == f"{page} File":
        _file(editor, scene)


def page_dialogs(
    page: str,
    script: Callable[[], tuple[str, str]],
    fits: bool,
    unfit: str,
    draw_more: Callable[[], None],
    take: Callable[[], Mapping[str, Taken]],
) -> None:
    """Draw the dialog of Code, Link or Take away, if :func:`buttons` asked for it.

    Args:
        page: as in ``buttons``.
        script: called only when it is wanted: a sentence on what the script does, and the script. It may raise
            ``ValueError`` with a sentence that says why there is none.
        fits, unfit: whether the link holds everything, and what to say where it does not.
        draw_more: draws what else can be done with the link.
        take: what can be taken away, by a name where there are several pictures.
    """
    name = state.recall("dialog")
    if name == f"{page} Code":
        _code(script)
    elif name == f"{page} Link":
        _link(fits, unfit, draw_more)
    elif name == f"{page} Take away":
        from viz.export.dialog import take_away

        take_away(take())


def _close() -> None:
    state.forget("dialog")


@st.dialog("Code", width="large", on_dismiss=_close)
def _code(script: Callable[[], tuple[str, str]]) -> None:
    try:
        told, code = script()
    except ValueError as error:
        st.info(sentence(error))
        return
    code = with_needs(code)
    st.write(told)
    st.code(code, language="python")
    st.download_button("Download", code, "layer.py", "text/x-python", on_click="ignore", icon=":material/download:")


@st.dialog("Link", width="medium", on_dismiss=_close)
def _link(fits: bool, unfit: str, draw_more: Callable[[], None]) -> None:
    url, here = class_link()
    st.write("Opens this page exactly as it is now.")
    if not fits:
        st.warning(unfit)
    if here:
        st.warning(here)
    # A network that was pasted makes a long link: it scrolls in its box, and the picture below it stays in sight.
    st.code(url, language=None, wrap_lines=True, height="content" if len(url) < LONG else 130)
    # st.html would strip the picture.
    framed = f'<div role="img" aria-label="QR code of the link" class="qr">{qr(url, sized=False)}</div>'
    st.markdown(framed, unsafe_allow_html=True)
    draw_more()


def class_link(path: str | None = None) -> tuple[str, str]:
    """The link to this page, or to another, for the phones in the room, and a sentence on what to do where they cannot
    open it."""
    url = state.address() if path is None else state.address_of(path)
    found = for_others(url)
    return (found, "") if found else (url, NO_NETWORK)


@st.dialog("Paste numbers", width="large", on_dismiss=_close)
def _paste(editor: SceneEditor, scene: Scene) -> None:
    if state.recall("taken"):
        state.forget("taken")
        st.rerun()
    learned = "bias" in scene.spec.settings()
    st.write("Rows of numbers: from a spreadsheet, from NumPy, or a Python list. The layer takes over their size.")
    into = ["Input", "Weights"] if learned else ["Input"]
    # In a form Ctrl+Enter does what its button does; elsewhere it would only send the text.
    with st.form("pasted", border=False):
        st.segmented_control("Into", into, default="Input", required=True, key="pasted_into")
        st.text_area("Table", height=220, placeholder="4 5 8 7\n1 8 8 8\n3 6 6 4\n6 5 7 8", key="pasted_table")
        if state.recall("paste_error"):
            st.error(state.recall("paste_error"))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.form_submit_button("Use these numbers", on_click=_take_table, args=(editor, scene))
            st.caption("or Ctrl+Enter in the table (⌘+Enter on a Mac)", width="content")


def _take_table(editor: SceneEditor, scene: Scene) -> None:
    # Not passed as arguments: a click right after typing comes with the text in the same run.
    from models.pasted import with_input, with_weights  # which load torch

    text, into = state.heard("pasted_table") or "", state.heard("pasted_into")
    try:
        after = with_weights(scene, text) if into == "Weights" else with_input(scene, text)
    except TableError as error:
        state.remember("paste_error", error.message)
        return
    except SpecError as error:
        state.remember("paste_error", f"A table of this size does not go with {error.field}: {error.message}")
        return
    _close()
    state.remember("taken", True)
    editor.load(after)


@st.dialog("File", on_dismiss=_close)
def _file(editor: SceneEditor, scene: Scene) -> None:
    if state.recall("taken"):
        state.forget("taken")
        st.rerun()
    st.write("Everything on this page, your own numbers included. Nothing is kept on the server.")
    st.download_button(
        "Download",
        write_file(scene),
        "convscope.json",
        "application/json",
        on_click="ignore",
        icon=":material/download:",
    )
    st.file_uploader(
        "Load a file that was downloaded here",
        key="scene_file",
        on_change=_take_file,
        args=(editor,),
        max_upload_size=4,
    )
    if state.recall("file_error"):
        st.error(state.recall("file_error"))


def _take_file(editor: SceneEditor) -> None:
    upload = state.heard("scene_file")
    if upload is None:
        return
    try:
        after = read_file(upload.getvalue())
    except FileError as error:
        state.remember("file_error", error.message)
        return
    _close()
    state.remember("taken", True)
    editor.load(after)
