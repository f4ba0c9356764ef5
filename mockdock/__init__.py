"""A local mock server for testing code that talks to LLM APIs."""

from typing import TYPE_CHECKING, Any

from mockdock.errors import (
    MockdockError,
    ScenarioError,
    StartError,
    UsageError,
    VerificationError,
)

if TYPE_CHECKING:
    from mockdock.server import Server
    from mockdock.testing.dock import MockDock

__all__ = [
    "MockDock",
    "MockdockError",
    "ScenarioError",
    "Server",
    "StartError",
    "UsageError",
    "VerificationError",
]


def __getattr__(name: str) -> Any:
    """Import what brings uvicorn along only when it is asked for."""
    if name == "Server":
        from mockdock.server import Server  # noqa: PLC0415

        return Server
    if name == "MockDock":
        from mockdock.testing.dock import MockDock  # noqa: PLC0415

        return MockDock
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Tell of what is imported when it is asked for as well."""
    return list(__all__)
