"""Scenarios and conditions of a test, in the words of the language."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mockdock.errors import UsageError
from mockdock.observe.verbs import Opening
from mockdock.scenario import Scenario, load
from mockdock.testing.checks import plain, short

__all__ = ["Source", "mapping", "opening", "place", "words"]

Source = str | Path | Mapping[str, Any] | Scenario
"""A scenario: its name, its path, a mapping, or one that was loaded."""

_RIGHT = {
    "seed": "write a whole number",
    "otherwise": "write auto, fail, echo or lorem",
    "time_scale": 'write a number from 0 on, or "manual"',
    "called": "write a text",
    "scenario": "its keys are texts",
}


def opening(scenario: Sequence[Source], **settings: Any) -> Opening:
    """Say how a session begins. Raises UsageError for a wrong setting, ScenarioError."""
    if isinstance(settings["time_scale"], bool):
        raise UsageError(f"time_scale={settings['time_scale']}: {_RIGHT['time_scale']}")
    given = {"scenario": mapping(scenario), **settings}
    plain({name: settings[name] for name in ("seed", "called")})
    try:
        return Opening(default_otherwise="fail", **given)
    except ValidationError as error:
        names = dict.fromkeys(str(each["loc"][0]) for each in error.errors())
        wrong = [f"{name}={short(given[name])}: {_RIGHT[name]}" for name in names]
        raise UsageError("; ".join(wrong)) from None


def mapping(sources: Sequence[Source]) -> dict[str, Any]:
    """Write scenarios as one mapping, whatever they came from. Raises UsageError, ScenarioError."""
    given: list[str | Path | Mapping[str, Any]] = []
    for each in sources:
        if isinstance(each, Scenario):
            given.append(_written(each))
        elif isinstance(each, Mapping):
            given.append(plain(each))
        elif isinstance(each, str | PathLike):
            given.append(each)
        else:
            raise UsageError(
                f"{short(each)} is no scenario: give a name, a path, a mapping or a Scenario"
            )
    if len(given) == 1 and isinstance(given[0], Mapping):
        return dict(given[0])
    return _written(load(*given).scenario)


def _written(scenario: Scenario) -> dict[str, Any]:
    return scenario.model_dump(mode="json", by_alias=True, exclude_unset=True)


def words(given: Any) -> Any:
    """Write a condition on a text in the words of the language."""
    if isinstance(given, re.Pattern):
        return {"matches": _pattern(given)}
    if isinstance(given, Mapping):
        return {
            name: _pattern(value)
            if name == "matches"
            else words(value)
            if name == "not"
            else plain(value, name)
            for name, value in given.items()
        }
    return given


def _pattern(given: Any) -> Any:
    """Write a compiled pattern as its text, which begins with its flags."""
    if not isinstance(given, re.Pattern) or not isinstance(given.pattern, str):
        return given
    flags = "".join(letter for letter, flag in _FLAGS.items() if given.flags & flag)
    return f"(?{flags}){given.pattern}" if flags else given.pattern


_FLAGS = {
    "a": re.ASCII,
    "i": re.IGNORECASE,
    "m": re.MULTILINE,
    "s": re.DOTALL,
    "x": re.VERBOSE,
}


def place() -> str:
    """Name the line of the test that is making a rule."""
    frame = sys._getframe(1)  # noqa: SLF001 - the documented way to see one's caller
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("mockdock."):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
