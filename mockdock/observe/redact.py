"""Secrets, taken out of what is shown or written."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["headers", "text"]

_HIDDEN = "[redacted]"
_SECRET = frozenset(
    {
        "api-key",
        "authorization",
        "cookie",
        "ocp-apim-subscription-key",
        "proxy-authorization",
        "set-cookie",
        "x-admin-key",
        "x-api-key",
        "x-goog-api-key",
        "x-mockdock-token",
    }
)
_KEY = re.compile(
    r"\b(?:sk-(?!mockdock-)|pk-|rk-|gsk_|xai-|hf_|ghp_|github_pat_|AIza|AKIA|eyJ[\w-]+\.eyJ)"
    r"[\w.-]{16,}"
)
"""What the keys of well-known services, and web tokens, look like."""
_OURS = re.compile(r"(?:Bearer )?sk-mockdock-[\w-]+", re.IGNORECASE)


def headers(given: Mapping[str, str]) -> dict[str, str]:
    """Hide the values of headers that hold secrets; the names are lower-case.

    A key that mockdock made for a session is none.
    """
    return {name: _value(name, value) for name, value in given.items()}


def text(given: str) -> str:
    """Hide what looks like a key of a well-known service, wherever it stands."""
    return _KEY.sub(_HIDDEN, given)


def _value(name: str, value: str) -> str:
    if name in _SECRET and not _OURS.fullmatch(value):
        return _HIDDEN
    return text(value)
