"""The control API describes itself, and does what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.routing import Route

from mockdock.observe.control.app import control_app
from mockdock.observe.control.routes import OPERATIONS
from tests.observe.control import Control

METHODS = {"get", "put", "post", "patch", "delete"}
PARAMETERS = {"path", "query", "header"}
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(scope="module")
def document() -> Any:
    return Control().ask("GET", "/openapi.json").json


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def parts(value: Any) -> Iterator[Any]:
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from parts(one)


def look_up(document: Any, reference: str) -> Any:
    found = document
    assert reference.startswith("#/")
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def validator(document: Any, schema: Any) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document["components"]})


def test_every_route_is_described_and_nothing_else(document: Any) -> None:
    served = {
        (route.path.replace(":path}", "}"), method.lower())
        for route in control_app(Control().verbs).routes
        if isinstance(route, Route)
        for method in route.app._operations  # type: ignore[attr-defined]
    }
    assert {(path, method) for path, method, _ in operations(document)} == served
    assert len(served) == len(OPERATIONS)


def test_the_document_has_the_form_of_openapi(document: Any) -> None:
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert {"title", "version"} <= document["info"].keys()
    assert document["servers"] == [{"url": "/__mockdock"}]
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for path, method, operation in operations(document):
        assert path.startswith("/")
        assert method in METHODS
        assert operation["summary"].endswith(".")
        for parameter in operation["parameters"]:
            assert parameter["in"] in PARAMETERS
            assert "schema" in parameter
        in_path = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path))
        assert [status for status in operation["responses"] if status.startswith("2")]


def test_every_reference_leads_somewhere_and_every_schema_is_one(document: Any) -> None:
    references = {one["$ref"] for one in parts(document) if isinstance(one, dict) and "$ref" in one}
    assert references
    for reference in references:
        assert look_up(document, reference)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for response in document["components"]["responses"].values():
        assert response["description"]


def test_every_scheme_of_security_is_declared(document: Any) -> None:
    named = {name for wanted in document["security"] for name in wanted}
    assert named == document["components"]["securitySchemes"].keys()
    assert {} in document["security"]  # this machine needs none


REQUESTS: dict[str, tuple[str, object]] = {
    "load": ("", {"mockdock": 1, "rules": [{"name": "hello", "reply": "hi"}]}),
    "add_rule": ("", {"reply": "x"}),
    "replace_rule": ("+1", {"reply": "y"}),
    "remove_rule": ("+1", b""),
    "wait": ("", b""),
    "verify_order": ("", {"order": [["+1"]]}),
    "explain": ("", {"request": CHAT}),
    "session": ("one", b""),
    "open": ("one", {"seed": 3}),
    "close": ("one", b""),
    "set_state": ("", {"a": 1}),
    "set_limits": ("", {"limits": [{"rpm": 3}], "workspaces": {"blue": ["sk-a"]}}),
    "set_trouble": ("", {"faults": ["slicer"], "chaos": None}),
    "audit_by": ("", {"policy": {"policy": "openai-node", "max_attempts": 2}}),
    "advance": ("", {"seconds": 1}),
    "change": ("", {"seed": 2}),
}


@pytest.mark.parametrize("name", [operation.name for operation in OPERATIONS])
def test_answers_are_as_described(document: Any, name: str) -> None:
    control = Control()
    control.ask("PUT", "/sessions/one")
    control.ask("POST", "/rules", {"reply": "x"})
    key, body = REQUESTS.get(name, ("", b""))
    path, method, operation = next(
        one for one in operations(document) if one[2]["operationId"] == name
    )
    if isinstance(body, dict):
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        validator(document, schema).validate(body)
    else:
        assert not operation.get("requestBody", {}).get("required", False)
    query = b"count=0" if name == "wait" else b""
    answer = control.ask(method.upper(), path.replace("{key}", key), body, query=query)
    described = operation["responses"][str(answer.status)]
    if "content" not in described:
        assert answer.raw == b""
        return
    media_type = answer.headers["content-type"].partition(";")[0]
    content = described["content"][media_type]
    if media_type == "application/json":
        validator(document, content["schema"]).validate(answer.json)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/journal?limit=0", b"", 400),
        ("POST", "/rules", {"reply": 1, "repl": 2}, 400),
        ("DELETE", "/rules/{key}", b"", 404),
        ("GET", "/sessions/{key}", b"", 404),
        ("POST", "/clock", {"seconds": -1}, 400),
    ],
)
def test_errors_are_as_described(
    document: Any, method: str, path: str, body: object, status: int
) -> None:
    resource, _, query = path.partition("?")
    answer = Control().ask(method, resource.replace("{key}", "x"), body, query=query.encode())
    assert answer.status == status
    described = document["paths"][resource][method.lower()]["responses"][str(status)]
    content = look_up(document, described["$ref"])["content"]["application/json"]
    validator(document, content["schema"]).validate(answer.json)
