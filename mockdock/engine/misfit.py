"""Scripted replies that cannot answer the request they were chosen for."""

from __future__ import annotations

from collections.abc import Callable

from mockdock.content.catalogue import Model
from mockdock.engine.decision import Decision
from mockdock.engine.draft import Answer
from mockdock.engine.embed import unfit
from mockdock.errors import UsageError
from mockdock.later import later
from mockdock.moderation import ToModerate
from mockdock.reply import Failure
from mockdock.request import Request
from mockdock.scenario import ReplySpec

__all__ = ["misfit"]

_unjudged: Callable[[ToModerate, ReplySpec, Model], str] = later("engine.moderate:unjudged")


def misfit(request: Request, answer: Answer, decision: Decision) -> Failure | None:
    """Refuse to give a scripted reply that cannot answer this request."""
    if not isinstance(answer, ReplySpec):
        return None
    if request.moderation is not None:
        wrong = _unjudged(request.moderation, answer, decision.context.model)
    else:
        wrong = unfit(request.embedding, answer)
    if not wrong:
        return None
    message = f"{decision.rule or 'otherwise'}: {wrong}"
    return Failure(
        "server_error",
        message=f"mockdock: {message}",
        should_retry=False,
        cause=UsageError(message),
    )
