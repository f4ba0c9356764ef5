"""What the projects of a session are called in a ledger, where those of others are as well."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

__all__ = ["OF_SESSIONS", "key_of", "realm"]

OF_SESSIONS = "s"
"""What all projects of opened sessions begin with."""


def key_of(session: str, name: str) -> str:
    """Give what a project of a session is called."""
    return realm(session) + name


@lru_cache
def realm(session: str) -> str:
    """Give what the projects of a session begin with."""
    if not session:
        return "0/"
    digest = blake2b(session.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    return f"{OF_SESSIONS}{digest}/"
