"""How much of a prediction came true."""

from __future__ import annotations

import pytest

from mockdock.content import predict
from mockdock.content.predict import accepted
from tests.effort import bounded


@pytest.mark.parametrize(
    ("predicted", "said", "right"),
    [
        ("", "", 0),
        ("abc", "", 0),
        ("", "abc", 0),
        ("abc", "abc", 3),
        ("abc", "abcdef", 3),
        ("def", "abcdef", 3),
        ("abXcd", "abcd", 4),
        ("abcd", "abXcd", 4),
        ("abXcd", "abYcd", 4),
        ("abcdefg", "xbcdxfy", 4),
        ("abc", "xyz", 0),
        ("aa", "a", 1),
        ("a", "aa", 1),
        ("abab", "abaab", 4),
    ],
)
def test_tokens_of_the_answer_count_in_their_order(predicted: str, said: str, right: int) -> None:
    assert accepted([*predicted.encode()], [*said.encode()]) == right


def test_never_more_than_either_has() -> None:
    for predicted in ("aaaa", "ab", "ba"):
        for said in ("aaa", "b", "abab"):
            both = accepted([*predicted.encode()], [*said.encode()])
            assert 0 <= both <= min(len(predicted), len(said))


def test_one_edit_in_a_very_long_text_costs_one_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole file predicted, one line of it changed: the case predictions are for.

    Only the edit is compared.
    """
    compared: list[tuple[list[int], list[int]]] = []

    def compare(one: list[int], other: list[int]) -> int:
        compared.append((one, other))
        return 0

    monkeypatch.setattr(predict, "_common", compare)
    old = list(range(200_000))
    new = [*old[:100_000], -1, *old[100_001:]]
    assert accepted(old, new) == 199_999
    assert compared == [([100_000], [-1])]


def test_very_long_texts_that_differ_throughout_count_tokens_wherever_they_stand() -> None:
    old = [-1, *range(15_000), -2]
    new = [-3, *reversed(range(15_000)), -4]
    assert accepted(old, new) == 15_000


def test_a_repetitive_text_takes_bounded_effort() -> None:
    """Comparing block by block took seconds here."""
    with bounded(30):
        assert accepted([1, 2] * 5000, [2, 2, 1] * 3330) > 6000
