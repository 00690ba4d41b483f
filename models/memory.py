"""How much memory there is."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def memory_limit(root: Path = Path("/")) -> int:
    """Bytes that this process may use: the tightest limit of its control groups (cgroup v2 or v1), else the machine's
    memory, else 8 GiB.

    Args:
        root: the folder that holds ``proc`` and ``sys``.
    """
    limits = [8 << 30]
    with suppress(AttributeError, OSError, ValueError):
        limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers not in ("", "memory"):
                continue
            # A container may be told the host's path, while its own group lies at the root: all the way up.
            group, file = Path(path.strip("/")), "memory.limit_in_bytes" if controllers else "memory.max"
            for place in (group, *group.parents):
                with suppress(OSError, ValueError):  # no such folder; "max"
                    limits.append(int((root / "sys/fs/cgroup" / controllers / place / file).read_text()))
    return min(limits)
