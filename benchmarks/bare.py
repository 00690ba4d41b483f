"""The other side of the ratios: bare Streamlit scripts, written at run time so that they follow the app's pages."""

import subprocess
import sys
from pathlib import Path

HELLO = 'import streamlit as st\n\nst.title("Hello")\n'

# Runs a page under AppTest and prints a script with the same widgets: same kinds, bounds, options and values.
COPY_WIDGETS = """
import sys
from streamlit.testing.v1 import AppTest

page, query = sys.argv[1], dict(pair.split("=") for pair in sys.argv[2:])
app = AppTest.from_file("pages/_shell.py", default_timeout=120).run()
app = app.switch_page(page)
for name, value in query.items():
    app.query_params[name] = value
app.run()
assert not app.exception, app.exception
lines, names = ["import streamlit as st", "", 'st.title("Bare")'], []

def add(call, widget, *parts):
    names.append(f"w{len(names)}")
    key = widget.key or names[-1]
    arguments = ", ".join([repr(widget.label or key), *parts, f"key={key!r}"])
    lines.append(f"{names[-1]} = st.{call}({arguments})")

for kind in ("slider", "number_input"):
    for widget in app.get(kind):
        add(kind, widget, *(repr(type(widget.value)(n)) for n in (widget.min, widget.max, widget.value)))
for kind in ("selectbox", "radio"):
    for widget in app.get(kind):
        add(kind, widget, repr(list(widget.options)), f"index={widget.index!r}")
for widget in app.get("button_group"):
    add("pills", widget, repr([str(option) for option in widget.options]))
for kind in ("checkbox", "toggle"):
    for widget in app.get(kind):
        add(kind, widget, repr(widget.value))
for kind in ("text_input", "text_area"):
    for widget in app.get(kind):
        add(kind, widget, repr(widget.value or ""))
for widget in app.get("button"):
    add("button", widget)
lines += ["with st.container(key='numbers'):", f"    st.text(repr([{', '.join(names)}]))"]
print("\\n".join(lines))
"""


def same_widgets(page: str, **query: object) -> str:
    """The source of a script with the widgets of ``pages/<page>`` and one line of text that shows their values.

    Raises ``RuntimeError`` when the page does not run.
    """
    command = [sys.executable, "-c", COPY_WIDGETS, page, *(f"{k}={v}" for k, v in query.items())]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{page} could not be copied:\n{done.stderr[-2000:]}")
    return done.stdout
