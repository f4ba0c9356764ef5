"""Files named on the command line, and complaints about them."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mockdock.errors import MockdockError, UsageError
from mockdock.later import later

__all__ = ["complain", "read", "read_journal"]

_records: Callable[[Iterable[str], str], Iterator[Mapping[str, Any]]] = later(
    "observe.audit.reading:records"
)

_ADDRESS = re.compile(r"([\w.-]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}(/.*)?|localhost", re.ASCII)


def complain(text: str) -> None:
    """Print a line to stderr, if anybody can read it."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"mockdock: {text}\n")
        sys.stderr.flush()


def read(path: Path) -> str:
    """Read a text file, or stdin for ``-``. Raises MockdockError with the reason."""
    try:
        if str(path) == "-":
            return sys.stdin.buffer.read().decode()
        return path.read_bytes().decode()
    except OSError as error:
        raise MockdockError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise MockdockError(f"{path}: not UTF-8 at byte {error.start}") from error


def read_journal(source: str) -> Iterator[Mapping[str, Any]]:
    """Read the records of a journal file, or of stdin for ``-``. Raises MockdockError."""
    if not source:
        raise UsageError("the name of the journal is empty: write that of a file, or - for stdin")
    try:
        with contextlib.ExitStack() as stack:
            lines: Iterable[str] = sys.stdin
            if source != "-":
                lines = stack.enter_context(Path(source).open(encoding="utf-8"))
            yield from _records(lines, source)
    except FileNotFoundError as error:
        hint = f"; for a server write http://{source}" if _ADDRESS.fullmatch(source) else ""
        raise MockdockError(f"{source}: {error.strerror}{hint}") from error
    except OSError as error:
        raise MockdockError(f"{source}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise MockdockError(f"{source}: not UTF-8 at byte {error.start}") from error
