"""What a scenario says in vain."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.scenario import Finding, When, lint, load
from mockdock.scenario.implication import implied


def findings(*rules: dict[str, Any]) -> list[str]:
    """Lint rules; each has a reply unless it says otherwise."""
    whole = [rule if "replies" in rule else {"reply": "x", **rule} for rule in rules]
    return [str(finding) for finding in lint(load({"mockdock": 1, "rules": whole}).scenario)]


SHADOWS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({}, {"user": "x", "turn": 1}),
    ({}, {"api": "chat"}),
    ({"api": "models"}, {"api": "models"}),
    ({"dialect": "openai"}, {"dialect": "openai", "stream": True}),
    ({"stream": False}, {"stream": False}),
    ({"model": "*"}, {"model": "gpt-4o"}),
    ({"model": "gpt-*"}, {"model": "gpt-4o-*"}),
    ({"model": ["gpt-*", "o1"]}, {"model": ["gpt-4o", "o1", "gpt-5"]}),
    ({"model": "gpt-[45]"}, {"model": "gpt-4"}),
    ({"user": "wea"}, {"user": "weather"}),
    ({"user": {"contains": ["a", "b"]}}, {"user": {"contains": ["xbx", "a", "c"]}}),
    ({"user": "a"}, {"user": {"equals": "bar"}}),
    ({"user": {"matches": "^b.r$"}}, {"user": {"equals": "bar"}}),
    ({"user": {"not": "x"}}, {"user": {"equals": "bar"}}),
    ({"user": {"matches": "a+"}}, {"user": {"matches": "a+", "contains": "b"}}),
    ({"user": {"not": "xy"}}, {"user": {"not": "x"}}),
    ({"system": "a"}, {"system": "a", "user": "b"}),
    ({"turn": {"at_least": 2}}, {"turn": 3}),
    ({"turn": {"at_most": 3}}, {"turn": {"at_least": 1, "at_most": 2}}),
    ({"attempt": {"at_least": 0}}, {"attempt": {"at_most": 2}}),
    ({"after_tool": True}, {"after_tool": "get_*"}),
    ({"after_tool": False}, {"after_tool": False}),
    ({"offers_tool": "get_*"}, {"offers_tool": "get_weather"}),
    ({"headers": {"a": True}}, {"headers": {"a": "x", "b": True}}),
    ({"headers": {"a": False}}, {"headers": {"a": False}}),
    ({"headers": {"a": "x"}}, {"headers": {"a": "xy"}}),
    ({"body": {"a": {"b": 1}}}, {"body": {"a": {"b": 1, "c": 2}}}),
    ({"body": {"a": [1]}}, {"body": {"a": [1]}}),
    ({"state": {"a": 1}}, {"state": {"a": 1, "b": 2}}),
]

APART: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"api": "models"}),
    ({"api": "chat"}, {}),
    ({"dialect": "openai"}, {}),
    ({"dialect": "openai"}, {"api": "chat"}),
    ({"stream": True}, {"stream": False}),
    ({"model": "gpt-4o"}, {"model": "gpt-*"}),
    ({"model": "gpt-4o"}, {}),
    ({"model": "gpt-?o"}, {"model": "gpt-*"}),
    ({"model": "gpt"}, {"model": "gpt*"}),
    ({"user": "weather"}, {"user": "wea"}),
    ({"user": "x"}, {}),
    ({"user": {"equals": "a"}}, {"user": "a"}),
    ({"user": {"equals": "a"}}, {"user": {"equals": "ab"}}),
    ({"user": {"matches": "a"}}, {"user": "a"}),
    ({"user": {"not": "x"}}, {"user": "y"}),
    ({"user": {"not": "x"}}, {"user": {"not": "xy"}}),
    ({"user": {"not": "x"}}, {"user": {"equals": "x"}}),
    ({"turn": 2}, {"turn": {"at_least": 2}}),
    ({"turn": 2}, {}),
    ({"turn": {"at_least": 2}}, {"turn": {"at_most": 5}}),
    ({"after_tool": "get_*"}, {"after_tool": True}),
    ({"after_tool": False}, {"after_tool": "get_*"}),
    ({"after_tool": True}, {}),
    ({"headers": {"a": True}}, {"headers": {"b": True}}),
    ({"headers": {"a": True}}, {"headers": {"a": {"not": "x"}}}),
    ({"headers": {"a": True}}, {"headers": {"a": False}}),
    ({"headers": {"a": "x"}}, {"headers": {"a": True}}),
    ({"body": {"a": 1}}, {"body": {"a": True}}),
    ({"body": {"a": {"b": 1}}}, {"body": {"a": 1}}),
    ({"body": {"a": {"b": 1}}}, {"body": {"a": {}}}),
    ({"state": {"a": 1}}, {"state": {"a": "1"}}),
]


@pytest.mark.parametrize(("wide", "narrow"), SHADOWS)
def test_condition_that_implies_another(wide: dict[str, Any], narrow: dict[str, Any]) -> None:
    assert implied(When(**wide), When(**narrow))


@pytest.mark.parametrize(("wide", "narrow"), APART)
def test_condition_that_does_not(wide: dict[str, Any], narrow: dict[str, Any]) -> None:
    assert not implied(When(**wide), When(**narrow))


def test_shadowed_rule_is_found() -> None:
    assert findings({"name": "all", "when": {"user": "a"}}, {"when": {"user": "ab"}}) == [
        "error: rules[1]: never matches: the rule 'all' answers all it would answer"
    ]
    assert findings({}, {"when": {"user": "a"}}, {"when": {"user": "b"}}) == [
        "error: rules[1]: never matches: rules[0] answers all it would answer",
        "error: rules[2]: never matches: rules[0] answers all it would answer",
    ]


@pytest.mark.parametrize("way_out", [{"times": 1}, {"after_last": "pass"}])
def test_rule_that_gives_way_shadows_nothing(way_out: dict[str, Any]) -> None:
    assert findings(way_out, {"when": {"user": "a"}}) == []


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ({"turn": {"at_least": 3, "at_most": 2}}, "turn cannot be at least 3 and at most 2"),
        ({"attempt": {"at_least": 3, "at_most": 2}}, "attempt cannot be at least 3 and at most 2"),
        ({"attempt": 0}, "the first attempt is 1"),
        (
            {"user": {"equals": "a", "contains": "b"}},
            "the conditions on user contradict each other",
        ),
        (
            {"system": {"contains": "ab", "not": "a"}},
            "the conditions on system contradict each other",
        ),
        (
            {"headers": {"x": {"matches": "a", "not": {"matches": "a"}}, "y": True}},
            "the conditions on the header 'x' contradict each other",
        ),
    ],
)
def test_contradiction_is_found(when: dict[str, Any], message: str) -> None:
    assert findings({"when": when}) == [f"error: rules[0]: never matches: {message}"]


@pytest.mark.parametrize(
    ("when", "key"),
    [
        ({"user": "a"}, "user message"),
        ({"system": {"equals": "a"}}, "system message"),
        ({"turn": 1}, "turn"),
        ({"offers_tool": True}, "tools"),
        ({"after_tool": "x"}, "tools"),
        ({"stream": True}, "stream"),
    ],
)
def test_question_for_models_has_no_chat(when: dict[str, Any], key: str) -> None:
    rule = {"when": {"api": "models", **when}, "reply": {"error": 500}}
    assert findings(rule) == [f"error: rules[0]: never matches: a question for models has no {key}"]


def test_conditions_that_can_hold_are_no_contradiction() -> None:
    assert (
        findings(
            {"when": {"user": {"equals": "ab", "contains": "b", "not": "c"}, "attempt": 1}},
            {"when": {"system": {"not": "a"}}},
            {"when": {"system": {"contains": "a", "not": "ab"}, "turn": {"at_most": 3}}},
            {
                "when": {
                    "api": "models",
                    "user": {"not": "a"},
                    "stream": False,
                    "after_tool": False,
                },
                "reply": {"error": 500},
            },
        )
        == []
    )


def test_turn_0_is_doubted() -> None:
    assert findings({"when": {"turn": 0}}) == [
        "warning: rules[0]: the first turn is 1; 0 is a conversation without any user message"
    ]


def test_name_taken_twice_is_found() -> None:
    assert findings(
        {"name": "a", "when": {"user": "a"}},
        {"when": {"user": "b"}},
        {"name": "a", "when": {"user": "c"}},
    ) == ["warning: rules[2]: the name 'a' is taken by the rule 'a'"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"times": 2}, "only 2 of 3 replies are ever given: times is 2"),
        (
            {"per": "request", "when": {"attempt": 1}},
            "only 1 of 3 replies are ever given: attempt is at most 1",
        ),
        ({"times": 3}, None),
        (
            {"times": 2, "per": "server"},
            "only 2 of 3 replies are ever given: times is 2",
        ),
        ({"times": 3, "per": "server"}, None),
        ({"times": 2, "per": "request"}, None),
        ({"per": "request", "when": {"attempt": {"at_least": 2}}}, None),
        ({"per": "session", "when": {"attempt": 1}}, None),
    ],
)
def test_reply_never_given_is_found(rule: dict[str, Any], message: str | None) -> None:
    expected = [] if message is None else [f"warning: rules[0]: {message}"]
    assert findings({"replies": ["a", "b", "c"], **rule}) == expected


def test_state_without_a_counterpart_is_found() -> None:
    assert findings(
        {"when": {"state": {"paid": True, "gone": None}}, "set_state": {"step": 1, "lost": 1}},
        {"when": {"state": {"step": 2}}},
        {"when": {"state": {"step": 1}}},
    ) == [
        "warning: rules[0]: no rule sets the state 'paid'",
        "warning: rules[0]: no rule asks for the state 'lost'",
        "warning: rules[1]: no rule sets the state 'step' to this value",
    ]


def test_finding_has_its_place(tmp_path: Any) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("mockdock: 1\nrules:\n- {name: first, reply: a}\n- reply: b\n")
    (finding,) = lint(load(path).scenario)
    assert finding == Finding(
        "error",
        f"never matches: the rule 'first' ({path}:3) answers all it would answer",
        1,
        f"{path}:4",
    )
    assert str(finding).startswith(f"{path}:4: error: rules[1]: never matches")


def models(when: Any, **settings: Any) -> list[str]:
    """Lint one rule of a scenario that lists two models."""
    rules = [{"when": {"model": when}, "reply": "x"}]
    settings = {"models": ["gpt-4o", "my-model"], **settings}
    return [
        str(found) for found in lint(load({"mockdock": 1, "rules": rules, **settings}).scenario)
    ]


def test_model_that_the_scenario_does_not_list_is_found() -> None:
    never = "error: rules[0]: never matches: the scenario lists no model"
    assert models("gpt-5") == [f"{never} 'gpt-5', did you mean 'gpt-4o'?"]
    assert models(["o1", "o3*"]) == [f"{never} 'o1 or o3*'"]


@pytest.mark.parametrize(
    "when", ["gpt-4o", "my-*", "*", "openai/gpt-4o", "ft:gpt-4o:*", ["o1", "*"]]
)
def test_model_that_may_be_asked_for_is_not(when: Any) -> None:
    assert models(when) == []


def test_model_that_passes_leniently_is_not() -> None:
    assert models("gpt-5", validation="lenient") == []


def phases(*timeline: dict[str, Any]) -> list[str]:
    return [str(found) for found in lint(load({"mockdock": 1, "timeline": timeline}).scenario)]


@pytest.mark.parametrize(
    ("first", "second", "in_vain"),
    [
        ({"at": "0s"}, {"at": "5s"}, True),
        ({"at": "0s", "for": "6s"}, {"at": "5s", "for": "1s"}, True),
        ({"at": "5s", "for": "1s"}, {"at": "0s"}, True),
        ({"at": "0s", "for": "5s"}, {"at": "5s"}, False),
        ({"at": "5s"}, {"at": "0s", "for": "5s"}, False),
        ({"at": "0s"}, {"at": "0s", "when": {"user": "a"}}, True),
        ({"at": "0s", "when": {"user": "a"}}, {"at": "0s"}, False),
        ({"at": "0s", "when": {"user": "a"}}, {"at": "0s", "when": {"user": "b"}}, False),
        ({"at": "0s", "error": None, "faults": ["reset"]}, {"at": "0s"}, False),
        ({"at": "0s"}, {"at": "0s", "error": None, "faults": ["reset"]}, False),
    ],
)
def test_an_error_that_another_phase_answers_before_is_found(
    first: dict[str, Any], second: dict[str, Any], in_vain: bool
) -> None:
    found = phases({"error": 503, **first}, {"error": 500, "name": "late", **second})
    told = "timeline[1] (late): warning: its error is in vain while timeline[0] goes on, which"
    assert found == ([f"{told} has one"] if in_vain else [])


def test_a_phase_whose_pacing_says_nothing_is_found_unless_it_ends_another() -> None:
    calm = {"at": "2s", "pacing": {}}
    told = "timeline[0]: warning: nothing happens in it: its pacing says nothing"
    assert phases(calm) == [told]
    assert phases(calm, {"at": "1s", "pacing": "fast"}) == []
    assert phases({**calm, "faults": ["reset"]}) == []
