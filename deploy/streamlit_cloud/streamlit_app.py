"""The entry point for Streamlit Community Cloud: the same app as ``app.py``.

It stands in a folder of its own because the host installs the requirements.txt that lies beside the entry point. The
host starts it from the repository's root, where Streamlit finds ``.streamlit/config.toml``.
"""

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from app import SERVER  # noqa: E402

# Streamlit looks for this assignment in the text of the file that it is told to run.
app = st.App(ROOT / "pages" / "_shell.py", **SERVER)
