"""Whatever is done to sessions, by whom, and whatever happens to Redis: all tell the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from mockdock.errors import MockdockError
from mockdock.observe.verbs import Changes, Opening
from mockdock.shared import Link
from tests.shared.test_together import Make, Process, maker
from tests.stores import Redis

NAMES = ("", "a", "b", "Ünïcode\x00\x7f/ \u202e🙂", "c\nd", "a\xff")
SCALES = (0.0, 0.001, 2.0, "manual", None)
KEYS = ("+1", "+2", "+3")


@pytest.fixture
def make(redis: Redis) -> Iterator[Make]:
    """Give what starts a process; all of a test share a namespace."""
    with ExitStack() as stack:
        yield maker(stack, redis)


def told(process: Process) -> Any:
    """Give all that a process tells of its sessions."""
    verbs, held = process.verbs, process.app.sessions
    verbs.catch_up()
    opened = {name: held.of(name) for name in NAMES}
    return verbs.sessions(), {
        name: (
            each.key,
            each.era,
            each.numbered,
            round(each.began, 6),
            verbs.settings(name),
            verbs.scenario(name),
            verbs.trouble(name),
            [(card.key, card.name, card.when, card.answers) for card in verbs.rules(name)],
            verbs.state(name),
            # Time that does not run by itself is the same; what runs is nearly.
            round(each.clock.now(), 6) if verbs.settings(name).time_scale == "manual" else None,
        )
        for name, each in opened.items()
    }


def deeds(chance: random.Random) -> Callable[[Process], Any]:
    """Give something to do."""
    name, number = chance.choice(NAMES), chance.randrange(100)
    rule = {"when": {"user": f"{number}"}, "reply": f"{number}"}
    scenario = {"mockdock": 1, "rules": [{"reply": f"of {number}"}]}
    scale = chance.choice(SCALES)
    opening: dict[str, Any] = {} if scale is None else {"time_scale": scale}
    key, first = chance.choice(KEYS), chance.random() < 0.5
    some: tuple[Callable[[Process], Any], ...] = (
        lambda one: one.verbs.open(name, Opening(**opening)),
        lambda one: one.verbs.open(name, Opening(scenario=scenario, seed=number, **opening)),
        lambda one: one.verbs.close(name),
        lambda one: one.verbs.load(name, scenario),
        lambda one: one.verbs.add_rule(name, rule, first=first),
        lambda one: one.verbs.add_rule(name, rule, first=first),
        lambda one: one.verbs.replace_rule(name, key, rule),
        lambda one: one.verbs.remove_rule(name, key),
        lambda one: one.verbs.set_trouble(name, {"limits": [{"rpm": 1 + number}]}),
        lambda one: one.verbs.set_trouble(name, {"limits": None}),
        lambda one: one.verbs.change(name, Changes(seed=number)),
        lambda one: one.verbs.change(name, Changes(otherwise="echo", **opening)),
        lambda one: one.verbs.advance(name, number / 10),
        lambda one: one.verbs.advance(name, number / 10),
        lambda one: one.verbs.reset(name),
        lambda one: one.verbs.reset(None if number < 30 else name),
        lambda one: one.verbs.set_state(name, {"step": number}),
        lambda one: one.ask(f"{number}", name),
    )
    return chance.choice(some)


@pytest.mark.parametrize("seed", range(6))
def test_all_tell_the_same_whatever_is_done_by_whom(
    make: Make, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("mockdock.sessions._MOST", 3)
    chance = random.Random(seed)
    bounds: dict[str, Any] = {"most_sessions": 4, "most_ops": 40}
    bounds["scale"] = chance.choice((0.0, 1.0))
    processes = [make(**bounds) for _ in range(3)]
    for at in range(150):
        # The last one is asked seldom: it falls behind.
        one = chance.choice(processes[: 3 if at % 25 == 0 else 2])
        with suppress(MockdockError):
            deeds(chance)(one)
        if at % 10 == 9:
            if chance.random() < 0.1:
                flush(one.link)
            late = make(**bounds)
            first, *others = [
                told(each) for each in (*processes[: 3 if at % 50 == 49 else 2], late)
            ]
            for each in others:
                assert each[0] == first[0]
                assert [each[1][name] for name in NAMES] == [first[1][name] for name in NAMES]


def flush(link: Link) -> None:
    """Let Redis lose all that is of this namespace."""
    for key in link.command(b"KEYS", link.key("*")):
        link.command(b"DEL", key)
