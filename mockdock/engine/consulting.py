"""Whom a decision still needs: a function that answers, the cache of prompts, what breaks."""

from __future__ import annotations

from msgspec.structs import replace

from mockdock.engine.decision import Decision
from mockdock.engine.pace import pace_of
from mockdock.engine.prompts import cached_of
from mockdock.engine.store import Store
from mockdock.engine.threshold import Threshold
from mockdock.reply import Failure
from mockdock.request import Request
from mockdock.scenario import PacingSpec

__all__ = ["consult"]


async def consult(
    request: Request,
    decision: Decision,
    threshold: Threshold,
    store: Store,
    pacing: PacingSpec | None,
) -> Decision:
    """Ask the function that is to answer, where one is, and settle what breaks of the answer.

    What it raises becomes a failure that no client retries.
    """
    decision = await _remembered(request, decision, store)
    answer, context = decision.answer, decision.context
    if not callable(answer):
        return await threshold.faults(request, decision, store)
    try:
        answer = await answer(request, context.attempt)
    except Exception as error:  # noqa: BLE001 - a user's function may raise anything
        message = f"mockdock: the function of {decision.rule} raised {error!r}"
        answer = Failure("server_error", message=message, should_retry=False, cause=error)
    pace = pace_of(answer, pacing)
    asked = replace(decision, answer=answer, context=replace(context, pace=pace))
    return await threshold.faults(request, threshold.slowed(asked), store)


async def _remembered(request: Request, decision: Decision, store: Store) -> Decision:
    """Remember how the prompt begins, and tell how much of it was known."""
    if not decision.begins:
        return decision
    held = store.remember(request.caller.session, [each.digest for each in decision.begins])
    cached = cached_of(decision.begins, held if isinstance(held, int) else await held)
    return replace(decision, context=replace(decision.context, cached=cached))
