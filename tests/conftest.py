"""How the tests are shared out among pytest-xdist's workers, and what hypothesis asks of the machine: no speed."""

import os

# The workers and their servers share the cores: two threads of torch in each would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


class OneBrowser(LoadScopeScheduling):
    """Each test to whichever worker is free, but those with a browser all to one: loading a page takes more than a
    whole core, so two at once make each other late.

    ``--dist loadgroup`` is meant for that, and with pytest 9.2 it no longer sees the groups.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "browser" if nodeid.startswith("tests/browser/") else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> OneBrowser:
    return OneBrowser(config, log)
