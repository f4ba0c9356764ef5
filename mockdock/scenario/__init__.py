"""The scenario language: models, loading, lint and schema export."""

from __future__ import annotations

from mockdock.scenario.conditions import CountCondition, TextCondition, When
from mockdock.scenario.durations import DelaySpec, PacingSpec
from mockdock.scenario.export import json_schema
from mockdock.scenario.lint import Finding, lint
from mockdock.scenario.load import Loaded, load
from mockdock.scenario.models import AuthKeys, ModelSpec, Rule, Scenario
from mockdock.scenario.replies import (
    ErrorSpec,
    GenerateSpec,
    LogprobsSpec,
    ReplySpec,
    ToolCallSpec,
    UsageSpec,
)

__all__ = [
    "AuthKeys",
    "CountCondition",
    "DelaySpec",
    "ErrorSpec",
    "Finding",
    "GenerateSpec",
    "Loaded",
    "LogprobsSpec",
    "ModelSpec",
    "PacingSpec",
    "ReplySpec",
    "Rule",
    "Scenario",
    "TextCondition",
    "ToolCallSpec",
    "UsageSpec",
    "When",
    "json_schema",
    "lint",
    "load",
]
