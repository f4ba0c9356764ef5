"""Reports for people: what went wrong in a session, and the exchanges it had.

Both are plain text that a terminal can show, bounded, and without secrets.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mockdock.observe import redact
from mockdock.observe.asking import Asking, asking
from mockdock.observe.broken import how_it_ended
from mockdock.observe.difference import difference
from mockdock.observe.verbs import Problem, Verdict

__all__ = ["MOST_SHOWN", "exchanges", "report"]

Record = Mapping[str, Any]

MOST_SHOWN = 20
"""Exchanges that are shown."""

_PROBLEMS = 10
_MORE = 50
"""Problems that are told in one line each, behind those told in full."""
_UNMET = 12
_TOOLS = 8
_LINE = 200
_TEXT = 600
_LINES = 6
_LONG = 40
"""Letters of a text from which on a difference tells more than both texts."""
_READ = 4000
"""Letters of a text that are looked at: a key cut in two would look like none."""
_TITLES = {
    "raised": ("error raised", "errors raised"),
    "unmatched": ("request without an answer", "requests without an answer"),
    "unused": ("rule never used", "rules never used"),
    "order": ("answer out of order", "answers out of order"),
}


def report(verdict: Verdict, *, records: Sequence[Record] = ()) -> str:
    """Tell what was wrong in a session, the most telling first.

    Of a request that no rule answered: what was asked, why the nearest rules
    did not answer, and what was sent back. ``records`` are shown behind it.
    """
    lines = [_headline(verdict)]
    for number, problem in enumerate(verdict.problems[: _PROBLEMS + _MORE]):
        lines += _told(problem, whole=number < _PROBLEMS)
    if (left := len(verdict.problems) - _PROBLEMS - _MORE) > 0:
        lines.append(f"... and {left} more problem{'s' * (left > 1)}")
    if records:
        lines += ["", exchanges(records)]
    return "\n".join(lines)


def exchanges(records: Sequence[Record], *, earlier: int = 0) -> str:
    """Show exchanges, a block for each; of many the last 20. Nothing for none.

    There were so many ``earlier`` ones that are not among the records.
    """
    kept = records[-MOST_SHOWN:]
    lines = []
    if left := len(records) - len(kept) + earlier:
        lines.append(f"... {left} earlier exchange{'s' * (left > 1)} not shown")
    for record in kept:
        lines += _exchange(record)
    return "\n".join(lines)


# -- a verdict ----------------------------------------------------------------------------------


def _headline(verdict: Verdict) -> str:
    # Of many requests without an answer a last problem, without a record, counts the rest.
    rest = any(each.kind == "unmatched" and each.record is None for each in verdict.problems)
    kinds = Counter[str](problem.kind for problem in verdict.problems)
    counts = []
    for kind, (one, many) in _TITLES.items():
        if kind == "unmatched" and rest:
            counts.append(f"more than {kinds[kind] - 1} {many}")
        elif kinds[kind]:
            counts.append(f"{kinds[kind]} {many if kinds[kind] > 1 else one}")
    went = ", ".join(counts) or "all went as it should"
    return f"mockdock: {went}; {_total(verdict)}"


def _total(verdict: Verdict) -> str:
    calls = f"{verdict.requests} request{'s' * (verdict.requests != 1)}"
    broken = f", {verdict.broken} broken on purpose" if verdict.broken else ""
    return f"{calls}{broken}, {verdict.prompt_tokens}+{verdict.completion_tokens} tokens"


def _told(problem: Problem, *, whole: bool) -> Iterator[str]:
    record = problem.record
    secret = _secrets(record) if record is not None else ()
    message = _line(problem.message, secret)
    if record is None:
        yield f"✗ {message}"
        return
    yield f"✗ {message} (number {record['number']})"
    if whole:
        yield from (f"    {line}".rstrip() for line in _miss(record, secret))


def _miss(record: Record, secret: Sequence[str]) -> Iterator[str]:
    yield from _asked(record, secret)
    reply = record["reply"]
    back = f"{record['status']} {reply['error'] or ''}".rstrip()
    if reply["nearest"]:
        yield f"sent back: {back}, telling these rules to the client"
    else:
        yield f"sent back: {back}: {_line(_message(record), secret)}"
    if reply["nearest"]:
        yield "nearest rules:"
    for near in reply["nearest"]:
        yield f"  {_line(near['rule'], secret)}"
        for unmet in near["unmet"][:_UNMET]:
            yield from (f"    {line}" for line in _unmet(unmet, secret))
        if (left := len(near["unmet"]) - _UNMET) > 0:
            yield f"    ... and {left} more conditions"


def _asked(record: Record, secret: Sequence[str]) -> Iterator[str]:
    asked = asking(record)
    if asked is None:
        return
    attempt = f", attempt {record['attempt']}" if record["attempt"] > 1 else ""
    stream = ", as a stream" if record["stream"] else ""
    yield f"model: {_line(record['model'] or '-', secret)}{stream}{attempt}"
    if asked.tools:
        more = f", ... {len(asked.tools)} in all" if len(asked.tools) > _TOOLS else ""
        yield f"tools: {_line(', '.join(asked.tools[:_TOOLS]), secret)}{more}"
    if asked.results:
        yield f"results of tools: {_line(', '.join(asked.results[:_TOOLS]), secret)}"
    yield from _block(_title(asked), asked.user, secret)


def _title(asked: Asking) -> str:
    return "user: " if asked.api == "chat" else "input: "


def _unmet(unmet: Mapping[str, Any], secret: Sequence[str]) -> Iterator[str]:
    name = unmet["name"]
    if redact.is_secret(name.partition("headers.")[2]):
        yield f"✗ {_line(name, secret)}: not as wanted, its values are hidden"
        return
    yield f"✗ {_line(name, secret)}: {_line(unmet['text'], secret)}"
    wanted, found = unmet["wanted"], unmet["found"]
    if wanted is None or found is None or not found:
        return
    if max(len(wanted), len(found)) > _LONG or "\n" in wanted + found:
        compared = difference(_clean(wanted, secret), _clean(found, secret))
        yield from (f"    {line}" for line in compared)


# -- an exchange --------------------------------------------------------------------------------


def _exchange(record: Record) -> Iterator[str]:
    secret = _secrets(record)
    yield _line(_head(record), secret)
    asked = asking(record)
    if asked is not None:
        yield from _indented(_block(_title(asked), asked.user, secret))
        if asked.results:
            yield f"    after tools: {_line(', '.join(asked.results), secret)}"
    reply = record["reply"]
    if reply["error"] is not None:
        yield from _indented(_block(f"{reply['error']}: ", _message(record), secret))
    if reply["cause"] is not None:
        yield f"    raised: {_line(reply['cause'], secret)}"
    choices = reply["choices"]
    for at, choice in enumerate(choices[:_TOOLS]):
        title = f"reply {at + 1}" if len(choices) > 1 else "reply"
        yield from _indented(_choice(title, choice, secret))
    if made := reply.get("embeddings"):
        count = made["count"]
        yield f"    reply: {count} vector{'s' * (count != 1)} of {made['dimensions']} numbers"
    if (judged := reply.get("flagged")) is not None:
        for at, each in enumerate(judged[:_TOOLS]):
            title = f"reply {at + 1}" if len(judged) > 1 else "reply"
            yield f"    {title}: {', '.join(each) or 'not flagged'}"
    for warning in reply["warnings"][:_TOOLS]:
        yield f"    warning: {_line(warning, secret)}"


def _head(record: Record) -> str:
    usage, outcome = record["usage"], record["outcome"]
    otherwise = "no rule" if record["missed"] else "-" if usage is None else "otherwise"
    rule = record["rule"] or record["trouble"] or otherwise
    parts = [f"#{record['number']} {record['method']} {record['path']} {record['status']}"]
    parts += [record["model"] or "-", rule]
    if usage is not None:
        parts.append(f"{usage['prompt_tokens']}+{usage['completion_tokens']} tokens")
    if record["stream"]:
        parts.append("stream")
    if record["attempt"] > 1:
        parts.append(f"attempt {record['attempt']}")
    ended = how_it_ended(
        outcome["ending"], outcome["frames"], record["faults"], stream=record["stream"]
    )
    if ended:
        parts.append(ended)
    if record["rule"] and record["trouble"]:
        parts.append(record["trouble"])
    return " · ".join(parts)


def _choice(title: str, choice: Mapping[str, Any], secret: Sequence[str]) -> Iterator[str]:
    if choice["text"] is not None:
        yield from _block(f"{title}: ", choice["text"], secret)
    if choice["refusal"] is not None:
        yield from _block(f"{title}, refused: ", choice["refusal"], secret)
    for call in choice["tool_calls"][:_TOOLS]:
        yield f"{title} calls {_line(call['name'] + '(' + call['arguments'] + ')', secret)}"
    if choice["finish_reason"] not in ("stop", "tool_calls"):
        yield f"{title} ends by {choice['finish_reason']}"


def _message(record: Record) -> str:
    """Read an error's message off what was sent; all of it where that is not possible."""
    chunks = record["reply"]["chunks"]
    text = "".join(each for each in chunks if isinstance(each, str))
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return text


# -- texts --------------------------------------------------------------------------------------


def _secrets(record: Record) -> tuple[str, ...]:
    return redact.secrets(record["request"]["headers"])


def _clean(text: str, secret: Sequence[str]) -> str:
    """Hide secrets, and write what would drive a terminal as an escape."""
    return "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode()
        for each in redact.text(text, secret)
    )


def _line(text: str, secret: Sequence[str]) -> str:
    clean = _clean(text[:_READ], secret).replace("\n", "\\n")
    return clean if len(clean) <= _LINE else f"{clean[:_LINE]}... ({len(text)} letters)"


def _block(title: str, text: str, secret: Sequence[str]) -> Iterator[str]:
    """Write a text of some lines, cut where it is long."""
    clean = _clean(text[:_READ], secret)
    cut = clean[:_TEXT]
    lines = cut.split("\n")
    shown = lines[:_LINES]
    if len(lines) > _LINES or len(clean) > _TEXT:
        shown[-1] += f"... ({len(text)} letters)"
    yield title + shown[0]
    yield from (" " * len(title) + line for line in shown[1:])


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"    {line}".rstrip() for line in lines)
