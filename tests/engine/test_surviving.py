"""What a store that is away can decide all the same."""

from __future__ import annotations

import pytest

from mockdock.engine.meters import Charge
from mockdock.engine.store import Candidate, Chance, Gate, Pick, Step
from mockdock.engine.surviving import SurvivingStore, depends
from mockdock.errors import StoreError

PLAIN = Candidate("plain")
SEQUENCE = Candidate("sequence", length=2)
ALWAYS = Chance(rate=1.0, errors=((1.0, True),))


def step(*candidates: Candidate, **more: object) -> Step:
    return Step("s", "r", None, candidates, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "asked",
    [
        step(),
        step(PLAIN),
        step(PLAIN, SEQUENCE),
        step(PLAIN, gates=[Gate()]),
        step(PLAIN, gates=[Gate(chance=Chance())]),
        step(SEQUENCE, gates=[Gate(error=True)]),
        step(wants_state=True),
    ],
)
def test_what_depends_on_nothing_is_decided(asked: Step) -> None:
    assert not depends(asked)
    pick = SurvivingStore(None, "there is none").decide(asked)
    assert isinstance(pick, Pick)
    assert pick.attempt == 1


@pytest.mark.parametrize(
    "asked",
    [
        step(SEQUENCE),
        step(PLAIN, wants_state=True),
        step(Candidate("few", times=3), PLAIN),
        step(Candidate("later", attempts=(2, None)), PLAIN),
        step(Candidate("open", state=(("on", True),)), PLAIN),
        step(Candidate("opens", set_state=(("on", True),))),
        step(Candidate("once", after_last="pass"), PLAIN),
        step(PLAIN, charges=[Charge("rpm", "bucket", 1, 1)]),
        step(PLAIN, gates=[Gate(attempts=(1, 1))]),
        step(PLAIN, gates=[Gate(state=(("on", True),))]),
        step(PLAIN, gates=[Gate(error=True), Gate(chance=ALWAYS)]),
    ],
)
def test_what_depends_on_what_came_before_is_not(asked: Step) -> None:
    assert depends(asked)
    with pytest.raises(StoreError, match="there is none"):
        SurvivingStore(None, "there is none").decide(asked)
