"""What is bounded keeps what was used last."""

from __future__ import annotations

from mockdock.engine.bounded import Bounded


def filled(most: int, count: int) -> Bounded[int]:
    made = Bounded(0, most)
    for number in range(1, count + 1):
        made.set(number, number)
    return made


def test_as_many_as_there_is_room_for_are_kept() -> None:
    assert filled(640, 640).names() == tuple(range(1, 641))


def test_beyond_the_bound_a_64th_is_forgotten_at_once() -> None:
    """And the next ones have room again."""
    assert filled(640, 641).names() == tuple(range(12, 642))
    assert len(filled(640, 651).names()) == 640


def test_a_small_one_forgets_one_by_one() -> None:
    assert filled(3, 9).names() == (7, 8, 9)


def test_what_is_set_or_got_again_is_kept_longer() -> None:
    made = filled(4, 4)
    made.set(1, 10)
    assert made.get(2) == 2
    for number in (5, 6):
        made.set(number, number)
    assert made.names() == (1, 2, 5, 6)
    assert [made.get(key) for key in (1, 3)] == [10, 0]


def test_while_there_are_few_it_is_not_told_which_were_used_last() -> None:
    """What is used after that counts."""
    made = filled(8, 4)
    made.set(1, 10)
    assert made.get(2) == 2
    assert made.names() == (1, 2, 3, 4)
    for number in range(5, 9):
        made.set(number, number)
    assert made.get(1) == 10
    made.set(9, 9)
    assert made.names() == (3, 4, 5, 6, 7, 8, 1, 9)
