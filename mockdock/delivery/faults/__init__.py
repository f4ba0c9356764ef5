"""Faults of the wire: one small function each, from a plan to another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from mockdock.delivery.faults.accept_and_close import accept_and_close
from mockdock.delivery.faults.bandwidth import bandwidth
from mockdock.delivery.faults.coalesce import coalesce
from mockdock.delivery.faults.comments import comments
from mockdock.delivery.faults.connection_refused import connection_refused
from mockdock.delivery.faults.connection_reset import connection_reset
from mockdock.delivery.faults.crlf import crlf
from mockdock.delivery.faults.double_done import double_done
from mockdock.delivery.faults.duplicate_chunk import duplicate_chunk
from mockdock.delivery.faults.empty_body import empty_body
from mockdock.delivery.faults.empty_response import empty_response
from mockdock.delivery.faults.error_event import error_event
from mockdock.delivery.faults.false_gzip import false_gzip
from mockdock.delivery.faults.html_error import html_error
from mockdock.delivery.faults.invalid_json import invalid_json
from mockdock.delivery.faults.malformed_chunk import malformed_chunk
from mockdock.delivery.faults.missing_done import missing_done
from mockdock.delivery.faults.plan import Item, Plan, Timed
from mockdock.delivery.faults.redirect import redirect
from mockdock.delivery.faults.reordered_chunk import reordered_chunk
from mockdock.delivery.faults.slicer import slicer
from mockdock.delivery.faults.split import split
from mockdock.delivery.faults.stall import stall
from mockdock.delivery.faults.truncate import truncate
from mockdock.delivery.faults.wrong_content_length import wrong_content_length
from mockdock.delivery.faults.wrong_content_type import wrong_content_type
from mockdock.fault import PLAIN_ONLY, STREAM_ONLY, Fault, FaultName

__all__ = ["FAULTS", "Item", "Plan", "Timed", "apply"]

FAULTS: Mapping[FaultName, Callable[[Plan, Fault], Plan]] = MappingProxyType(
    {
        "accept_and_close": accept_and_close,
        "bandwidth": bandwidth,
        "coalesce": coalesce,
        "comments": comments,
        "connection_refused": connection_refused,
        "connection_reset": connection_reset,
        "crlf": crlf,
        "double_done": double_done,
        "duplicate_chunk": duplicate_chunk,
        "empty_body": empty_body,
        "empty_response": empty_response,
        "error_event": error_event,
        "false_gzip": false_gzip,
        "html_error": html_error,
        "invalid_json": invalid_json,
        "malformed_chunk": malformed_chunk,
        "missing_done": missing_done,
        "redirect": redirect,
        "reordered_chunk": reordered_chunk,
        "slicer": slicer,
        "split": split,
        "stall": stall,
        "truncate": truncate,
        "wrong_content_length": wrong_content_length,
        "wrong_content_type": wrong_content_type,
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
