"""Functions that are imported when they are first called, and names when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["attributes", "later"]


def later(where: str) -> Callable[..., Any]:
    """Give a function of the package by its place, such as ``"content.embedding:embed"``.

    Its module is imported by the first call, not before: a server that never needs it
    starts the sooner. Whoever takes it annotates what it is.
    """
    module, _, name = where.partition(":")
    found: Callable[..., Any] | None = None

    def called(*args: Any, **named: Any) -> Any:
        nonlocal found
        if found is None:
            found = getattr(import_module(f"mockdock.{module}"), name)
        return found(*args, **named)

    return called


def attributes(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a package whose names are imported when they are asked for.

    ``homes`` gives the module of each name, such as ``{"Call": "testing.call"}``; none may
    have the name of a module beside it, which would be found instead.
    """

    def found(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"mockdock.{home}"), name)

    return found
