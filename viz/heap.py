"""Streamlit collects garbage after every run; this keeps it from walking through torch each time."""

import gc
import sys

MODULES = 100
"""So many new modules are worth another look at the heap."""

_settled = 0


def settle() -> None:
    """Set aside what is alive now, if whole libraries have arrived since the last call. Call it after a page has run.

    torch alone is half a million objects that stay until the end, and it imports its parts when they are first used:
    walking through them takes a fifth of a second a run, several times what the rest of a page does.
    """
    global _settled
    if len(sys.modules) - _settled >= MODULES:
        _settled = len(sys.modules)
        gc.collect()
        gc.freeze()
