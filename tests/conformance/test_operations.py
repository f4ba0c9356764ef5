"""Every operation of every dialect against its golden pair: a request, and the answer's bytes.

``fixtures/<dialect>/operations`` has for each operation a ``<name>.request.json`` and a
``<name>.response.json``; what can be streamed also a ``<name>.stream.request.json`` and its
``.response.sse``. The request says where its answer is known from, and is sent by every path
the operation has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import compile_path

from mockdock import resources
from mockdock.app import App
from mockdock.dialects import DIALECTS, Dialect, Route
from tests.conformance.adapters import normalised
from tests.conformance.asgi import Answer, app_of, ask

OWN = frozenset({"langdb"})
"""Its answers depend on traffic before: tests/dialects/langdb/test_golden.py has its files."""
TOLD = [each for each in DIALECTS if each.name not in OWN]
STREAMED = frozenset({"chat", "completions"})
KEYS = {"source", "scenario", "before", "params", "request"}
PARAMETER = re.compile(r"\{(\w+)[^}]*\}")
CHANGING = (
    (rb'"chatcmpl-[0-9A-Za-z]{29}-(\d+)"', rb'"chatcmpl-ID-\1"'),
    (rb'"cmpl-[0-9A-Za-z]{29}"', b'"cmpl-ID"'),
    (rb'("object":\s?"text_completion",\s*"created":\s?)\d{10}', rb"\g<1>0"),
    (rb'"created":\d{10}(?=,"id":"cmpl-ID")', b'"created":0'),
    (rb'"created": \d{10}(?=,\s*"request_id")', b'"created": 0'),
    (rb'"req_[0-9a-f]{32}"', b'"req_ID"'),
    (rb'"modr-(?:[0-9a-f]{32}|\d{4})"', b'"modr-ID"'),
)
IDS = (b"chatcmpl-ID", b"chatcmpl-ID-0", b"cmpl-ID", b"modr-ID", b"req_ID")


def names(dialect: Dialect) -> set[str]:
    """Name what a dialect has to have a pair of."""
    operations = {each.operation for each in dialect.routes}
    return operations | {f"{each}.stream" for each in operations & STREAMED}


def folder(dialect: Dialect) -> Path:
    """Find the pairs of a dialect."""
    return resources.fixtures() / dialect.name / "operations"


def response_of(dialect: Dialect, name: str) -> Path:
    """Find the bytes that answer."""
    ending = "sse" if name.endswith(".stream") else "json"
    return folder(dialect) / f"{name}.response.{ending}"


def request_of(dialect: Dialect, name: str) -> dict[str, Any]:
    """Read a request, and all that belongs to it."""
    told = json.loads((folder(dialect) / f"{name}.request.json").read_text(encoding="utf-8"))
    assert set(told) <= KEYS
    assert told["source"]
    found: dict[str, Any] = told
    return found


def known(body: bytes) -> bytes:
    """Replace what differs from run to run."""
    body = normalised(body)
    for pattern, name in CHANGING:
        body = re.sub(pattern, name, body)
    return body


def send(app: App, request: dict[str, Any], path: str, **values: str) -> Answer:
    """Send the request of a pair by a path."""
    body = json.dumps(request["body"]).encode() if "body" in request else b""
    headers = {"host": "localhost", "authorization": "Bearer sk-test", **request.get("headers", {})}
    if body:
        headers["content-type"] = "application/json"
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value)
    query = request.get("query", "").encode()
    return ask(app, request["method"], path, body, headers, query_string=query)


def routes(dialect: Dialect, name: str) -> list[Route]:
    """Give the routes of an operation."""
    operation = name.removesuffix(".stream")
    return [each for each in dialect.routes if each.operation == operation]


def paths(dialect: Dialect, name: str) -> Iterator[str]:
    """Give the paths by which a request can be sent; its own is one of them."""
    told = request_of(dialect, name)
    request = told["request"]
    params = dict(told.get("params", {}))
    for route in routes(dialect, name):
        if match := compile_path(route.path)[0].match(request["path"]):
            params |= match.groupdict()
    for route in routes(dialect, name):
        assert route.method == request["method"]
        yield PARAMETER.sub(lambda found: str(params[found[1]]), route.path)


PAIRS = [
    pytest.param(dialect, name, id=f"{dialect.name}-{name}")
    for dialect in TOLD
    for name in sorted(names(dialect))
]


@pytest.mark.parametrize("dialect", TOLD, ids=lambda dialect: dialect.name)
def test_every_operation_has_a_pair_and_every_pair_an_operation(dialect: Dialect) -> None:
    requests = {f"{name}.request.json" for name in names(dialect)}
    responses = {response_of(dialect, name).name for name in names(dialect)}
    assert {each.name for each in folder(dialect).iterdir()} == requests | responses


@pytest.mark.parametrize(("dialect", "name"), PAIRS)
def test_an_operation_answers_with_the_golden_bytes_by_every_path(
    dialect: Dialect, name: str
) -> None:
    told = request_of(dialect, name)
    ways = list(paths(dialect, name))
    assert told["request"]["path"] in ways
    for path in ways:
        app = app_of(*told["scenario"].get("rules", ()), **_settings(told))
        values = {}
        for before in told.get("before", ()):
            values = {"id": send(app, before, before["path"]).json()["id"]}
        answer = send(app, told["request"], path, **values)
        assert answer.status == 200
        kind = "text/event-stream" if name.endswith(".stream") else "application/json"
        assert answer.headers["content-type"].startswith(kind)
        assert known(answer.body) == known(response_of(dialect, name).read_bytes()), path


def _settings(told: dict[str, Any]) -> dict[str, Any]:
    """Give the settings of the scenario, apart from its rules."""
    return {name: value for name, value in told["scenario"].items() if name != "rules"}


@pytest.mark.parametrize(("dialect", "name"), PAIRS)
def test_ids_of_a_golden_pair_have_the_form_that_is_replaced(dialect: Dialect, name: str) -> None:
    """So an id of another form in an answer is a difference."""
    replaced = known(response_of(dialect, name).read_bytes())
    left = re.findall(rb'"(?:chatcmpl|cmpl|modr|req)[-_][^"]*"', replaced)
    assert set(left) <= {b'"%b"' % each for each in IDS}
