"""Files named on the command line, and complaints about them."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from mockdock.errors import MockdockError

__all__ = ["complain", "read"]


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
