"""Models that users made."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from mockdock.errors import UsageError

__all__ = ["Model", "NewModel", "create", "named", "visible"]

_NAMESPACE = UUID("5d5f6c0e-2f0b-5f55-8f6e-0d7f2a4e9b21")
_MILLION = 1_000_000
_MOST = 10_000


@dataclass(frozen=True)
class NewModel:
    """A model to be made, by the names of LangDB's schema.

    ``input_token_price`` and ``output_token_price`` are in US dollars for one
    token, ``mp_price`` for a megapixel, those in ``type_prices`` for one of a type.
    """

    model_name: str
    description: str
    provider_info_id: str
    project_id: str
    model_type: str
    owner_name: str
    priority: int
    public: bool = False
    request_response_mapping: str | None = None
    input_token_price: float | Decimal | None = None
    output_token_price: float | Decimal | None = None
    context_size: int | None = None
    capabilities: tuple[str, ...] = ()
    input_types: tuple[str, ...] = ()
    output_types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    type_prices: Mapping[str, float] | None = None
    mp_price: float | None = None
    model_name_in_provider: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """A model that was made. Its token prices are decimal numbers as text, such as "0.00001".

    ``id`` is a uuid. ``created_us`` is in microseconds since 1970; the model, and
    its price, hold from then on.
    """

    id: str
    created_us: int
    model_name: str
    description: str
    provider_info_id: str
    project_id: str
    model_type: str
    owner_name: str
    priority: int
    public: bool
    request_response_mapping: str | None
    input_token_price: str | None
    output_token_price: str | None
    context_size: int | None
    capabilities: tuple[str, ...]
    input_types: tuple[str, ...]
    output_types: tuple[str, ...]
    tags: tuple[str, ...]
    type_prices: Mapping[str, float] | None
    mp_price: float | None
    model_name_in_provider: str | None
    parameters: Mapping[str, Any]

    @property
    def per_million(self) -> tuple[float, float] | None:
        """What a million tokens of input and of output cost; None where neither has a price."""
        prices = (self.input_token_price, self.output_token_price)
        if prices == (None, None):
            return None
        first, second = (float(Decimal(price or 0) * _MILLION) for price in prices)
        return first, second


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
        "SELECT id, created_us, fields FROM model WHERE project = ? OR public ORDER BY number",
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
        "SELECT id, created_us, fields FROM model WHERE name = ?1 AND (project = ?2 OR public) "
        "AND (?3 IS NULL OR owner = ?3) ORDER BY project = ?2 DESC, created_us DESC, number DESC",
        (name, project, owner),
    )
    return [_model(each, created_us, json.loads(fields)) for each, created_us, fields in found]


def _decimal(price: float | Decimal | None) -> str | None:
    """Write a price without an exponent."""
    return None if price is None else format(Decimal(str(price)), "f")


def _model(name: str, created_us: int, fields: dict[str, Any]) -> Model:
    tuples = ("capabilities", "input_types", "output_types", "tags")
    whole = fields | {key: tuple(fields[key]) for key in tuples}
    return Model(id=name, created_us=created_us, **whole)
