"""Who asks: OpenAI's keys come as a bearer token."""

from __future__ import annotations

from collections.abc import Mapping

from mockdock.dialects import base
from mockdock.request import Caller

__all__ = ["caller"]


def caller(headers: Mapping[str, str]) -> Caller:
    """Read key, session and attempt off the headers of a call."""
    return base.caller(headers, headers.get("authorization", "").partition(" ")[2].strip())
