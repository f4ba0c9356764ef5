"""What a test holds: docks, calls, and the servers behind them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockdock.environ import environment
    from mockdock.observe.cards import LimitCard
    from mockdock.remote import RemoteVerbs
    from mockdock.testing.auditing import ClientAudit
    from mockdock.testing.call import Call, CallReply, CallRequest, ToolCalled
    from mockdock.testing.calls import Calls
    from mockdock.testing.dock import MockDock
    from mockdock.testing.looking import Explained, Judged, Unmet
    from mockdock.testing.plugin import DockFactory
    from mockdock.testing.rules import Matching, RuleHandle
    from mockdock.testing.server import DockServer

__all__ = [
    "Call",
    "CallReply",
    "CallRequest",
    "Calls",
    "ClientAudit",
    "DockFactory",
    "DockServer",
    "Explained",
    "Judged",
    "LimitCard",
    "Matching",
    "MockDock",
    "RemoteVerbs",
    "RuleHandle",
    "ToolCalled",
    "Unmet",
    "environment",
]

_HOMES = {
    "Call": "testing.call",
    "CallReply": "testing.call",
    "CallRequest": "testing.call",
    "Calls": "testing.calls",
    "ClientAudit": "testing.auditing",
    "DockFactory": "testing.plugin",
    "DockServer": "testing.server",
    "Explained": "testing.looking",
    "Judged": "testing.looking",
    "LimitCard": "observe.cards",
    "Matching": "testing.rules",
    "MockDock": "testing.dock",
    "RemoteVerbs": "remote",
    "RuleHandle": "testing.rules",
    "ToolCalled": "testing.call",
    "Unmet": "testing.looking",
    "environment": "environ",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, and nothing sooner: a test run may not need any of it."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"mockdock.{home}"), name)


def __dir__() -> list[str]:
    """Tell of what is imported when it is asked for as well."""
    return list(__all__)
