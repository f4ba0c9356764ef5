"""The folders shipped with the package: ready-made scenarios and fixtures."""

from __future__ import annotations

from pathlib import Path

__all__ = ["fixtures", "scenarios"]

_HERE = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    """Find a folder in the installed wheel, else in the checkout beside the package."""
    packed = _HERE / "_data" / name
    return packed if packed.is_dir() else _HERE.parent / name


def scenarios() -> Path:
    """Give the folder of the ready-made scenarios."""
    return _shipped("scenarios")


def fixtures() -> Path:
    """Give the folder of the golden files and canned completions."""
    return _shipped("fixtures")
