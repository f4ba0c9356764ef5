"""Texts that are found in others without a search for each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mockdock.engine.match import Index, compile_rules
from mockdock.engine.needles import Needles
from mockdock.scenario import Rule, load
from tests.engine.helpers import ask

LETTERS = st.text(alphabet="abc \n\u00e9\U0001f600\ud800", max_size=12)


@given(needles=st.lists(LETTERS, max_size=12), texts=st.lists(LETTERS, min_size=1, max_size=6))
def test_none_that_is_held_is_missed(needles: list[str], texts: list[str]) -> None:
    near = Needles(needles)
    for text in ("".join(texts), "".join([*texts, *needles[:2], *texts])):
        places = near.near(text)
        assert places == sorted(set(places))
        assert {place for place, each in enumerate(needles) if each in text} <= {*places}


def test_few_that_are_not_held_are_near() -> None:
    near = Needles([*(f"never said {number}" for number in range(1000)), "hello"])
    assert near.near("17: hello, how will the weather be in Lisbon tomorrow?") == [1000]
    assert near.near("") == [1000]
    close = near.near("was never said 417 before")
    assert 417 in close
    assert len(close) < 200


def rules(*asked: str) -> tuple[Rule, ...]:
    told = [{"when": {"user": each}, "reply": "x"} if each else {"reply": "x"} for each in asked]
    return tuple(load({"mockdock": 1, "rules": told}).scenario.rules)


@given(texts=st.lists(LETTERS, min_size=24, max_size=30), said=st.lists(LETTERS, max_size=3))
def test_many_rules_are_found_as_few_are(texts: list[str], said: list[str]) -> None:
    compiled = compile_rules(rules(*texts[:-1], ""), None)
    whole = Index(compiled)
    request = ask("".join([*said, *texts[3:5]]))
    by_themselves = [each for each in compiled if Index([each]).candidates(request)]
    assert whole.candidates(request) == by_themselves[:1]
