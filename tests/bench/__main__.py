"""``python -m tests.bench [throughput|unused|accounts|plugin|memory ...]``: all or some.

Nothing fails here: it only measures.
"""

from __future__ import annotations

import argparse

from tests.bench.accounts import accounts
from tests.bench.memory import memory
from tests.bench.plugin import installed, started, used
from tests.bench.throughput import throughput
from tests.bench.unused import unused

WHICH = ("throughput", "unused", "accounts", "plugin", "memory")


def main() -> None:
    """Measure what is wanted and print tables."""
    parser = argparse.ArgumentParser("python -m tests.bench")
    parser.add_argument("which", nargs="*", metavar="|".join(WHICH), default=[])
    parser.add_argument("--requests", type=int, default=20_000, help="how many memory gets")
    given = parser.parse_args()
    unknown = [each for each in given.which if each not in WHICH]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(WHICH)}")
    which = given.which or WHICH
    if "throughput" in which:
        throughput()
    if "unused" in which:
        unused()
    if "accounts" in which:
        accounts()
    if "plugin" in which:
        installed()
        started()
        used()
    if "memory" in which:
        memory(given.requests)


if __name__ == "__main__":
    main()
