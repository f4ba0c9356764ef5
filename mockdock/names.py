"""The names of the dialects, and that of the paths that are mockdock's own."""

from __future__ import annotations

from typing import Literal

__all__ = ["CONTROL", "CONTROL_PATH", "DialectName"]

DialectName = Literal["openai", "azure", "langdock", "langdb"]
"""Every wire API there is; a new dialect adds its name."""

CONTROL = "__mockdock"
"""The segment of a path that is for a server itself: no path of a provider has it."""

CONTROL_PATH = f"/{CONTROL}"
"""Where a server takes its verbs from outside."""
