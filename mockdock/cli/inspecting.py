"""``mockdock check`` and ``mockdock explain``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mockdock.cli.reading import read
from mockdock.dialects import Call
from mockdock.dialects.openai import openai
from mockdock.engine import Decision, Engine
from mockdock.engine.sessions import SHARED
from mockdock.errors import MockdockError
from mockdock.reply import Failure, Reply
from mockdock.request import Request
from mockdock.scenario import lint, load

__all__ = ["check_scenarios", "explain_request"]

_CREATED = 1_700_000_000


def check_scenarios(sources: Sequence[str]) -> int:
    """Print all findings; give the exit code, 1 when one is an error."""
    loaded = load(*sources)
    Engine(loaded.scenario)
    findings = lint(loaded.scenario)
    for finding in findings:
        where = f"{finding.location}: " if finding.location else ""
        typer.echo(f"{where}{finding.severity}: {finding.message}")
    errors = sum(finding.severity == "error" for finding in findings)
    counts = {
        "file": len(loaded.files),
        "rule": len(loaded.scenario.rules),
        "error": errors,
        "warning": len(findings) - errors,
    }
    typer.echo(", ".join(f"{n} {word}{'' if n == 1 else 's'}" for word, n in counts.items()))
    return 1 if errors else 0


def explain_request(
    source: str, path: Path, attempt: int, headers: Sequence[str], states: Sequence[str]
) -> None:
    """Print a verdict for every rule, and the reply. Raises MockdockError on bad input."""
    engine = Engine(load(source).scenario)
    sent = dict(_pair(header, ":", "--header") for header in headers)
    sent = {name.lower(): value for name, value in sent.items()}
    sent["x-stainless-retry-count"] = str(attempt - 1)
    engine.store.set_state(
        SHARED, {n: _scalar(v) for n, v in (_pair(s, "=", "--state") for s in states)}
    )
    call = Call(
        operation="chat",
        method="POST",
        path="/v1/chat/completions",
        headers=sent,
        params={},
        body=read(path).encode(),
        base_url="",
        lenient=engine.scenario.validation == "lenient",
    )
    refused = engine.authorize(sent)
    parsed: Request | Failure = openai.parse(call) if refused is None else refused
    if isinstance(parsed, Failure):
        typer.echo("refused before any rule is tried:")
        _print_reply(None, parsed)
        return
    decision = engine.decide(parsed)
    _print_verdicts(engine, parsed, decision)
    _print_reply(parsed, engine.compose(parsed, decision, _CREATED))


def _print_verdicts(engine: Engine, request: Request, decision: Decision) -> None:
    chosen = decision.context.compiled
    table = Table(box=None, pad_edge=False)
    for title in ("", "rule", "why"):
        table.add_column(title, overflow="fold")
    for verdict in engine.explain(request, decision.skipped):
        compiled = verdict.compiled
        label = Text(compiled.label)
        if chosen is not None and compiled.index == chosen.index:
            table.add_row("→", label, Text("answers"))
        elif verdict.mismatches:
            why = "\n".join(f"{each.name}: {each.text}" for each in verdict.mismatches)
            table.add_row("✗", label, Text(why))
        else:
            table.add_row("·", label, Text("would match too, but comes later"))
    console = Console(highlight=False)
    if engine.rules:
        console.print(table)
    if chosen is None:
        console.print("no rule matches; answered by 'otherwise'", markup=False)
    sys.stdout.flush()


def _print_reply(request: Request | None, reply: Reply) -> None:
    status = 200
    if isinstance(reply, Failure):
        from mockdock.dialects.openai.failures import tell

        status = tell(reply).status
    typer.echo(f"\nHTTP {status}")
    body = b"".join(frame.data for frame in openai.frames(request, reply))
    typer.echo(body.decode().rstrip("\n"))


def _pair(text: str, sign: str, option: str) -> tuple[str, str]:
    name, found, value = text.partition(sign)
    if not found or not name.strip():
        raise MockdockError(f"{option} {text!r}: write name{sign}value")
    return name.strip(), value.strip()


def _scalar(text: str) -> str | int | float | bool | None:
    """Read a state's value as YAML would."""
    words: dict[str, bool | None] = {"true": True, "false": False, "null": None}
    if text in words:
        return words[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
