"""Commands that are run in turns and timed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["of_pytest", "printed", "seconds", "turns"]


def turns(times: int, *works: Callable[[], float]) -> list[list[float]]:
    """Do things in turn, once for nothing, and give what each turn told.

    Noise comes in spells: those of one turn share it.
    """
    return [[work() for work in works] for _ in range(times + 1)][1:]


def seconds(command: Sequence[str], folder: str) -> float:
    """Time a command that has to succeed."""
    started = time.perf_counter()
    _run(command, folder)
    return time.perf_counter() - started


def printed(command: Sequence[str], folder: str | None = None) -> float:
    """Give the number that a command prints after the word "took"."""
    return float(_run(command, folder).rpartition("took ")[2].split()[0])


def of_pytest(file: Path, *options: str) -> Sequence[str]:
    """Give the command that runs a file of tests, with few plugins but mockdock's."""
    quiet = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov")
    return sys.executable, "-m", "pytest", *quiet, *options, str(file)


def _run(command: Sequence[str], folder: str | None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
