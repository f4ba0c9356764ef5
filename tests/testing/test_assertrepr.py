"""Comparisons of calls, line by line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockdock.testing.assertrepr import compared, line
from mockdock.testing.call import Call
from mockdock.testing.calls import Calls
from mockdock.testing.plugin import pytest_assertrepr_compare


def call(text: str = "Hi", number: int = 1, **changes: Any) -> Call:
    """Make a call that was answered with a text."""
    record: dict[str, Any] = {
        "number": number,
        "session": "",
        "started": 0.0,
        "duration": 0.0,
        "method": "POST",
        "path": "/v1/chat/completions",
        "status": 200,
        "attempt": 1,
        "rule": None,
        "rule_key": None,
        "missed": False,
        "faults": [],
        "trouble": "",
        "request": {
            "headers": {},
            "body": json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}),
        },
        "reply": {
            "headers": {},
            "chunks": [],
            "choices": [{"text": text.upper(), "refusal": None, "tool_calls": []}],
            "error": None,
            "warnings": [],
        },
        "usage": None,
        "outcome": {"ending": "completed", "frames": 0, "bytes": 0},
    }
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = record
        for parent in parents:
            place = place[parent]
        place[last] = value
    return Call(record)


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (call(), "m: 'Hi' -> 'HI' [200]"),
        (call("x" * 100), f"m: '{'x' * 57}...' -> '{'X' * 57}...' [200]"),
        (call(status=429, reply__error="rate_limit"), "m: 'Hi' -> rate_limit [429]"),
        (
            call(reply__choices=[{"text": None, "refusal": "I can't.", "tool_calls": []}]),
            "m: 'Hi' -> \"I can't.\" [200]",
        ),
        (
            call(
                reply__choices=[
                    {
                        "text": None,
                        "refusal": None,
                        "tool_calls": [
                            {"id": "1", "name": "look", "arguments": '{"at": "it"}'},
                            {"id": "2", "name": "leap", "arguments": "{}"},
                        ],
                    }
                ]
            ),
            'm: \'Hi\' -> look({"at": "it"}), leap({}) [200]',
        ),
        (
            call(method="GET", path="/v1/models", request__body="", reply__choices=[]),
            "GET /v1/models: '' -> '' [200]",
        ),
    ],
)
def test_a_call_takes_one_line(shown: Call, wanted: str) -> None:
    assert line(shown) == wanted


def test_calls_against_calls_are_a_diff() -> None:
    same, one, other = call("same"), call("one", 2), call("another thing", 3)
    told = compared("==", Calls([same, one]), Calls([same, other], 7))
    assert told == [
        "2 calls == 7 calls, 5 no longer kept",
        "  m: 'same' -> 'SAME' [200]",
        "- m: 'one' -> 'ONE' [200]",
        "+ m: 'another thing' -> 'ANOTHER THING' [200]",
    ]


def test_calls_against_a_list_name_the_likely_mistake() -> None:
    hint = "calls are no texts; to compare what was answered, use calls.texts"
    assert compared("==", Calls([call()]), ["HI"]) == [
        "1 call == ['HI']",
        "- m: 'Hi' -> 'HI' [200]",
        "+ 'HI'",
        hint,
    ]
    assert compared("==", ("HI",), Calls([])) == ["('HI',) == 0 calls", "- 'HI'", hint]
    told = compared("==", Calls([call()]), [])
    assert told == ["1 call == []", "- m: 'Hi' -> 'HI' [200]"]


@pytest.mark.parametrize(
    ("op", "left", "right", "wanted"),
    [
        ("!=", Calls([call()]), Calls([call()]), ["1 call != 1 call", "  m: 'Hi' -> 'HI' [200]"]),
        ("==", Calls([call()]), 1, ["1 call == 1", "  m: 'Hi' -> 'HI' [200]"]),
        ("==", 1, Calls([call()]), ["1 == 1 call", "  m: 'Hi' -> 'HI' [200]"]),
        (
            "in",
            call("other"),
            Calls([call()]),
            ["m: 'other' -> 'OTHER' [200] in 1 call", "  m: 'Hi' -> 'HI' [200]"],
        ),
        ("not in", "Hi", Calls([call()]), ["'Hi' not in 1 call", "  m: 'Hi' -> 'HI' [200]"]),
        ("in", Calls([]), 5, None),
        ("<", Calls([]), 5, None),
    ],
)
def test_other_comparisons_show_the_calls(
    op: str, left: object, right: object, wanted: list[str] | None
) -> None:
    assert compared(op, left, right) == wanted


def test_the_plugin_explains_only_calls() -> None:
    assert pytest_assertrepr_compare("==", [1], [2]) is None
    assert pytest_assertrepr_compare("==", "a", None) is None
    told = pytest_assertrepr_compare("==", Calls([]), [1])
    assert told == ["0 calls == [1]", "+ 1"]
