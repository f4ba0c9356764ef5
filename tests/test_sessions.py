"""Who is served by what."""

from __future__ import annotations

from dataclasses import replace

from mockdock import sessions as module
from mockdock.delivery import ScaledClock
from mockdock.sessions import Session, Sessions
from tests.engine.helpers import engine

CLOCK = ScaledClock(0)
BASE = Session(engine("base"), CLOCK)


def opened(key: str) -> Session:
    return Session(BASE.engine, CLOCK, key)


def test_who_opened_no_session_is_served_by_the_base() -> None:
    sessions = Sessions(BASE)
    one = opened("one")
    assert sessions.put("one", one) is None
    assert sessions.of("one") is one
    assert sessions.of("") is sessions.of("other") is sessions.base is BASE
    assert sessions.keys() == ("one",)


def test_the_empty_key_puts_the_base() -> None:
    sessions = Sessions(BASE)
    other = Session(engine("other"), CLOCK)
    assert sessions.put("", other) is None
    assert sessions.of("") is sessions.of("unknown") is sessions.base is other
    assert sessions.keys() == ()


def test_a_closed_session_is_served_by_the_base_again() -> None:
    sessions = Sessions(BASE)
    sessions.put("one", opened("one"))
    assert sessions.close("one") is True
    assert sessions.of("one") is BASE
    assert sessions.close("one") is False
    assert sessions.close("") is False
    assert sessions.of("") is BASE


def test_the_session_opened_first_goes_when_there_are_ten_thousand() -> None:
    """That it was changed since does not help it."""
    sessions = Sessions(BASE)
    for number in range(10_000):
        assert sessions.put(str(number), opened(str(number))) is None
    assert sessions.put("0", replace(opened("0"), clock=ScaledClock(1))) is None
    gone = sessions.put("one more", opened("one more"))
    assert gone is not None
    assert gone.key == "0"
    assert sessions.of("0") is BASE
    assert sessions.of("1").key == "1"
    assert len(sessions.keys()) == module._MOST == 10_000
    assert sessions.keys()[-1] == "one more"
