"""The engine: decide what to say, then say it."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from mockdock.content.catalogue import Catalogue, Model
from mockdock.content.counting import NO_PROMPT, Prompt, count_prompt
from mockdock.content.prefix import cacheable, prefixes
from mockdock.content.tokens import tokenizer
from mockdock.engine.chance import Entropy
from mockdock.engine.compose import Context, complete, fail
from mockdock.engine.draft import Answer
from mockdock.engine.match import (
    Compiled,
    Situation,
    Verdict,
    candidates,
    compile_rules,
    explain,
)
from mockdock.engine.models import catalogue_of
from mockdock.engine.pace import pace_of
from mockdock.engine.store import MemoryStore, Pick, Skip, Store
from mockdock.engine.stored import MemoryShelf, Shelf, identify, invent, look_up, missing
from mockdock.errors import MockdockError
from mockdock.reply import (
    Completion,
    Deleted,
    Failure,
    MessagePage,
    ModelCard,
    ModelDeleted,
    ModelList,
    Reply,
    StoredCompletion,
    StoredPage,
    StoredReply,
)
from mockdock.request import Caller, Request, Traits
from mockdock.scenario import AuthKeys, ErrorSpec, Scenario

__all__ = ["Decision", "Engine"]

Otherwise = Literal["auto", "fail", "echo", "lorem"]

_NEAREST = 3


@dataclass(frozen=True, slots=True)
class Decision:
    """Who answers a request, and with what.

    ``answer`` is None for the models API, and for a stored completion that has
    to be invented. ``skipped`` tells, by rule index, why a rule that fits did
    not answer.
    """

    context: Context
    answer: Answer | ErrorSpec | StoredReply | Failure | None
    skipped: Mapping[int, Skip] = field(default_factory=dict)

    @property
    def rule(self) -> str | None:
        """Name the rule that answers, None when none does."""
        compiled = self.context.compiled
        return None if compiled is None else compiled.label


class Engine:
    """A scenario, ready to answer.

    ``otherwise`` answers where no rule matches and the scenario does not say.
    ``seed`` replaces the scenario's. The store and the shelf of stored
    completions may be shared with others.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        store: Store | None = None,
        shelf: Shelf | None = None,
        seed: int | None = None,
        otherwise: Otherwise = "auto",
    ) -> None:
        self.scenario = scenario
        self.store: Store = MemoryStore() if store is None else store
        self.shelf: Shelf = MemoryShelf() if shelf is None else shelf
        self.seed = scenario.seed if seed is None else seed
        self.rules = compile_rules(scenario.rules, scenario.pacing)
        self.catalogue: Catalogue = catalogue_of(scenario)
        if otherwise not in get_args(Otherwise):
            raise MockdockError(
                f"otherwise={otherwise!r}: write one of {', '.join(get_args(Otherwise))}"
            )
        self._otherwise = otherwise if scenario.otherwise is None else scenario.otherwise
        self._pace = pace_of(self._otherwise, scenario.pacing)
        self._keys = (
            frozenset(key.encode() for key in scenario.auth.keys)
            if isinstance(scenario.auth, AuthKeys)
            else None
        )

    def authorize(self, caller: Caller) -> Failure | None:
        """Refuse a caller without a key, or with a wrong one, as the scenario wants it."""
        if self.scenario.auth == "any":
            return None
        if not caller.key:
            return Failure("missing_key")
        key = caller.key.encode("utf-8", "surrogatepass")
        if self._keys is None or any(hmac.compare_digest(key, known) for known in self._keys):
            return None
        return Failure("auth", key=caller.key)

    def traits(self, model: str) -> Traits | None:
        """Tell what a dialect must know of a model, None when it does not exist here."""
        if self.scenario.models is not None and self.catalogue.get(model) is None:
            return None
        return self.catalogue.resolve(model).traits

    def decide(self, request: Request) -> Decision:
        """Decide who answers; the one stateful step."""
        model = self.catalogue.resolve(request.model)
        prompt = self._prompt(request, model)
        refused = self._refused(request, model, prompt)
        caller, identity = request.caller, identify(request)
        fitting = [] if refused else candidates(self.rules, request)
        pick = self.store.decide(
            caller.session, identity, caller.attempt, [each.candidate for each in fitting]
        )
        compiled = None if pick.index is None else fitting[pick.index]
        skipped = dict(zip((each.index for each in fitting), pick.skipped, strict=False))
        answer = refused or self._answer(request, compiled, pick, skipped)
        said = request.api == "chat" and not isinstance(answer, Failure | ErrorSpec)
        cached = self._cached(request, model, prompt) if said else 0
        context = self._context(request, identity, model, pick, compiled)
        if prompt is not NO_PROMPT:
            context = replace(context, prompt=prompt, cached=cached)
        return Decision(context, answer, skipped)

    def _answer(
        self,
        request: Request,
        compiled: Compiled | None,
        pick: Pick,
        skipped: Mapping[int, Skip],
    ) -> Answer | ErrorSpec | StoredReply | Failure | None:
        if compiled is not None:
            return _scripted(compiled, pick.position)
        if request.api == "models":
            return None
        if request.stored is not None:
            strict = self.scenario.validation == "strict"
            return look_up(self.shelf, request.caller.session, request.stored, strict=strict)
        if self._otherwise == "fail":
            return self._missed(request, pick.attempt, skipped)
        return self._otherwise

    def compose(self, request: Request, decision: Decision, created: int) -> Reply:
        """Say what was decided; pure. ``created`` is in seconds since 1970."""
        match decision.answer:
            case None if request.stored is not None:
                return invent(request, request.stored, self.catalogue, decision.context)
            case None:
                return self._models(request, decision.context.model)
            case Failure() | StoredCompletion() | StoredPage() | MessagePage() | Deleted():
                return decision.answer
            case ErrorSpec():
                failure = fail(request, decision.answer, decision.context)
                return failure if request.stored is None else missing(failure, request.stored)
            case _:
                return complete(request, decision.answer, decision.context, created)

    def keep(self, request: Request, reply: Reply, request_id: str) -> None:
        """Keep a completion that was asked with ``store: true``, and nothing else.

        ``request_id`` is that of the request, 32 hex digits.
        """
        if request.store and isinstance(reply, Completion):
            asked = replace(request, caller=Caller(), headers={})
            stored = StoredCompletion(reply, asked, request_id, request.metadata)
            self.shelf.keep(request.caller.session, stored)

    def reset(self, session: str | None = None) -> None:
        """Forget one session, or everything: counters, states, stored completions."""
        self.store.reset(session)
        self.shelf.reset(session)

    def _prompt(self, request: Request, model: Model) -> Prompt:
        if request.api != "chat":
            return NO_PROMPT
        return count_prompt(request, tokenizer(model.encoding), model.id)

    def _cached(self, request: Request, model: Model, prompt: Prompt) -> int:
        """Give the prompt tokens the session's cache holds, and keep the prompt there.

        Models before gpt-4o have no cache (OpenAI, "Prompt caching"), and are told by
        their older encoding.
        """
        if model.encoding == "cl100k_base":
            return 0
        known = prefixes(request, prompt, tokenizer(model.encoding))
        if not known:
            return 0
        held = self.store.remember(request.caller.session, [each.digest for each in known])
        return cacheable(known[held - 1].tokens) if held else 0

    def _refused(self, request: Request, model: Model, prompt: Prompt) -> Failure | None:
        """Refuse a model that is not there, and a request that is too long for its model."""
        strict = self.scenario.validation == "strict"
        if request.api == "models":
            return self._no_model(request) if strict and request.model else None
        return _too_long(request, model, prompt) if strict else None

    def _no_model(self, request: Request) -> Failure | None:
        """Refuse a model that is not there, and to delete one that is not a fine-tune."""
        if self.catalogue.get(request.model) is None:
            return Failure("model_not_found", request.model)
        if request.removes and not request.model.startswith("ft:"):
            return Failure("not_a_fine_tune", request.model)
        return None

    def _missed(self, request: Request, attempt: int, skipped: Mapping[int, Skip]) -> Failure:
        """Tell the nearest rules: few conditions fail, then many hold."""
        state = self.store.state(request.caller.session)
        situation = Situation(attempt, state, skipped)
        verdicts = sorted(explain(self.rules, request, situation), key=_distance)
        lines = [
            f"{v.compiled.label}: " + "; ".join(f"{m.name} {m.text}" for m in v.mismatches)
            for v in verdicts[:_NEAREST]
        ]
        nearest = " | ".join(lines) if lines else "the scenario has no rules"
        return Failure(
            "no_match",
            message=f"mockdock: no rule matches this request. Nearest: {nearest}",
            should_retry=False,
        )

    def _models(self, request: Request, model: Model) -> ModelCard | ModelDeleted | ModelList:
        if request.removes:
            return ModelDeleted(request.model)
        if request.model:
            return _card(model)
        return ModelList(tuple(_card(each) for each in self.catalogue.all()))

    def _context(
        self, request: Request, identity: str, model: Model, pick: Pick, compiled: Compiled | None
    ) -> Context:
        key = "" if compiled is None else compiled.candidate.key
        entropy = Entropy(self.seed, request.caller.session, identity, request.seed, key)
        # Without sampling there is one answer, whoever asks.
        words = Entropy(self.seed, identity, key) if request.greedy else entropy
        pace = self._pace if compiled is None else compiled.paces[pick.position or 0]
        return Context(model, pick.attempt, pick.seen, compiled, entropy, words, pace)


def _distance(verdict: Verdict) -> tuple[int, int]:
    compiled = verdict.compiled
    wanted = {condition.name for condition in compiled.conditions}
    wanted.update(f"state.{name}" for name, _ in compiled.candidate.state)
    if compiled.rule.when.attempt is not None:
        wanted.add("attempt")
    holding = wanted.difference(each.name for each in verdict.mismatches)
    return len(verdict.mismatches), -len(holding)


def _scripted(compiled: Compiled, position: int | None) -> Answer | ErrorSpec | Failure:
    if position is not None:
        return compiled.rule.answers[position]
    return Failure(
        "exhausted",
        message=f"mockdock: {compiled.label} has no reply left: it has "
        f"{compiled.candidate.length} and 'after_last: fail'.",
        should_retry=False,
    )


def _too_long(request: Request, model: Model, prompt: Prompt) -> Failure | None:
    """Refuse what does not fit the context window; one that is only assumed refuses nothing."""
    completion = request.max_tokens or 0
    window = model.context_window
    if "context_window" in model.assumed or prompt.tokens + completion <= window:
        return None
    shares = {
        "messages": prompt.tokens - prompt.tools,
        "functions": prompt.tools,
        "completion": completion,
    }
    return Failure(
        "context_length",
        request.model,
        limit=window,
        used=prompt.tokens + completion,
        shares={name: tokens for name, tokens in shares.items() if tokens},
    )


def _card(model: Model) -> ModelCard:
    return ModelCard(model.id, model.created, model.owned_by)
