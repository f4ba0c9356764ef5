"""The retry policy as it is written in a scenario."""

from __future__ import annotations

import math
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from mockdock.policy import LINES, POLICIES, Backoff, Herd, Policy, RetryAfter
from mockdock.scenario.audit import AuditSpec
from mockdock.scenario.problems import complaints
from tests.scenario.helpers import refusal

OPENAI = POLICIES["openai-python"]


class Mute:
    """A value that cannot be shown."""

    def __repr__(self) -> str:
        raise LookupError("no words")


def policy(value: Any) -> Policy:
    return AuditSpec.model_validate(value).to_policy()


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_a_name_stands_for_a_ready_policy(name: str) -> None:
    assert policy(name) == POLICIES[name]
    assert policy({"policy": name}) == POLICIES[name]


def test_without_a_name_it_is_the_default_policy() -> None:
    assert policy({}) == Policy()


def test_the_ready_policies_are_those_that_were_measured() -> None:
    assert OPENAI.max_attempts == 3
    assert OPENAI.retry_after == RetryAfter(120.0, "give_up")
    assert OPENAI.backoff is not None
    assert [OPENAI.backoff.band(retry) for retry in (1, 2, 5, 6)] == [
        (0.375, 0.5),
        (0.75, 1.0),
        (6.0, 8.0),
        (6.0, 8.0),
    ]
    node, vercel = POLICIES["openai-node"], POLICIES["vercel-ai-sdk"]
    assert node.retry_after == RetryAfter(math.inf)
    assert vercel.backoff is not None
    assert [vercel.backoff.band(retry) for retry in (1, 2)] == [(2.0, 2.0), (4.0, 4.0)]
    assert not vercel.obey_should_retry
    assert replace(POLICIES["langchain"], name="", source="") == replace(OPENAI, name="", source="")
    assert POLICIES["langchain-js"].backoff is not None
    assert POLICIES["langchain-js"].backoff.band(1) == (1.0, 2.0)
    assert POLICIES["langchain-js"].retry_statuses == {500}
    for each in POLICIES.values():
        assert each.source
        assert not each.retry_statuses & each.never_statuses


def test_fields_win_over_the_policy_and_the_rest_stays() -> None:
    found = policy({"policy": "openai-python", "max_attempts": 5})
    assert found == replace(OPENAI, max_attempts=5, name="openai-python, changed")


def test_everything_can_be_said() -> None:
    found = policy(
        {
            "clock": "real",
            "max_attempts": 4,
            "deadline": "1m",
            "retry": {"statuses": [429, "5xx"], "codes": ["slow_down"], "connection": True},
            "never": {"statuses": ["4xx", 501], "codes": ["insufficient_quota"]},
            "should_retry": False,
            "retry_after": {
                "cap": "2m", "above": "give_up", "tolerance": 0.02, "slack": "20ms",
            },
            "backoff": {
                "base": "250ms", "factor": 3.0, "cap": "10s", "jitter": [0.0, 1.0],
                "tolerance": 0.2, "slack": "50ms",
            },
            "herd": {"threshold": 0.4, "bin": "1s"},
            "cut_streams": False,
            "cancelled_streams": True,
            "window": "5m",
        }
    )  # fmt: skip
    assert found == Policy(
        name="default, changed",
        source="what any client should do",
        clock="real",
        max_attempts=4,
        deadline=60.0,
        retry_statuses=frozenset({429, *range(500, 600)} - {501}),
        retry_codes=frozenset({"slow_down"}),
        retry_wire=True,
        never_statuses=frozenset({501, *range(400, 500)} - {429}),
        never_codes=frozenset({"insufficient_quota"}),
        obey_should_retry=False,
        retry_after=RetryAfter(120.0, "give_up", 0.02, 0.02),
        backoff=Backoff(0.25, 3.0, 10.0, (0.0, 1.0), 0.2, 0.05),
        herd=Herd(0.4, 1.0),
        cut_streams=False,
        cancelled_streams=True,
        window=300.0,
    )


def test_parts_are_merged_too() -> None:
    found = policy(
        {
            "policy": "openai-python",
            "retry_after": {"cap": "60s"},
            "backoff": {"jitter": [0.5, 1]},
            "herd": 0.3,
        }
    )
    assert found.retry_after == RetryAfter(60.0, "give_up")
    assert found.backoff == Backoff(0.5, 2.0, 8.0, (0.5, 1.0))
    assert found.herd == Herd(0.3)


def test_what_is_said_here_wins_and_a_number_wins_over_a_class() -> None:
    never = policy({"policy": "openai-python", "never": {"statuses": [429, 503]}})
    assert never.never_statuses == {429, 503}
    assert never.retry_statuses == OPENAI.retry_statuses - {429, 503}
    again = policy({"policy": "openai-python", "retry": {"statuses": [400]}})
    assert again.retry_statuses == {400}
    assert again.never_statuses == OPENAI.never_statuses - {400}
    codes = policy(
        {
            "policy": "openai-python",
            "retry": {"statuses": ["4xx"], "codes": ["a"]},
            "never": {"statuses": [404], "codes": ["b"]},
        }
    )
    assert codes.retry_statuses == set(range(400, 500)) - {404}
    assert codes.retry_codes == {"a"}
    assert codes.never_codes == {"b"}


def test_lines_can_be_skipped() -> None:
    found = policy({"policy": "openai-python", "skip": ["backoff", "retry", "max_attempts"]})
    assert [line for line in LINES if found.asks(line)] == [
        "never",
        "retry_after",
        "cancelled_streams",
    ]
    assert not any(policy({"skip": list(LINES)}).asks(line) for line in LINES)


READY = "default, openai-python, openai-node, vercel-ai-sdk, langchain, langchain-js"
STATUSES = "one of: 4xx, 5xx, or a status from 400 to 599"
SKIPPED = f"unknown value 'heard', one of: {', '.join(LINES)} (did you mean 'herd'?)"
JITTERED = "(such as [0.75, 1], or [0, 1] for full jitter)"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "openai-pyton",
            f"unknown value 'openai-pyton', one of: {READY} (did you mean 'openai-python'?)",
        ),
        ({"policy": "node"}, f"unknown value 'node', one of: {READY}"),
        (7, "expected the name of a policy or a mapping, got 7"),
        ({"retry": {"statuses": [200]}}, "200 is not an HTTP error (a status from 400 to 599)"),
        (
            {"retry": {"statuses": ["5x"]}},
            f"unknown value '5x', {STATUSES} (did you mean '5xx'?)",
        ),
        (
            {"retry": {"statuses": [429]}, "never": {"statuses": [429]}},
            "429 is to be tried again as well",
        ),
        (
            {"retry": {"codes": ["x"]}, "never": {"codes": ["x"]}},
            "'x' is to be tried again as well",
        ),
        ({"backoff": {"factor": 2.0}}, "a backoff needs a base (such as base: 500ms)"),
        (
            {"backoff": {"base": "1s", "jitter": [1, 0.5]}},
            f"jitter goes from the least to the most {JITTERED}",
        ),
        ({"herd": "much"}, "expected a number or a mapping, got 'much'"),
        ({"herd": {"bin": "0s"}}, "a bin of no length holds nothing"),
        ({"skip": ["heard"]}, SKIPPED),
        ({"deadline": 60}, "a duration needs a unit (write 60ms or 60s)"),
    ],
)
def test_what_is_wrong_is_told_with_what_would_be_right(value: Any, message: str) -> None:
    assert refusal(AuditSpec, value) == message


def test_complaints_name_their_place() -> None:
    value = {"retry": {"statuses": [429, "x"]}, "herd": 2, "backoff": {"base": "1s", "cap": 3}}
    with pytest.raises(ValidationError) as caught:
        AuditSpec.model_validate(value)
    assert [(where, each.message) for where, each in complaints(caught.value)] == [
        (
            ("retry", "statuses", 1),
            "unknown value 'x', one of: 4xx, 5xx, or a status from 400 to 599",
        ),
        (("backoff", "cap"), "a duration needs a unit"),
        (("herd", "threshold"), "2 is not at most 1"),
    ]


def test_a_policy_can_be_written_and_read_again() -> None:
    value = {
        "policy": "openai-node",
        "deadline": "90s",
        "herd": 0.5,
        "retry": {"statuses": [429, "5xx"]},
        "skip": ["backoff"],
    }
    spec = AuditSpec.model_validate(value)
    written = spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert AuditSpec.model_validate(written).to_policy() == spec.to_policy()
    assert AuditSpec.model_validate(spec) == spec


@pytest.mark.parametrize(
    ("audit", "place", "message"),
    [
        ({"policy": []}, ("policy",), "unknown value a list, one of: default, openai-python"),
        ({"policy": {}}, ("policy",), "unknown value a mapping, one of: default"),
        ({"policy": 10**5000}, ("policy",), "unknown value a number of thousands of digits"),
        ({"policy": Mute()}, ("policy",), "unknown value some Mute, one of: default"),
        ({"retry": {"statuses": [[429]]}}, ("retry", "statuses", 0), "unknown value a list, one"),
        ({"never": {"statuses": [{}]}}, ("never", "statuses", 0), "unknown value a mapping, one"),
        ({"herd": 10**400}, ("herd", "threshold"), "expected a number, got 1000"),
        ({"max_attempts": 10**400}, ("max_attempts",), "0 is not at most 1e+12"),
        ({"never": {"codes": ["a\x1b[31m"]}}, ("never", "codes", 0), "cannot be a code (printable"),
        ({"retry": {"codes": ["a\n"]}}, ("retry", "codes", 0), "cannot be a code (printable"),
    ],
)
def test_nonsense_of_any_kind_is_told(audit: Any, place: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        AuditSpec.model_validate(audit)
    ((at, complaint),) = complaints(caught.value)
    assert at == place
    told = f"{complaint.message} ({complaint.hint})"
    assert message in told
    assert len(told) < 400
