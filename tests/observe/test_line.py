"""The one line an exchange leaves on the terminal."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.fault import Fault
from mockdock.frames import Head, Outcome
from mockdock.observe import Exchange, line
from mockdock.reply import Completion, Failure, ModelCard, ModelList, Usage
from mockdock.request import Request

STARTED = 1_700_000_000.0
NOW = STARTED + 4321
CLOCK = datetime.fromtimestamp(NOW).strftime("%H:%M:%S")  # noqa: DTZ006 - local, as shown
ANSWER = Completion("x" * 29, 0, "gpt-4o-2024-08-06", (), Usage(12, 34, 46))
DONE = Outcome("completed", 1, 100)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be now, whatever time an exchange lived in."""
    local = time.localtime(NOW)
    monkeypatch.setattr(time, "localtime", lambda: local)


def exchange(**fields: Any) -> Exchange:
    given: dict[str, Any] = {
        "method": "POST",
        "path": "/v1/chat/completions",
        "session": "",
        "asked": Request("openai", "chat", "gpt-4o"),
        "reply": ANSWER,
        "rule": "greet",
        "attempt": 1,
        "headers": {},
        "body": b"",
        "rule_key": "greet",
        "head": Head(fields.pop("status", 200), ()),
        "outcome": DONE,
        "started": STARTED,
        "duration": 0.0123,
        "told": lambda _: iter(()),
    }
    return Exchange(**{**given, **fields})


def shown(**fields: Any) -> list[str]:
    """Give the columns of a line: what two blanks or more keep apart."""
    return re.split(r" {2,}", line(exchange(**fields)))


def test_a_line_says_when_status_model_rule_tokens_and_time() -> None:
    made = line(exchange())
    assert made.split() == [CLOCK, "200", "gpt-4o", "greet", "12+34", "tok", "12", "ms"]


def test_columns_stay_in_place() -> None:
    one = line(exchange())
    other = line(
        exchange(asked=Request("openai", "chat", "o3"), rule=None, status=429, duration=12.0)
    )
    assert one.index("greet") == other.index("otherwise")
    assert one.index(" ms") == other.index(" ms")


def test_where_no_rule_answered_otherwise_did() -> None:
    assert shown(rule=None)[1] == "otherwise"


def test_an_answer_of_the_models_api_has_no_tokens_and_no_rule() -> None:
    listed = Request("openai", "models")
    reply = ModelList((ModelCard("gpt-4o", 0, "system"),))
    made = shown(method="GET", path="/v1/models", asked=listed, reply=reply, rule=None)
    assert made == [f"{CLOCK} 200 /v1/models", "-", "-", "12 ms"]


def test_a_failure_says_why() -> None:
    failure = Failure("rate_limit", message="Slow down")
    assert line(exchange(reply=failure, status=429)).endswith(" ms Slow down")
    assert line(exchange(reply=Failure("quota"), status=429)).endswith(" ms quota")


def test_a_request_that_could_not_be_read_is_named_by_its_path() -> None:
    made = line(
        exchange(asked=None, reply=Failure("invalid_url"), rule=None, path="/v1/chat", status=404)
    )
    assert made.split() == [CLOCK, "404", "/v1/chat", "-", "-", "12", "ms", "invalid_url"]


def test_streams_retries_and_clients_that_left_are_noted() -> None:
    request = Request("openai", "chat", "gpt-4o", stream=True)
    gone = Outcome("client_left", 3, 99)
    made = line(exchange(asked=request, attempt=2, outcome=gone))
    assert made.endswith(" ms stream attempt 2 the client left after 3 events")
    one = line(exchange(outcome=replace(gone, frames=1)))
    assert one.endswith(" ms the client left after 1 event")


def test_a_reply_that_contradicts_its_request_is_warned_of() -> None:
    told = ("the tool 'f' is not offered", "the text is not JSON")
    made = line(exchange(reply=replace(ANSWER, warnings=told)))
    assert made.endswith(" ms warning: the tool 'f' is not offered warning: the text is not JSON")
    assert "warning" not in line(exchange())


def test_a_hint_of_a_refusal_is_told() -> None:
    refused = Failure("model_not_found", headers={"x-mockdock-hint": "the nearest is\n'chat'"})
    made = line(exchange(reply=refused))
    assert made.endswith(" ms model_not_found (the nearest is?'chat')")


def test_a_warning_is_shown_in_one_line_whatever_it_quotes() -> None:
    made = line(exchange(reply=replace(ANSWER, warnings=("the tool 'a\nb\x1b[2J' is not",))))
    assert made.isprintable()
    assert made.endswith("warning: the tool 'a?b?[2J' is not")


@pytest.mark.parametrize(
    ("duration", "written"), [(0.0, "0 ms"), (0.0004, "0 ms"), (0.25, "250 ms"), (61.5, "61500 ms")]
)
def test_time_is_in_milliseconds(duration: float, written: str) -> None:
    assert shown(duration=duration)[-1] == written


@pytest.mark.parametrize(
    ("status", "color"), [(200, 32), (399, 32), (400, 31), (429, 31), (500, 31)]
)
def test_errors_are_red_and_the_rest_is_green(status: int, color: int) -> None:
    made = line(exchange(status=status), color=True)
    assert f"\x1b[{color}m{status}\x1b[0m" in made
    assert re.sub(r"\x1b\[\d+m", "", made) == line(exchange(status=status))


def test_without_color_there_are_no_escapes() -> None:
    assert "\x1b" not in line(exchange(status=500))


@pytest.mark.parametrize(
    "sent",
    [
        "\x1b[2J\x1b[31mowned",
        "a\r\nb",
        "a\x07\x08\x00b",
        "a\u202eb\u2066c",
        "a\x9b31mb",
        "a\u2028b",
    ],
)
def test_what_a_client_sends_never_reaches_the_terminal_raw(sent: str) -> None:
    lines = [
        line(exchange(asked=Request("openai", "chat", sent))),
        line(exchange(asked=None, path=f"/{sent}", reply=Failure("invalid_url"))),
        line(exchange(rule=sent)),
        line(exchange(reply=Failure("no_match", message=f"Nearest: {sent}"))),
    ]
    for made in lines:
        assert made.isprintable()
        assert "?" in made


@given(st.text(max_size=500), st.text(max_size=500))
def test_a_line_is_one_printable_line_of_bounded_length(one: str, other: str) -> None:
    request = Request("openai", "chat", one)
    made = line(exchange(asked=request, rule=other, reply=Failure("auth", message=other)))
    assert made.isprintable()
    assert len(made) < 600


def test_long_names_are_cut_with_dots() -> None:
    cut = line(exchange(asked=Request("openai", "chat", "m" * 61)))
    assert f" {'m' * 57}... " in cut
    whole = line(exchange(asked=Request("openai", "chat", "m" * 60)))
    assert f" {'m' * 60} " in whole
    long = line(exchange(reply=Failure("no_match", message="x" * 401)))
    assert long.endswith("x" * 397 + "...")


@pytest.mark.parametrize(
    ("outcome", "names", "stream", "told"),
    [
        (Outcome("cut", 3, 9), ["truncate"], True, "cut by truncate after 3 events"),
        (Outcome("cut", 1, 9), ["slicer", "truncate"], False, "cut by slicer, truncate"),
        (Outcome("cut", 0, 0), [], False, "cut by a fault"),
        (Outcome("completed", 1, 9), ["html_error"], False, "broken by html_error"),
        (Outcome("client_left", 1, 9), ["stall"], True,
         ("the client left after 1 event, broken by stall")),
        (Outcome("stopped", 2, 9), [], True, "the server stopped it after 2 events"),
    ],
)  # fmt: skip
def test_what_broke_on_purpose_is_told(
    outcome: Outcome, names: list[Any], stream: bool, told: str
) -> None:
    request = Request("openai", "chat", "gpt-4o", stream=stream)
    faults = tuple(Fault(name) for name in names)
    made = line(exchange(asked=request, outcome=outcome, faults=faults))
    assert made.endswith(f" ms{' stream' * stream} {told}")
