"""Faults of the wire: one small function each, from a plan to another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from mockdock.delivery.faults.plan import Item, Plan, Timed
from mockdock.fault import PLAIN_ONLY, STREAM_ONLY, Fault, FaultName
from mockdock.later import later

__all__ = ["FAULTS", "Item", "Plan", "Timed", "apply"]

FAULTS: Mapping[FaultName, Callable[[Plan, Fault], Plan]] = MappingProxyType(
    {
        "accept_and_close": later("delivery.faults.accept_and_close:accept_and_close"),
        "bandwidth": later("delivery.faults.bandwidth:bandwidth"),
        "coalesce": later("delivery.faults.coalesce:coalesce"),
        "comments": later("delivery.faults.comments:comments"),
        "connection_refused": later("delivery.faults.connection_refused:connection_refused"),
        "connection_reset": later("delivery.faults.connection_reset:connection_reset"),
        "crlf": later("delivery.faults.crlf:crlf"),
        "double_done": later("delivery.faults.double_done:double_done"),
        "duplicate_chunk": later("delivery.faults.duplicate_chunk:duplicate_chunk"),
        "empty_body": later("delivery.faults.empty_body:empty_body"),
        "empty_response": later("delivery.faults.empty_response:empty_response"),
        "error_event": later("delivery.faults.error_event:error_event"),
        "false_gzip": later("delivery.faults.false_gzip:false_gzip"),
        "html_error": later("delivery.faults.html_error:html_error"),
        "invalid_json": later("delivery.faults.invalid_json:invalid_json"),
        "malformed_chunk": later("delivery.faults.malformed_chunk:malformed_chunk"),
        "missing_done": later("delivery.faults.missing_done:missing_done"),
        "redirect": later("delivery.faults.redirect:redirect"),
        "reordered_chunk": later("delivery.faults.reordered_chunk:reordered_chunk"),
        "slicer": later("delivery.faults.slicer:slicer"),
        "split": later("delivery.faults.split:split"),
        "stall": later("delivery.faults.stall:stall"),
        "truncate": later("delivery.faults.truncate:truncate"),
        "wrong_content_length": later("delivery.faults.wrong_content_length:wrong_content_length"),
        "wrong_content_type": later("delivery.faults.wrong_content_type:wrong_content_type"),
    }
)
"""What each fault makes of a plan. Those that the engine makes are not here."""


def apply(plan: Plan, faults: Sequence[Fault]) -> Plan:
    """Let each fault change what the one before has left.

    A fault that does not fit the reply leaves it alone: one of streams a plain
    reply, one of plain replies a stream, one of the engine's any. The same
    plan and generator give the same bytes at the same moments.
    """
    for fault in faults:
        unfit = PLAIN_ONLY if plan.stream else STREAM_ONLY
        made = FAULTS.get(fault.name)
        if made is not None and fault.name not in unfit:
            plan = made(plan, fault)
    return plan
