"""``mockdock tokens`` and ``mockdock models``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from mockdock.cli.reading import read
from mockdock.content.catalogue import Model, load
from mockdock.content.counting import count_prompt
from mockdock.content.tokens import encoding_for, tokenizer
from mockdock.dialects import DIALECTS, Call
from mockdock.engine import Engine
from mockdock.errors import MockdockError
from mockdock.reply import Failure
from mockdock.scenario import load as load_scenarios

__all__ = ["count_tokens", "print_models"]

_DEFAULT = "gpt-4o"
_PIPE_WIDTH = 160


def count_tokens(source: str, model: str | None) -> str:
    """Count a request file, a text file or a text, and say how.

    A JSON object with ``messages`` is a request: its prompt is counted as
    ``usage`` would. Raises MockdockError when it is not a valid one.
    """
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
    body = {**body, "model": model or body.get("model") or _DEFAULT}
    call = Call("chat", "POST", "", {}, {}, json.dumps(body).encode(), "")
    parsed = DIALECTS[0].parse(call)
    if isinstance(parsed, Failure):
        raise MockdockError(f"{source}: not a valid request: {parsed.message}")
    resolved = load().resolve(parsed.model)
    count = count_prompt(parsed, tokenizer(resolved.encoding), resolved.id).tokens
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
    return value if isinstance(value, dict) and "messages" in value else None


def print_models(sources: Sequence[str], form: str) -> None:
    """Print the models a server with these scenarios would list."""
    models = Engine(load_scenarios(*sources).scenario).catalogue.all()
    if form == "json":
        typer.echo(json.dumps([asdict(model) for model in models], indent=2))
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
