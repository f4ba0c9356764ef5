"""The stream ends with an error, after a status of 200."""

from __future__ import annotations

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, Timed, until
from mockdock.fault import After, Fault
from mockdock.frames import Frame

__all__ = ["error_event"]


def error_event(plan: Plan, fault: Fault) -> Plan:
    """Send the provider's server error as an event at a place, else in the middle, and end there.

    It is on one line, whatever line breaks the JSON has between its values, and
    no ``[DONE]`` follows.
    """
    return replace(plan, timed=_failing(plan, fault.after))


def _failing(plan: Plan, after: After) -> Timed:
    place = yield from until(plan, after, whole=True)
    if place is not None:
        moment, _ = place
        line = b"".join(each.strip() for each in plan.error.splitlines())
        yield moment, Frame(b"data: %s\n\n" % line)
