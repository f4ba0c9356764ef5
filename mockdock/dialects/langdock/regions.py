"""The regions Langdock serves from."""

from __future__ import annotations

__all__ = ["REGIONS"]

REGIONS = ("eu", "us")
