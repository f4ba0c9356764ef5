"""The names of the dialects."""

from __future__ import annotations

from typing import Literal

__all__ = ["DialectName"]

DialectName = Literal["openai", "azure", "langdock", "langdb"]
"""Every wire API there is; a new dialect adds its name."""
