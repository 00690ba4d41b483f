"""Taking a scene along: code, link with QR code, file; and bringing numbers in: a pasted table, a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import streamlit as st

from models.script import with_needs
from models.share import FileError, Scene, read_file, write_file
from models.sources import TableError, read_table
from models.spec import LayerSpec, SpecError
from models.text import sentence
from viz import state
from viz.controls.numbers import OWN, SceneEditor

ICONS = {"Code": "code", "Link": "link", "Paste": "content_paste", "File": "draft"}


def buttons(names: Sequence[str], page: str) -> None:
    """Actions; each opens a dialog in this run. ``page`` keeps the dialogs of several pages apart."""
    for name in names:
        key = f"open_{name.lower()}"
        st.button(name, key=key, icon=f":material/{ICONS[name]}:", on_click=_open, args=(name, page))


def _open(name: str, page: str) -> None:
    state.remember("dialog", f"{page} {name}")
    state.forget("paste_error")
    state.forget("file_error")


def scene_dialogs(page: str, editor: SceneEditor, scene: Scene) -> None:
    """Draw the Paste or File dialog, if :func:`buttons` asked for it; it stays until it is closed."""
    name = state.recall("dialog")
    if name == f"{page} Paste":
        _paste(editor, scene)
    elif name == f"{page} File":
        _file(editor, scene)


def page_dialogs(page: str, script: Callable[[], tuple[str, str]], fits: bool = True, unfit: str = "") -> None:
    """Draw the Code or Link dialog, if :func:`buttons` asked for it.

    Args:
        page: as in ``buttons``.
        script: called only when it is wanted: a sentence on what the script does, and the script. It may raise
            ``ValueError`` with a sentence that says why there is none.
        fits, unfit: whether the link holds everything, and what to say where it does not.
    """
    name = state.recall("dialog")
    if name == f"{page} Code":
        _code(script)
    elif name == f"{page} Link":
        _link(fits, unfit)


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


@st.dialog("Link", on_dismiss=_close)
def _link(fits: bool, unfit: str) -> None:
    import segno

    url = state.address()
    st.write("Opens this page exactly as it is now.")
    if not fits:
        st.warning(unfit)
    st.code(url, language=None, wrap_lines=True)
    svg = segno.make(url, error="l", micro=False).svg_inline(scale=4, border=3, dark="#000", light="#fff")
    # st.html would strip the picture.
    framed = f'<div role="img" aria-label="QR code of the link" style="max-width:22rem">{svg}</div>'
    st.markdown(framed, unsafe_allow_html=True)


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
            st.form_submit_button("Use these numbers", type="primary", on_click=_take_table, args=(editor, scene))
            st.caption("or Ctrl+Enter in the table (⌘+Enter on a Mac)", width="content")


def _take_table(editor: SceneEditor, scene: Scene) -> None:
    # Not passed as arguments: a click right after typing comes with the text in the same run.
    text, take = state.heard("pasted_table") or "", with_input
    if state.heard("pasted_into") == "Weights":
        take = with_weights
    try:
        after = take(scene, text)
    except TableError as error:
        state.remember("paste_error", error.message)
        return
    except SpecError as error:
        state.remember("paste_error", f"A table of this size does not go with {error.field}: {error.message}")
        return
    _close()
    state.remember("taken", True)
    editor.load(after)


def with_input(scene: Scene, text: str) -> Scene:
    """The scene with a pasted table as its input; the layer's input size follows it.

    Raises:
        TableError, SpecError: where the table cannot be read, or the layer does not take its size.
    """
    table, dims = read_table(text), scene.spec.dims
    if table.ndim == dims + 1:
        channels, size = table.shape[0], table.shape[1:]
    elif table.ndim == dims:
        channels, size = 1, table.shape
    elif table.ndim < dims:
        channels, size = 1, (1,) * (dims - table.ndim) + table.shape
    else:
        wanted = "one row" if dims == 1 else "a table without slices"
        raise TableError(f"The table has {table.ndim} axes and this layer's input has {dims}: paste {wanted}.")
    spec = _sized(scene.spec, input_size=size, in_channels=channels)
    own = table.reshape(channels, *size)
    return Scene(spec, OWN, scene.weights, scene.seed, own, scene.own_weights)


def with_weights(scene: Scene, text: str) -> Scene:
    """The scene with a pasted table as its kernel: all weights at once, or one kernel for every pair of channels.

    Raises:
        TableError, SpecError: where the table cannot be read, or the layer does not take its size.
    """
    from models.lab import weight_shapes, weights_of

    table, spec = read_table(text), scene.spec
    name = next(n for n in weight_shapes(spec) if n.endswith("weight"))
    shape = weight_shapes(spec)[name]
    if table.size == shape[0] * shape[1] * prod(shape[2:]) and table.ndim != spec.dims:
        values = table.reshape(shape)
    else:
        if table.ndim > spec.dims:
            raise TableError(f"The weights have shape {shape}: paste {prod(shape)} numbers, or one kernel.")
        kernel = table.reshape((1,) * (spec.dims - table.ndim) + table.shape)
        if kernel.shape != spec.kernel_size:
            if "kernel_size" not in spec.settings():
                raise TableError(f"This layer's kernel is {spec.kernel_size[0]}: paste {prod(shape)} numbers.")
            spec = spec.change(kernel_size=kernel.shape)
        shape = weight_shapes(spec)[name]
        values = kernel.reshape(1, 1, *kernel.shape).repeat(shape[0], 0).repeat(shape[1], 1)
    after = Scene(spec, scene.input, scene.weights, scene.seed, scene.own_input, scene.own_weights)
    own = weights_of(after) | {name: values.astype(float)}
    return Scene(spec, scene.input, OWN, scene.seed, scene.own_input, own)


def _sized(spec: LayerSpec, **size) -> LayerSpec:
    """The layer for an input of another size; channel settings that follow from the input's give way."""
    try:
        return spec.change(**size)
    except SpecError:
        moved, _ = spec.nearest(**size)
        if all(getattr(moved, name) == value for name, value in size.items()):
            return moved
        raise


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
