"""The control API described by itself, from the table it is served by."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from mockdock.names import CONTROL_PATH
from mockdock.observe.control.operation import Operation
from mockdock.observe.control.refused import Refusal

__all__ = ["document"]

_REF = "#/components/schemas/{model}"
_ERRORS = {
    400: "something in the request is wrong",
    401: "the token is missing or wrong",
    403: "it may not be asked from there",
    404: "there is none of this key",
    409: "it cannot be done now",
    413: "the body is too large",
    503: "too many wait already, or the store that several processes share does not answer",
}


def document(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """Give the OpenAPI 3.1 document of operations; ``version`` is mockdock's."""
    names, schemas = _schemas(operations)
    paths: dict[str, Any] = {}
    for operation in operations:
        item = paths.setdefault(operation.path, {})
        item[operation.method.lower()] = _operation(operation, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mockdock control API",
            "version": version,
            "description": "Loopback only, or with the server's control token.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": CONTROL_PATH}],
        "security": [{}, {"bearer": []}, {"header": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {
                str(status): _answer(told, names[Refusal]) for status, told in _ERRORS.items()
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "x-mockdock-token"},
            },
        },
    }


def _schemas(
    operations: Sequence[Operation],
) -> tuple[dict[type[BaseModel], dict[str, Any]], dict[str, Any]]:
    """Give each model's reference, and all they refer to."""
    models: dict[type[BaseModel], JsonSchemaMode] = {Refusal: "serialization"}
    for operation in operations:
        if operation.answer is not None and issubclass(operation.answer, BaseModel):
            models.setdefault(operation.answer, "serialization")
        if operation.body is not None:
            models[operation.body] = "validation"
    found, definitions = models_json_schema(list(models.items()), ref_template=_REF)
    return {model: found[model, mode] for model, mode in models.items()}, definitions["$defs"]


def _operation(
    operation: Operation, names: dict[type[BaseModel], dict[str, Any]]
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": list(_parameters(operation)),
        "responses": _responses(operation, names),
    }
    if operation.body is not None:
        told["requestBody"] = {
            "required": any(field.is_required() for field in operation.body.model_fields.values()),
            "content": {"application/json": {"schema": names[operation.body]}, **_text(operation)},
        }
    return told


def _text(operation: Operation) -> dict[str, Any]:
    return {"application/yaml": {"schema": {"type": "string"}}} if operation.text else {}


def _parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", operation.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    schema = operation.query.model_json_schema()
    for name, one in schema.get("properties", {}).items():
        yield {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "description": one["description"],
            "schema": {key: value for key, value in one.items() if key != "description"},
        }
    if "session" in operation.query.model_fields:
        yield {
            "name": "x-mockdock-session",
            "in": "header",
            "description": "key of the session where the query names none",
            "schema": {"type": "string"},
        }


def _responses(
    operation: Operation, names: dict[type[BaseModel], dict[str, Any]]
) -> dict[str, Any]:
    good: dict[str, Any] = {"description": operation.summary}
    if operation.answer is None:
        pass
    elif issubclass(operation.answer, BaseModel):
        good = _answer(operation.summary, names[operation.answer])
    else:
        forms = ("text/plain", "application/openmetrics-text")
        good["content"] = {form: {"schema": {"type": "string"}} for form in forms}
    errors = [400, 401, 403, operation.unmet, 503]
    if operation.body is not None:
        errors.append(413)
    refused = {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(errors)
    }
    return {str(operation.status): good, **refused}


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
