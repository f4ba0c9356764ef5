"""Who asks: OpenAI's keys come as a bearer token, or as the password of a browser."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from mockdock.dialects import base as dialects
from mockdock.request import Caller

__all__ = ["caller"]


def caller(headers: Mapping[str, str]) -> Caller:
    """Read key, session and attempt off the headers of a call.

    A header of another form gives no key.
    """
    scheme, _, rest = headers.get("authorization", "").strip().partition(" ")
    match scheme.lower():
        case "bearer":
            key = rest.strip()
        case "basic":
            key = _password(rest.strip())
        case _:
            key = ""
    return dialects.caller(headers, key)


def _password(credentials: str) -> str:
    try:
        decoded = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[2]
