"""What a request meets before and beside its rule: limits, errors by chance, faults."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import replace
from itertools import chain

from msgspec import structs

from mockdock.content.catalogue import Model
from mockdock.embedding import Embeddings
from mockdock.engine.admission import Admission
from mockdock.engine.chance import Entropy
from mockdock.engine.decision import Decision
from mockdock.engine.match import Compiled
from mockdock.engine.meters import Charge
from mockdock.engine.pace import pace_of
from mockdock.engine.prepared import Prepared
from mockdock.engine.store import Pick, Step, Store
from mockdock.engine.trouble import Encounter, Encountered, Sight, Since, told_faults
from mockdock.reply import Completion, Failure, Reply
from mockdock.request import Request
from mockdock.scenario import ErrorSpec, ReplySpec, Wish

__all__ = ["Threshold", "met", "settle"]

_DONE = (Completion, Embeddings)
_OURS = frozenset({"no_match", "exhausted"})
_SAYING = ("chat", "completions")
_COSTING = (*_SAYING, "embeddings", "moderations")
"""The APIs that make a model speak, and those that make it work at all."""


class Threshold:
    """The limits and the trouble of a scenario, for one engine.

    ``called`` stands for the session's key in every random choice; who is
    ``alone`` counts for himself what is counted by server. The answers of
    ``rules`` may have faults of their own. Requests of a dialect that is ``limited`` are
    charged; of one that is ``metered``, also what their tokens do not tell. Where it is not
    ``eventful``, they only meet what they wish for themselves. It ``remembers`` where what
    they meet depends on named states.
    """

    def __init__(
        self,
        prepared: Prepared,
        rules: Iterable[Compiled] = (),
        *,
        seed: int,
        called: str | None = None,
        alone: bool = False,
    ) -> None:
        scenario = prepared.scenario
        self._tariffs = prepared.tariffs
        self.limited = self._tariffs.keys()
        self.metered = frozenset(
            dialect
            for dialect, tariff in self._tariffs.items()
            if any(meter.counts != "tokens" for _, meter in tariff.settled)
        )
        self._pacing = scenario.pacing
        self._trouble = prepared.trouble
        self._edition = prepared.edition
        answers = chain((scenario.otherwise,), *(rule.answers for rule in rules))
        watched = any(map(_looks_at_state, answers))
        self.eventful = bool(self._trouble) or watched
        self.remembers = self._trouble.remembers or watched
        self._seed = seed
        self._called = called
        self._alone = alone

    def charges(self, request: Request, model: Model, tokens: int) -> tuple[Charge, ...]:
        """Give what a request costs; only what makes a model work costs anything."""
        tariff = self._tariffs.get(request.dialect)
        if tariff is None or request.api not in _COSTING:
            return ()
        return tariff.charges(request, model, tokens, alone=self._alone)

    def take_back(
        self, request: Request, admission: Admission | None, model: Model, store: Store, age: float
    ) -> Awaitable[None] | None:
        """Give back the tokens of a request that was let through, and its place."""
        if admission is None:
            return None
        return admission.settle(store, request.caller.session, None, model, 0, age)

    def admission(
        self, request: Request, due: Sequence[Charge], pick: Pick, age: float
    ) -> Admission:
        """Give what became of the charges of a request that had any."""
        return Admission(self._tariffs[request.dialect], due, pick, age)

    async def turn_away(
        self, request: Request, model: Model, store: Store, age: float
    ) -> Admission | None:
        """Charge a request that is refused unread: as one request, and nothing else."""
        due = tuple(
            replace(each, cost=0) if each.algorithm == "gauge" else each
            for each in self.charges(request, model, 0)
        )
        if not due:
            return None
        pick = store.decide(Step(request.caller.session, "", charges=due, now=age))
        return self.admission(request, due, pick if isinstance(pick, Pick) else await pick, age)

    def encounter(
        self, request: Request, identity: str, wished: Sequence[Wish], age: float
    ) -> Encounter:
        """See what a request may meet."""
        session = request.caller.session if self._called is None else self._called
        entropy = Entropy(self._seed, session, identity, request.seed, "trouble")
        return self._trouble.encounter(Sight(request, age, entropy), wished)

    def slowed(self, decision: Decision) -> Decision:
        """Give the decision the pace of the phase that is going on, if it has one."""
        context, encounter = decision.context, decision.encounter
        own = None if encounter is None else encounter.pacing
        if own is None:
            return decision
        pace = pace_of(decision.answer, self._pacing, above=own)
        return structs.replace(decision, context=structs.replace(context, pace=pace))

    async def faults(self, request: Request, decision: Decision, store: Store) -> Decision:
        """Settle what breaks of an answer, but of a miss: what explains it must arrive."""
        answer, context = decision.answer, decision.context
        if isinstance(answer, Failure) and answer.kind in _OURS:
            return decision
        own = answer.faults if isinstance(answer, ReplySpec) else ()
        encounter, session = decision.encounter, request.caller.session
        if encounter is None:
            if not own:
                return decision
            since = Since(context.attempt, context.seen, decision.state)
            encounter = self.encounter(request, decision.identity, (), 0.0).at(since)
        found = await encounter.faults(
            told_faults(self._key(decision), own),
            lambda key, most: store.spend(session, key, most),
            said=request.api in _SAYING and isinstance(answer, ReplySpec | str),
            calls=request.api == "chat" and not _is_text(answer),
        )
        origins = [decision.trouble, *(origin for _, origin in found)]
        return structs.replace(
            decision,
            faults=tuple(fault for fault, _ in found),
            trouble=", ".join(dict.fromkeys(filter(None, origins))),
        )

    def _key(self, decision: Decision) -> str:
        """Name the answer, for what is counted of it."""
        rule = decision.rule_key
        place = f"{self._edition}/otherwise" if rule is None else f"{rule}/{decision.position}"
        return f"+reply/{place}"


def _is_text(answer: object) -> bool:
    """Tell whether an answer is a scripted text and nothing else: it calls no tools."""
    return isinstance(answer, ReplySpec) and answer.text is not None and answer.tool_calls is None


def _looks_at_state(answer: object) -> bool:
    """Tell whether a fault of an answer depends on the state, which the rule may change."""
    if not isinstance(answer, ReplySpec):
        return False
    return any(fault.when is not None and fault.when.state for fault in answer.faults)


def met(
    request: Request, admission: Admission | None, encounter: Encountered | None
) -> tuple[Failure | ErrorSpec | None, str]:
    """Give the error that takes the place of every rule, if one does, and where it comes from."""
    if admission is not None:
        failure = admission.failure(request.model)
        if failure is not None:
            return failure, admission.origin
    if encounter is None:
        return None, ""
    return encounter.met.error, encounter.met.origin


def settle(
    request: Request, decision: Decision, reply: Reply, store: Store, *, said: int, age: float
) -> Awaitable[None] | None:
    """Correct what a request was charged to what was really sent."""
    admission = decision.admission
    if admission is None:
        return None
    done = reply if isinstance(reply, _DONE) else None
    model = decision.context.model
    return admission.settle(store, request.caller.session, done, model, said, age)
