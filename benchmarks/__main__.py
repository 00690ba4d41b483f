"""Run all benchmarks, or those named: ``python -m benchmarks first_text hover``."""

import argparse
import importlib
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import BENCHMARKS, table

MODULES = ("browser", "receptive_field", "transposed", "operator", "feature_maps", "feature_networks")
OUT = Path(__file__).parent / "out" / "ratios.md"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    for module in MODULES:
        importlib.import_module(f"benchmarks.{module}")
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"any of: {', '.join(BENCHMARKS)}")
    names = parser.parse_args().names or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        parser.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    done = []
    for name in names:
        say(f"{name} …")
        done.append((BENCHMARKS[name], BENCHMARKS[name].run()))
    head = (
        f"# Ratios, measured {datetime.now(UTC):%Y-%m-%d} in one run\n\n"
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {platform.system()}.\n\n"
    )
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(head + table(done), encoding="utf-8")
    say(f"\n{head}{table(done)}\nwritten to {OUT}")


if __name__ == "__main__":
    main()
