"""When frames leave, what breaks, and the only place that waits or sends."""

from mockdock.delivery.clock import Clock, ManualClock, ScaledClock, Whom
from mockdock.delivery.deliver import Client, at_once, deliver
from mockdock.delivery.faults import FAULTS, Item, Plan, Timed, apply
from mockdock.delivery.gate import Gate, Guarded
from mockdock.delivery.pacing import schedule
from mockdock.delivery.shares import Share, Shares
from mockdock.delivery.taking import Taking
from mockdock.delivery.traffic import Traffic
from mockdock.delivery.wire import HttpName, Rest, Wire, begun_by, protocol, wire_of

__all__ = [
    "FAULTS",
    "Client",
    "Clock",
    "Gate",
    "Guarded",
    "HttpName",
    "Item",
    "ManualClock",
    "Plan",
    "Rest",
    "ScaledClock",
    "Share",
    "Shares",
    "Taking",
    "Timed",
    "Traffic",
    "Whom",
    "Wire",
    "apply",
    "at_once",
    "begun_by",
    "deliver",
    "protocol",
    "schedule",
    "wire_of",
]
