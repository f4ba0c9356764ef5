"""Models that users made, and prices."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from mockdock.errors import UsageError
from mockdock.ledger import Ledger, Model, NewModel, Price
from mockdock.ledger import models as models_module
from mockdock.ledger import prices as prices_module
from tests.ledger.helpers import NOON

PROVIDER = "e2e9129b-6661-4eeb-80a2-0c86964974c9"


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger() as opened:
        yield opened


def new(**fields: Any) -> NewModel:
    usual: dict[str, Any] = {
        "model_name": "my-model",
        "description": "A model",
        "provider_info_id": PROVIDER,
        "project_id": "p",
        "model_type": "completions",
        "owner_name": "openai",
        "priority": 0,
    }
    return NewModel(**usual | fields)


def test_a_model_is_given_back_with_an_id_and_prices_as_text(tmp_path: Path) -> None:
    asked = new(
        public=True,
        request_response_mapping="openai-compatible",
        input_token_price=0.00001,
        output_token_price=Decimal("0.00003"),
        context_size=128000,
        capabilities=("tools",),
        input_types=("text", "image"),
        output_types=("text",),
        tags=("x",),
        type_prices={"text_generation": 0.00002},
        mp_price=0.5,
        model_name_in_provider="my-model-v1.2",
        parameters={"top_k": {"default": 0, "type": "int"}},
    )
    expected: dict[str, Any] = {
        "created_us": NOON,
        "model_name": "my-model",
        "description": "A model",
        "provider_info_id": PROVIDER,
        "project_id": "p",
        "model_type": "completions",
        "owner_name": "openai",
        "priority": 0,
        "public": True,
        "request_response_mapping": "openai-compatible",
        "input_token_price": "0.00001",
        "output_token_price": "0.00003",
        "context_size": 128000,
        "capabilities": ("tools",),
        "input_types": ("text", "image"),
        "output_types": ("text",),
        "tags": ("x",),
        "type_prices": {"text_generation": 0.00002},
        "mp_price": 0.5,
        "model_name_in_provider": "my-model-v1.2",
        "parameters": {"top_k": {"default": 0, "type": "int"}},
    }
    with Ledger(tmp_path / "a.db") as ledger:
        made = ledger.create_model(asked, NOON)
    assert UUID(made.id)
    assert made == Model(id=made.id, **expected)
    with Ledger(tmp_path / "a.db") as ledger:
        assert ledger.models("p") == (made,)
        assert ledger.model("p", "my-model") == made


def test_the_price_of_a_model_is_that_of_a_million_tokens(ledger: Ledger) -> None:
    ledger.create_model(new(input_token_price=0.00001, output_token_price=3e-5), NOON)
    ledger.create_model(new(model_name="half", output_token_price=3e-5), NOON)
    ledger.create_model(new(model_name="none"), NOON)
    assert ledger.price("p", "openai", "my-model", NOON) == Price(10, 30, NOON)
    assert ledger.price("p", "openai", "my-model", NOON - 1) is None
    assert ledger.price("p", "openai", "half", NOON) == Price(0, 30, NOON)
    assert ledger.price("p", "openai", "none", NOON) is None
    assert ledger.price("p", "azure", "my-model", NOON) is None
    assert ledger.price("q", "openai", "my-model", NOON) is None


def test_models_are_those_of_the_project_and_public_ones_by_priority(ledger: Ledger) -> None:
    for fields in (
        {"model_name": "late", "priority": 2},
        {"model_name": "first"},
        {"model_name": "second"},
        {"model_name": "private", "project_id": "q"},
        {"model_name": "shared", "project_id": "q", "public": True},
    ):
        ledger.create_model(new(**fields), NOON)
    assert [m.model_name for m in ledger.models("p")] == ["first", "second", "shared", "late"]
    assert [m.model_name for m in ledger.models("r")] == ["shared"]
    assert ledger.model("p", "private") is None


def test_a_model_made_again_takes_the_place_of_the_first(ledger: Ledger) -> None:
    first = ledger.create_model(new(description="1", input_token_price=1e-6), NOON)
    second = ledger.create_model(new(description="2", input_token_price=2e-6), NOON + 1)
    assert first.id != second.id
    assert ledger.models("p") == (second,)
    assert ledger.model("p", "my-model") == second
    assert ledger.price("p", "openai", "my-model", NOON) == Price(1, 0, NOON)
    assert ledger.price("p", "openai", "my-model", NOON + 1) == Price(2, 0, NOON + 1)


def test_the_projects_own_model_wins_over_a_public_one(ledger: Ledger) -> None:
    mine = ledger.create_model(new(input_token_price=1e-6), NOON)
    theirs = ledger.create_model(new(project_id="q", public=True, input_token_price=2e-6), NOON + 1)
    assert ledger.models("p") == (mine,)
    assert ledger.models("q") == ledger.models("r") == (theirs,)
    assert ledger.model("p", "my-model") == mine
    assert ledger.price("p", "openai", "my-model", NOON + 1) == Price(1, 0, NOON)
    assert ledger.price("r", "openai", "my-model", NOON + 1) == Price(2, 0, NOON + 1)


def test_models_of_one_name_are_told_apart_by_their_owner(ledger: Ledger) -> None:
    first = ledger.create_model(new(owner_name="a"), NOON)
    second = ledger.create_model(new(owner_name="b"), NOON)
    assert ledger.models("p") == (first, second)
    assert ledger.model("p", "my-model", owner="a") == first
    assert ledger.model("p", "my-model") == second
    assert ledger.model("p", "my-model", owner="c") is None


def test_a_price_holds_from_its_moment_on(ledger: Ledger) -> None:
    ledger.set_prices("p", {"bedrock/x": Price(1, 2), "bedrock/y": Price(5, 6, NOON - 9)}, NOON)
    ledger.set_prices("p", {"bedrock/x": Price(3, 4)}, NOON + 10)
    assert ledger.price("p", "bedrock", "x", NOON - 1) is None
    assert ledger.price("p", "bedrock", "x", NOON) == Price(1, 2, NOON)
    assert ledger.price("p", "bedrock", "x", NOON + 9) == Price(1, 2, NOON)
    assert ledger.price("p", "bedrock", "x", NOON + 10) == Price(3, 4, NOON + 10)
    assert ledger.price("p", "bedrock", "y", NOON - 9) == Price(5, 6, NOON - 9)
    assert ledger.price("q", "bedrock", "x", NOON) is None
    assert ledger.prices("p", NOON + 9) == {
        "bedrock/x": Price(1, 2, NOON),
        "bedrock/y": Price(5, 6, NOON - 9),
    }
    assert ledger.prices("p", NOON + 10)["bedrock/x"] == Price(3, 4, NOON + 10)


def test_the_price_set_for_the_most_exact_name_wins(ledger: Ledger) -> None:
    ledger.create_model(new(input_token_price=1e-6), NOON)
    assert ledger.price("p", "openai", "my-model", NOON) == Price(1, 0, NOON)
    ledger.set_prices("p", {"my-model": Price(2, 2)}, NOON)
    assert ledger.price("p", "openai", "my-model", NOON) == Price(2, 2, NOON)
    ledger.set_prices("p", {"openai/my-model": Price(3, 3)}, NOON)
    assert ledger.price("p", "openai", "my-model", NOON) == Price(3, 3, NOON)
    assert ledger.price("p", "azure", "my-model", NOON) == Price(2, 2, NOON)


def test_prices_survive_a_restart(tmp_path: Path) -> None:
    with Ledger(tmp_path / "a.db") as ledger:
        ledger.set_prices("p", {"x": Price(1, 2)}, NOON)
        ledger.set_prices("p", {"x": Price(3, 4)}, NOON)
    with Ledger(tmp_path / "a.db") as ledger:
        assert ledger.prices("p", NOON) == {"x": Price(3, 4, NOON)}


def test_what_is_remembered_is_bounded(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockdock.ledger.ledger._MOST_KNOWN", 3)
    for n in range(10):
        assert ledger.price("p", "x", str(n), NOON) is None
    assert len(ledger._known) <= 3


def test_models_and_prices_are_bounded(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models_module, "_MOST", 1)
    monkeypatch.setattr(prices_module, "_MOST", 2)
    made = ledger.create_model(new(), NOON)
    with pytest.raises(UsageError, match="at most 1 models"):
        ledger.create_model(new(model_name="other"), NOON)
    assert ledger.models("p") == (made,)
    ledger.set_prices("p", {"x": Price(1, 2)}, NOON)
    with pytest.raises(UsageError, match="at most 2 prices"):
        ledger.set_prices("p", {"y": Price(1, 2), "z": Price(1, 2)}, NOON)
    assert list(ledger.prices("p", NOON)) == ["x"]


def test_names_of_any_length_are_not_remembered(ledger: Ledger) -> None:
    ledger.create_model(new(), NOON)
    assert ledger.model("p", "my-model") is not None
    for each in range(10):
        assert ledger.model("p", f"{each}{'x' * 10_000}") is None
        assert ledger.price("p", "openai", f"{each}{'x' * 10_000}", NOON) is None
    assert len(ledger._known) == 1
