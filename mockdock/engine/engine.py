"""The engine: decide what to say, then say it."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from mockdock.content.catalogue import Catalogue, Model
from mockdock.engine.chance import Entropy, fingerprint
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
from mockdock.errors import MockdockError
from mockdock.reply import Failure, ModelCard, ModelList, Reply
from mockdock.request import Caller, Request
from mockdock.scenario import AuthKeys, ErrorSpec, Scenario

__all__ = ["Decision", "Engine"]

Otherwise = Literal["auto", "fail", "echo", "lorem"]

_NEAREST = 3


@dataclass(frozen=True, slots=True)
class Decision:
    """Who answers a request, and with what; ``answer`` None answers the models API.

    ``skipped`` tells, by rule index, why a rule that fits did not answer.
    """

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

    def decide(self, request: Request) -> Decision:
        """Decide who answers; the one stateful step."""
        model = self.catalogue.resolve(request.model)
        refused = self._refused(request)
        caller, identity = request.caller, fingerprint(request)
        fitting = [] if refused else candidates(self.rules, request)
        pick = self.store.decide(
            caller.session, identity, caller.attempt, [each.candidate for each in fitting]
        )
        compiled = None if pick.index is None else fitting[pick.index]
        skipped = dict(zip((each.index for each in fitting), pick.skipped, strict=False))
        context = self._context(request, identity, model, pick, compiled)
        if refused:
            return Decision(context, Failure("model_not_found", request.model))
        if compiled is not None:
            return Decision(context, _scripted(compiled, pick.position), skipped)
        if request.api == "models":
            return Decision(context, None, skipped)
        if self._otherwise == "fail":
            return Decision(context, self._missed(request, pick.attempt, skipped), skipped)
        return Decision(context, self._otherwise, skipped)

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

    def _refused(self, request: Request) -> bool:
        """Tell whether a model is asked for that the scenario does not list."""
        asked = request.model if request.api != "models" or request.model else None
        closed = self.scenario.models is not None or request.api == "models"
        return asked is not None and closed and self.catalogue.get(asked) is None

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

    def _models(self, request: Request, model: Model) -> ModelCard | ModelList:
        if request.model:
            return _card(model)
        return ModelList(tuple(_card(each) for each in self.catalogue.all()))

    def _context(
        self, request: Request, identity: str, model: Model, pick: Pick, compiled: Compiled | None
    ) -> Context:
        key = "" if compiled is None else compiled.candidate.key
        entropy = Entropy(self.seed, request.caller.session, identity, request.seed, key)
        pace = self._pace if compiled is None else compiled.paces[pick.position or 0]
        return Context(model, pick.attempt, pick.seen, compiled, entropy, pace)


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


def _card(model: Model) -> ModelCard:
    return ModelCard(model.id, model.created, model.owned_by)
