"""How the tests are shared out among pytest-xdist's workers."""

import pytest
from xdist.scheduler import LoadScopeScheduling


class OneBrowser(LoadScopeScheduling):
    """Each test to whichever worker is free, but those with a browser all to one: two at once make each other late.

    ``--dist loadgroup`` is meant for that, and with pytest 9.2 it no longer sees the groups.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "browser" if nodeid.startswith("tests/browser/") else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> OneBrowser:
    return OneBrowser(config, log)
