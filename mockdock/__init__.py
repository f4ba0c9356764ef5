"""A local mock server for testing code that talks to LLM APIs."""

from typing import TYPE_CHECKING, Any

from mockdock.errors import MockdockError, ScenarioError, StartError

if TYPE_CHECKING:
    from mockdock.server import Server

__all__ = ["MockdockError", "ScenarioError", "Server", "StartError"]


def __getattr__(name: str) -> Any:
    """Import the server only when it is asked for: it brings uvicorn along."""
    if name == "Server":
        from mockdock.server import Server  # noqa: PLC0415

        return Server
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
