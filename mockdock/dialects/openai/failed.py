"""A failure in OpenAI's words: its status, and its body."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

__all__ = ["INVALID", "Told"]

INVALID = "invalid_request_error"
"""The type of most errors."""


class Told(Struct, frozen=True):
    """A failure in OpenAI's words."""

    status: int
    message: str
    type: str
    param: str | None
    code: str | None
    edge: bool = False
    """Answered by the edge, whose bodies have another order of keys."""

    def body(self) -> dict[str, Any]:
        """Give the error body, keys in wire order."""
        if self.edge:
            error = {
                "type": self.type,
                "code": self.code,
                "message": self.message,
                "param": self.param,
            }
        else:
            error = {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        return {"error": error}
