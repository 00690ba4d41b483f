"""Streamlit collects garbage after every run; this keeps it from walking through torch each time."""

import gc
from functools import lru_cache


@lru_cache(maxsize=1)
def settle() -> None:
    """Set aside what is alive now, once a process. Call it when a page has measured for the first
    time, for torch imports its larger half only then.

    torch alone is half a million objects that stay until the end: walking them takes a fifth of a second a run, five
    times what the rest of a page does.
    """
    gc.collect()
    gc.freeze()
