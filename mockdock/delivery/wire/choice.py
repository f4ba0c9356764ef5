"""Which parser reads HTTP: httptools where it is installed, else h11."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

__all__ = ["HttpName", "protocol"]

HttpName = Literal["auto", "httptools", "h11"]

_MADE = {
    "httptools": "mockdock.delivery.wire.httptools_wire:HttpWire",
    "h11": "mockdock.delivery.wire.h11_wire:H11Wire",
}


def protocol(name: HttpName = "auto") -> Any:
    """Give the protocol class of a parser, which is imported now.

    Raises ImportError when httptools is asked for and not installed.
    """
    if name == "auto":
        name = "h11" if find_spec("httptools") is None else "httptools"
    module, _, made = _MADE[name].partition(":")
    return getattr(import_module(module), made)
