"""Exchanges as a scenario that replays them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args

from msgspec import Struct

from mockdock.fault import SPOILS
from mockdock.later import later
from mockdock.observe import redact
from mockdock.observe.asking import Asking, asking
from mockdock.observe.replaying import answer_of, known_by, spoken_of
from mockdock.observe.spoken import Spoken
from mockdock.reply import ErrorKind

__all__ = ["replay"]

_dumped: Callable[[Mapping[str, Any]], str] = later("observe.dumping:dumped")

Record = Mapping[str, Any]

_TOLD = 20
_SHOWN = frozenset({"broken_tool_call", "cut_arguments", "hallucinated_tool"})
"""Faults that what was said shows already: it would be spoiled twice."""
_DEEPEST = 20
_BIGGEST = 2**53


class _Heard(Struct, frozen=True):
    """A request that can be answered again, and its answer in the language.

    ``body`` is the part of its body that it is known by, None where its texts tell it.
    """

    number: int
    attempt: int
    model: str
    dialect: str | None
    asked: Asking
    answer: Any
    secrets: tuple[str, ...]
    body: dict[str, Any] | None = None


def replay(records: Sequence[Record], *, name: str = "replay") -> str:
    """Write a scenario (YAML) that gives the same answers to the same requests, in their order.

    A request is known by its API, its model and its last user message or what else it
    brings, and by turn, tool results, system message and dialect where those tell requests
    apart. Deployments and the settings of a gateway are those it was answered under. What no
    rule answered, what was no valid request, and what no model makes is left out,
    which a comment says. Secrets are hidden; a message with one is known by
    the rest of it. What broke of a reply breaks again, by faults of the same
    types and options; an error has none, which a comment says as well.
    """
    left: dict[str, list[int]] = {}
    whole = [each["number"] for each in records if each["injected"] and each["reply"]["error"]]
    groups: dict[tuple[str, ...], list[_Heard]] = {}
    spoken = Spoken()
    for record in records:
        heard = _heard(record)
        why = heard if isinstance(heard, str) else spoken.add(record)
        if isinstance(heard, str) or why:
            left.setdefault(why, []).append(record["number"])
        else:
            groups.setdefault(_subject(heard), []).append(heard)
    apart = [same for group in groups.values() for same in _apart(group)]
    apart.sort(key=lambda same: same[1][0].number)
    scenario = {
        "mockdock": 1,
        "name": name,
        **spoken.settings(),
        "rules": [_rule(when, same) for when, same in apart],
        "otherwise": "fail",
    }
    return "".join(f"# {line}\n" for line in _header(len(records), left, whole)) + _dumped(scenario)


def _header(count: int, left: Mapping[str, Sequence[int]], whole: Sequence[int]) -> Iterator[str]:
    yield f"Replays {count} exchange{'s' * (count != 1)} that mockdock recorded."
    yield "This is a scenario: mockdock serve FILE answers the same requests the same way,"
    yield "and so does a test with @pytest.mark.mockdock(scenario=FILE)."
    for why, numbers in left.items():
        yield f"Left out, {why}: {_numbers(numbers)}"
    if whole:
        yield f"Errors that broke on the wire, and do not here: {_numbers(whole)}"


def _numbers(numbers: Sequence[int]) -> str:
    told = ", ".join(map(str, numbers[:_TOLD]))
    return f"{told} and {len(numbers) - _TOLD} more" if len(numbers) > _TOLD else told


# -- what is told apart -------------------------------------------------------------------------


def _heard(record: Record) -> _Heard | str:
    """Read what can be replayed, else say why it cannot."""
    if record["missed"]:
        return "answered by no rule"
    asked, model, reply = asking(record), record["model"], record["reply"]
    if not model or asked is None:
        return "no valid request"
    secrets = redact.secrets(record["request"]["headers"])
    answer: Any = None
    if reply["error"] is not None:
        answer = _error(record, secrets)
    elif asked.api in ("embeddings", "moderations"):
        answer = answer_of(record, asked)
    elif record["usage"] is not None:
        said = spoken_of(record) if asked.api == "completions" else reply["choices"]
        if said is None:
            return "several prompts with texts of their own, or an echo of tokens"
        choices = [_choice(each, secrets) for each in said] or [""]
        answer = choices[0] if len(choices) == 1 else {"choices": choices}
    if answer is None:
        return "not what a model makes, or not sent whole"
    if reply["error"] is None and record["injected"]:
        answer = _broken(answer, record)
    number, attempt, dialect = record["number"], record["attempt"], record.get("dialect")
    body = known_by(record, asked, secrets)
    return _Heard(number, attempt, model, dialect, asked, answer, secrets, body)


def _subject(heard: _Heard) -> tuple[str, ...]:
    """Give what a request is about: requests about the same may have to be told apart."""
    what = heard.asked.user if heard.body is None else json.dumps(heard.body)
    return heard.asked.api, heard.model, what


def _broken(answer: Any, record: Record) -> dict[str, Any]:
    """Let a reply break again; one that was spoiled has still the usage of what was to be said."""
    said = {"text": answer} if isinstance(answer, str) else answer
    types = [each["type"] for each in record["injected"]]
    if not SPOILS.isdisjoint(types):
        said = {**said, "usage": {"completion_tokens": record["usage"]["completion_tokens"]}}
    faults = [each for each in record["injected"] if each["type"] not in _SHOWN]
    broken = [each["type"] if len(each) == 1 else each for each in faults]
    return {**said, "faults": broken} if broken else said


def _apart(group: Sequence[_Heard]) -> Iterator[tuple[dict[str, Any], list[_Heard]]]:
    """Tell apart requests with the same model and user message; give conditions and requests."""
    by_tool = _by_tool([heard.asked.results for heard in group])
    found: dict[tuple[Any, ...], list[_Heard]] = {}
    for heard in group:
        results = heard.asked.results
        after = _glob(min(results)) if results and by_tool else bool(results)
        key = (heard.asked.turn, after, heard.asked.system, heard.dialect)
        found.setdefault(key, []).append(heard)
    turns, afters, systems, dialects = (len(set(values)) > 1 for values in zip(*found, strict=True))
    for (turn, after, system, dialect), same in found.items():
        first = same[0]
        conditions = {
            "api": None if first.asked.api == "chat" else first.asked.api,
            "dialect": dialect if dialects else None,
            "model": _glob(first.model) if _is_clean(first.model, first.secrets) else None,
            "user": _text(first.asked.user, first.secrets) if first.body is None else None,
            "body": first.body or None,
            "turn": turn if turns else None,
            "after_tool": after if afters else None,
            "system": _text(system, first.secrets) if systems else None,
        }
        yield {key: value for key, value in conditions.items() if value is not None}, same


def _by_tool(results: Sequence[Sequence[str]]) -> bool:
    """Tell whether the name of one tool is enough to know which results a request brings."""
    sets = {frozenset(names) for names in results if names}
    return all(names and name for names in sets for name in names) and all(
        one is other or one.isdisjoint(other) for one in sets for other in sets
    )


def _text(text: str, secrets: Sequence[str]) -> dict[str, Any] | None:
    """Want a text as it is, or the parts of it that are no secrets."""
    shown = redact.text(text, secrets)
    if redact.HIDDEN not in shown:
        return {"equals": text}
    parts = [part for part in shown.split(redact.HIDDEN) if part]
    return {"contains": parts} if parts else None


def _is_clean(text: str, secrets: Sequence[str]) -> bool:
    return redact.text(text, secrets) == text


def _glob(name: str) -> str:
    """Write a name as a glob that only it fits."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


# -- rules --------------------------------------------------------------------------------------


def _rule(when: Mapping[str, Any], same: Sequence[_Heard]) -> dict[str, Any]:
    numbers = [heard.number for heard in same]
    rule: dict[str, Any] = {"name": f"exchange{'s' * (len(same) > 1)} {_numbers(numbers)}"}
    rule["when"] = dict(when)
    by_attempt = _by_attempt(same)
    if by_attempt:
        rule["per"] = "request"
    answers = by_attempt or [heard.answer for heard in same]
    while len(answers) > 1 and answers[-1] == answers[-2]:
        answers.pop()  # the last answer is repeated anyway
    if len(answers) == 1:
        rule.pop("per", None)
        return {**rule, "reply": answers[0]}
    return {**rule, "replies": answers}


def _by_attempt(same: Sequence[_Heard]) -> list[Any]:
    """Give an answer for each attempt; none where attempts do not tell what is answered."""
    answers: dict[int, Any] = {}
    for heard in same:
        if answers.setdefault(heard.attempt, heard.answer) != heard.answer:
            return []
    if len(answers) == 1 or max(answers) != len(answers):
        return []
    return [answers[attempt] for attempt in sorted(answers)]


def _choice(choice: Mapping[str, Any], secrets: Sequence[str]) -> Any:
    text, refusal, finish = choice["text"], choice["refusal"], choice["finish_reason"]
    calls = [
        {
            "name": redact.text(call["name"], secrets),
            "arguments": _arguments(redact.text(call["arguments"], secrets)),
        }
        for call in choice["tool_calls"]
    ]
    reply: dict[str, Any] = {}
    if text is not None or not (refusal is not None or calls):
        reply["text"] = _literal(redact.text(text or "", secrets))
    if refusal is not None:
        reply["refusal"] = _literal(redact.text(refusal, secrets))
    if calls:
        reply["tool_calls"] = calls
    if finish not in (("tool_calls", "function_call") if calls else ("stop",)):
        reply["finish"] = finish
    return reply["text"] if list(reply) == ["text"] else reply


def _error(record: Record, secrets: Sequence[str]) -> dict[str, Any]:
    reply = record["reply"]
    kind, status, wait = reply["error"], reply["error_status"], reply["retry_after"]
    scripted = status is None and kind in get_args(ErrorKind)
    answer: dict[str, Any] = {"error": kind if scripted else record["status"]}
    told = _told(reply["chunks"])
    if isinstance(message := told.get("message"), str):
        answer["message"] = _literal(redact.text(message, secrets))
    for key in ("type", "param", "code"):
        if isinstance(told.get(key), str):
            answer[key] = redact.text(told[key], secrets)
    if wait is not None:
        answer["retry_after"] = f"{wait * 1000:.6f}".rstrip("0").rstrip(".") + "ms"
    should = {"true": True, "false": False}.get(reply["headers"].get("x-should-retry", ""))
    return answer if should is None else {**answer, "should_retry": should}


def _told(chunks: Sequence[Any]) -> Mapping[str, Any]:
    """Read what the API said of an error; nothing where not all of it was sent.

    Some write it flat, without an ``error`` around it.
    """
    try:
        told = json.loads("".join(chunks))
    except (ValueError, TypeError):
        return {}
    told = told.get("error", told) if isinstance(told, dict) else {}
    return told if isinstance(told, dict) else {}


# -- values -------------------------------------------------------------------------------------


def _literal(text: str) -> str:
    """Write a text of a reply: there ``${`` begins a name, and ``$${`` is what it looks like."""
    return text.replace("${", "$${")


def _arguments(text: str) -> Any:
    """Write arguments as a mapping where that gives the same text, else as the text."""
    try:
        value = json.loads(text)
        same = json.dumps(value, ensure_ascii=False, separators=(",", ":")) == text
    except (ValueError, RecursionError):
        return _literal(text)
    return _escaped(value) if same and isinstance(value, dict) and _plain(value) else _literal(text)


def _plain(value: Any, depth: int = 0) -> bool:
    """Tell whether the language takes a JSON value as it is."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return depth < _DEEPEST and all(_plain(each, depth + 1) for each in inner)
    return not isinstance(value, int | float) or abs(value) <= _BIGGEST


def _escaped(value: Any) -> Any:
    match value:
        case str():
            return _literal(value)
        case dict():
            return {key: _escaped(inner) for key, inner in value.items()}
        case list():
            return [_escaped(inner) for inner in value]
        case _:
            return value
