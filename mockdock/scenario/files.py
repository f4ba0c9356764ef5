"""Files on disk: resolved, bounded, with one clear line when they cannot be read."""

from __future__ import annotations

import stat
from pathlib import Path

from mockdock.errors import Problem, ScenarioError

__all__ = ["content", "real", "reason"]


def real(path: Path) -> Path | None:
    """Resolve a path with all its symlinks; None when that is impossible."""
    try:
        resolved = path.resolve()
        return None if stat.S_ISLNK(resolved.lstat().st_mode) else resolved
    except (FileNotFoundError, NotADirectoryError):
        return resolved
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, a circle of links
        return None


def content(path: Path, largest: int, name: str) -> bytes:
    """Read a regular file of at most ``largest`` bytes. Raises ScenarioError."""
    try:
        if not path.is_file():
            raise ScenarioError([Problem(f"{name!r} is not a file")])
        with path.open("rb") as file:
            raw = file.read(largest + 1)
    except OSError as error:
        raise ScenarioError([Problem(f"cannot read {name!r}: {reason(error)}")]) from None
    if len(raw) > largest:
        message = f"{name!r} is larger than {largest // 1_000_000} MB"
        raise ScenarioError([Problem(message)])
    return raw


def reason(error: OSError) -> str:
    """Say why the system refused, in its own words."""
    return (error.strerror or str(error)).lower()
