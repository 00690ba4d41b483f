"""A visitor without a browser: speaks Streamlit's websocket protocol as its front end does, for benchmarks and tests.

What it does like the front end: it keeps the elements of a page by their place, clears what the last run left out,
remembers messages that the server may refer to, sends the states of all widgets that are shown, and follows the
address. It draws nothing, so one process can be a whole class.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileUploaderState, UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Slider_pb2 import Slider
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PATIENCE = 60.0
"""Seconds that a visitor waits for an answer."""

STATE_OF = {
    "button": "trigger_value",
    "bidi_component": "json_value",
    "button_group": "string_array_value",
    "camera_input": "file_uploader_state_value",
    "checkbox": "bool_value",
    "color_picker": "string_value",
    "dialog": "trigger_value",
    "download_button": "trigger_value",
    "expandable": "bool_value",
    "feedback": "string_value",
    "file_uploader": "file_uploader_state_value",
    "menu_button": "string_trigger_value",
    "multiselect": "string_array_value",
    "number_input": "double_value",
    "pagination": "int_value",
    "popover": "bool_value",
    "radio": "string_value",
    "selectbox": "string_value",
    "slider": "double_array_value",
    "tab_container": "string_value",
    "text_area": "string_value",
    "text_input": "string_value",
}
"""Kind of element or block → the field of ``WidgetState`` that holds its value."""

BLOCKS = ("expandable", "tab_container", "popover", "dialog")
TRIGGER_OF, EVENTS = "$$STREAMLIT_INTERNAL_KEY_", "__events"
"""What stands before and after a component's id in the id of what it triggers."""
TRIGGERS = ("trigger_value", "string_trigger_value", "json_trigger_value")


@dataclass
class Node:
    """An element or a block of the page. ``fragment`` and ``script`` say whose it is, ``run`` who drew it last."""

    kind: str
    message: Any
    run: str
    fragment: str
    script: str
    block: bool = False


@dataclass(frozen=True)
class Widget:
    """A widget as the page shows it. ``key`` is the one that the page gave it, "" if it gave none."""

    kind: str
    id: str
    message: Any
    fragment: str

    @property
    def key(self) -> str:
        key = self.id.split("-", 2)[-1]
        return "" if key == "None" else key

    @property
    def label(self) -> str:
        return getattr(self.message, "label", "")

    @property
    def form(self) -> str:
        return getattr(self.message, "form_id", "")

    @property
    def disabled(self) -> bool:
        return getattr(self.message, "disabled", False)

    @property
    def state(self) -> str:
        """The field of ``WidgetState`` that holds its value."""
        if self.kind == "slider" and self.message.type == Slider.SELECT_SLIDER:
            return "string_array_value"
        return STATE_OF[self.kind]

    @property
    def options(self) -> list[str]:
        """What can be chosen, as the page shows it."""
        if self.kind == "button_group":
            return [f"{one.content_icon} {one.content}".strip() for one in self.message.options]
        if self.kind == "tab_container":
            return []
        return list(getattr(self.message, "options", ()))

    def value(self, *, default: bool = False) -> Any:
        """What the server says that it holds; None where it says nothing."""
        message = self.message
        given = getattr(message, "set_value", False) and not default
        if self.kind in ("checkbox", "pagination", "color_picker"):
            return message.value if given else message.default
        if self.kind in ("number_input", "text_input", "text_area", "feedback"):
            name = "value" if given else "default"
            return getattr(message, name) if message.HasField(name) else None
        if self.kind in ("selectbox", "radio"):
            if given:
                return message.raw_value if message.HasField("raw_value") else None
            return self.options[message.default] if message.HasField("default") and self.options else None
        if self.kind in ("button_group", "multiselect"):
            return list(message.raw_values) if given else [self.options[i] for i in message.default]
        if self.kind == "slider":
            if self.state == "string_array_value":
                return list(message.raw_value) if given else [self.options[int(i)] for i in message.default]
            return list(message.value if given else message.default)
        return None

    def another(self, now: Any, rng: random.Random) -> Any:
        """A value that a visitor could choose who sees ``now``; None where there is no other, or none can be known."""
        message, kind = self.message, self.kind
        if kind in ("button", "dialog", "download_button"):
            return True
        if kind in ("checkbox", "expandable", "popover"):
            return not now
        if kind == "number_input":
            step, now = message.step or 1, now or 0
            around = [now + step, now - step, now + 2 * step]
            least = message.min if message.has_min else float("-inf")
            most = message.max if message.has_max else float("inf")
            return _one_of(rng, [one for one in around if least <= one <= most])
        if kind == "slider" and self.state == "double_array_value":
            places = round((message.max - message.min) / (message.step or 1))
            picked = [message.min + rng.randint(0, places) * message.step for _ in now or (0,)]
            return sorted(min(one, message.max) for one in picked)
        if kind == "slider":
            return [rng.choice(self.options) for _ in now or (0,)]
        if kind == "button_group" and message.click_mode != message.MULTI_SELECT:
            other = _one_of(rng, [one for one in self.options if [one] != now])
            return None if other is None else [other]
        if kind in ("button_group", "multiselect"):
            most = getattr(message, "max_selections", 0) or len(self.options)
            return rng.sample(self.options, rng.randint(0, min(most, len(self.options))))
        if kind in ("selectbox", "radio", "menu_button"):
            return _one_of(rng, [one for one in self.options if one != now])
        if kind == "pagination":
            return _one_of(rng, [one for one in range(1, message.num_pages + 1) if one != now])
        if kind in ("text_input", "text_area"):
            return rng.choice(["", "1", "1 2 3\n4 5 6", "nn.Conv2d(3, 8, 3)", "--5", "zwölf"])
        return None


def _one_of(rng: random.Random, values: list) -> Any:
    return rng.choice(values) if values else None


def _url_text(value: Any) -> list[str]:
    """A widget's value as the front end writes it into the address."""
    values = value if isinstance(value, list) else [value]
    return [
        str(one).lower() if isinstance(one, bool) else f"{one:.15g}" if isinstance(one, float) else str(one)
        for one in values
        if one != ""
    ]


@dataclass
class Visitor:
    """One open page. Made by :func:`visiting`.

    ``exceptions`` holds the text of every traceback that any answer carried, and of what broke the protocol;
    ``errors`` the text of the error boxes.
    """

    url: str
    socket: ClientConnection
    patience: float = PATIENCE
    query: str = ""
    nodes: dict[tuple[int, ...], Node] = field(default_factory=dict)
    states: dict[str, WidgetState] = field(default_factory=dict)
    exceptions: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    pages: dict[str, str] = field(default_factory=dict)
    """Addresses of the pages that there are → their hashes."""
    repeats: dict[str, float] = field(default_factory=dict)
    """Fragments that the page wants run again and again → seconds between."""
    received: int = 0
    """Bytes."""

    def __post_init__(self) -> None:
        self._page = ""
        self._path = ""
        self._session = ""
        self._run = ""
        self._fragments: tuple[str, ...] = ()
        self.begun = 0
        """Runs that have begun, as far as the visitor knows."""
        self._ended = 0
        self._forms: dict[str, dict[str, WidgetState]] = {}
        self._messages: dict[str, tuple[ForwardMsg, str, int]] = {}
        self._runs, self._age = 0, 2
        self._replies: dict[str, asyncio.Future] = {}
        self._heard = asyncio.Condition()
        self._broken: Exception | None = None

    # What is on the page.

    @property
    def widgets(self) -> list[Widget]:
        """All that are shown and can be used, in the order of the page."""
        return [one for one in self._all() if not one.disabled]

    def _all(self) -> Iterable[Widget]:
        for _, node in sorted(self.nodes.items()):
            if node.kind in STATE_OF and getattr(node.message, "id", ""):
                yield Widget(node.kind, node.message.id, node.message, node.fragment)

    def find(self, name: str) -> Widget:
        """The widget with this key, else with this label. Raises ``LookupError`` that names those that there are."""
        shown = list(self._all())
        for one in [one for one in shown if one.key == name] + [one for one in shown if one.label == name]:
            return one
        raise LookupError(f"no widget is called {name!r}; there are {sorted({one.key or one.label for one in shown})}")

    def now(self, widget: Widget) -> Widget | None:
        """The same widget as it is shown now, with its present bounds and options; None if it has gone."""
        return next((one for one in self.widgets if one.id == widget.id), None)

    def value(self, widget: Widget) -> Any:
        """What the widget holds as the visitor sees it."""
        state = self._forms.get(widget.form, {}).get(widget.id) or self.states.get(widget.id)
        if state is None:
            return widget.value()
        kind = state.WhichOneof("value")
        if kind is None:
            return None
        value = getattr(state, kind)
        return list(value.data) if hasattr(value, "data") else value

    # What a visitor does. Each of these returns the seconds until the answer was complete.

    async def open(self, path: str, query: str = "") -> float:
        """Open an address as a new tab does."""
        self._path, self.query, begun = path.strip("/"), query.removeprefix("?"), self.begun
        await self._send("")
        return await self.answered(begun)

    async def go(self, path: str, query: str = "") -> float:
        """Choose a page of the navigation. Raises ``KeyError`` if there is none with this address."""
        begun = self.begun
        await self._choose_page(path, query)
        return await self.answered(begun)

    async def change(self, widget: Widget, value: Any) -> float:
        """Set a widget that is shown, or press it, and wait. Raises ``LookupError`` if it has gone."""
        begun, shown = self.begun, self.now(widget)
        if shown is None:
            raise LookupError(f"{widget.key or widget.label or widget.kind} is no longer shown, or cannot be used")
        widget = shown
        if not await self.send(widget, value):
            return 0.0
        return await self.answered(begun)

    async def use(self, component: Widget, name: str, value: Any, *, trigger: bool = False) -> float:
        """What a component of the page says: ``setStateValue(name, value)``, or ``setTriggerValue``."""
        begun = self.begun
        if trigger:
            state = WidgetState(id=f"{TRIGGER_OF}{component.id}{EVENTS}")
            state.json_trigger_value = json.dumps([{"event": name, "value": value}])
        else:
            before = self.states.get(component.id)
            values = json.loads(before.json_value) if before else {}
            state = WidgetState(id=component.id, json_value=json.dumps(values | {name: value}))
        self.states[state.id] = state
        await self._send(component.fragment)
        return await self.answered(begun)

    async def repeat(self, fragment: str) -> float:
        """Run a fragment of ``repeats``, as the front end does when it is time."""
        begun = self.begun
        await self._send(fragment)
        return await self.answered(begun)

    async def upload(self, widget: Widget, name: str, kind: str, data: bytes) -> float:
        """Give a file to an uploader or a camera."""
        reply = str(uuid.uuid4())
        self._replies[reply] = asyncio.get_running_loop().create_future()
        asked = BackMsg()
        asked.file_urls_request.request_id = reply
        asked.file_urls_request.session_id = self._session
        asked.file_urls_request.file_names.append(name)
        await self.socket.send(asked.SerializeToString())
        async with asyncio.timeout(self.patience):
            urls = (await self._replies[reply]).file_urls[0]
        await asyncio.to_thread(self._put, urls.upload_url, name, kind, data)
        info = UploadedFileInfo(file_id=urls.file_id, name=name, size=len(data), file_urls=urls)
        return await self.change(widget, FileUploaderState(uploaded_file_info=[info]))

    async def send(self, widget: Widget, value: Any) -> bool:
        """Set a widget, or press it, and do not wait. It may have gone from the page: such a request is late.

        False where the front end would not ask the server: in a form, or where the page wants no rerun.
        """
        state = WidgetState(id=widget.id)
        if widget.state.endswith("_array_value"):
            getattr(state, widget.state).data.extend(value)
        elif widget.state == "file_uploader_state_value":
            state.file_uploader_state_value.CopyFrom(value)
        elif widget.state == "string_trigger_value":
            state.string_trigger_value.data = value
        elif value is not None:
            setattr(state, widget.state, value)
        submits = getattr(widget.message, "is_form_submitter", False)
        if widget.form and not submits:
            self._forms.setdefault(widget.form, {})[widget.id] = state
            return False
        if submits:
            self.states.update(self._forms.pop(widget.form, {}))
        self.states[widget.id] = state
        self._write_address(widget, value)
        if getattr(widget.message, "ignore_rerun", False):
            return False
        await self._send(widget.fragment)
        return True

    async def answered(self, begun: int) -> float:
        """Wait until a run has begun after ``begun`` of them, and has ended.

        Returns seconds. Raises ``TimeoutError`` after ``patience`` seconds, ``ConnectionError`` if the server hangs up.
        """
        start = time.perf_counter()
        async with asyncio.timeout(self.patience), self._heard:
            while self.begun <= begun or self._ended < self.begun:
                self._alive()
                await self._heard.wait()
        return time.perf_counter() - start

    # The protocol.

    def _put(self, path: str, name: str, kind: str, data: bytes) -> None:
        """Send a file as the front end does, with the token against forged requests that the server gave out."""
        with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=self.patience) as answer:
            cookie = answer.headers["Set-Cookie"].split(";")[0]
        border = uuid.uuid4().hex
        head = f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        head += f"Content-Type: {kind}\r\n\r\n"
        body = head.encode() + data + f"\r\n--{border}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={border}"}
        headers |= {"Cookie": cookie, "X-Xsrftoken": cookie.partition("=")[2].strip('"')}
        put = urllib.request.Request(self.url + path, data=body, headers=headers, method="PUT")
        urllib.request.urlopen(put, timeout=self.patience).close()

    async def _choose_page(self, path: str, query: str) -> None:
        bound = {getattr(one.message, "query_param_key", "") for one in self._all()}
        kept = [(name, value) for name, value in urllib.parse.parse_qsl(self.query, True) if name in bound]
        self.query = "&".join(filter(None, (query.removeprefix("?"), urllib.parse.urlencode(kept))))
        self._page = self.pages[path.strip("/")]
        # The front end sends what stays: the widgets of the frame around the pages.
        frame = {getattr(node.message, "id", "") for node in self.nodes.values() if node.script == self._main}
        self.states = {name: state for name, state in self.states.items() if name in frame}
        await self._send("")

    async def _send(self, fragment: str) -> None:
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string = self.query
        asked.page_script_hash = self._page
        asked.page_name = "" if self._page else self._path
        asked.fragment_id = fragment
        asked.cached_message_hashes.extend(self._messages)
        asked.context_info.timezone = "Europe/Berlin"
        asked.context_info.locale = "en-GB"
        asked.context_info.url = f"{self.url}/{self._path}"
        asked.context_info.color_scheme = "light"
        asked.widget_states.widgets.extend(self.states.values())
        await self.socket.send(message.SerializeToString())
        for name in [name for name, state in self.states.items() if state.WhichOneof("value") in TRIGGERS]:
            del self.states[name]

    def _write_address(self, widget: Widget, value: Any) -> None:
        name = getattr(widget.message, "query_param_key", "")
        if not name:
            return
        texts = _url_text(value) if value is not None else []
        pairs = [pair for pair in urllib.parse.parse_qsl(self.query, True) if pair[0] != name]
        default = widget.value(default=True)
        if texts != (_url_text(default) if default is not None else []):
            pairs += [(name, text) for text in texts or [""]]
        self.query = urllib.parse.urlencode(pairs)

    def _alive(self) -> None:
        if self._broken is not None:
            raise self._broken
        if self.socket.close_code is not None:
            raise ConnectionError(f"the server closed the connection: {self.socket.close_code}")

    async def listen(self) -> None:
        """Read what the server says until it hangs up. Runs beside everything else."""
        try:
            with contextlib.suppress(ConnectionClosed):
                async for data in self.socket:
                    self.received += len(data)
                    self._hear(ForwardMsg.FromString(data))
                    async with self._heard:
                        self._heard.notify_all()
        except Exception as error:
            self._broken = error
        async with self._heard:
            self._heard.notify_all()

    def _hear(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            kept = self._messages.get(message.ref_hash)
            if kept is None:
                self.exceptions.append("Cached ForwardMsg MISS: the server refers to a message that has been forgotten")
                return
            metadata, message = message.metadata, kept[0]
            message.metadata.CopyFrom(metadata)
            kind = message.WhichOneof("type")
        if message.metadata.cacheable and message.hash:
            fragment = message.delta.fragment_id if kind == "delta" else ""
            self._messages[message.hash] = (message, fragment, self._runs)
        if kind == "delta":
            self._draw(message)
        elif kind == "new_session":
            self._begin(message)
        elif kind == "script_finished":
            self._end(message)
        elif kind == "auto_rerun":
            self.repeats[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "navigation":
            self._page = message.navigation.page_script_hash
            self.pages = {one.url_pathname: one.page_script_hash for one in message.navigation.app_pages}
        elif kind == "session_event" and message.session_event.HasField("script_compilation_exception"):
            self.exceptions.append(_text_of(message.session_event.script_compilation_exception))
        elif kind == "file_urls_response":
            self._replies[message.file_urls_response.response_id].set_result(message.file_urls_response)

    def _begin(self, message: ForwardMsg) -> None:
        session, run = message.new_session, message.metadata.run
        self._session = session.initialize.session_id
        self._main, self._age = session.main_script_hash, session.config.max_cached_message_age
        if session.page_script_hash != self._page and not run.fragment_ids:
            self._page = session.page_script_hash
        self._run, self._fragments = run.script_run_id, tuple(run.fragment_ids)
        if not run.fragment_ids:
            self.repeats.clear()
        self.begun += 1

    def _end(self, message: ForwardMsg) -> None:
        if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            # Another run follows by itself, and that one is the answer.
            return
        if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            self.exceptions.append("the script does not compile")
        self._ended = self.begun
        stale = [
            path for path, node in self.nodes.items()
            if node.run != self._run and (not self._fragments or node.fragment in self._fragments)
        ]  # fmt: skip
        for path in stale:
            del self.nodes[path]
        shown = {getattr(node.message, "id", "") for node in self.nodes.values()}
        self.states = {name: state for name, state in self.states.items() if name in shown}
        self._runs += 1
        for name, (_, fragment, drawn) in list(self._messages.items()):
            if self._runs - drawn > self._age and (not self._fragments or fragment in self._fragments):
                del self._messages[name]

    def _draw(self, message: ForwardMsg) -> None:
        delta, path = message.delta, tuple(message.metadata.delta_path)
        what = delta.WhichOneof("type")
        if what == "new_transient":
            return
        body = delta.new_element if what == "new_element" else delta.add_block
        kind = body.WhichOneof("type") or ""
        inner = getattr(body, kind) if kind else body
        old = self.nodes.get(path)
        node = Node(kind, inner, self._run, delta.fragment_id, message.metadata.active_script_hash, what == "add_block")
        if old is not None and old.block and (not node.block or old.kind != kind):
            for place in [place for place in self.nodes if place[: len(path)] == path]:
                del self.nodes[place]
        self.nodes[path] = node
        if kind == "exception":
            self.exceptions.append(_text_of(inner))
        elif kind == "alert" and inner.format == inner.ERROR:
            self.errors.append(inner.body)
        elif kind in STATE_OF and not node.block and getattr(inner, "id", ""):
            self._mount(Widget(kind, inner.id, inner, delta.fragment_id))

    def _mount(self, widget: Widget) -> None:
        """A widget that is new, or that the server has set, tells the server its value with the next request."""
        if widget.state in TRIGGERS or widget.kind in ("bidi_component", "file_uploader", "camera_input"):
            return
        if widget.id in self.states and not widget.message.set_value:
            return
        state, value = WidgetState(id=widget.id), widget.value()
        if widget.state.endswith("_array_value"):
            getattr(state, widget.state).data.extend(value)
        elif value is not None:
            setattr(state, widget.state, value)
        self.states[widget.id] = state
        self._forms.get(widget.form, {}).pop(widget.id, None)


def _text_of(exception: Any) -> str:
    return "\n".join([f"{exception.type}: {exception.message}", *exception.stack_trace])


@contextlib.asynccontextmanager
async def visiting(url: str, patience: float = PATIENCE) -> AsyncIterator[Visitor]:
    """A connection to the server at ``url``, on which nothing has been opened yet."""
    address = url.rstrip("/").replace("http", "ws", 1) + "/_stcore/stream"
    async with connect(
        address, subprotocols=["streamlit"], max_size=None, open_timeout=patience, ping_interval=None
    ) as socket:
        visitor = Visitor(url.rstrip("/"), socket, patience)
        listening = asyncio.create_task(visitor.listen())
        try:
            yield visitor
        finally:
            listening.cancel()
