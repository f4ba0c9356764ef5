"""``mockdock tokens`` and ``mockdock models``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from msgspec import to_builtins
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from mockdock.cli.reading import read
from mockdock.content.catalogue import Model
from mockdock.content.tokens import encoding_for, tokenizer
from mockdock.dialects import chosen
from mockdock.engine import Engine
from mockdock.engine.models import Models
from mockdock.engine.prompts import prompt_of
from mockdock.errors import MockdockError
from mockdock.local.calling import call_of, operation_of
from mockdock.reply import Failure
from mockdock.request import Traits
from mockdock.scenario import load as load_scenarios

__all__ = ["count_tokens", "print_models"]

_DEFAULT = "gpt-4o"
_DEFAULTS = {
    "completions": "gpt-3.5-turbo-instruct",
    "embeddings": "text-embedding-3-small",
    "moderations": "omni-moderation-latest",
}
"""The models of requests that name none, other than chats."""
_TELLING = ("messages", "prompt", "input")
_PIPE_WIDTH = 160


def count_tokens(source: str, model: str | None, dialect: str = "openai") -> str:
    """Count a request file, a text file or a text, and say how.

    A JSON object with ``messages``, ``prompt`` or ``input`` is a request: its prompt is
    counted as ``usage`` would. Raises MockdockError when it is not a valid one.
    """
    (speaker,) = chosen([dialect])
    if source == "-" or _is_file(source) or _looks_like_file(source):
        text = read(Path(source))
    else:
        text = source
    body = _request(text)
    if body is None:
        name = model or _DEFAULT
        encoding = encoding_for(name)
        count = tokenizer(encoding).count(text)
        return f"{count} token{'' if count == 1 else 's'} ({encoding}, as for {name})"
    usual = _DEFAULTS.get(operation_of(body, None), _DEFAULT)
    named = {**body, "model": model or body.get("model") or usual}
    scenario = load_scenarios({"mockdock": 1}).scenario
    call = call_of(Engine(scenario), {}, json.dumps(named).encode(), speaker)
    # Whether this model takes such a request is not asked here.
    parsed = speaker.parse(replace(call, traits=lambda _: Traits()))
    if isinstance(parsed, Failure):
        raise MockdockError(f"{source}: not a valid request: {parsed.message or parsed.kind}")
    resolved = Models(scenario).known(speaker.name).resolve(parsed.model)
    if parsed.moderation is not None:
        ranks = tokenizer(resolved.encoding)
        count = sum(ranks.count(text) for text in parsed.moderation.texts)
        return f"{count} tokens ({resolved.encoding}, {resolved.snapshot}), which are never told"
    count = prompt_of(parsed, resolved).tokens
    return f"{count} prompt tokens ({resolved.encoding}, {resolved.snapshot})"


def _is_file(source: str) -> bool:
    try:
        return Path(source).is_file()
    except (OSError, ValueError):
        return False


def _looks_like_file(source: str) -> bool:
    """Take one word with the ending of a text file for a file, so that typos are told."""
    return len(source.split()) == 1 and source.endswith((".json", ".txt", ".md", ".yaml"))


def _request(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    telling = isinstance(value, dict) and any(name in value for name in _TELLING)
    return value if telling else None


def print_models(sources: Sequence[str], form: str) -> None:
    """Print the models a server with these scenarios would list."""
    models = Engine(load_scenarios(*sources).scenario).catalogue.all()
    if form == "json":
        typer.echo(json.dumps(to_builtins(models), indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("id", "answers as", "encoding", "context", "output", "$ in", "$ out"):
        table.add_column(title, justify="right" if "$" in title or title[-1] == "t" else "left")
    for model in models:
        table.add_row(*_row(model))
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    console.print(table)


def _row(model: Model) -> tuple[str, ...]:
    prices = model.prices
    return (
        model.id,
        model.snapshot,
        model.encoding,
        str(model.context_window or "-"),
        str(model.max_output_tokens or "-"),
        "-" if prices is None else str(prices.input),
        "-" if prices is None else str(prices.output or "-"),
    )
