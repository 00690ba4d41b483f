"""How much memory there is: made-up control groups, as containers have them."""

import os
from pathlib import Path

import pytest

from models.memory import memory_limit
from models.networks import cache_info, kept

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def groups(root: Path, told: str, files: dict[str, str]) -> Path:
    """A root in which ``/proc/self/cgroup`` says ``told``, with these files below ``/sys/fs/cgroup``."""
    for name, text in {"proc/self/cgroup": told, **{f"sys/fs/cgroup/{n}": t for n, t in files.items()}}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("told", "files", "limit"),
    [
        ("0::/\n", {"memory.max": "1073741824\n"}, 1 << 30),
        ("0::/\n", {"memory.max": "max\n"}, MACHINE),
        ("0::/a/b\n", {"a/b/memory.max": "max\n", "a/memory.max": "268435456\n", "memory.max": "max\n"}, 1 << 28),
        ("0::/kubepods/pod7\n", {"memory.max": "536870912\n"}, 1 << 29),
        ("9:cpu:/x\n4:memory:/docker/7\n", {"memory/memory.limit_in_bytes": "134217728\n"}, 1 << 27),
        ("4:memory:/docker/7\n", {"memory/docker/7/memory.limit_in_bytes": "67108864\n"}, 1 << 26),
        ("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712\n"}, MACHINE),
        ("9:cpu:/x\n", {"memory/memory.limit_in_bytes": "1\n", "memory.max": "1\n"}, MACHINE),
    ],
)
def test_the_tightest_limit_counts(told, files, limit, tmp_path):
    assert memory_limit(groups(tmp_path, told, files)) == limit


def test_without_control_groups_the_machine_is_the_limit(tmp_path, monkeypatch):
    assert memory_limit(tmp_path) == MACHINE
    monkeypatch.delattr(os, "sysconf")
    assert memory_limit(tmp_path) == 8 << 30


def test_the_networks_that_are_kept_follow_the_limit():
    mib = 1 << 20
    assert [kept._most(n * mib) // mib for n in (1000, 2765, 5120, 65536)] == [200, 553, 1024, 1024]
    if "CONVSCOPE_NETWORK_BYTES" not in os.environ:
        assert cache_info()["limit"] == kept._most(memory_limit())
