"""Which rules come nearest to a request that none answers, and how it is told."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mockdock.engine.conditions import conditions
from mockdock.engine.match import Situation, compile_rules
from mockdock.engine.nearest import missed
from mockdock.reply import Failure
from mockdock.request import Request
from mockdock.scenario import load
from tests.engine.helpers import ask


def nearest(request: Request, *whens: dict[str, Any], **situation: Any) -> Failure:
    rules = [
        {"name": f"r{at}", "when": when, "reply": "x", "times": 1} for at, when in enumerate(whens)
    ]
    loaded = load({"mockdock": 1, "rules": rules}).scenario.rules
    return missed(compile_rules(loaded, None), request, Situation(**situation))


def names(failure: Failure) -> list[str]:
    return [near.rule for near in failure.nearest]


def test_where_there_is_no_rule_that_is_told() -> None:
    made = nearest(ask())
    assert (made.kind, made.should_retry, made.nearest) == ("no_match", False, ())
    assert made.message == ("mockdock: no rule matches this request. Nearest: there are no rules")


def test_fewer_conditions_that_fail_are_nearer() -> None:
    made = nearest(
        ask("Hello"),
        {"user": "x", "system": "x", "model": "x"},
        {"user": "x"},
        {"user": "x", "system": "x"},
    )
    assert names(made) == ["r1", "r2", "r0"]
    assert [{unmet.name for unmet in near.unmet} for near in made.nearest] == [
        {"user"},
        {"user", "system"},
        {"user", "system", "model"},
    ]


def test_of_equally_many_that_fail_more_that_hold_are_nearer() -> None:
    made = nearest(
        ask("Hello", model="gpt-4o"),
        {"user": "x"},
        {"user": "x", "model": "gpt-*"},
        {"user": "x", "model": "gpt-*", "stream": False, "turn": 1},
    )
    assert names(made) == ["r2", "r1", "r0"]


def test_conditions_of_the_store_hold_or_fail_too() -> None:
    made = nearest(
        ask(),
        {"attempt": 2},
        {"state": {"step": 1}, "attempt": 3},
        {"state": {"step": 1}, "attempt": 2},
        attempt=3,
        state={"step": 2},
    )
    assert names(made) == ["r1", "r0", "r2"]
    assert [unmet.name for unmet in made.nearest[0].unmet] == ["state.step"]


def test_a_rule_that_is_used_up_is_near_and_says_so() -> None:
    made = nearest(ask("Hello"), {"user": "Hello"}, skipped={0: "times"})
    (near,) = made.nearest
    (unmet,) = near.unmet
    assert (unmet.name, unmet.wanted, unmet.found) == ("times", None, None)
    assert made.message is not None
    assert made.message.endswith("Nearest: r0: times wanted at most 1, and has answered as often")


def test_three_are_shown_in_file_order_where_they_are_equally_near() -> None:
    assert names(nearest(ask(), *[{"user": "x"}] * 5)) == ["r0", "r1", "r2"]


def test_texts_are_given_in_full_and_only_so_long() -> None:
    wanted, said = "w" * 300, "s" * 30_000
    made = nearest(ask(said), {"user": {"equals": wanted}})
    (unmet,) = made.nearest[0].unmet
    assert unmet.wanted == wanted
    assert unmet.found == "s" * 20_000
    assert made.message is not None
    assert len(made.message) < 400


WHENS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "user": st.sampled_from(["Hello", "x"]),
            "model": st.sampled_from(["gpt-4o", "x"]),
            "stream": st.booleans(),
            "turn": st.integers(1, 2),
        },
    ),
    max_size=6,
)


@given(WHENS)
def test_no_rule_left_out_is_nearer_than_one_that_is_shown(whens: list[dict[str, Any]]) -> None:
    """Distance is told again here, from the conditions alone."""
    request = ask("Hello")
    rules = compile_rules(
        load({"mockdock": 1, "rules": [{"when": w, "reply": "x"} for w in whens]}).scenario.rules,
        None,
    )
    distances = []
    for rule in rules:
        holding = [each.holds(request) for each in conditions(rule.when)]
        distances.append((holding.count(False), -holding.count(True), rule.index))
    wanted = [f"rule {index + 1}" for *_, index in sorted(distances)[:3]]
    assert names(missed(rules, request, Situation())) == wanted
