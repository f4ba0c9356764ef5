"""Whatever a file holds: a scenario, or a ScenarioError with problems."""

from __future__ import annotations

import contextlib
import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import jsonschema
from hypothesis import example, given
from hypothesis import strategies as st

from mockdock.errors import Problem, ScenarioError
from mockdock.scenario import lint, load
from mockdock.scenario.export import json_schema
from tests.scenario.test_export import EVERYTHING

VALIDATOR = jsonschema.Draft202012Validator(json_schema())
VALID = copy.deepcopy(EVERYTHING)
VALID["rules"][0]["replies"][2] = {"text": "no file here", "pacing": {"tps": 3.5}}

WORDS = st.sampled_from(
    ["", "x", "a*", "${user}", "${match.1}", "${", "auto", "rate_limit", "300ms", "none", "text",
     "json", "error", "not", "contains", "not_", "<ReplySpec>", "\U0001f600", "(", "\ud83d"]
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.text(max_size=5)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """Change a valid scenario in a few places."""
    scenario: dict[str, Any] = copy.deepcopy(VALID)
    for _ in range(draw(st.integers(1, 3))):
        place: Any = scenario
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            inner = place[key]
            if isinstance(inner, dict | list) and draw(st.integers(0, 5)):
                place = inner
                continue
            action = draw(st.sampled_from(["replace", "delete", "add"]))
            if action == "delete":
                del place[key]
            elif action == "add" and isinstance(place, dict):
                place[draw(WORDS)] = draw(VALUES)
            else:
                place[key] = draw(VALUES)
            break
    return scenario


def problems(name: str, raw: bytes) -> tuple[Problem, ...]:
    """Load bytes; give the problems, none when they are a scenario."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(raw)
        try:
            loaded = load(path)
        except ScenarioError as error:
            return error.problems
        lint(loaded.scenario)
        return ()


def told(found: tuple[Problem, ...]) -> bool:
    """Tell whether each problem says what and where."""
    return all(problem.file and problem.message for problem in found)


def test_what_is_mutated_is_valid() -> None:
    assert not problems("a.json", json.dumps(VALID).encode())


@given(mutated())
def test_mutated_scenario(scenario: dict[str, Any]) -> None:
    """What loads also validates against the exported schema."""
    found = problems("a.json", json.dumps(scenario).encode())
    assert told(found)
    if not found:
        VALIDATOR.validate(scenario)


@given(st.binary(max_size=200))
@example(b"\xff\xfea\x00")
@example(b"!!python/object:x {}")
@example(b"a: &a {<<: *a}")
def test_random_bytes(raw: bytes) -> None:
    found = problems("a.yaml", raw)
    assert found
    assert told(found)


@given(st.text(alphabet="mockd1: -[]{}&*!|>'\"\n\t#%@`?,<~0x.", max_size=80))
def test_text_that_looks_like_yaml(text: str) -> None:
    assert told(problems("a.yaml", f"mockdock: 1\nrules: {text}".encode()))


@given(VALUES)
def test_any_value_from_python(value: Any) -> None:
    with contextlib.suppress(ScenarioError):
        load({"mockdock": 1, "rules": value, "otherwise": value})
