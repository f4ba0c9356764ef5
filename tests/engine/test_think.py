"""How much a reasoning model thinks."""

from __future__ import annotations

import itertools
from random import Random
from typing import get_args

import pytest

from mockdock.engine.think import think
from mockdock.request import Effort
from tests.engine.helpers import ask, completion, engine

EFFORTS: tuple[Effort, ...] = get_args(Effort)


def drawn(effort: Effort) -> list[int]:
    return [think(effort, Random(seed)) for seed in range(200)]


def test_more_effort_always_thinks_longer() -> None:
    assert EFFORTS == ("none", "minimal", "low", "medium", "high", "xhigh", "max")
    thinking: list[Effort] = [*EFFORTS[1:]]
    for less, more in itertools.pairwise(thinking):
        assert max(drawn(less)) < min(drawn(more))


@pytest.mark.parametrize("effort", ["none", "minimal"])
def test_hardly_any_effort_does_not_think(effort: Effort) -> None:
    assert set(drawn(effort)) == {0}


@pytest.mark.parametrize("effort", EFFORTS)
def test_thinking_comes_in_steps_of_64_tokens(effort: Effort) -> None:
    assert all(tokens % 64 == 0 for tokens in drawn(effort))


def test_chance_decides_between_the_bounds() -> None:
    assert len(set(drawn("medium"))) > 3
    assert think("high", Random(7)) == think("high", Random(7))


def test_generated_answers_of_a_reasoning_model_think_as_they_are_asked() -> None:
    """Hidden, but counted, and more with more effort."""
    hidden = [
        completion(engine(), ask(model="gpt-5", reasoning_effort=effort)).usage
        for effort in ("minimal", "low", "medium", "high")
    ]
    counts = [usage.reasoning_tokens for usage in hidden]
    assert counts[0] == 0
    assert counts == sorted(set(counts))
    assert all(usage.completion_tokens > usage.reasoning_tokens for usage in hidden)


def test_without_being_asked_a_reasoning_model_thinks_by_its_default() -> None:
    default = completion(engine(), ask(model="o3")).usage
    asked = completion(engine(), ask(model="o3", reasoning_effort="medium")).usage
    assert default.reasoning_tokens == asked.reasoning_tokens > 0


def test_other_models_do_not_think() -> None:
    made = completion(engine(), ask(model="gpt-4o", reasoning_effort="high"))
    assert made.usage.reasoning_tokens == 0


@pytest.mark.parametrize("reply", [{"text": "Yes"}, {"tool_calls": [{"name": "f"}]}])
def test_a_scripted_answer_thinks_only_as_scripted(reply: dict[str, object]) -> None:
    hard = ask(model="o3", reasoning_effort="high")
    assert completion(engine(reply), hard).usage.reasoning_tokens == 0
    assert completion(engine({**reply, "reasoning": 5}), hard).usage.reasoning_tokens == 5


def test_each_of_n_generated_answers_thinks_for_itself() -> None:
    one = completion(engine(), ask(model="o3")).usage.reasoning_tokens
    four = completion(engine(), ask(model="o3", n=4)).usage.reasoning_tokens
    assert four > one
