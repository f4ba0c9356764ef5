"""Faults as a scenario writes them."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from mockdock.fault import OPTIONS, After, Fault, FaultName
from mockdock.scenario.faults import FAULT_NAMES, AfterSpec, FaultSpec
from tests.scenario.helpers import refusal

VALUES: dict[str, Any] = {
    "after": {"tokens": 3},
    "by": -2,
    "content_type": "text/plain",
    "delay": "20ms",
    "end": "rst",
    "for": "5s",
    "inside": "string",
    "location": "/elsewhere",
    "rate": "10KB/s",
    "size": 4,
    "status": 503,
}
MADE: dict[str, Any] = {
    "after": {"after": After(tokens=3)},
    "by": {"by": -2},
    "content_type": {"content_type": "text/plain"},
    "delay": {"delay": 0.02},
    "end": {"reset": True},
    "for": {"lasts": 5.0},
    "inside": {"inside": "string"},
    "location": {"location": "/elsewhere"},
    "rate": {"rate": 10_000.0},
    "size": {"size": 4},
    "status": {"status": 503},
}


def spec(value: object) -> FaultSpec:
    return FaultSpec.model_validate(value)


@pytest.mark.parametrize("name", get_args(FaultName))
def test_a_plain_text_is_a_type(name: FaultName) -> None:
    assert spec(name).fault() == Fault(name)
    assert spec(name) == spec({"type": name}) == spec(spec(name))


def test_reset_is_short_for_connection_reset() -> None:
    assert spec("reset").fault() == Fault("connection_reset")
    assert (*get_args(FaultName), "reset") == FAULT_NAMES


@pytest.mark.parametrize("name", get_args(FaultName))
def test_a_fault_takes_its_options_and_no_other(name: FaultName) -> None:
    takes = OPTIONS[name]
    for option, given in VALUES.items():
        if option in takes:
            if (name, option) == ("redirect", "status"):
                assert spec({"type": name, "status": 307}).fault() == Fault(name, status=307)
            else:
                assert spec({"type": name, option: given}).fault() == Fault(name, **MADE[option])
            continue
        told = refusal(FaultSpec, {"type": name, option: given})
        listed = f"it takes {', '.join(takes)}" if takes else "it takes none"
        assert told == f"{name} has no option {option!r} ({listed})"
    assert set(takes) <= set(VALUES)


def test_every_fault_may_be_rare_limited_and_conditional() -> None:
    found = spec({"type": "stall", "probability": 0.5, "times": 2, "when": {"stream": True}})
    assert (found.probability, found.times) == (0.5, 2)
    assert found.when is not None
    assert found.when.stream is True
    assert spec("stall").probability == 1.0


@pytest.mark.parametrize(
    ("written", "after"),
    [
        ({"tokens": 0}, After(tokens=0)),
        ({"chunks": 2}, After(chunks=2)),
        ({"bytes": 10}, After(bytes=10)),
        ({"time": "1.5s"}, After(time=1.5)),
    ],
)
def test_a_fault_has_one_place(written: dict[str, Any], after: After) -> None:
    assert spec({"type": "truncate", "after": written}).fault().after == after
    place = AfterSpec.model_validate(written)
    assert AfterSpec.model_validate(place) is place


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        (500, 500.0),
        (0.5, 0.5),
        ("500B/s", 500.0),
        ("10 KB/s", 10_000.0),
        ("1.5KiB/s", 1536.0),
        ("2MB/s", 2e6),
        ("1MiB/s", 1048576.0),
    ],
)
def test_a_rate_is_bytes_a_second(written: object, rate: float) -> None:
    assert spec({"type": "bandwidth", "rate": written}).rate == rate


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (7, "expected a type of fault or a mapping, got 7"),
        (["reset"], "expected a type of fault or a mapping, got a list"),
        (
            "trunkate",
            "unknown value 'trunkate', one of: accept_and_close,.*did you mean 'truncate'",
        ),
        ({"type": ["x"]}, "unknown value a list, one of: accept_and_close"),
        ({"type": "truncate", "after": 5}, "expected a mapping, got 5 (such as {tokens: 5}"),
        ({"type": "truncate", "after": {}}, "an empty place (one of: tokens, chunks, bytes, time)"),
        (
            {"type": "truncate", "after": {"tokens": 1, "time": "1s"}},
            "'tokens' and 'time': a fault has one place",
        ),
        ({"type": "truncate", "end": "cut"}, "unknown value 'cut', one of: fin, rst"),
        ({"type": "truncate", "inside": "word"}, "unknown value 'word', one of: string, character"),
        ({"type": "stall", "for": 5}, "a duration needs a unit (write 5ms or 5s)"),
        ({"type": "bandwidth", "rate": "fast"}, "'fast' is not a rate (such as 500B/s, 10KB/s"),
        ({"type": "bandwidth", "rate": True}, "true is not a rate"),
        ({"type": "bandwidth", "rate": 0}, "a rate is more than 0 and at most 1e+12 B/s, got 0"),
        ({"type": "bandwidth", "rate": "9999999MB/s"}, "a rate is more than 0 and at most 1e+12"),
        ({"type": "bandwidth", "rate": float("nan")}, "a rate is more than 0"),
        ({"type": "redirect", "status": 200}, "200 is no redirect (one of: 301, 302, 303, 307"),
        ({"type": "html_error", "status": 200}, "200 is not an HTTP error (a status from 400"),
        ({"type": "html_error", "status": 600}, "600 is not an HTTP error (a status from 400"),
        ({"type": "redirect", "location": "/a\r\nb"}, "cannot be the value of a header"),
        ({"type": "redirect", "location": ""}, "'' cannot be the value of a header"),
        ({"type": "wrong_content_type", "content_type": "täxt"}, "plain ASCII without line breaks"),
        ({"type": "wrong_content_length", "by": 0}, "0 bytes more or less are no lie"),
    ],
)
def test_what_is_wrong_is_told(value: object, message: str) -> None:
    told = refusal(FaultSpec, value)
    start, _, end = message.partition(".*")
    assert start in told
    assert end in told


@pytest.mark.parametrize(
    "value",
    [
        {"type": "stall", "probability": 1.5},
        {"type": "stall", "probability": -0.1},
        {"type": "stall", "times": 0},
        {"type": "slicer", "size": 0},
        {"type": "html_error", "status": "502"},
        {"type": "wrong_content_length", "by": 1.5},
        {"type": "truncate", "after": {"tokens": -1}},
        {"type": "truncate", "after": {"words": 1}},
        {"type": "stall", "seconds": 5},
        {"type": "wrong_content_length", "by": 10**30},
        {"type": "wrong_content_length", "by": -(10**30)},
        {"type": "truncate", "after": {"tokens": 10**23}},
        {"type": "truncate", "after": {"bytes": 10**12 + 1}},
        {"type": "slicer", "size": 10**30},
        {"type": "stall", "times": 10**400},
        {"type": "stall", "probability": 10**400},
        {"type": "html_error", "status": 10**400},
        {"type": "bandwidth", "rate": 10**400},
        {"type": "bandwidth", "rate": 10**5000},
        {"type": "bandwidth", "rate": f"{10**400}B/s"},
        {},
    ],
)
def test_what_is_out_of_bounds_is_refused(value: object) -> None:
    """No journal holds whole numbers beyond 64 bits."""
    assert refusal(FaultSpec, value)


def test_the_largest_numbers_are_a_million_millions() -> None:
    most = 10**12
    assert spec({"type": "truncate", "after": {"tokens": most}}).fault().after.tokens == most
    assert spec({"type": "wrong_content_length", "by": -most}).fault().by == -most
    assert spec({"type": "bandwidth", "rate": most}).fault().rate == most


def test_a_fault_is_written_as_it_is_read() -> None:
    written = {"type": "stall", "after": {"time": "250ms"}, "for": "5s", "probability": 0.25}
    found = spec(written)
    again = found.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert spec(again) == found


def test_the_schema_names_every_type() -> None:
    named = FaultSpec.model_json_schema()["properties"]["type"]
    assert set(FAULT_NAMES) == set(_enumerated(named))
    assert set(FaultSpec.shorthand["enum"]) == set(FAULT_NAMES)


def _enumerated(schema: Any) -> list[str]:
    if "anyOf" in schema:
        return [name for each in schema["anyOf"] for name in _enumerated(each)]
    return list(schema.get("enum", [])) + ([schema["const"]] if "const" in schema else [])
