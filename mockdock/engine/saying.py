"""From a decision to the reply."""

from __future__ import annotations

from mockdock.content.catalogue import Catalogue
from mockdock.engine.cards import cards
from mockdock.engine.compose import complete, fail
from mockdock.engine.decision import Decision
from mockdock.engine.draft import Answer
from mockdock.engine.embed import embed
from mockdock.engine.go_on import go_on
from mockdock.engine.misfit import misfit
from mockdock.engine.moderate import moderate
from mockdock.engine.spoil import spoil
from mockdock.engine.stored import invent, missing
from mockdock.reply import (
    Deleted,
    Failure,
    Made,
    MessagePage,
    Reply,
    StoredCompletion,
    StoredPage,
)
from mockdock.request import Request
from mockdock.scenario import ErrorSpec, ReplySpec

__all__ = ["say"]


def say(request: Request, decision: Decision, created: int, catalogue: Catalogue) -> Reply:
    """Say what was decided; pure. ``created`` is in seconds since 1970.

    Raises TypeError where a function is to answer, which has to be consulted first.
    """
    answer = decision.answer
    if callable(answer):
        raise TypeError(f"consult the function of {decision.rule} first")
    if isinstance(answer, ReplySpec):
        return misfit(request, answer, decision) or _answered(request, answer, decision, created)
    match answer:
        case None if request.stored is not None:
            return invent(request, request.stored, catalogue, decision.context)
        case None:
            return cards(request, decision.context.model, catalogue)
        case Failure() | StoredCompletion() | StoredPage() | MessagePage() | Deleted():
            return answer
        case ErrorSpec():
            failure = fail(request, answer, decision.context)
            if decision.admission is not None:
                failure = decision.admission.numbered(failure)
            return failure if request.stored is None else missing(failure, request.stored)
        case _:
            return _answered(request, answer, decision, created)


def _answered(request: Request, answer: Answer, decision: Decision, created: int) -> Made:
    if request.embedding is not None:
        return embed(request, request.embedding, answer, decision.context)
    if request.moderation is not None:
        return moderate(request, request.moderation, answer, decision.context)
    if request.completing is not None:
        reply = go_on(request, request.completing, answer, decision.context, created)
    else:
        reply = complete(request, answer, decision.context, created)
    return spoil(reply, request, decision.faults) if decision.faults else reply
