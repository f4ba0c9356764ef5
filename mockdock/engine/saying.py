"""From a decision to the reply."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mockdock.completing import ToComplete
from mockdock.content.catalogue import Catalogue, Model
from mockdock.engine.compose import Context, complete, fail
from mockdock.engine.decision import Decision
from mockdock.engine.draft import Answer
from mockdock.engine.embed import embed
from mockdock.engine.misfit import misfit
from mockdock.engine.stored import invent, missing
from mockdock.fault import Fault
from mockdock.later import later
from mockdock.moderation import Moderations, ToModerate
from mockdock.reply import (
    Completion,
    Deleted,
    Failure,
    Made,
    MessagePage,
    ModelCard,
    ModelDeleted,
    ModelList,
    Reply,
    StoredCompletion,
    StoredPage,
)
from mockdock.request import Request
from mockdock.scenario import ErrorSpec, ReplySpec

__all__ = ["say"]

_cards: Callable[[Request, Model, Catalogue], ModelCard | ModelDeleted | ModelList] = later(
    "engine.cards:cards"
)
_go_on: Callable[[Request, ToComplete, Answer, Context, int], Completion] = later(
    "engine.go_on:go_on"
)
_moderate: Callable[[Request, ToModerate, Answer, Context], Moderations] = later(
    "engine.moderate:moderate"
)
_spoil: Callable[[Completion, Request, Sequence[Fault]], Completion] = later("engine.spoil:spoil")


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
            return _cards(request, decision.context.model, catalogue)
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
        return _moderate(request, request.moderation, answer, decision.context)
    if request.completing is not None:
        reply = _go_on(request, request.completing, answer, decision.context, created)
    else:
        reply = complete(request, answer, decision.context, created)
    return _spoil(reply, request, decision.faults) if decision.faults else reply
