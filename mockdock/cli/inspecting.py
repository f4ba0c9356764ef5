"""``mockdock check`` and ``mockdock explain``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mockdock.cli.reading import read
from mockdock.dialects import Dialect, Envelope, chosen
from mockdock.embedding import Embeddings
from mockdock.engine import Decision, Engine
from mockdock.engine.match import Situation, explain
from mockdock.engine.store import Scalar
from mockdock.errors import MockdockError
from mockdock.local.calling import call_of
from mockdock.reply import Failure, Reply
from mockdock.request import Request
from mockdock.scenario import lint, load

__all__ = ["check_scenarios", "explain_request"]

_CREATED = 1_700_000_000
_HINTS = frozenset(
    {b"x-mockdock-hint", b"x-mockdock-ignored", b"x-mockdock-param", b"x-mockdock-warning"}
)
"""The headers that say what the body does not."""
_NUMBERS = 3
"""So many of a vector are shown."""


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
    source: str,
    path: Path,
    attempt: int,
    headers: Sequence[str],
    states: Sequence[str],
    dialect: str = "openai",
) -> None:
    """Print a verdict for every rule, and the reply. Raises MockdockError on bad input."""
    (speaker,) = chosen([dialect])
    engine = Engine(load(source).scenario)
    sent = dict(_pair(header, ":", "--header") for header in headers)
    sent = {name.lower(): value for name, value in sent.items()}
    sent["x-stainless-retry-count"] = str(attempt - 1)
    call = call_of(engine, sent, _json(read(path), path).encode(), speaker)
    session = call.caller.session
    engine.store.set_state(
        session, {n: _scalar(v) for n, v in (_pair(s, "=", "--state") for s in states)}
    )
    refused = engine.authorize(call.caller)
    parsed: Request | Failure = speaker.parse(call) if refused is None else refused
    if isinstance(parsed, Failure):
        typer.echo("refused before any rule is tried:")
        _print_reply(engine, speaker, None, parsed)
        return
    parsed = engine.read(parsed)
    state = engine.store.state(session)
    decision = engine.decide(parsed)
    _print_verdicts(engine, parsed, decision, state)
    _print_reply(engine, speaker, parsed, engine.compose(parsed, decision, _CREATED))


def _json(text: str, path: Path) -> str:
    """Tell where a request file is no JSON; the API would only say that it is not."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}:{error.colno}"
        raise MockdockError(f"{where}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise MockdockError(f"{path}: nested too deep") from error
    return text


def _print_verdicts(
    engine: Engine, request: Request, decision: Decision, state: Mapping[str, Scalar]
) -> None:
    chosen = decision.context.compiled
    table = Table(box=None, pad_edge=False)
    for title in ("", "rule", "why"):
        table.add_column(title, overflow="fold")
    situation = Situation(decision.context.attempt, state, decision.skipped)
    for verdict in explain(engine.rules, request, situation):
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


def _print_reply(engine: Engine, dialect: Dialect, request: Request | None, reply: Reply) -> None:
    gateways = engine.gateways
    head = dialect.head(request, reply, Envelope("0" * 32, 0, 0, {}, gateways=gateways))
    typer.echo(f"\nHTTP {head.status}")
    for name, value in head.headers:
        if name in _HINTS:
            typer.echo(f"{name.decode()}: {value.decode('latin-1')}")
    body = b"".join(frame.data for frame in dialect.frames(request, reply, gateways)).decode()
    typer.echo(_shortened(body) if isinstance(reply, Embeddings) else body.rstrip("\n"))


def _shortened(body: str) -> str:
    """Show of each vector how it begins, and how long it is."""
    told = json.loads(body)
    for each in told["data"]:
        vector = each["embedding"]
        if isinstance(vector, str):
            each["embedding"] = f"{len(vector)} letters of base64"
        elif len(vector) > _NUMBERS:
            each["embedding"] = [*vector[:_NUMBERS], f"and {len(vector) - _NUMBERS} more"]
    return json.dumps(told, indent=2)


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
