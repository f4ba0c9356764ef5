"""The engine: decide what to say, then say it."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mockdock.content.catalogue import Catalogue, Model
from mockdock.engine.compose import Context, complete, fail
from mockdock.engine.draft import Answer
from mockdock.engine.match import Compiled, Verdict, candidates, compile_rules, explain
from mockdock.engine.models import catalogue_of
from mockdock.engine.sessions import Entropy, declared_attempt, fingerprint, session_of
from mockdock.engine.store import MemoryStore, Skip, Store
from mockdock.reply import Failure, ModelCard, ModelList, Reply
from mockdock.request import Request
from mockdock.scenario import AuthKeys, ErrorSpec, Scenario

__all__ = ["Decision", "Engine"]

Otherwise = Literal["auto", "fail", "echo", "lorem"]

_NEAREST = 3


@dataclass(frozen=True, slots=True)
class Decision:
    """Who answers a request, and with what; ``answer`` None answers the models API.

    ``skipped`` tells, by rule index, why a rule that fits did not answer.
    """

    session: str
    context: Context
    answer: Answer | ErrorSpec | Failure | None
    skipped: Mapping[int, Skip] = field(default_factory=dict)

    @property
    def rule(self) -> str | None:
        """Name the rule that answers, None when none does."""
        compiled = self.context.compiled
        return None if compiled is None else compiled.label


class Engine:
    """A scenario, ready to answer.

    ``otherwise`` answers where no rule matches and the scenario does not say.
    ``seed`` replaces the scenario's. The store may be shared with others.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        store: Store | None = None,
        seed: int | None = None,
        otherwise: Otherwise = "auto",
    ) -> None:
        self.scenario = scenario
        self.store: Store = MemoryStore() if store is None else store
        self.seed = scenario.seed if seed is None else seed
        self.rules = compile_rules(scenario.rules)
        self.catalogue: Catalogue = catalogue_of(scenario)
        self._otherwise = otherwise if scenario.otherwise is None else scenario.otherwise
        self._keys = (
            frozenset(key.encode() for key in scenario.auth.keys)
            if isinstance(scenario.auth, AuthKeys)
            else None
        )

    def authorize(self, headers: Mapping[str, str]) -> Failure | None:
        """Refuse a request without a key, or with a wrong one, as the scenario wants it."""
        if self.scenario.auth == "any":
            return None
        _, _, key = headers.get("authorization", "").partition(" ")
        key = key.strip()
        if not key:
            return Failure("missing_key")
        if self._keys is None or any(hmac.compare_digest(key.encode(), k) for k in self._keys):
            return None
        return Failure("auth", key=key)

    def decide(self, request: Request) -> Decision:
        """Decide who answers; the one stateful step."""
        session = session_of(request.headers)
        model = self.catalogue.resolve(request.model)
        if self._refused(request):
            context = self._context(request, session, "", model, 1, None)
            return Decision(session, context, Failure("model_not_found", request.model))
        identity = fingerprint(request)
        fitting = candidates(self.rules, request)
        declared = declared_attempt(request.headers)
        pick = self.store.decide(session, identity, declared, [c.candidate for c in fitting])
        compiled = None if pick.index is None else fitting[pick.index]
        skipped = dict(zip((each.index for each in fitting), pick.skipped, strict=False))
        context = self._context(request, session, identity, model, pick.attempt, compiled)
        if compiled is not None:
            return Decision(session, context, _scripted(compiled, pick.position), skipped)
        if request.api == "models":
            return Decision(session, context, None, skipped)
        miss = self._missed(request, skipped) if self._otherwise == "fail" else self._otherwise
        return Decision(session, context, miss, skipped)

    def compose(self, request: Request, decision: Decision, created: int) -> Reply:
        """Say what was decided; pure. ``created`` is in seconds since 1970."""
        match decision.answer:
            case None:
                return self._models(request, decision.context.model)
            case Failure():
                return decision.answer
            case ErrorSpec():
                return fail(request, decision.answer, decision.context)
            case _:
                return complete(request, decision.answer, decision.context, created)

    def explain(
        self, request: Request, skipped: Mapping[int, Skip] | None = None
    ) -> tuple[Verdict, ...]:
        """Say of every rule why it does not answer, without counting the request.

        ``skipped`` is what a decision said of rules that fit.
        """
        return explain(self.rules, request, skipped)

    def _refused(self, request: Request) -> bool:
        """Tell whether a model is asked for that the scenario does not list."""
        asked = request.model if request.api != "models" or request.model else None
        closed = self.scenario.models is not None or request.api == "models"
        return asked is not None and closed and self.catalogue.get(asked) is None

    def _missed(self, request: Request, skipped: Mapping[int, Skip]) -> Failure:
        verdicts = sorted(self.explain(request, skipped), key=lambda each: len(each.mismatches))
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

    def _models(self, request: Request, model: Model) -> ModelCard | ModelList:
        if request.model:
            return _card(model)
        return ModelList(tuple(_card(each) for each in self.catalogue.all()))

    def _context(
        self,
        request: Request,
        session: str,
        identity: str,
        model: Model,
        attempt: int,
        compiled: Compiled | None,
    ) -> Context:
        key = "" if compiled is None else compiled.candidate.key
        entropy = Entropy(self.seed, session, identity, request.seed, key)
        return Context(model, attempt, compiled, entropy, self.scenario.pacing)


def _scripted(compiled: Compiled, position: int | None) -> Answer | ErrorSpec | Failure:
    if position is not None:
        return compiled.rule.answers[position]
    return Failure(
        "exhausted",
        message=f"mockdock: {compiled.label} has no reply left: it has "
        f"{compiled.candidate.length} and 'after_last: fail'.",
        should_retry=False,
    )


def _card(model: Model) -> ModelCard:
    return ModelCard(model.id, model.created, model.owned_by)
