"""Answers of those who cannot answer: refusals, defects, and what stops."""

from __future__ import annotations

import logging
from dataclasses import replace
from uuid import uuid4

from msgspec import structs

from mockdock.errors import ConditionError, LedgerError, NoStoreError, StoreError, UsageError
from mockdock.rendering import Answer, header_of
from mockdock.reply import Failure
from mockdock.visit import Visit

__all__ = ["STOPPED", "failed", "instead", "refusal"]

STOPPED = Failure("overloaded", headers={"connection": "close"})
"""What is told to whom a server that stops cannot serve any more."""
_DEFECT = Failure("server_error", message="mockdock failed, see its log", should_retry=False)

_log = logging.getLogger("mockdock")


def refusal(failure: Failure, visit: Visit) -> Answer:
    """Answer a request that nobody decided on."""
    gateways = visit.session.engine.gateways
    return Answer(visit.scope["path"], gateways, None, failure, uuid4().hex)


def instead(failure: Failure, visit: Visit) -> Answer:
    """Fail; what was decided before is kept."""
    refused, walk = refusal(failure, visit), visit.walked
    if walk is not None:
        return structs.replace(refused, request=walk.trail.request, walk=walk)
    if visit.admitted is None:
        return refused
    request, decision = visit.admitted
    return structs.replace(refused, request=request, decision=decision)


def failed(error: Exception, what: str) -> Failure:
    """Say why ``what`` was not answered; what is a defect of ours is logged.

    Its client gets an error that it will not retry, the log gets the trace.
    """
    match error:
        case StoreError():  # what several processes share cannot be asked just now, or at all
            told = str(error)
            named = {"x-mockdock-error": header_of(told)}
            never = False if isinstance(error, NoStoreError) else None
            message = f"mockdock: {told}"
            return Failure("overloaded", message=message, headers=named, should_retry=never)
        case UsageError():
            return replace(_DEFECT, kind="bad_request", message=f"mockdock: {error}")
        case LedgerError():  # the disk's doing, or more than a ledger keeps: no defect
            return replace(_DEFECT, message=f"mockdock: {error}")
        case ConditionError():
            return replace(_DEFECT, message=f"mockdock: {error}", cause=error.cause)
        case _:
            _log.error("mockdock failed to answer %s", what, exc_info=error)
            return replace(_DEFECT, cause=error)
