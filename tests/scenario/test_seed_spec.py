"""What a gateway's accounts begin with, as it is written in a scenario."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mockdock.errors import ScenarioError
from mockdock.scenario import load
from mockdock.scenario.langdb import LangDBSpec
from mockdock.scenario.seeds import PriceSpec, ThreadSpec, UsedSpec
from tests.scenario.helpers import refusal

PRICE = {"per_input_token": 1, "per_output_token": 2}


def seeds(**fields: Any) -> LangDBSpec:
    return LangDBSpec.model_validate({"project": "p", **fields})


def wrong(**fields: Any) -> str:
    return refusal(LangDBSpec, {"project": "p", **fields})


def test_a_time_is_so_long_ago_or_a_moment() -> None:
    said = seeds(
        threads=[
            {"ago": "3d"},
            {"ago": "90m"},
            {"created_at": "2026-01-31"},
            {"created_at": "2026-01-31T10:00:00+02:00"},
            {},
        ]
    )
    assert [each.ago for each in said.threads] == [3 * 86_400.0, 5400.0, None, None, None]
    assert said.threads[2].created_at == datetime(2026, 1, 31, tzinfo=UTC)
    assert said.threads[3].created_at == datetime(2026, 1, 31, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "more", "name"),
    [
        (ThreadSpec, {}, "created_at"),
        (PriceSpec, PRICE, "valid_from"),
        (UsedSpec, {"model": "m"}, "started_at"),
    ],
)
def test_a_time_is_told_once_and_can_be(kind: Any, more: dict[str, Any], name: str) -> None:
    both = refusal(kind, {**more, "ago": "1d", name: "2026-01-31"})
    assert both == f"'ago' and '{name}' exclude each other"
    assert refusal(kind, {**more, "ago": "4000d"}) == "'4000d' is longer than ten years"
    assert "needs a unit" in refusal(kind, {**more, "ago": 3})
    for moment in ("yesterday", 2026, "9999-12-31T23:59:59-14:00"):
        assert "is not a moment (such as 2026-01-31T" in refusal(kind, {**more, name: moment})
    assert refusal(kind, {**more, name: "1969-12-31"}) == "'1969-12-31' is before 1970"


@pytest.mark.parametrize(
    ("ago", "told"),
    [
        ("90m", "5400000ms"),
        ("366d", "31622400000ms"),
        ("367d", "367d"),
        ("400d", "400d"),
        ("1000.125d", "1000.125d"),
        ("3660d", "3660d"),
    ],
)
def test_a_time_that_is_dumped_is_read_as_it_was(ago: str, told: str) -> None:
    said = seeds(threads=[{"ago": ago}])
    dumped = said.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert dumped["threads"][0]["ago"] == told
    assert LangDBSpec.model_validate(dumped) == said


def test_what_belongs_to_no_project_is_refused_where_it_stands() -> None:
    lone: tuple[dict[str, Any], ...] = (
        {"threads": [{}]},
        {"usage": [{"model": "m", "ago": "1d"}]},
        {"history": {}},
    )
    for said in lone:
        told = refusal(LangDBSpec, said)
        assert told == (
            "this belongs to no project (name one here, or for all of langdb: project: my-project)"
        )
    named = {"threads": [{"project_id": "a"}], "history": {"projects": ["b"]}, "prices": {"c": {}}}
    assert LangDBSpec.model_validate(named).usual_project == ""
    first = LangDBSpec.model_validate({"projects": ["a", "b"], "threads": [{}]})
    assert first.usual_project == "a"


@pytest.mark.parametrize(
    "said",
    [
        {"threads": [{"project_id": "q"}]},
        {"models": [{"model_name": "m", "owner_name": "o", "project_id": "q"}]},
        {"usage": [{"model": "m", "ago": "1d", "project_id": "q"}]},
        {"prices": {"q": {"m": PRICE}}},
        {"history": {"projects": ["p", "q"]}},
    ],
)
def test_a_project_that_is_not_there_has_no_past(said: dict[str, Any]) -> None:
    told = wrong(projects=["p", "r"], **said)
    assert told == "'q' is not among the 'projects' (projects: p, r)"


def test_nothing_is_there_twice() -> None:
    assert wrong(threads=[{"id": "t"}, {"id": "t"}]) == "there is a thread 't' already"
    assert seeds(threads=[{"id": "t"}, {"id": "t", "project_id": "q"}, {}, {}])
    model = {"model_name": "m", "owner_name": "o"}
    assert wrong(models=[model, model]) == "there is a model o/m already"
    assert seeds(models=[model, {**model, "owner_name": "x"}, {**model, "project_id": "q"}])


def test_names_stand_for_users_and_models() -> None:
    said = seeds(history={"users": ["Ann", {"id": "2"}], "models": ["gpt-4o"]}).history
    assert said is not None
    assert [(each.id, each.name) for each in said.users] == [("Ann", "Ann"), ("2", None)]
    assert [(each.model, each.share) for each in said.models] == [("gpt-4o", 1.0)]
    assert "expected the id of a user" in wrong(history={"users": [3]})
    assert "expected a model or a mapping" in wrong(history={"models": ["m", None]})


def test_texts_that_no_ledger_can_keep_are_refused() -> None:
    told = "half of a surrogate pair cannot be kept: '\\ud800'"
    assert wrong(threads=[{"title": "\ud800"}]) == told
    assert wrong(threads=[{"messages": [{"type": "ai", "content": "\ud800"}]}]) == told


def test_a_history_is_not_too_long() -> None:
    assert seeds(history={"days": 100, "per_day": 1000})
    assert wrong(history={"days": 101, "per_day": 1000}) == (
        "a history of some 101000 exchanges is too long "
        "(at most 100000: days x per_day, for each project)"
    )
    assert "200000" in wrong(history={"days": 100, "per_day": 1000, "projects": ["a", "b"]})


def test_a_past_exchange_has_its_time_and_a_first_token_within_it() -> None:
    assert wrong(usage=[{"model": "m"}]) == (
        "a past exchange needs 'ago' or 'started_at' (such as ago: 3d)"
    )
    used = {"model": "m", "ago": "1d", "ttft": "2s"}
    assert wrong(usage=[used]) == "ttft is longer than duration"
    assert seeds(usage=[{**used, "duration": "2s"}])


def test_what_is_wrong_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "mockdock: 1\n"
        "langdb:\n"
        "  project: p\n"
        "  projects: [p]\n"
        "  threads:\n"
        "    - {title: One, ago: 3}\n"
        "    - {titel: Two}\n"
        "  models:\n"
        "    - {model_name: m}\n"
        "  prices:\n"
        "    p: {m: {per_input_token: -1, per_output_token: 1}}\n"
        "  history: {error_rate: 2}\n"
    )
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert [
        (each.line, each.column, each.path, each.message) for each in caught.value.problems
    ] == [
        (6, 25, "langdb.threads[0].ago", "a duration needs a unit"),
        (7, 8, "langdb.threads[1].titel", "unknown key 'titel'"),
        (9, 7, "langdb.models[0].owner_name", "the key 'owner_name' is missing"),
        (11, 30, "langdb.prices.p.m.per_input_token", "-1 is not at least 0"),
        (12, 25, "langdb.history.error_rate", "2 is not at most 1"),
    ]
    path.write_text(
        "mockdock: 1\n"
        "langdb:\n"
        "  projects: [p]\n"
        "  prices:\n"
        "    q: {m: {per_input_token: 1, per_output_token: 1}}\n"
    )
    with pytest.raises(ScenarioError) as caught:
        load(path)
    (problem,) = caught.value.problems
    assert (problem.line, problem.column, problem.path) == (5, 5, "langdb.prices.q")
