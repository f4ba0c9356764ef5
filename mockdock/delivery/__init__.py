"""When frames leave, and the only place that waits or sends."""

from mockdock.delivery.clock import Clock, ManualClock, ScaledClock
from mockdock.delivery.deliver import Client, deliver
from mockdock.delivery.pacing import schedule

__all__ = ["Client", "Clock", "ManualClock", "ScaledClock", "deliver", "schedule"]
