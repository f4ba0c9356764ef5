"""Why each rule would answer a request, or would not."""

from __future__ import annotations

from collections.abc import Sequence

from mockdock.engine.decision import Explained
from mockdock.engine.match import Compiled, Index, Situation, explain
from mockdock.engine.store import Step, Store
from mockdock.engine.stored import identify
from mockdock.reply import Failure
from mockdock.request import Request

__all__ = ["explained"]


def explained(
    rules: Sequence[Compiled], store: Store, request: Request, refusal: Failure | None
) -> Explained:
    """Say of every rule why it would not answer now; nothing is counted.

    ``refusal`` is why the request does not get to the rules.
    """
    caller = request.caller
    fitting = [] if refusal else Index(rules).candidates(request)
    asked = [each.candidate for each in fitting]
    pick = store.peek(Step(caller.session, identify(request), caller.attempt, asked))
    skipped = dict(zip((each.index for each in fitting), pick.skipped, strict=False))
    situation = Situation(pick.attempt, store.state(caller.session), skipped)
    chosen = None if pick.index is None else fitting[pick.index]
    return Explained(chosen, explain(rules, request, situation), refusal)
