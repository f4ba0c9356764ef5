"""``mockdock audit``: the verdict on a client, from a journal file or a running server."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mockdock.cli.reading import read_journal
from mockdock.errors import MockdockError, UsageError
from mockdock.local.auditing import PARTS, priced
from mockdock.observe.audit import (
    Audit,
    audit,
    clock_words,
    examples,
    figure_words,
    gap_words,
    junit,
    page,
    record_words,
)
from mockdock.policy import POLICIES, Policy
from mockdock.remote import RemoteVerbs
from mockdock.resources import scenarios
from mockdock.scenario import Scenario, load
from mockdock.scenario.base import nearest

__all__ = ["Form", "audit_journal", "audit_table", "calls_table"]

Form = Literal["table", "json", "junit", "html"]

_PAGE = 500
_PIPE_WIDTH = 120
_STYLES = {"ok": "green", "failed": "bold red", "not seen": "dim"}
_CALLS = 20


def audit_journal(
    source: str,
    token: str | None,
    policy: str | None,
    form: Form,
    output: Path | None,
    session: str | None,
) -> int:
    """Print the audit of a journal file (- for stdin) or of a server, or write it to a file.

    ``policy`` is the name of a ready one, or a scenario that has one; without it, a
    server's own scenario may have one, else it is the default. Money is counted by
    the prices of that scenario, for a file by those of the built-in catalogue. Gives the
    exit code: 1 when the policy was broken. Raises MockdockError for bad input.
    """
    rule, scenario = None if policy is None else _policy(policy), Scenario(mockdock=1)
    if source.startswith(("http://", "https://")):
        verbs = RemoteVerbs(source, token)
        given = _served(verbs, session)
        scenario = _scenario(verbs, session)
    else:
        given = _kept(source, session)
    if rule is None and scenario.audit is not None:
        rule = scenario.audit.to_policy()
    verdict = audit(given, rule, priced(scenario))
    if not verdict.calls:
        which = "" if session is None else f" of the session {session!r}"
        raise UsageError(f"{source}: there are no exchanges{which}, and nothing to judge")
    with _opened(output) as file:
        match form:
            case "table":
                _print(verdict, file)
            case "json":
                file.write(json.dumps(verdict.to_json(), indent=2) + "\n")
            case "junit":
                file.write(junit(verdict) + "\n")
            case _:
                file.write(page(verdict))
    return 0 if verdict.ok else 1


def audit_table(verdict: Audit) -> Table:
    """Make a table of the lines of a verdict: what was asked, how it was kept, the worst."""
    table = Table(box=None, pad_edge=False)
    for title in ("line", "verdict", "seen", "failed", "what"):
        right = title in ("seen", "failed")
        table.add_column(title, justify="right" if right else "left", no_wrap=title != "what")
    for line in verdict.lines:
        what = "\n".join([line.asked, *(f"  {each}" for each in examples(line))])
        table.add_row(
            line.name,
            Text(line.verdict, style=_STYLES[line.verdict]),
            str(line.seen),
            str(line.failed),
            Text(what),
        )
    return table


def calls_table(verdict: Audit) -> Table:
    """Make a table of the calls that did not succeed at once, those tried most often first."""
    table = Table(box=None, pad_edge=False)
    for title in ("call", "records", "gaps demanded / taken", "outcome", "tokens wasted"):
        table.add_column(title, justify="right" if title == "tokens wasted" else "left")
    troubled = [call for call in verdict.calls if call.failed_first or len(call.attempts) > 1]
    troubled.sort(key=lambda call: (-len(call.attempts), call.number))
    for call in troubled[:_CALLS]:
        table.add_row(
            str(call.number),
            record_words(call),
            gap_words(call, verdict.policy.clock),
            call.outcome,
            str(call.wasted_tokens),
        )
    if len(troubled) > _CALLS:
        table.add_row("...", f"and {len(troubled) - _CALLS} more calls")
    return table


def _print(verdict: Audit, file: Any) -> None:
    console = Console(file=file, highlight=False, markup=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    console.print(f"policy {verdict.policy.name}: {verdict.policy.source}\n", soft_wrap=True)
    console.print(audit_table(verdict))
    calls = calls_table(verdict)
    if calls.row_count:
        console.print()
        console.print(calls)
    words = ", ".join(f"{label} {value}" for label, value in figure_words(verdict))
    console.print(f"\n{words}", soft_wrap=True)
    console.print(clock_words(verdict))
    console.print("the policy was kept" if verdict.ok else "the policy was broken")


def _policy(name: str) -> Policy:
    """Find a policy by name, or in a scenario. Raises MockdockError when there is none."""
    if name in POLICIES:
        return POLICIES[name]
    ready = (scenarios() / f"{name}.yaml").is_file()
    if not ready and not Path(name).suffix and not os.path.lexists(name):
        known = ", ".join(POLICIES)
        hint = nearest(name, POLICIES) or "or a scenario file that has one under 'audit'"
        raise UsageError(f"there is no policy {name!r}, only: {known} ({hint})")
    spec = load(name).scenario.audit
    if spec is None:
        raise UsageError(f"{name}: there is no policy in it; write one under 'audit'")
    return spec.to_policy()


def _scenario(verbs: RemoteVerbs, session: str | None) -> Scenario:
    """Ask for what an audit goes by of a session's scenario, or of the server's own."""
    told = verbs.scenario(session or "")
    given = {name: told[name] for name in PARTS if name in told}
    return load({"mockdock": 1, **given}, files=False).scenario


def _served(verbs: RemoteVerbs, session: str | None) -> Iterator[Mapping[str, Any]]:
    """Ask a server for all it has kept, page by page."""
    seen, more = 0, True
    while more:
        found = verbs.journal(session, after=seen, limit=_PAGE)
        more = len(found) == _PAGE
        seen = found[-1]["number"] if found else seen
        yield from found


def _kept(source: str, session: str | None) -> Iterator[Mapping[str, Any]]:
    """Read a journal file line by line, and choose those of a session."""
    for record in read_journal(source):
        if session is None or record.get("session", session) == session:
            yield record


@contextlib.contextmanager
def _opened(output: Path | None) -> Iterator[Any]:
    """Give where to write: the file, or stdout."""
    if output is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        with output.open("w", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise MockdockError(f"{output}: {error.strerror or error}") from error
