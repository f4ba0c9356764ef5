"""When it is tried again whether Redis is there, on a clock that tests move."""

from __future__ import annotations

import pytest

from mockdock.errors import StoreError
from mockdock.shared.health import Health


class Watched:
    """A health whose clock and chance the test has in hand."""

    def __init__(self, chance: float = 0.0) -> None:
        self.now = 100.0
        self.health = Health("redis://here", lambda: self.now, lambda: chance)

    def admitted(self) -> bool:
        """Tell whether one more may ask."""
        try:
            self.health.admit()
        except StoreError:
            return False
        return True


def test_while_all_is_well_everybody_asks() -> None:
    watched = Watched()
    watched.health.well()
    assert all(watched.admitted() for _ in range(3))


def test_after_a_failure_one_asks_in_each_pause_and_pauses_double_up_to_two_seconds() -> None:
    watched = Watched()
    watched.health.ill("gone")
    pauses = []
    for _ in range(8):
        begun = watched.now
        while not watched.admitted():
            watched.now += 0.0125
        assert not watched.admitted()
        pauses.append(watched.now - begun)
        watched.health.ill("still gone")
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0], abs=0.02)


def test_pauses_vary_by_half() -> None:
    watched = Watched(chance=1.0)
    watched.health.ill("gone")
    watched.now += 0.0499
    assert not watched.admitted()
    watched.now += 0.0002
    assert watched.admitted()


def test_failures_that_come_together_are_one() -> None:
    """Many were asking when it went away."""
    watched = Watched()
    for _ in range(50):
        watched.health.ill("gone")
    watched.now += 0.1001
    assert watched.admitted()


def test_who_finds_it_there_again_lets_everybody_in() -> None:
    watched = Watched()
    watched.health.ill("gone")
    watched.now += 0.2
    assert watched.admitted()
    assert not watched.admitted()
    watched.health.well()
    assert all(watched.admitted() for _ in range(3))
    watched.health.ill("gone again")
    watched.now += 0.1001
    assert watched.admitted()


def test_the_message_says_where_why_and_when() -> None:
    watched = Watched()
    error = watched.health.ill("Connection refused")
    assert str(error) == "the store at redis://here does not answer: Connection refused"
    with pytest.raises(StoreError, match=r"Connection refused; it is tried again in 0\.1 s"):
        watched.health.admit()
