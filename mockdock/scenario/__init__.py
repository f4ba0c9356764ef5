"""The scenario language: models, loading, lint and schema export."""

from __future__ import annotations

from mockdock.scenario.chaos import ChaosSpec, PhaseSpec
from mockdock.scenario.conditions import CountCondition, TextCondition, When
from mockdock.scenario.durations import DelaySpec
from mockdock.scenario.faults import FaultSpec
from mockdock.scenario.guards import GuardSpec
from mockdock.scenario.limits import LimitSpec
from mockdock.scenario.lint import Finding, lint
from mockdock.scenario.load import Loaded, load
from mockdock.scenario.models import AuthKeys, ModelSpec, Rule, Scenario
from mockdock.scenario.needs import dialect_needs, door_needs, pace_needs, shared_needs
from mockdock.scenario.pace import PacingSpec
from mockdock.scenario.replies import (
    ErrorSpec,
    GenerateSpec,
    LogprobsSpec,
    ReplySpec,
    ToolCallSpec,
    UsageSpec,
)
from mockdock.scenario.wishes import MOST_WISHES, Wish, wishes

__all__ = [
    "MOST_WISHES",
    "AuthKeys",
    "ChaosSpec",
    "CountCondition",
    "DelaySpec",
    "ErrorSpec",
    "FaultSpec",
    "Finding",
    "GenerateSpec",
    "GuardSpec",
    "LimitSpec",
    "Loaded",
    "LogprobsSpec",
    "ModelSpec",
    "PacingSpec",
    "PhaseSpec",
    "ReplySpec",
    "Rule",
    "Scenario",
    "TextCondition",
    "ToolCallSpec",
    "UsageSpec",
    "When",
    "Wish",
    "dialect_needs",
    "door_needs",
    "lint",
    "load",
    "pace_needs",
    "shared_needs",
    "wishes",
]
