"""Commands that are run in turns and timed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

__all__ = ["of_pytest", "printed", "seconds", "turns"]


_Told = TypeVar("_Told")


def turns(times: int, *works: Callable[[], _Told]) -> list[list[_Told]]:
    """Do things in turn and give what each turn told, the first of several for nothing.

    Noise comes in spells: those of one turn share it.
    """
    warm = times > 1
    return [[work() for work in works] for _ in range(times + warm)][warm:]


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
