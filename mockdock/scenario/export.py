"""The language as JSON Schema, for editors and other tools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mockdock.scenario.audit import AuditSpec, HerdSpec
from mockdock.scenario.base import Part
from mockdock.scenario.conditions import CountCondition, TextCondition
from mockdock.scenario.durations import DelaySpec
from mockdock.scenario.faults import FaultSpec
from mockdock.scenario.guards import GuardSpec
from mockdock.scenario.models import ModelSpec, Scenario
from mockdock.scenario.pace import PacingSpec
from mockdock.scenario.replies import ReplySpec
from mockdock.scenario.seeds import HistoryModelSpec, UserSpec

__all__ = ["json_schema"]

_SHORT: tuple[type[Part], ...] = (
    AuditSpec,
    CountCondition,
    DelaySpec,
    FaultSpec,
    GuardSpec,
    HerdSpec,
    HistoryModelSpec,
    ModelSpec,
    PacingSpec,
    ReplySpec,
    TextCondition,
    UserSpec,
)


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of a scenario file.

    Every valid scenario validates against it. It is a little wider than the
    language: what two keys say together is only checked at load.
    """
    schema = Scenario.model_json_schema(by_alias=True, mode="validation")
    for part in _parts(schema):
        _tidy(part)
    definitions = schema["$defs"]
    for model in _SHORT:
        name = model.__name__
        definitions[f"{name}Mapping"] = definitions[name]
        mapping = {"$ref": f"#/$defs/{name}Mapping"}
        definitions[name] = {"anyOf": [model.shorthand, mapping]}
    for branch in _parts(schema["properties"]["otherwise"]):  # a text is a word there
        if branch.get("$ref") == "#/$defs/ReplySpec":
            branch["$ref"] += "Mapping"
    definitions["Rule"]["anyOf"] = [{"required": ["reply"]}, {"required": ["replies"]}]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "mockdock scenario",
    }


def _tidy(part: dict[str, Any]) -> None:
    if isinstance(part.get("title"), str):
        del part["title"]
    if isinstance(part.get("default"), dict) or part.get("default", 0) is None:
        del part["default"]
    if "oneOf" in part:
        part["anyOf"] = part.pop("oneOf")
    if isinstance(part.get("description"), str):
        part["description"] = part["description"].split("\n\n")[0]


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parts(inner)
