"""The table of the control API: every operation it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mockdock.errors import UsageError
from mockdock.observe.control import bodies
from mockdock.observe.control.openapi import document
from mockdock.observe.control.operation import Asked, Operation
from mockdock.observe.verbs import (
    About,
    Changes,
    Counts,
    Exposition,
    Opening,
    Settings,
    Unused,
    Verbs,
    Verdict,
)

__all__ = ["OPERATIONS"]


def _openapi(verbs: Verbs, _: Asked) -> bodies.OpenApi:
    return bodies.OpenApi(document(OPERATIONS, verbs.about().version))


def _metrics(verbs: Verbs, asked: Asked) -> Exposition:
    return verbs.metrics(asked.accept)


def _add(verbs: Verbs, asked: Asked) -> bodies.Key:
    key = verbs.add_rule(asked.own, asked.body.root, first=asked.query.first)
    return bodies.Key(key=key)


def _unused(verbs: Verbs, asked: Asked) -> bodies.Rules:
    return bodies.Rules(rules=tuple(card for card in verbs.rules(asked.own) if not card.used))


def _journal(verbs: Verbs, asked: Asked) -> bodies.Records:
    query = asked.query
    records = verbs.journal(
        asked.session, after=query.after, last=query.last, limit=query.limit, wait=asked.wait
    )
    return bodies.Records(records=tuple(records))


def _unmatched(verbs: Verbs, asked: Asked) -> bodies.Records:
    problems = _verified(verbs, asked, unused="none").problems
    kept = (dict(problem.record) for problem in problems if problem.record is not None)
    return bodies.Records(records=tuple(kept))


def _limits(verbs: Verbs, asked: Asked) -> bodies.LimitList:
    return bodies.LimitList(limits=tuple(verbs.limits(asked.own)))


def _set(verbs: Verbs, asked: Asked) -> None:
    verbs.set_trouble(asked.own, asked.body.model_dump(exclude_unset=True))


def _audited(verbs: Verbs, asked: Asked, policy: str | Mapping[str, Any] | None) -> bodies.Audited:
    _check_known(verbs, asked.session)
    return bodies.Audited(verbs.audit(asked.session, policy))


def _verified(
    verbs: Verbs, asked: Asked, unused: Unused, order: Sequence[Sequence[str]] = ()
) -> Verdict:
    _check_known(verbs, asked.session)
    return verbs.verify(asked.session, unused=unused, order=order)


def _check_known(verbs: Verbs, session: str | None) -> None:
    """Refuse a session that is not open, and whose key no client has used: it tells nothing."""
    known = not session or verbs.settings(session).opened or verbs.counts(session).requests
    if not known:
        raise UsageError(f"the session {session!r} is not open, and had no requests")


def _wait(verbs: Verbs, asked: Asked) -> bodies.Reached:
    return bodies.Reached(reached=verbs.wait(asked.own, asked.query.count, asked.wait))


def _judge(verbs: Verbs, asked: Asked) -> Verdict:
    return _verified(verbs, asked, asked.body.unused, asked.body.order)


def _open(verbs: Verbs, asked: Asked) -> Settings:
    verbs.open(asked.key, asked.body)
    return verbs.settings(asked.key)


def _opened(verbs: Verbs, asked: Asked) -> Settings:
    settings = verbs.settings(asked.key)
    if not settings.opened:
        raise UsageError(f"the session {asked.key!r} is not open; PUT opens it")
    return settings


def _change(verbs: Verbs, asked: Asked) -> Settings:
    verbs.change(asked.own, asked.body)
    return verbs.settings(asked.own)


def _advance(verbs: Verbs, asked: Asked) -> bodies.Clock:
    verbs.advance(asked.own, asked.body.seconds)
    return _clock(verbs, asked)


def _clock(verbs: Verbs, asked: Asked) -> bodies.Clock:
    return bodies.Clock(**verbs.clock(asked.own))


def _came(answer: Any) -> bool:
    return bool(answer.records)


def _reached(answer: Any) -> bool:
    return bool(answer.reached)


_ONE = bodies.OneSession

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "GET", "/health", "health", "Tell that the server answers.",
        lambda _, __: bodies.Health(), bodies.Health,
    ),
    Operation(
        "GET", "/version", "version", "Tell the versions of mockdock and of its language.",
        lambda verbs, _: verbs.about(), About,
    ),
    Operation(
        "GET", "/openapi.json", "openapi", "Describe the control API.", _openapi, bodies.OpenApi,
    ),
    Operation(
        "GET", "/schema", "schema", "Give the JSON Schema of the scenario language.",
        lambda verbs, _: bodies.Schema(verbs.schema()), bodies.Schema,
    ),
    Operation(
        "GET", "/scenario", "scenario", "Give the scenario.",
        lambda verbs, asked: bodies.ScenarioBody(verbs.scenario(asked.own)),
        bodies.ScenarioBody, query=_ONE,
    ),
    Operation(
        "PUT", "/scenario", "load", "Replace the scenario; added rules stay in front of it.",
        lambda verbs, asked: verbs.load(asked.own, asked.body.root),
        None, query=_ONE, body=bodies.ScenarioBody, text=True, status=204,
    ),
    Operation(
        "GET", "/rules", "rules", "List the rules in the order they are tried.",
        lambda verbs, asked: bodies.Rules(
            rules=tuple(verbs.rules(asked.own, key=asked.query.key))
        ),
        bodies.Rules, query=bodies.Listing,
    ),
    Operation(
        "POST", "/rules", "add_rule", "Put a rule before those of the scenario.",
        _add, bodies.Key, query=bodies.Adding, body=bodies.RuleBody, status=201,
    ),
    Operation(
        "GET", "/rules/unused", "unused_rules", "List the rules that never answered.",
        _unused, bodies.Rules, query=_ONE,
    ),
    Operation(
        "PUT", "/rules/{key}", "replace_rule",
        "Change an added rule; its place and counters stay.",
        lambda verbs, asked: verbs.replace_rule(asked.own, asked.key, asked.body.root),
        None, query=_ONE, body=bodies.RuleBody, status=204, unmet=404,
    ),
    Operation(
        "DELETE", "/rules/{key}", "remove_rule", "Remove an added rule.",
        lambda verbs, asked: verbs.remove_rule(asked.own, asked.key),
        None, query=_ONE, status=204, unmet=404,
    ),
    Operation(
        "GET", "/limits", "limits", "Tell how the rate limits stand.",
        _limits, bodies.LimitList, query=_ONE,
    ),
    Operation(
        "PUT", "/limits", "set_limits", "Replace the rate limits.",
        _set, None, query=_ONE, body=bodies.LimitsBody, status=204,
    ),
    Operation(
        "GET", "/faults", "trouble", "Give all trouble on purpose: faults, chaos, limits and more.",
        lambda verbs, asked: bodies.TroubleBody(**verbs.trouble(asked.own)),
        bodies.TroubleBody, query=_ONE,
    ),
    Operation(
        "PUT", "/faults", "set_trouble",
        "Replace parts of the trouble; others stay, null takes one away.",
        _set, None, query=_ONE, body=bodies.TroubleBody, status=204,
    ),
    Operation(
        "GET", "/audit", "audit", "Judge how clients took it when things went wrong.",
        lambda verbs, asked: _audited(verbs, asked, asked.query.policy),
        bodies.Audited, query=bodies.Auditing, unmet=404,
    ),
    Operation(
        "POST", "/audit", "audit_by", "Judge clients, also by a policy in the scenario language.",
        lambda verbs, asked: _audited(verbs, asked, asked.body.policy),
        bodies.Audited, query=bodies.Everyone, body=bodies.AuditBody, unmet=404,
    ),
    Operation(
        "GET", "/journal", "journal", "Give what is kept of a session's exchanges.",
        _journal, bodies.Records, query=bodies.Following, done=_came,
    ),
    Operation(
        "DELETE", "/journal", "reset_journal",
        "Forget what a session did, as reset does: its journal counts with its rules.",
        lambda verbs, asked: verbs.reset(asked.session), None, query=bodies.Everyone, status=204,
    ),
    Operation(
        "GET", "/unmatched", "unmatched", "Give the exchanges that no rule answered.",
        _unmatched, bodies.Records, query=bodies.Everyone, unmet=404,
    ),
    Operation(
        "GET", "/counts", "counts", "Count what a session did.",
        lambda verbs, asked: verbs.counts(asked.session), Counts, query=bodies.Everyone,
    ),
    Operation(
        "GET", "/wait", "wait", "Wait until a session has had so many requests.",
        _wait, bodies.Reached, query=bodies.Awaiting, done=_reached,
    ),
    Operation(
        "GET", "/verify", "verify", "Judge how a session went.",
        lambda verbs, asked: _verified(verbs, asked, asked.query.unused),
        Verdict, query=bodies.Judging, unmet=404,
    ),
    Operation(
        "POST", "/verify", "verify_order", "Judge how a session went, also by an order of rules.",
        _judge, Verdict, query=bodies.Everyone, body=bodies.Judgement, unmet=404,
    ),
    Operation(
        "POST", "/explain", "explain", "Tell which rule would answer, and why others do not.",
        lambda verbs, asked: bodies.Explanation(
            verbs.explain(asked.own, asked.body.request, asked.body.attempt)
        ),
        bodies.Explanation, query=_ONE, body=bodies.Inquiry,
    ),
    Operation(
        "GET", "/sessions", "sessions", "List the open sessions.",
        lambda verbs, _: bodies.SessionList(sessions=tuple(verbs.sessions())), bodies.SessionList,
    ),
    Operation(
        "GET", "/sessions/{key}", "session", "Give the settings of an open session.",
        _opened, Settings, unmet=404,
    ),
    Operation(
        "PUT", "/sessions/{key}", "open", "Open a session, anew when it was open.",
        _open, Settings, body=Opening,
    ),
    Operation(
        "DELETE", "/sessions/{key}", "close", "Close a session and forget everything of it.",
        lambda verbs, asked: verbs.close(asked.key), None, status=204,
    ),
    Operation(
        "GET", "/state", "state", "Give the named states.",
        lambda verbs, asked: bodies.States(verbs.state(asked.own)), bodies.States, query=_ONE,
    ),
    Operation(
        "PUT", "/state", "set_state", "Set named states; null unsets one, others stay.",
        lambda verbs, asked: verbs.set_state(asked.own, asked.body.root),
        None, query=_ONE, body=bodies.StatesBody, status=204,
    ),
    Operation("GET", "/clock", "clock", "Tell the time.", _clock, bodies.Clock, query=_ONE),
    Operation(
        "POST", "/clock", "advance", "Move time on that does not run by itself.",
        _advance, bodies.Clock, query=_ONE, body=bodies.Advance,
    ),
    Operation(
        "GET", "/settings", "settings", "Give the settings.",
        lambda verbs, asked: verbs.settings(asked.own), Settings, query=_ONE,
    ),
    Operation(
        "PATCH", "/settings", "change", "Change settings from the next request on.",
        _change, Settings, query=_ONE, body=Changes,
    ),
    Operation(
        "POST", "/reset", "reset", "Forget what a session did: counters, states, added rules.",
        lambda verbs, asked: verbs.reset(asked.session), None, query=bodies.Everyone, status=204,
    ),
    Operation("GET", "/metrics", "metrics", "Count for Prometheus.", _metrics, Exposition),
)  # fmt: skip
