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
        {"outcome": {"moments": [10**400]}},
        {"outcome": {"frames": "1"}},
        {"outcome": {"frames": 1.0}},
        {"outcome": {"bytes": None}},
        {"faults": None},
        {"faults": [1]},
        {"faults": "reset"},
        {"status": 200.0},
        {"method": 5},
        {"path": None},
        {"time_scale": "1"},
        {"time_scale": 10**400},
        {"time_scale": 1e-9},
        {"time_scale": True},
    ],
    ids=str,
)
def test_what_is_no_record_is_told(wrong: Any) -> None:
    with pytest.raises(UsageError, match="record 7 is no record of a journal: "):
        recorded(made(**wrong))


def test_what_lacks_a_part_is_told() -> None:
    with pytest.raises(
        UsageError, match="record 3 is no record of a journal: the key 'reply' is missing"
    ):
        recorded({"number": 3})


@pytest.mark.parametrize("name", ["method", "path", "status", "faults", "stream", "reply"])
def test_a_part_that_is_missing_is_named(name: str) -> None:
    broken = made()
    del broken[name]
    told = f"record 7 is no record of a journal: the key '{name}' is missing"
    with pytest.raises(UsageError, match=told):
        recorded(broken)


def test_what_an_error_shows_of_a_record_harms_no_terminal() -> None:
    """Nor is it long."""
    for number in ("\x1b[31mred", ["\x1b"], 10**400, True, None):
        with pytest.raises(UsageError) as error:
            recorded({**made(status="\x1b[31m" + "x" * 1000), "number": number})
        told = str(error.value)
        assert told.startswith("record ? is no record of a journal: ValueError: ")
        assert told.isprintable()
        assert len(told) < 300


def test_a_number_that_python_does_not_write_is_told() -> None:
    with pytest.raises(UsageError, match="a number of thousands of digits is no time scale"):
        recorded(made(time_scale=10**5000))


def test_a_record_without_a_time_scale_is_of_real_time() -> None:
    assert recorded(made(time_scale=None)).time_scale == 1.0
    assert recorded(made(time_scale=0)).time_scale == 0.0
    without = made()
    del without["time_scale"]
    assert recorded(without).time_scale == 1.0


def test_a_record_is_told_in_short() -> None:
    cut = {"ending": "cut", "cut": {"end": "fin", "gate": None, "for": 0, "at": 0}, "frames": 2}
    read = recorded(made(path="/v1/\x1b[31m", outcome=cut, faults=["truncate"], stream=True))
    assert read.told == "#7 POST /v1/?[31m 200 3 bytes cut by truncate after 2 events"
