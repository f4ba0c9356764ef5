"""Which dialect a path belongs to: one, or none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

import pytest
from starlette.routing import compile_path

from mockdock.app import App
from mockdock.dialects import DIALECTS, chosen
from mockdock.engine import Engine
from mockdock.errors import UsageError
from mockdock.scenario import load
from tests.conformance.asgi import ask

ROUTES = [(each.name, route) for each in DIALECTS for route in each.routes]
LITERALS = sorted(
    {part for _, route in ROUTES for part in route.path.split("/") if part and "{" not in part}
)
PARAMETER = re.compile(r"\{[^}]*\}")


def paths(pattern: str) -> Iterator[str]:
    """Fill a pattern with every name that stands in any other, and with one that does not."""
    names = PARAMETER.findall(pattern)
    for values in product([*LITERALS, "x", "x/y"], repeat=len(names)):
        path = pattern
        for name, value in zip(names, values, strict=True):
            if "/" in value and ":path" not in name:
                break
            path = path.replace(name, value, 1)
        else:
            yield path


def test_no_request_is_ambiguous() -> None:
    """Every path a route can have belongs to one dialect, or to one more that a header marks."""
    compiled = [(name, route.method, compile_path(route.path)[0]) for name, route in ROUTES]
    marked = {each.name for each in DIALECTS if each.mark}
    tried = 0
    for _, route in ROUTES:
        for path in paths(route.path):
            tried += 1
            speakers = {
                name
                for name, method, regex in compiled
                if method == route.method and regex.match(path)
            }
            if not speakers:
                continue  # a name that the route's own convertor does not take
            for sent in (frozenset[str](), marked):
                mine = (speakers & sent) or (speakers - marked) or speakers
                assert len(mine) == 1, (route.method, path, speakers)
    assert tried > len(ROUTES)


def test_a_header_decides_whose_a_shared_path_is() -> None:
    engine = Engine(load({"mockdock": 1, "rules": [{"reply": "Hi"}]}).scenario)
    body = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}'
    usual = {"content-type": "application/json"}
    marked = {**usual, "x-project-id": "p"}
    app = App(engine)
    theirs = ask(app, "POST", "/v1/chat/completions", body, usual)
    assert theirs.json()["id"].startswith("chatcmpl-")
    ours = ask(app, "POST", "/v1/chat/completions", body, marked)
    assert ours.headers["x-provider-name"] == "openai"
    alone = App(engine, dialects=["langdb"])
    refused = ask(alone, "POST", "/v1/chat/completions", body, usual)
    assert refused.status == 400
    assert refused.json() == {"error": "Missing required header: X-Project-Id"}


def test_a_server_speaks_the_dialects_it_is_told_to() -> None:
    engine = Engine(load({"mockdock": 1, "rules": [{"reply": "Hi"}]}).scenario)
    app = App(engine, dialects=["azure"])
    body = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}'
    headers = {"content-type": "application/json"}
    assert ask(app, "POST", "/openai/v1/chat/completions", body, headers).status == 200
    refused = ask(app, "POST", "/v1/chat/completions", body, headers)
    assert refused.status == 404
    assert refused.json()["error"]["message"] == "Resource not found"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["openai", "asure"], "no dialect 'asure'; there are openai, azure, langdock, langdb"),
        ([], "a server needs a dialect; there are openai, azure, langdock, langdb"),
    ],
)
def test_dialects_there_are_not_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        chosen(names)


def test_dialects_keep_their_order() -> None:
    assert chosen(None) == DIALECTS
    assert [each.name for each in chosen(["langdock", "openai"])] == ["openai", "langdock"]
