"""Models that users made."""

from __future__ import annotations

import json
import sqlite3
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from msgspec.structs import asdict

from mockdock.accounts import Model
from mockdock.errors import UsageError
from mockdock.question import NewModel

__all__ = ["create", "named", "visible"]

_NAMESPACE = UUID("5d5f6c0e-2f0b-5f55-8f6e-0d7f2a4e9b21")
_MOST = 10_000
_VISIBLE = """(project = ?1 OR public
    AND substr(project, 1, instr(project, '/')) = substr(?1, 1, instr(?1, '/')))"""
"""What a project sees: its own, and what is public of those with the same prefix."""


def create(connection: sqlite3.Connection, new: NewModel, created_us: int) -> Model:
    """Make a model, in place of one of the same owner and name in the project.

    Raises UsageError beyond 10,000, those replaced among them.
    """
    number = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM model").fetchone()[0]
    if number > _MOST:
        raise UsageError(f"a ledger keeps at most {_MOST} models, those replaced among them")
    name = str(uuid5(_NAMESPACE, f"{new.project_id}/{new.owner_name}/{new.model_name}/{number}"))
    fields = asdict(new) | {
        "input_token_price": _decimal(new.input_token_price),
        "output_token_price": _decimal(new.output_token_price),
    }
    connection.execute(
        "INSERT INTO model VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(number, name, new.project_id, new.public, new.owner_name, new.model_name),
            *(created_us, json.dumps(fields)),
        ),
    )
    return _model(name, created_us, fields)


def visible(connection: sqlite3.Connection, project: str) -> tuple[Model, ...]:
    """Give the models made in a project, and the public ones of others.

    Of those with the same owner and name the latest; by priority, then in the
    order they were made.
    """
    found = connection.execute(
        f"SELECT id, created_us, fields FROM model WHERE {_VISIBLE} ORDER BY number",  # noqa: S608
        (project,),
    )
    models: dict[tuple[str, str], Model] = {}
    for name, created_us, fields in found:
        model = _model(name, created_us, json.loads(fields))
        key = (model.owner_name, model.model_name)
        if model.project_id == project or key not in models or models[key].project_id != project:
            models[key] = model
    return tuple(sorted(models.values(), key=lambda model: model.priority))


def named(
    connection: sqlite3.Connection, project: str, name: str, *, owner: str | None = None
) -> list[Model]:
    """Give the models a name may mean in a project, made by ``owner`` where that is given.

    The project's own come first, then the latest.
    """
    found = connection.execute(
        f"SELECT id, created_us, fields FROM model WHERE name = ?2 AND {_VISIBLE} "  # noqa: S608
        "AND (?3 IS NULL OR owner = ?3) ORDER BY project = ?1 DESC, created_us DESC, number DESC",
        (project, name, owner),
    )
    return [_model(each, created_us, json.loads(fields)) for each, created_us, fields in found]


def _decimal(price: float | Decimal | None) -> str | None:
    """Write a price without an exponent."""
    return None if price is None else format(Decimal(str(price)), "f")


def _model(name: str, created_us: int, fields: dict[str, Any]) -> Model:
    tuples = ("capabilities", "input_types", "output_types", "tags")
    whole = fields | {key: tuple(fields[key]) for key in tuples}
    return Model(id=name, created_us=created_us, **whole)
