"""Run all benchmarks, or those named: ``python -m benchmarks first_text hover``, ``… class --visitors 60``."""

import argparse
import importlib
import inspect
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import BENCHMARKS, table

MODULES = (
    "class_of_visitors",
    "room",
    "browser",
    "receptive_field",
    "pasted",
    "transposed",
    "operator",
    "feature_maps",
    "feature_networks",
    "taken_away",
)
OUT = Path(__file__).parent / "out" / "ratios.md"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    for module in MODULES:
        importlib.import_module(f"benchmarks.{module}")
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"any of: {', '.join(BENCHMARKS)}")
    for one in BENCHMARKS.values():
        group = parser.add_argument_group(one.name)
        for name, option in inspect.signature(one.run).parameters.items():
            many = isinstance(option.default, tuple)
            kind = type(option.default[0] if many else option.default)
            group.add_argument(f"--{name}", type=kind, nargs="+" if many else None, help=f"default: {option.default}")
    asked = parser.parse_args()
    names = asked.names or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        parser.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    done = []
    for name in names:
        say(f"{name} …")
        taken = {option: getattr(asked, option) for option in inspect.signature(BENCHMARKS[name].run).parameters}
        done.append((BENCHMARKS[name], BENCHMARKS[name].run(**{k: v for k, v in taken.items() if v is not None})))
    head = (
        f"# Ratios, measured {datetime.now(UTC):%Y-%m-%d} in one run\n\n"
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {platform.system()}.\n\n"
    )
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(head + table(done), encoding="utf-8")
    say(f"\n{head}{table(done)}\nwritten to {OUT}")


if __name__ == "__main__":
    main()
