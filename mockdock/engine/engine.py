"""The engine: decide what to say, then say it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, cast, get_args

from mockdock.content.catalogue import Catalogue, Model
from mockdock.content.counting import Prompt
from mockdock.engine.accounting import asks, charged, state
from mockdock.engine.admission import Admission
from mockdock.engine.chance import chances
from mockdock.engine.compose import Context
from mockdock.engine.decision import Asked, Chosen, Decision, Explained, scripted
from mockdock.engine.embed import with_texts
from mockdock.engine.limits import estimate
from mockdock.engine.match import (
    AddedRule,
    Compiled,
    Index,
    Situation,
    compile_added,
    compile_rules,
)
from mockdock.engine.memory import MemoryStore
from mockdock.engine.meters import Charge
from mockdock.engine.pace import pace_of
from mockdock.engine.prepared import Prepared
from mockdock.engine.prompts import begins, prompt_of
from mockdock.engine.refuse import beyond_all, refused, unauthorized
from mockdock.engine.routing import answered, astray
from mockdock.engine.saying import say
from mockdock.engine.seedbed import Seedbed
from mockdock.engine.store import Pick, Skip, Step, Store, at_once
from mockdock.engine.stored import MemoryShelf, Shelf, identify, look_up
from mockdock.engine.threshold import Threshold, met, settle
from mockdock.engine.trails import Trails
from mockdock.engine.trouble import Encounter, Since
from mockdock.engine.wishing import plain, unwished
from mockdock.errors import MockdockError
from mockdock.later import later
from mockdock.ledger import Accounts, Books
from mockdock.reply import Completion, Failure, Reply, StoredCompletion
from mockdock.request import Caller, DialectName, Request, Traits
from mockdock.scenario import ReplySpec, Scenario, Wish

__all__ = ["Engine"]

Otherwise = Literal["auto", "fail", "echo", "lorem"]

_consult: Callable[..., Awaitable[Decision]] = later("engine.consulting:consult")
_explained: Callable[..., Explained] = later("engine.explaining:explained")
_missed: Callable[..., Failure] = later("engine.nearest:missed")


class Engine:
    """A scenario, ready to answer.

    ``added`` rules come before the scenario's. ``otherwise`` answers where no rule matches
    and the scenario does not say, ``given_otherwise`` whatever it says; ``seed`` replaces
    the scenario's, and that of one that is changed to. The store, the shelf of stored
    completions and the books of gateways may be shared with others. An engine that is
    ``alone`` serves one session: what its rules count by server is counted there, and
    ``called``, where given, stands for the session's key in every random choice. Another
    ``edition`` counts its rules anew. ``scripted`` are these made ready, ``prepared`` all else.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        added: Sequence[AddedRule] = (),
        store: Store | None = None,
        shelf: Shelf | None = None,
        books: Accounts | None = None,
        seed: int | None = None,
        otherwise: Otherwise = "auto",
        given_otherwise: Otherwise | None = None,
        alone: bool = False,
        called: str | None = None,
        edition: int = 0,
        scripted: tuple[Compiled, ...] | None = None,
        prepared: Prepared | None = None,
    ) -> None:
        if prepared is None or not prepared.serves(scenario, edition):
            prepared = Prepared(scenario, edition)
        self.prepared = prepared
        self.scenario = scenario
        self.store: Store = MemoryStore() if store is None else store
        self.shelf: Shelf = MemoryShelf() if shelf is None else shelf
        self.books: Accounts = Books() if books is None else books
        self.seed = scenario.seed if seed is None else seed
        self.given_seed = seed
        self.added = tuple(added)
        self._scripted = scripted or compile_rules(
            scenario.rules, scenario.pacing, alone=alone, edition=edition
        )
        self.rules = (*compile_added(self.added, scenario.pacing, alone=alone), *self._scripted)
        self._index = Index(self.rules)
        self.edition = edition
        self._alone = alone
        self._called = called
        self.default = otherwise
        self.given_otherwise = given_otherwise
        self._models = prepared.models
        self.catalogue: Catalogue = self._models.catalogue
        self.seedbed = Seedbed(scenario.langdb, self.books, self.catalogue, self.seed)
        for each in (otherwise, given_otherwise or otherwise):
            if each not in (known := get_args(Otherwise)):
                raise MockdockError(f"otherwise={each!r}: write one of {', '.join(known)}")
        self._otherwise = given_otherwise or scenario.otherwise or otherwise
        self._pace = pace_of(self._otherwise, scenario.pacing)
        self._threshold = Threshold(
            prepared, self.rules, seed=self.seed, called=called, alone=alone
        )
        # A function of somebody's must be asked once for a request, and a trail may end early.
        followed = None if any(each.where for each in self.added) else self.store
        self.trails = Trails(self._index, self._threshold, followed, self.seed, called)
        self.gateways = prepared.gateways
        self._guards = prepared.guards

    def changed(
        self,
        *,
        scenario: Scenario | None = None,
        added: Sequence[AddedRule] | None = None,
        store: Store | None = None,
        seed: int | None = None,
        otherwise: Otherwise | None = None,
    ) -> Engine:
        """Give an engine that differs in what is given; other rules of a scenario count anew."""
        given = scenario or self.scenario
        return Engine(
            given,
            added=self.added if added is None else added,
            store=store or self.store,
            shelf=self.shelf,
            books=self.books,
            seed=self.given_seed if seed is None else seed,
            otherwise=self.default,
            given_otherwise=otherwise or self.given_otherwise,
            alone=self._alone,
            called=self._called,
            edition=self.edition + (scenario is not None),
            scripted=self._scripted if given.rules is self.scenario.rules else None,
            prepared=self.prepared,
        )

    @property
    def otherwise(self) -> str:
        """What answers where no rule does: a word of the language, "reply" or "error"."""
        answer = self._otherwise
        if isinstance(answer, str):
            return answer
        return "reply" if isinstance(answer, ReplySpec) else "error"

    def authorize(self, caller: Caller) -> Failure | None:
        """Refuse a caller without a key, or with a wrong one, as the scenario wants it."""
        return None if self.scenario.auth == "any" else unauthorized(caller, self.prepared.keys)

    def traits(self, model: str, dialect: DialectName = "openai") -> Traits | None:
        """Tell what a dialect must know of a model, None when it does not exist here."""
        return self._models.traits(plain(model, self.scenario.triggers), dialect)

    def decide(self, request: Request, wishes: Sequence[Wish] = (), age: float = 0) -> Decision:
        """Decide at once, with a store that takes no time."""
        asked = self.ask(request, wishes, age)
        return self.decided(asked, at_once(self.store.decide(asked.step)))

    def ask(
        self, request: Request, wishes: Sequence[Wish] = (), age: float = 0, now: float = 0
    ) -> Asked:
        """Work out all that does not depend on what happened before.

        ``wishes`` are the trouble the request itself asks for. ``age`` are the scenario
        seconds since the session began, by which limits refill and the timeline goes;
        ``now`` are seconds since 1970, by which prices hold.
        """
        model = self._models.of(request, self.books, now)
        prompt = prompt_of(request, model)
        refusal = self._refused(request, model, prompt)
        identity = identify(request)
        fitting = [] if refusal else self._index.candidates(request)
        # Where neither the scenario nor the request says anything of trouble, nobody looks for it.
        threshold = self._threshold
        due: tuple[Charge, ...] = ()
        encounter: Encounter | None = None
        if request.dialect in threshold.limited:
            tokens = 0 if refusal else estimate(request, prompt.tokens)
            due = threshold.charges(request, model, tokens)
        if refusal is None and (wishes or threshold.eventful):
            encounter = threshold.encounter(request, identity, wishes, age)
        step = Step(
            request.caller.session,
            identity,
            request.caller.attempt,
            [each.candidate for each in fitting],
            due,
            age,
            () if encounter is None else encounter.gates,
            (encounter is not None and threshold.remembers)
            or (self._otherwise == "fail" and not (fitting and fitting[0].candidate.plain))
            or any(each.asks for each in fitting),
        )
        return Asked(request, model, prompt, refusal, fitting, encounter, step)

    def decided(self, asked: Asked, pick: Pick) -> Decision:
        """Decide who answers, by what the store has picked."""
        request, fitting, age = asked.request, asked.fitting, asked.step.now
        compiled = None if pick.index is None else fitting[pick.index]
        why = pick.skipped
        skipped = {fitting[at].index: why[at] for at in range(len(why))} if why else {}
        threshold, due = self._threshold, asked.step.charges
        admission = threshold.admission(request, due, pick, age) if due else None
        try:
            encounter = None
            if asked.encounter is not None:
                encounter = asked.encounter.at(Since(pick.attempt, pick.seen, pick.state))
            answer, trouble = cast("Chosen", asked.refusal), ""
            if answer is None and (pick.refusers or encounter):
                answer, trouble = met(request, admission, encounter)
            if answer is None:
                answer = self._answer(request, compiled, pick, skipped)
            context = self._context(asked, pick, compiled)
            logical, at, states = asked.step.request, pick.position or 0, pick.state
            begun = begins(request, asked.model, asked.prompt, answer)
            decision = Decision(
                context, answer, skipped, logical, admission, encounter, at, trouble, begun, states
            )
            return decision if encounter is None else threshold.slowed(decision)
        except BaseException:
            threshold.take_back(request, admission, asked.model, self.store, age)
            raise

    def settle(
        self, request: Request, decision: Decision, reply: Reply, *, said: int, age: float
    ) -> Awaitable[None] | None:
        """Charge what was really sent: ``said`` completion tokens have left for the client."""
        return settle(request, decision, reply, self.store, said=said, age=age)

    async def turn_away(self, request: Request, age: float) -> Admission | None:
        """Charge a request that was refused before it was understood."""
        asked = unwished(request, self.scenario.triggers)
        model = self._models.known(request.dialect).resolve(asked.model)
        return await self._threshold.turn_away(asked, model, self.store, age)

    def _answer(
        self,
        request: Request,
        compiled: Compiled | None,
        pick: Pick,
        skipped: Mapping[int, Skip],
    ) -> Chosen:
        if compiled is not None:
            return scripted(compiled, pick.position)
        if request.api in ("models", "account"):
            return None
        if request.stored is not None:
            strict = self.scenario.validation == "strict"
            return look_up(self.shelf, request.caller.session, request.stored, strict=strict)
        if self._otherwise == "fail":
            situation = Situation(pick.attempt, pick.state, skipped)
            return _missed(self.rules, request, situation, alone=self._alone)
        if request.api in ("embeddings", "moderations") and self.otherwise != "error":
            return "auto"
        return self._otherwise

    def read(self, request: Request, now: float = 0) -> Request:
        """Give a request with who answers it, and what tokens say where texts came as such."""
        request = answered(request, self._models, self.books, now)
        if request.api == "chat":
            return request
        return with_texts(request, self._models.known(request.dialect).resolve(request.model))

    def explain(self, request: Request) -> Explained:
        """Say of every rule why it would not answer now; nothing is counted."""
        model = self._models.of(request, self.books)
        refusal = self._refused(request, model, prompt_of(request, model))
        return _explained(self.rules, self.store, request, refusal)

    async def consult(self, request: Request, decision: Decision) -> Decision:
        """Ask whom a decision still needs."""
        return await _consult(request, decision, self._threshold, self.store, self.scenario.pacing)

    def compose(self, request: Request, decision: Decision, created: float) -> Reply:
        """Say what was decided; pure, but for models and prices that a question writes.

        ``created`` is in seconds since 1970. Raises TypeError where a function is to be asked.
        """
        listed = self._models.listed(request.dialect)
        if asks(request, decision):
            return state(request, self.books, listed, created)
        reply = say(request, decision, int(created), listed)
        if request.account is None:
            return reply
        return self._guards.after(request, charged(reply, decision.context.model))

    def keep(self, request: Request, reply: Reply, request_id: str) -> Awaitable[None] | None:
        """Keep a completion that was asked with ``store: true``; the id is of 32 hex digits."""
        if not request.store or not isinstance(reply, Completion):
            return None
        asked = replace(request, caller=Caller(), headers={}, raw=b"", recurs=None)
        stored = StoredCompletion(reply, asked, request_id, request.metadata)
        return self.shelf.keep(request.caller.session, stored)

    def reset(self, session: str | None = None) -> None:
        """Forget one session, or everything: counters, states, stored completions, accounts."""
        self.store.reset(session)
        self.shelf.reset(session)
        self.books.reset(session)

    def _refused(self, request: Request, model: Model, prompt: Prompt) -> Failure | None:
        account = request.account
        guarded = None if account is None else self._guards.before(request)
        if self.scenario.validation == "lenient":
            return guarded or beyond_all(request, prompt)
        if account and (wrong := astray(request, self._models, self.books) or guarded):
            return wrong
        return refused(request, model, self._models.known(request.dialect), prompt)

    def _context(self, asked: Asked, pick: Pick, compiled: Compiled | None) -> Context:
        request, identity = asked.request, asked.step.request
        key = "" if compiled is None else compiled.chance
        session = request.caller.session if self._called is None else self._called
        entropy, words = chances(request, identity, self.seed, session, key)
        pace = self._pace if compiled is None else compiled.paces[pick.position or 0]
        return Context(
            asked.model, pick.attempt, pick.seen, compiled, entropy, words, pace, asked.prompt
        )
