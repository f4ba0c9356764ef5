"""Who asks: Azure's keys come in a header of their own, or as a bearer token."""

from __future__ import annotations

from collections.abc import Mapping

from mockdock.dialects import base as dialects
from mockdock.dialects.openai.caller import caller as bearer
from mockdock.request import Caller

__all__ = ["caller"]


def caller(headers: Mapping[str, str]) -> Caller:
    """Read key, session and attempt off the headers of a call.

    ``api-key`` counts before ``authorization``.
    """
    key = headers.get("api-key", "").strip()
    return dialects.caller(headers, key) if key else bearer(headers)
