"""The client is sent elsewhere."""

from __future__ import annotations

from urllib.parse import quote

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, instead
from mockdock.fault import Fault
from mockdock.frames import Frame, Head

__all__ = ["redirect"]

_STATUS = 307
_AS_IS = "/?:@!$&'()*+,;=%"


def redirect(plan: Plan, fault: Fault) -> Plan:
    """Answer with ``status``, else 307, and ``location``, else the path that was asked for."""
    location = quote(plan.path, safe=_AS_IS) if fault.location is None else fault.location
    headers = ((b"location", location.encode()), (b"content-length", b"0"))
    head = Head(_STATUS if fault.status is None else fault.status, headers)
    return replace(plan, head=head, timed=instead(plan, Frame(b"")), stream=False)
