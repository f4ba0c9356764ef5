"""Embeddings as JSON: numbers, or base64 of their bytes."""

from __future__ import annotations

import base64
from typing import Any

from mockdock.embedding import Embeddings, unpack
from mockdock.request import Request

__all__ = ["told_embeddings"]


def told_embeddings(request: Request | None, reply: Embeddings) -> dict[str, Any]:
    """Write the vectors as the request wants them; numbers are exactly those in the bytes."""
    wanted = None if request is None else request.embedding
    write = _base64 if wanted is not None and wanted.encoding == "base64" else unpack
    usage = reply.usage
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": write(vector)}
            for index, vector in enumerate(reply.vectors)
        ],
        "model": reply.model,
        "usage": {"prompt_tokens": usage.prompt_tokens, "total_tokens": usage.total_tokens},
    }


def _base64(vector: bytes) -> str:
    return base64.b64encode(vector).decode()
