"""Records read back; what is none is told."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mockdock import UsageError
from mockdock.frames import Cut, Frame, Raw
from mockdock.observe import Entry, record
from mockdock.observe.recorded import recorded
from tests.observe.helpers import exchange


def made(**fields: Any) -> dict[str, Any]:
    """Make a record of one chunk; ``outcome`` and ``reply`` are merged into its own."""
    whole = record(Entry(7, exchange()))
    whole["reply"] |= {"chunks": ["abc"], "headers": {"content-length": "3"}}
    whole["outcome"] |= {"bytes": 3}
    for name, value in fields.items():
        whole[name] = {**whole[name], **value} if isinstance(value, dict) else value
    return whole


def test_a_record_becomes_what_left() -> None:
    read = recorded(made())
    assert (read.head.status, read.head.headers) == (200, ((b"content-length", b"3"),))
    assert (read.timed, read.exact) == (((0.0, Frame(b"abc")),), True)


def test_bytes_segments_moments_and_what_passed_http_by_come_back() -> None:
    chunks = ["a", {"base64": "/w=="}, "c"]
    outcome = {"bytes": 3, "raw": 2, "alone": [0, 2], "moments": [0, 1.5, 2]}
    read = recorded(made(reply={"chunks": chunks}, outcome=outcome))
    assert read.timed == (
        (0.0, Frame(b"a", flush=True)),
        (1.5, Frame(b"\xff")),
        (2.0, Raw(b"c")),
    )


@pytest.mark.parametrize(
    ("outcome", "last"),
    [
        ({"ending": "client_left"}, (math.inf, Frame(b""))),
        ({"ending": "stopped"}, (0.0, Cut())),
        (
            {"ending": "cut", "cut": {"end": "rst", "gate": "refuse", "for": 2, "at": 1}},
            (1.0, Cut(reset=True, gate="refuse", lasts=2.0)),
        ),
    ],
)
def test_a_reply_ends_as_it_did(outcome: Any, last: Any) -> None:
    assert recorded(made(outcome=outcome)).timed[-1] == last


def test_where_a_secret_is_hidden_the_length_is_that_of_what_is_there() -> None:
    read = recorded(made(reply={"chunks": ["[redacted]"]}))
    assert (read.exact, read.head.headers) == (False, ((b"content-length", b"10"),))
    cut = {"end": "fin", "gate": None, "for": 0, "at": 0}
    part = {"ending": "cut", "cut": cut, "bytes": 3}
    short = recorded(made(reply={"chunks": ["[redacted]"]}, outcome=part))
    assert short.head.headers == ((b"content-length", b"3"),)


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": 99},
        {"status": "200"},
        {"reply": {"headers": {"x": "a\r\nb: c"}}},
        {"reply": {"headers": {"x y": "a"}}},
        {"reply": {"headers": {"x": "\u20ac"}}},
        {"reply": {"chunks": [5]}},
        {"reply": {"chunks": [{"base64": "a"}]}},
        {"outcome": {"ending": "lost"}},
        {"outcome": {"ending": "cut", "cut": None}},
        {"outcome": {"ending": "cut", "cut": {"end": "?", "gate": None, "for": 0, "at": 0}}},
        {"outcome": {"ending": "cut", "cut": {"end": "fin", "gate": "x", "for": 0, "at": 0}}},
        {"outcome": {"moments": [-1]}},
        {"outcome": {"moments": [math.nan]}},
        {"faults": None},
    ],
    ids=str,
)
def test_what_is_no_record_is_told(wrong: Any) -> None:
    with pytest.raises(UsageError, match="record 7 is no record of a journal: "):
        recorded(made(**wrong))


def test_what_lacks_a_part_is_told() -> None:
    with pytest.raises(UsageError, match="record 3 is no record of a journal: KeyError"):
        recorded({"number": 3})
