"""Arguments that no server could take: told where they are given."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from mockdock import MockDock, UsageError
from mockdock.testing import DockServer
from tests.testing.helpers import ask

HALF = "\ud800"
HUGE = 10**400
MORE_DIGITS_THAN_PYTHON_WRITES = 10**5000


class Mute:
    """A value that cannot be shown."""

    def __repr__(self) -> str:
        raise LookupError("no words")


TEXTS: dict[str, Callable[[Any], object]] = {
    "message": lambda dock: dock.fail(message=HALF),
    "type": lambda dock: dock.fail(type=HALF),
    "param": lambda dock: dock.fail(param=HALF),
    "code": lambda dock: dock.fail(code=HALF),
    "headers.x-a": lambda dock: dock.fail(headers={"x-a": HALF}),
    "text": lambda dock: dock.reply(f"a{HALF}"),
    "json": lambda dock: dock.reply(json={HALF: 1}),
    "refusal": lambda dock: dock.refuse(HALF),
    r"tool_calls\[0\].arguments.city": lambda dock: dock.call_tool("f", city=HALF),
    r"tool_calls\[1\].name": lambda dock: dock.call_tools("f", HALF),
    "when.user": lambda dock: dock.when(user=HALF).reply("x"),
    "name": lambda dock: dock.when(name=HALF).reply("x"),
    "state.a": lambda dock: dock.set_state(a=HALF),
    r"rules\[0\].reply": lambda dock: dock.load({"mockdock": 1, "rules": [{"reply": HALF}]}),
    "called": lambda _: MockDock(called=HALF),
    "host": lambda _: DockServer(host=HALF),
}


@pytest.mark.parametrize("at", TEXTS)
def test_half_a_surrogate_pair_is_refused_wherever_a_text_is_given(dock: MockDock, at: str) -> None:
    with pytest.raises(UsageError, match=f"^{at}: .*half of a surrogate pair, .*ud800"):
        TEXTS[at](dock)


NUMBERS: dict[str, tuple[Callable[[Any, Any], object], str]] = {
    "attempts": (lambda dock, n: dock.fail(attempts=n), "at most 10000"),
    "retry_after": (lambda dock, n: dock.fail(retry_after=n), "write seconds, at most"),
    "times": (lambda dock, n: dock.reply("x").times(n), "write a whole number, at most"),
    "when times": (lambda dock, n: dock.when(times=n).reply("x"), "times: .*64 bits"),
    "turn": (lambda dock, n: dock.when(turn=n).reply("x"), "turn: .*64 bits"),
    "usage": (
        lambda dock, n: dock.reply("x", usage={"prompt_tokens": n}),
        "usage.prompt_tokens: .*64 bits",
    ),
    "error": (lambda dock, n: dock.fail(n), "error: .*64 bits"),
    "advance": (lambda dock, n: dock.clock.advance(n), "write seconds, at most"),
    "state": (lambda dock, n: dock.set_state(a=n), "state.a: .*64 bits"),
    "wait_for": (lambda dock, n: dock.wait_for(n), "write a whole number, at most"),
    "timeout": (lambda dock, n: dock.wait_for(1, n), "write seconds, at most"),
    "seed": (lambda _, n: MockDock(seed=n), "seed: .*64 bits"),
    "port": (lambda _, n: DockServer(port=n), "at most 65535"),
}


@pytest.mark.parametrize("number", [HUGE, MORE_DIGITS_THAN_PYTHON_WRITES], ids=["huge", "longer"])
@pytest.mark.parametrize("what", NUMBERS)
def test_a_number_too_large_is_refused_wherever_one_is_given(
    dock: MockDock, what: str, number: int
) -> None:
    give, told = NUMBERS[what]
    with pytest.raises(UsageError, match=told):
        give(dock, number)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, -1, "1", True])
def test_what_is_no_time_is_refused(dock: MockDock, wrong: Any) -> None:
    with pytest.raises(UsageError, match=r"seconds=.*: write seconds, 0 or more"):
        dock.clock.advance(wrong)


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_state_is_a_number_that_json_knows(dock: MockDock, wrong: float) -> None:
    with pytest.raises(UsageError, match=r"the state 'a'=.*: write a text, a number"):
        dock.set_state(a=wrong)


def test_what_a_function_gives_is_refused_alike(dock: MockDock) -> None:
    dock.respond_with(lambda _: HALF)
    with pytest.raises(Exception, match="half of a surrogate pair"):
        ask(dock, retries=0)
    assert ["what <lambda> gave" in str(error) for error in dock.raised] == [True]


def test_a_value_without_words_is_told_as_such(dock: MockDock) -> None:
    told = "<Mute: its repr raises LookupError>"
    mute: Any = Mute()
    with pytest.raises(UsageError, match=told):
        dock.fail(attempts=mute)
    with pytest.raises(UsageError, match=told):
        dock.set_state(a=mute)
    with pytest.raises(UsageError, match=told):
        _ = dock.calls[mute]
    with pytest.raises(UsageError, match=told):
        dock.load({"mockdock": 1, mute: HALF})


def test_what_is_a_part_of_itself_is_refused(dock: MockDock) -> None:
    endless: dict[str, Any] = {"rpm": 3}
    endless["again"] = [endless]
    with pytest.raises(
        UsageError, match=r"^limits\[0\].*: nested deeper than 100 levels, or a part"
    ):
        dock.limits(endless)
    deep: Any = "x"
    for _ in range(90):
        deep = [deep]
    dock.reply(json=deep)
    assert ask(dock).choices[0].message.content == "[" * 90 + '"x"' + "]" * 90


def test_a_key_that_is_a_number_and_a_text_is_refused(dock: MockDock) -> None:
    """As JSON, which is how a server elsewhere gets it, both are one."""
    with pytest.raises(
        UsageError, match=r"^chaos\.mix: the key 429 twice, as a number and as a te"
    ):
        dock.chaos(0.5, mix={429: 1, "429": 5})
    dock.chaos(0.5, mix={429: 1, "500": 5})
    assert dock.trouble["chaos"]["mix"] == {"429": 1.0, "500": 5.0}
