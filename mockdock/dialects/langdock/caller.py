"""Who asks: Langdock's keys come as a bearer token, and in no other way."""

from __future__ import annotations

from collections.abc import Mapping

from mockdock.dialects import base as dialects
from mockdock.request import Caller

__all__ = ["caller"]


def caller(headers: Mapping[str, str]) -> Caller:
    """Read key, session and attempt off the headers of a call."""
    scheme, _, rest = headers.get("authorization", "").strip().partition(" ")
    return dialects.caller(headers, rest.strip() if scheme.lower() == "bearer" else "")
