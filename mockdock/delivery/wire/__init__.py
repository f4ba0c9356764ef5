"""The HTTP protocol below the application: uvicorn's, with a way to break the wire."""

from mockdock.delivery.wire.choice import HttpName, protocol
from mockdock.delivery.wire.handle import Wire, wire_of

__all__ = ["HttpName", "Wire", "protocol", "wire_of"]
