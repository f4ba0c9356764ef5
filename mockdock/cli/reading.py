"""Files named on the command line."""

from __future__ import annotations

import sys
from pathlib import Path

from mockdock.errors import MockdockError

__all__ = ["read"]


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
