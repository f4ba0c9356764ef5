"""What a fault means for a reply that was sent in full."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.observe.audit import audit
from tests.observe.audit.helpers import record

CALLED = {"tool_calls": [{"id": "c", "name": "f", "arguments": "{"}]}
SAID: dict[str, Any] = {"tool_calls": []}
WHOLE = ['data: {"a": 1}\n\n', "data: [DONE]\n\n"]
FAILED = ['data: {"a": 1}\n\n', 'data: {"error": {}}\n\n']
HALF = ['data: {"a"\n\n', "data: [DONE]\n\n"]


def outcome(fault: str, *, after: dict[str, Any] | None = None, **fields: Any) -> str:
    reply = {name: fields.pop(name) for name in ("choices", "chunks") if name in fields}
    made = record(1, 0, faults=[fault], **fields)
    made["injected"] = [{"type": fault, **({"after": after} if after else {})}]
    made["reply"].update(reply)
    return audit([made]).calls[0].outcome


@pytest.mark.parametrize(
    "fault",
    [
        "accept_and_close",
        "connection_refused",
        "connection_reset",
        "empty_response",
        "malformed_chunk",
        "truncate",
    ],
)
def test_what_ends_the_connection_did_not_come_where_the_reply_was_sent_in_full(fault: str) -> None:
    assert outcome(fault) == "succeeded"


@pytest.mark.parametrize("fault", ["cut_arguments", "broken_tool_call"])
def test_faults_of_tool_calls_need_one(fault: str) -> None:
    assert outcome(fault, choices=[SAID]) == "succeeded"
    assert outcome(fault, choices=[SAID, CALLED]) == "spoiled"
    assert outcome(fault) == "spoiled"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "of_streams"),
    [("missing_done", True), ("error_event", True), ("wrong_content_length", False)],
)
def test_faults_of_the_other_kind_of_reply_change_nothing(
    fault: str, *, of_streams: bool, stream: bool
) -> None:
    expected = "spoiled" if stream == of_streams else "succeeded"
    assert outcome(fault, stream=stream) == expected


@pytest.mark.parametrize("fault", ["duplicate_chunk", "reordered_chunk"])
@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({"chunks": 1}, "succeeded"),
        ({"chunks": 0}, "spoiled"),
        ({"bytes": 100}, "succeeded"),
        ({"bytes": 99}, "spoiled"),
        ({"tokens": 5}, "spoiled"),
        ({"time": "5ms"}, "spoiled"),
        (None, "spoiled"),
    ],
)
def test_a_chunk_is_moved_only_where_its_place_is_reached(
    fault: str, after: dict[str, Any] | None, expected: str
) -> None:
    assert outcome(fault, after=after, stream=True) == expected


def test_tokens_are_counted_where_the_usage_is_known() -> None:
    usage = {"completion_tokens": 5, "total_tokens": 9}
    for place, expected in ((5, "succeeded"), (4, "spoiled")):
        found = outcome("duplicate_chunk", after={"tokens": place}, stream=True, usage=usage)
        assert found == expected


def test_an_error_as_an_event_is_the_end_of_a_stream() -> None:
    assert outcome("error_event", stream=True, chunks=WHOLE) == "succeeded"
    assert outcome("error_event", stream=True, chunks=FAILED) == "spoiled"


def test_json_is_invalid_or_not() -> None:
    assert outcome("invalid_json", stream=True, chunks=WHOLE) == "succeeded"
    assert outcome("invalid_json", stream=True, chunks=HALF) == "spoiled"
    assert outcome("invalid_json", chunks=['{"a": ', "1}"]) == "succeeded"
    assert outcome("invalid_json", chunks=['{"a": ']) == "spoiled"
    assert outcome("invalid_json", chunks=[{"base64": "/w=="}]) == "spoiled"


def test_other_faults_spoil_a_reply_and_so_does_one_among_many() -> None:
    assert outcome("empty_choices") == "spoiled"
    made = record(1, 0, faults=["truncate", "empty_body", "crlf"])
    assert audit([made]).calls[0].outcome == "spoiled"
