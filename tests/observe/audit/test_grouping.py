"""Attempts become calls: by key, count, trace and likeness, and not otherwise."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.observe.audit import Audit, audit, verdict
from mockdock.policy import POLICIES, Policy
from tests.effort import bounded, examples
from tests.observe.audit.helpers import Asked, record, records


def groups(made: Sequence[Asked], policy: Policy | None = None) -> list[list[int]]:
    """Give the numbers of the records, call by call."""
    return [[each.number for each in call.attempts] for call in audit(made, policy).calls]


def links(made: Sequence[Asked]) -> list[tuple[str, ...]]:
    return [call.links for call in audit(made).calls]


def counted(count: int, **others: str) -> dict[str, str]:
    return {"user-agent": "OpenAI/Python", "x-stainless-retry-count": str(count), **others}


def traced(trace: str) -> dict[str, str]:
    return {"traceparent": f"00-{trace * 32}-{'0' * 15}1-01"}


@pytest.mark.parametrize(
    "name", ["idempotency-key", "x-idempotency-key", "x-stainless-idempotency-key"]
)
def test_an_idempotency_key_makes_one_call_whatever_else_is_said(name: str) -> None:
    made = [
        record(1, 0, 500, user="one", headers={name: "k1"}),
        record(2, 1, 200, user="two", headers={name: "k1"}),
        record(3, 500, 200, user="three", headers={name: "k1"}),
        record(4, 501, 200, user="one", headers={name: "k2"}),
    ]
    assert groups(made) == [[1, 2, 3], [4]]
    assert links(made)[0] == ("first", "idempotency key", "idempotency key")


def test_a_key_that_is_hidden_tells_nothing() -> None:
    made = [
        record(1, 0, headers={"x-idempotency-key": "[redacted]"}),
        record(2, 1, headers={"x-idempotency-key": "[redacted]"}),
    ]
    assert groups(made) == [[1], [2]]


def test_sessions_are_apart() -> None:
    made = [record(1, 0, 500, session="a"), record(2, 1, 200, session="b")]
    assert groups(made) == [[1], [2]]


def test_a_retry_count_continues_the_call_it_fits() -> None:
    made = [
        record(1, 0.0, 500, user="a", headers=counted(0)),
        record(2, 0.1, 500, user="b", headers=counted(0)),
        record(3, 0.5, 500, user="b", headers=counted(1)),
        record(4, 0.6, 200, user="a", headers=counted(1)),
        record(5, 1.5, 200, user="b", headers=counted(2)),
    ]
    assert groups(made) == [[1, 4], [2, 3, 5]]
    assert links(made) == [("first", "retry count"), ("first", *["retry count"] * 2)]


def test_first_attempts_of_a_client_that_counts_are_calls_of_their_own() -> None:
    made = [
        record(1, 0.0, 500, headers=counted(0)),
        record(2, 0.5, 500, headers=counted(1)),
        record(3, 1.0, 500, headers=counted(0)),
        record(4, 1.5, 200, headers=counted(1)),
    ]
    assert groups(made) == [[1, 2], [3, 4]]


def test_equal_calls_at_the_same_time_are_told_apart_by_their_order() -> None:
    made = [
        record(1, 0.0, 500, length=0.2, headers=counted(0)),
        record(2, 0.1, 500, length=0.2, headers=counted(0)),
        record(3, 0.7, 200, headers=counted(1)),
        record(4, 0.8, 200, headers=counted(1)),
    ]
    assert groups(made) == [[1, 3], [2, 4]]


def test_equal_calls_with_traces_are_told_apart_by_these() -> None:
    made = [
        record(1, 0.0, 500, headers=counted(0, **traced("a"))),
        record(2, 0.1, 500, headers=counted(0, **traced("b"))),
        record(3, 0.7, 200, headers=counted(1, **traced("b"))),
        record(4, 0.8, 200, headers=counted(1, **traced("a"))),
    ]
    assert groups(made) == [[1, 4], [2, 3]]


STREAMED: dict[str, Any] = {"stream": True, "body": {"stream": True}}


@pytest.mark.parametrize("trace", [{}, traced("a")])
@pytest.mark.parametrize("plain", [{}, {"body": {"temperature": 1}}])
def test_a_retry_goes_on_with_the_call_of_its_own_body_not_with_one_that_was_abandoned(
    trace: dict[str, str], plain: dict[str, Any]
) -> None:
    """A stream is cut, and its application asks anew without one, which the SDK retries."""
    made = [
        record(1, 0.0, 200, ending="cut", headers=counted(0, **trace), **STREAMED),
        record(2, 0.1, 500, headers=counted(0, **trace)),
        record(3, 0.6, 500, headers=counted(1, **trace), **plain),
        record(4, 1.6, 200, headers=counted(2, **trace)),
    ]
    assert groups(made) == [[1], [2, 3, 4]]


def test_a_retry_of_the_same_body_goes_before_one_of_the_same_words_that_is_due_sooner() -> None:
    made = [
        record(1, 0.0, 500, headers=counted(0), model="gpt-4o-mini"),
        record(2, 0.1, 500, headers=counted(0)),
        record(3, 0.2, 500, headers=counted(0), body={"seed": 1}),
        record(4, 0.6, 200, headers=counted(1)),
        record(5, 0.7, 200, headers=counted(1), body={"seed": 1}),
        record(6, 0.8, 200, headers=counted(1), body={"seed": 2}),
    ]
    assert groups(made) == [[1, 6], [2, 4], [3, 5]]


def test_a_reply_that_its_client_gave_up_goes_on_before_a_call_of_another_body() -> None:
    made = [
        record(1, 0.0, 200, ending="cut", headers=counted(0), **STREAMED),
        record(2, 0.1, 200, length=9.0, ending="client_left", headers=counted(0)),
        record(3, 1.0, 200, headers=counted(1)),
    ]
    assert groups(made) == [[1], [2, 3]]


def test_calls_that_went_on_do_not_hide_one_that_waits_still() -> None:
    """Only some of the newest that resemble a request are looked at."""

    def asked(number: int, count: int, system: str, status: int = 500) -> Asked:
        said = [{"role": "system", "content": system}, {"role": "user", "content": "hello"}]
        return record(number, number, status, messages=said, headers=counted(count))

    made = [asked(1, 0, "first")]
    for number in range(2, 22, 2):
        made += [asked(number, 0, f"{number}"), asked(number + 1, 1, f"{number}", 200)]
    made.append(asked(22, 1, "changed", 200))
    assert groups(made) == [[1, 22], *([number, number + 1] for number in range(2, 22, 2))]


def test_attempts_that_never_arrived_are_counted() -> None:
    """As while connections were refused."""
    made = [
        record(1, 0.0, 500, headers=counted(0)),
        record(2, 3.0, 200, headers=counted(2)),
        record(3, 9.0, 200, user="other", headers=counted(1)),
    ]
    found = audit(made)
    assert [call.ordinals for call in found.calls] == [(1, 3), (2,)]
    (gap,) = found.calls[0].gaps
    assert (gap.retry, gap.lost, gap.taken) == (2, True, 3.0)


def test_a_retry_while_the_server_still_sends_belongs_to_the_call() -> None:
    made = [
        record(1, 0.0, 200, length=9.0, ending="client_left", stream=True, headers=counted(0)),
        record(2, 1.0, 200, headers=counted(1)),
    ]
    assert groups(made) == [[1, 2]]


@pytest.mark.parametrize("header", [{}, {"x-stainless-retry-count": "0"}])
def test_a_failure_and_a_like_request_within_the_window_are_one_call(
    header: dict[str, str],
) -> None:
    made = records((0, 500), (30, 500), (90, 500), (151, 200), headers=header)
    assert groups(made) == [[1, 2, 3], [4]]
    assert links(made)[0] == ("first", "similarity", "similarity")


def test_the_window_begins_when_the_retry_is_due() -> None:
    made = [record(1, 0, 429, reply={"retry-after": "100"}), record(2, 159, 200)]
    assert groups(made) == [[1, 2]]


def test_after_a_success_the_same_request_is_a_new_call() -> None:
    assert groups(records((0, 500), (1, 200), (2, 200), (3, 500), (4, 200))) == [
        [1, 2],
        [3],
        [4, 5],
    ]


def test_first_attempts_that_overlap_are_two_calls() -> None:
    made = [record(1, 0.0, 500, length=2.0), record(2, 1.0, 500, length=2.0)]
    assert groups(made) == [[1], [2]]


@pytest.mark.parametrize(
    "change",
    [
        {"model": "gpt-4o-mini"},
        {"body": {"temperature": 0.7, "max_tokens": 5}},
        {"stream": True, "body": {"stream": True}},
        {"messages": [{"role": "user", "content": "  hello \n"}]},
        {"messages": [{"role": "system", "content": "Now!"}, {"role": "user", "content": "hello"}]},
    ],
)
def test_a_changed_field_still_groups(change: dict[str, Any]) -> None:
    assert groups([record(1, 0, 500), record(2, 1, 200, **change)]) == [[1, 2]]


def test_a_deployment_in_the_path_is_a_field_too() -> None:
    path = "/openai/deployments/{}/chat/completions?api-version=2024-02-01"
    made = [
        record(1, 0, 500, path=path.format("gpt-4o")),
        record(2, 1, 200, path=path.format("gpt-4o-mini")),
    ]
    assert groups(made) == [[1, 2]]


LONG = [{"role": "system", "content": "You are an agent. " * 100}]


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "hello!"}],
        [*LONG, {"role": "user", "content": "what is 2+3?"}],
        [
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": "hi"},
            {"role": "user", "content": "more"},
        ],
    ],
)
def test_another_question_is_another_call(messages: list[dict[str, str]]) -> None:
    made = [
        record(1, 0, 500),
        record(2, 0, 500, messages=[*LONG, {"role": "user", "content": "what is 2+2?"}]),
        record(3, 1, 200, messages=messages),
    ]
    assert groups(made) == [[1], [2], [3]]


def test_the_next_step_of_an_agent_is_another_call() -> None:
    asked = [{"role": "user", "content": "go"}]
    done = [{"role": "assistant", "content": None}, {"role": "tool", "content": "42"}]
    made = [record(1, 0, 500, messages=asked), record(2, 1, 200, messages=[*asked, *done])]
    assert groups(made) == [[1], [2]]


def test_a_system_prompt_that_tells_the_time_does_not_part_a_call() -> None:
    made = [
        record(
            number,
            number,
            500,
            messages=[
                {"role": "system", "content": f"It is {number} o'clock"},
                {"role": "user", "content": "hi"},
            ],
        )
        for number in range(1, 4)
    ]
    assert groups(made) == [[1, 2, 3]]


def test_a_history_that_is_cut_does_not_part_a_call() -> None:
    history = [{"role": "assistant", "content": f"turn {turn}"} for turn in range(200)]
    asked = {"role": "user", "content": "and now?"}
    made = [
        record(1, 0, 500, messages=[*history, asked]),
        record(2, 1, 200, messages=[*history[180:], asked]),
    ]
    assert groups(made) == [[1, 2]]


def test_traces_tell_like_calls_apart_and_let_the_question_change() -> None:
    long = [{"role": "user", "content": f"part {part}"} for part in range(5)]
    changed = [*long[:4], {"role": "user", "content": "part 4, in short"}]
    made = [
        record(1, 0, 500, messages=long, headers=traced("a")),
        record(2, 1, 500, messages=long, headers=traced("b")),
        record(3, 2, 200, messages=changed, headers=traced("b")),
        record(4, 3, 200, messages=long, headers=traced("a")),
        record(5, 4, 200, messages=long, headers=traced("c")),
        record(6, 5, 200, user="else", headers=traced("a")),
    ]
    assert groups(made) == [[1, 4], [2, 3], [5], [6]]
    assert links(made)[1] == ("first", "trace id")


def test_trace_ids_that_are_new_each_time_tell_nothing() -> None:
    made = [
        record(1, 0, 500, headers={"x-request-id": "r1"}),
        record(2, 1, 200, headers={"x-request-id": "r2"}),
    ]
    assert links(made) == [("first", "similarity")]


@pytest.mark.parametrize(
    ("body", "other"),
    [
        ({"model": "m", "input": "text"}, {"model": "n", "input": "text "}),
        ({"model": "m", "input": ["a", "b"]}, {"model": "n", "input": ["a", "b"]}),
        (
            {"input": [{"role": "user", "content": "x"}]},
            {"input": [{"role": "user", "content": "x"}]},
        ),
        ({"model": "m", "prompt": "x"}, {"model": "n", "prompt": "x"}),
        ({"model": "m", "other": 1}, {"model": "n", "other": 1}),
        ([1, 2], [1, 2]),
    ],
)
def test_other_apis_have_conversations_too(body: Any, other: Any) -> None:
    made = [record(1, 0, 500), record(2, 1, 200)]
    for each, said in zip(made, (body, other), strict=True):
        each["request"]["body"] = json.dumps(said)
    assert groups(made) == [[1, 2]]
    made[1]["request"]["body"] = json.dumps({"input": "something else"})
    assert groups(made) == [[1], [2]]


@pytest.mark.parametrize(
    "body",
    ["", "{", "\ud800", {"base64": "AAAA"}, json.dumps("[" * 2000), '{"a": "\\ud800"}', "[" * 5000],
)
def test_any_body_is_read(body: Any) -> None:
    made = [record(1, 0, 500), record(2, 1, 200)]
    for each in made:
        each["request"]["body"] = body
    assert groups(made) == [[1, 2]]


KINDS = st.sampled_from(["completed", "client_left", "cut", "stopped"])
ATTEMPTS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(0, 8).map(lambda n: n / 2),
            "status": st.sampled_from([200, 400, 429, 503]),
            "user": st.sampled_from(["a", "b"]),
            "length": st.sampled_from([0.0, 0.5, 3.0]),
            "ending": KINDS,
            "session": st.sampled_from(["", "s"]),
            "headers": st.sampled_from(
                [{}, counted(0), counted(1), counted(2), traced("a"), {"idempotency-key": "k"}]
            ),
            "reply": st.sampled_from([{}, {"retry-after": "2"}, {"retry-after-ms": "100"}]),
            "stream": st.booleans(),
        }
    ),
    max_size=30,
)


def told(found: Audit) -> Any:
    return found.to_json()


@settings(deadline=None, max_examples=examples(200))
@given(rows=ATTEMPTS, seed=st.integers(0, 99), policy=st.sampled_from(sorted(POLICIES)))
def test_calls_are_a_partition_in_any_order(
    rows: list[dict[str, Any]], seed: int, policy: str
) -> None:
    """Each attempt is in one call, calls are of one session, and the order given is nothing."""
    made = [record(number, **row) for number, row in enumerate(rows, 1)]
    found = audit(made, POLICIES[policy])
    numbers = [each.number for call in found.calls for each in call.attempts]
    assert sorted(numbers) == list(range(1, len(rows) + 1))
    assert found.figures.attempts == len(rows)
    assert found.figures.calls + found.figures.retries == len(rows)
    for call in found.calls:
        assert len({each.session for each in call.attempts}) == 1
        starts = [each.start for each in call.attempts]
        assert starts == sorted(starts)
        assert list(call.ordinals) == sorted(set(call.ordinals))
        if call.attempts[0].idempotency is None:
            assert all(each.kind != "succeeded" for each in call.attempts[:-1])
    shuffled = made[:]
    Random(seed).shuffle(shuffled)
    assert told(audit(shuffled, POLICIES[policy])) == told(found)


@pytest.mark.parametrize("alike", ["same", "distinct", "system"])
def test_many_records_cost_little_each(alike: str) -> None:
    """Whatever they say; ten thousand take some loops of Python, not their square."""
    rng = Random(1)
    made = []
    for number in range(1, 10_001):
        user = f"question {number // 3}" if alike == "distinct" else "hello"
        system = f"it is {number}" if alike == "system" else "be kind"
        said = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        status = rng.choice([200, 429, 503])
        made.append(record(number, number / 100, status, messages=said))
    with bounded(1000):
        audit(made)


def test_bodies_beyond_those_that_are_kept_are_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "_MOST_KNOWN", 1)
    made = [record(number, number, 500, user=str(number % 2)) for number in range(1, 7)]
    assert groups(made) == [[1, 3, 5], [2, 4, 6]]


def test_an_attempt_that_fits_no_call_begins_one() -> None:
    made = [
        record(1, 0, 500, headers=counted(0)),
        record(2, 1, 500, user="other", headers=counted(1)),
        record(3, 2, 500, headers=counted(0), length=5.0),
        record(4, 3, 200, headers=counted(1)),
        record(5, 4, 200, headers=counted(2)),
        record(6, 5, 200, headers=counted(1)),
        record(7, 6, 200, headers=counted(1)),
    ]
    assert groups(made) == [[1, 4], [2], [3, 6], [5], [7]]


def test_counts_that_mean_nothing_do_not_cost_more_than_others() -> None:
    """Every attempt says another count, of a conversation that none of them can go on with."""
    made = []
    for number in range(1, 5001):
        said = [{"role": who, "content": f"{who} {number}"} for who in ("system", "assistant")]
        said.append({"role": "user", "content": "hello"})
        made.append(record(number, number, 503, messages=said, headers=counted(1 + number % 999)))
    with bounded(400):
        found = audit(made)
    assert len(found.calls) == 5000


def test_a_retry_goes_on_with_the_next_lower_count_there_is() -> None:
    """Those between were lost; a call that was gone on with is no longer there."""
    made = [
        record(1, 0, 503, headers=counted(0)),
        record(2, 1, 503, headers=counted(40)),
        record(3, 2, 503, headers=counted(90)),
        record(4, 3, 503, headers=counted(0), user="other"),
        record(5, 4, 503, headers=counted(0)),
        record(6, 5, 200, headers=counted(7)),
        record(7, 6, 200, headers=counted(99), user="other"),
    ]
    assert groups(made) == [[1, 2, 3], [4, 7], [5, 6]]
