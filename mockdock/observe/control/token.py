"""The token of the control API."""

from __future__ import annotations

import re

from mockdock.errors import UsageError

__all__ = ["check_token"]

_TOKEN = re.compile(r"[!-~]+")


def check_token(token: str) -> None:
    """Raise UsageError for what cannot be a token: it travels in a header."""
    if not _TOKEN.fullmatch(token):
        raise UsageError("a control token is one or more visible ASCII characters without spaces")
