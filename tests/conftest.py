"""How the tests are shared out among pytest-xdist's workers, what hypothesis asks of the machine (no speed), and what
none of them has to do again."""

import gc
import os
from functools import cache

# The workers and their servers share the cores: two threads of torch in each would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import app_test, local_script_runner
from xdist.scheduler import LoadScopeScheduling

# Python's 700 has the collector look at the libraries' objects again and again: a tenth of all work.
gc.set_threshold(20_000, *gc.get_threshold()[1:])

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# Each AppTest asks all packages that are installed for components of theirs, which took longer than the page.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)

# Each run of an AppTest compiles the files of its page, a fifth of what the run takes; a server keeps them, as here.
app_test.ScriptCache = local_script_runner.ScriptCache = cache(ScriptCache)


def pytest_collection_finish() -> None:
    """What the tests have imported stays until the end: no collection looks at it again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    gc.unfreeze()


SERVED = ("tests/browser/", "tests/test_room.py", "tests/test_server.py", "tests/test_visitor.py")


class ServedTestsByFile(LoadScopeScheduling):
    """Each test to whichever worker is free, but those with a server file by file: it starts once, and what a file's
    first test has loaded its others find."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0] if nodeid.startswith(SERVED) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> ServedTestsByFile:
    return ServedTestsByFile(config, log)
