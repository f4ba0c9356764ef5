"""Trouble a request asks for itself, and where it may not."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.engine.wishing import plain, wished
from mockdock.errors import UsageError
from mockdock.request import Request
from mockdock.scenario import ErrorSpec, FaultSpec, Wish
from tests.engine.helpers import ask

ALL = ("header", "query", "model")


def names(wishes: tuple[Wish, ...]) -> list[str]:
    return [str(each.error) if isinstance(each, ErrorSpec) else each.type for each in wishes]


def found(
    triggers: Any = ALL,
    *,
    header: str | None = None,
    query: list[tuple[str, str]] | None = None,
    model: str = "gpt-4o",
) -> tuple[Request, list[str]]:
    headers = {} if header is None else {"x-mockdock-fault": header}
    request, made = wished(ask(model=model, headers=headers), query or [], triggers)
    return request, names(made)


def test_a_request_without_wishes_is_left_as_it_is() -> None:
    request = ask(headers={"x-other": "reset"})
    assert wished(request, [("a", "reset"), ("mockdock", "reset")], ALL) == (request, ())
    assert wished(request, [], ALL)[0] is request


def test_each_place_has_its_wishes_and_all_come_true() -> None:
    query = [("a", "b"), ("mockdock-fault", "stall;for=5s"), ("mockdock-fault", "crlf, slicer")]
    request, wishes = found(header="reset, 429", query=query, model="gpt-4o:mock-truncate")
    assert wishes == ["connection_reset", "429", "stall", "crlf", "slicer", "truncate"]
    assert request.model == "gpt-4o"


@pytest.mark.parametrize(
    ("triggers", "wishes"),
    [(("header",), ["401"]), (("query",), ["402"]), (("model",), ["403"]), ((), [])],
)
def test_a_place_that_is_no_trigger_is_not_looked_at(triggers: Any, wishes: list[str]) -> None:
    query = [("mockdock-fault", "402")]
    request, made = found(triggers, header="401", query=query, model="gpt-4o:mock-403")
    assert made == wishes
    assert request.model == ("gpt-4o" if "model" in triggers else "gpt-4o:mock-403")
    nonsense = found(set(ALL) - set(triggers), header="401", query=query, model="o3:mock-403")[1]
    assert sorted([*made, *nonsense]) == ["401", "402", "403"]


def test_nonsense_where_it_is_no_trigger_harms_nobody() -> None:
    query = [("mockdock-fault", "what?")]
    request, made = found((), header="what?", query=query, model="gpt-4o:mock-what?")
    assert (request.model, made) == ("gpt-4o:mock-what?", [])


@pytest.mark.parametrize("empty", ["", " ", ",", " , "])
def test_an_empty_wish_is_none(empty: str) -> None:
    """But a model's name ends with nothing by mistake only."""
    query = [("mockdock-fault", empty)]
    assert found(header=empty, query=query)[1] == []
    with pytest.raises(UsageError) as error:
        found(model=f"gpt-4o:mock-{empty}")
    told = f"the model 'gpt-4o:mock-{empty}' wishes for nothing after ':mock-'"
    assert str(error.value) == f"{told}: write such as gpt-4o:mock-429"
    assert found(("header",), model="gpt-4o:mock-")[0].model == "gpt-4o:mock-"


@pytest.mark.parametrize("place", ["header", "query", "model", "together"])
def test_too_many_wishes_are_refused(place: str) -> None:
    """Each is a stage that a reply goes through."""
    places: dict[str, dict[str, Any]] = {
        "header": {"header": ",".join(["slicer"] * 17)},
        "query": {"query": [("mockdock-fault", "slicer")] * 17},
        "model": {"model": f"gpt-4o:mock-{','.join(['slicer'] * 17)}"},
        "together": {
            "header": ",".join(["slicer"] * 8),
            "query": [("mockdock-fault", ",".join(["crlf"] * 8))],
            "model": "gpt-4o:mock-429",
        },
    }
    with pytest.raises(UsageError, match="a request has at most 16 wishes, and this one 17"):
        found(**places[place])
    assert len(found(header=",".join(["slicer"] * 16))[1]) == 16


@pytest.mark.parametrize(
    ("model", "named", "wishes"),
    [
        ("gpt-4o:mock-429", "gpt-4o", ["429"]),
        ("gpt-4o:mock-429;retry_after=20s,reset", "gpt-4o", ["429", "connection_reset"]),
        ("ft:gpt-4o:acme::1:mock-reset", "ft:gpt-4o:acme::1", ["connection_reset"]),
        ("ft:gpt-4o:acme::1", "ft:gpt-4o:acme::1", []),
        ("mock-429", "mock-429", []),
        (":mock-429", "", ["429"]),
    ],
)
def test_a_model_has_its_wishes_behind_its_name(model: str, named: str, wishes: list[str]) -> None:
    request, made = found(model=model)
    assert (request.model, made) == (named, wishes)
    assert plain(model, ALL) == named
    assert plain(model, ("header", "query")) == model


@pytest.mark.parametrize("place", ["header", "query", "model"])
def test_a_wish_that_is_not_understood_is_refused(place: str) -> None:
    places: dict[str, Any] = {
        "header": "429,rest",
        "query": [("mockdock-fault", "429,rest")],
        "model": "gpt-4o:mock-429,rest",
    }
    with pytest.raises(UsageError, match=r"'rest' is no error and no fault \(did you mean 'reset"):
        found(**{place: places[place]})


def test_a_wish_keeps_its_options() -> None:
    header = {"x-mockdock-fault": "stall;for=5s;tokens=3"}
    _, (wish,) = wished(ask(headers=header), [], ALL)
    assert isinstance(wish, FaultSpec)
    assert wish.after is not None
    assert (wish.for_, wish.after.tokens) == (5.0, 3)


def test_a_deployment_loses_the_wish_of_the_model_it_is_called_after() -> None:
    """Where none are declared its name is that of the model; a declared one has its own."""
    for deployment, bare in (("gpt-4o:mock-429", "gpt-4o"), ("chat", "chat")):
        asked = ask(model="gpt-4o:mock-429", deployment=deployment)
        request, found = wished(asked, (), {"model"})
        assert (request.model, request.deployment, len(found)) == ("gpt-4o", bare, 1)
