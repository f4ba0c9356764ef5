"""The vectors in the body of a reply, as numbers."""

from __future__ import annotations

import base64
import json
from typing import Any

from mockdock.embedding import unpack

__all__ = ["vectors"]


def vectors(body: bytes) -> tuple[tuple[float, ...], ...]:
    """Read the embeddings in a body, be they numbers or base64; none where it holds none."""
    try:
        told = json.loads(body)
    except ValueError:
        return ()
    data = told.get("data") if isinstance(told, dict) else None
    found = [each.get("embedding") for each in data or () if isinstance(each, dict)]
    return tuple(_vector(each) for each in found if each is not None)


def _vector(told: Any) -> tuple[float, ...]:
    return tuple(unpack(base64.b64decode(told)) if isinstance(told, str) else told)
