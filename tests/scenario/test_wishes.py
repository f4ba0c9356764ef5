"""Trouble in one line: what can be said, and what is said of what cannot."""

from __future__ import annotations

import time
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from mockdock.errors import UsageError
from mockdock.fault import OPTIONS, FaultName
from mockdock.reply import ErrorKind
from mockdock.scenario import ErrorSpec, FaultSpec, wishes
from mockdock.scenario.faults import FAULT_NAMES
from mockdock.scenario.wishes import wish

VALUES = {
    "for": "5s",
    "rate": "10KB/s",
    "size": "3",
    "delay": "10ms",
    "end": "rst",
    "inside": "string",
    "by": "-5",
    "content_type": "text/plain",
    "location": "http://a/b?c=d",
}


def refusal(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        wishes(text)
    return str(caught.value)


@pytest.mark.parametrize("kind", [*get_args(ErrorKind), "400", "429", "599", "503"])
def test_every_kind_of_error_and_every_status_can_be_wished_for(kind: str) -> None:
    assert wish(kind) == ErrorSpec(error=int(kind) if kind.isdecimal() else kind)


@pytest.mark.parametrize("name", FAULT_NAMES)
def test_every_fault_can_be_wished_for_with_each_of_its_options(name: FaultName) -> None:
    assert wish(name) == FaultSpec(type=name)
    kind = FaultSpec(type=name).type
    for option in OPTIONS[kind]:
        if option == "after":
            places = (("tokens", 3), ("chunks", 3), ("bytes", 3), ("time", "2s"))
            for place, at in places:
                spec = FaultSpec.model_validate({"type": name, "after": {place: at}})
                assert wish(f"{name};{place}={at}") == spec
            continue
        value = VALUES.get(option) or {"redirect": "307", "html_error": "504"}[kind]
        number = int(value) if value.lstrip("-").isdecimal() else value
        expected = FaultSpec.model_validate({"type": name, option: number})
        assert wish(f"{name};{option}={value}") == expected
    chance = FaultSpec.model_validate({"type": name, "probability": 0.5, "times": 2})
    assert wish(f" {name} ; probability = 0.5 ; times=2 ") == chance


def test_every_option_of_an_error_can_be_wished_for() -> None:
    text = "429;retry_after=20s;header=lies;should_retry=false;message=a = b;type=t;param=p;code=7"
    assert wish(text) == ErrorSpec.model_validate(
        {
            "error": 429,
            "retry_after": "20s",
            "header": "lies",
            "should_retry": False,
            "message": "a = b",
            "type": "t",
            "param": "p",
            "code": "7",
        }
    )
    assert wish("500;message=123") == ErrorSpec(error=500, message="123")
    assert wish("500;message=true") == ErrorSpec(error=500, message="true")


def test_several_wishes_stand_beside_each_other() -> None:
    found = wishes("429;retry_after=1s, reset ,,stall;for=5s")
    assert found == (wish("429;retry_after=1s"), wish("reset"), wish("stall;for=5s"))
    assert wishes("") == wishes(" , ") == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rest", "'rest' is no error and no fault (did you mean 'reset'?)"),
        ("429x", "'429x' is no error and no fault (an HTTP status, a kind of error, "),
        (";for=5s", "'' is no error and no fault"),
        ("²", "'²' is no error and no fault"),
        ("200", "'200': 200 is not an HTTP error (a status from 400 to 599)"),
        ("4" * 30, "is not an HTTP error"),
        ("stall;5s", "'stall;5s': expected option=value, got '5s' (as in stall;for=5s)"),
        ("stall;=5s", "expected option=value, got '=5s'"),
        ("stall;fro=5s", "'stall;fro=5s': no option 'fro' (did you mean 'for'?)"),
        ("stall;x=1", "(it takes for, tokens, chunks, bytes, time, probability, times)"),
        ("crlf;x=1", "no option 'x' (it takes probability, times)"),
        ("crlf;for=5s", "'crlf;for=5s': no option 'for' (it takes probability, times)"),
        ("429;retry=5s", "'429;retry=5s': no option 'retry' (did you mean 'retry_after'?)"),
        ("429;x=1", "no option 'x' (it takes retry_after, header, should_retry, message, type,"),
        ("429;tokens=5", "no option 'tokens'"),
        ("429;error=500", "no option 'error'"),
        ("429;headers=x", "no option 'headers' (did you mean 'header'?)"),
        ("429;times=2", "no option 'times'"),
        ("stall;type=reset", "no option 'type'"),
        ("stall;when=now", "no option 'when'"),
        ("stall;after=5", "no option 'after'"),
        ("stall;for_=5s", "no option 'for_' (did you mean 'for'?)"),
        ("stall;for=5s;for=6s", "the option 'for' twice"),
        ("stall;tokens=5;tokens=6", "the option 'tokens' twice"),
        ("stall;tokens=5;bytes=6", "bytes: 'tokens' and 'bytes': a fault has one place"),
        ("stall;for=5", "for: a duration needs a unit (write 5ms or 5s)"),
        ("stall;for=", "for: '' is not a duration"),
        ("stall;tokens=few", "tokens: expected a whole number, got 'few'"),
        ("stall;tokens=-1", "tokens: -1 is not at least 0"),
        ("stall;tokens=1.5", "tokens: expected a whole number, got 1.5"),
        ("reset;probability=2", "probability: 2 is not at most 1"),
        ("reset;probability=nan", "probability: expected a number, got 'nan'"),
        ("reset;times=0", "times: 0 is not at least 1"),
        ("bandwidth;rate=fast", "rate: 'fast' is not a rate (such as 500B/s"),
        ("slicer;size=9999999999999999999999", "size: expected a whole number"),
        ("truncate;end=bang", "end: unknown value 'bang', one of: fin, rst"),
        ("html_error;status=200", "status: 200 is not an HTTP error"),
        ("redirect;status=abc", "status: expected a whole number, got 'abc'"),
        ("redirect;location=a\r\nb: c", "location: 'a\\r\\nb: c' cannot be the value of a header"),
        ("429;header=never", "header: unknown value 'never'"),
        ("429;should_retry=no", "should_retry: expected true or false, got 'no'"),
        ("429;retry_after=9999999999h", "retry_after: '9999999999h' is longer than a year"),
        ("429;message=${usr}", "message: "),
        ("\x00\x1b[31m", "'\\x00\\x1b[31m' is no error"),
        ("\ud800", "'\\ud800' is no error"),
    ],
)
def test_what_is_wrong_with_a_wish_is_said(text: str, told: str) -> None:
    message = refusal(text)
    assert told in message
    assert message.isprintable()


def test_a_wish_has_at_most_200_characters() -> None:
    longest = "reset;" + " " * 187 + "times=1"
    assert len(longest) == 200
    assert wishes(longest) == (wish("reset;times=1"),)
    assert refusal(longest + " ") == "a wish for trouble has at most 200 characters"
    started = time.perf_counter()
    refusal("reset," * 1_000_000)
    assert time.perf_counter() - started < 1


@given(st.text(max_size=220) | st.text(";=,.0123456789 adefnorst_-${}\\\n", max_size=60))
def test_whatever_is_wished_for_is_understood_or_refused_in_words(text: str) -> None:
    made: tuple[object, ...] = ()
    told = "nothing"
    try:
        made = wishes(text)
    except UsageError as error:
        told = str(error)
    assert told.isprintable()
    assert all(isinstance(each, ErrorSpec | FaultSpec) for each in made)


options = st.sampled_from([*VALUES, "tokens", "time", "after", "when", "times", "retry_after"])
values = st.sampled_from([*VALUES.values(), "", "1", "-1", "1e400", "9" * 13, "0.5", "true"])


@given(st.sampled_from([*FAULT_NAMES, "429"]), st.lists(st.tuples(options, values), max_size=4))
def test_any_option_with_any_value_is_understood_or_refused_in_words(
    name: str, pairs: list[tuple[str, str]]
) -> None:
    text = ";".join([name, *(f"{option}={value}" for option, value in pairs)])
    told = repr(text)
    try:
        wish(text)
    except PydanticCustomError as error:
        told = error.message()
    assert told.startswith(repr(text)[:20])
    assert "Extra inputs" not in told
