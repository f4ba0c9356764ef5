"""The model catalogue: its data, and how names are understood."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest

from mockdock.content import catalogue
from mockdock.content.catalogue import Catalogue, Model, load

MODELS = load().all()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_entry_is_sound(model: Model) -> None:
    assert model.owned_by in {"openai", "system", "openai-internal"}
    assert 1_600_000_000 < model.created < 1_800_000_000
    assert model.encoding in {"o200k_base", "cl100k_base"}
    assert model.context_window >= 4096
    assert set(model.assumed) <= set(Model.__struct_fields__)
    assert list(model.assumed) == sorted(set(model.assumed))
    assert (model.kind == "embedding") == (model.dimensions is not None)
    assert (model.kind in ("embedding", "moderation")) == (model.max_output_tokens == 0)
    assert model.max_output_tokens <= model.context_window
    fingerprint = model.system_fingerprint
    assert fingerprint is None or re.fullmatch(r"fp_[0-9a-f]{10}", fingerprint)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_snapshot_is_an_entry_that_answers_as_itself(model: Model) -> None:
    snapshot = load().get(model.snapshot)
    assert snapshot is not None
    assert snapshot.snapshot == snapshot.id
    shared = ("encoding", "context_window", "max_output_tokens", "reasoning", "system_fingerprint")
    for name in shared:
        assert getattr(snapshot, name) == getattr(model, name)


@pytest.mark.parametrize("model", [m for m in MODELS if m.prices], ids=lambda model: model.id)
def test_price_is_decimal_text_with_date_and_source(model: Model) -> None:
    prices = model.prices
    assert prices is not None
    for amount in (prices.input, prices.output, prices.cached_input or "0"):
        assert Decimal(amount) >= 0
    assert Decimal(prices.cached_input or "0") < Decimal(prices.input)
    assert date.fromisoformat(prices.as_of)
    assert prices.source


def test_ids_are_unique_and_order_is_stable() -> None:
    ids = [model.id for model in MODELS]
    assert len(set(ids)) == len(ids)
    assert [model.id for model in load().all()] == ids


def test_loading_happens_once() -> None:
    assert load() is load()


@pytest.mark.parametrize(
    ("name", "snapshot", "fingerprint"),
    [
        ("gpt-3.5-turbo", "gpt-3.5-turbo-0125", None),
        ("gpt-4", "gpt-4-0613", None),
        ("gpt-4o", "gpt-4o-2024-08-06", "fp_ab062d0c27"),
        ("gpt-4o-mini", "gpt-4o-mini-2024-07-18", "fp_f3f8cb237c"),
        ("gpt-4.1-nano", "gpt-4.1-nano-2025-04-14", "fp_a597f3a3b1"),
        ("o3-mini", "o3-mini-2025-01-31", None),
        ("gpt-5", "gpt-5-2025-08-07", None),
        ("gpt-5.4-mini", "gpt-5.4-mini-2026-03-17", None),
        ("gpt-5.6-sol", "gpt-5.6-sol", None),
        ("openai/gpt-4o", "gpt-4o-2024-08-06", "fp_ab062d0c27"),
    ],
)
def test_alias_answers_with_its_recorded_snapshot(
    name: str, snapshot: str, fingerprint: str | None
) -> None:
    model = load().get(name)
    assert model is not None
    assert (model.snapshot, model.system_fingerprint) == (snapshot, fingerprint)


@pytest.mark.parametrize("name", ["gpt-5", "gpt-5.2", "o1", "o3", "o4-mini", "gpt-5.5"])
def test_reasoning_models_are_marked(name: str) -> None:
    model = load().resolve(name)
    assert model.reasoning
    assert not model.assumed or "reasoning" not in model.assumed


@pytest.mark.parametrize(
    ("name", "size"), [("3-small", 1536), ("3-large", 3072), ("ada-002", 1536)]
)
def test_embedding_models_have_dimensions(name: str, size: int) -> None:
    assert load().resolve(f"text-embedding-{name}").dimensions == size


@pytest.mark.parametrize("prefix", ["", "openai/"])
def test_fine_tune_has_the_facts_of_its_base_and_its_own_name(prefix: str) -> None:
    model = load().get(f"{prefix}ft:gpt-4o-mini-2024-07-18:acme::abc123")
    base = load().resolve("gpt-4o-mini")
    assert model is not None
    assert model.id == model.snapshot == "ft:gpt-4o-mini-2024-07-18:acme::abc123"
    assert model.owned_by == "acme"
    assert model.system_fingerprint == base.system_fingerprint
    assert model.prices is None


@pytest.mark.parametrize("name", ["", "/", "nope", "ft:", "ft:nope:org::id", "openai/nope", "ft"])
def test_unknown_name_is_none_but_resolves_to_itself(name: str) -> None:
    assert load().get(name) is None
    model = load().resolve(name)
    assert model.id == model.snapshot == name
    assert model.prices is None
    assert "context_window" in model.assumed


@pytest.mark.parametrize(
    ("name", "encoding", "reasoning"),
    [
        ("my-model", "o200k_base", False),
        ("o3-next", "o200k_base", True),
        ("gpt-5.9-mini", "o200k_base", True),
        ("openai/gpt-5.9", "o200k_base", True),
        ("gpt-35-turbo", "cl100k_base", False),
        ("gpt-4-32k", "cl100k_base", False),
        ("ft:gpt-4-0314:org::id", "cl100k_base", False),
        ("gpt-4o-future", "o200k_base", False),
        ("orca", "o200k_base", False),
    ],
)
def test_unknown_name_is_guessed_by_its_family(
    name: str, encoding: str, *, reasoning: bool
) -> None:
    model = load().resolve(name)
    assert (model.encoding, model.reasoning) == (encoding, reasoning)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("gpt-5", "gpt-5"),
        ("openai/gpt-5-2025-08-07", "gpt-5"),
        ("gpt-35-turbo", "gpt-3.5-turbo"),
        ("gpt-3.5-turbo", "gpt-3.5-turbo-0125"),
        ("ft:gpt-4o-mini-2024-07-18:acme::abc123", "gpt-4o-mini"),
        ("gpt-6-mini-2027-01-01", "gpt-6-mini"),
        ("my-model", "my-model"),
        ("", ""),
    ],
)
def test_family_is_the_plain_name_of_what_answers(name: str, family: str) -> None:
    assert load().resolve(name).traits.family == family


def test_family_is_that_of_the_snapshot_not_of_the_name() -> None:
    assert Model("my-dep", "gpt-5-2025-08-07", reasoning=True).traits.family == "gpt-5"


def test_own_models_replace_the_built_in_ones() -> None:
    own = Catalogue([Model("a", "a-1"), Model("b", "b"), Model("a", "a-2")])
    assert [model.snapshot for model in own.all()] == ["a-2", "b"]
    assert own.get("gpt-4o") is None
    assert load().get("a") is None


def test_exported_names_are_the_public_ones() -> None:
    assert set(catalogue.__all__) == {"Catalogue", "Model", "Prices", "load"}


def test_azure_spells_a_model_without_its_dot() -> None:
    """Its own name is answered, with the facts of the other."""
    found, usual = load().resolve("gpt-35-turbo"), load().resolve("gpt-3.5-turbo")
    assert (found.id, found.snapshot) == ("gpt-35-turbo", "gpt-35-turbo")
    assert (found.context_window, found.prices) == (usual.context_window, usual.prices)
    assert load().get("gpt-35-turbo") is None
    assert load().resolve("gpt-35-turbo-nonsense").assumed
