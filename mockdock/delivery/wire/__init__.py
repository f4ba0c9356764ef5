"""The HTTP protocol below the application: uvicorn's, with a way to break the wire."""

from mockdock.delivery.wire.choice import HttpName, protocol
from mockdock.delivery.wire.handle import Rest, Wire, begun_by, is_loss, wire_of

__all__ = ["HttpName", "Rest", "Wire", "begun_by", "is_loss", "protocol", "wire_of"]
