"""Uvicorn's h11 protocol, with its rough edges smoothed."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from mockdock.delivery.gate import Gate
from mockdock.delivery.wire.handle import wired

__all__ = ["H11Wire"]


class H11Wire(H11Protocol):
    """Hands its connection to the application."""

    def __init__(self, *args: Any, gate: Gate | None = None, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.app = wired(self.app, gate)

    def shutdown(self) -> None:
        """Close the connection when idle; one that is being cut knows no more events."""
        cut = self.cycle is not None and self.cycle.disconnected
        if not cut and not self.transport.is_closing():
            super().shutdown()
