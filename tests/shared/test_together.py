"""Several processes that act as one server: what is done in one is done in all."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import pytest

from mockdock.app import App
from mockdock.delivery import ScaledClock
from mockdock.engine import Engine
from mockdock.engine.surviving import SurvivingStore
from mockdock.errors import MockdockError, ScenarioError, StoreError, UsageError
from mockdock.local.together import SharedVerbs
from mockdock.observe.verbs import Changes, InPython, Opening
from mockdock.scenario import load
from mockdock.shared import Link, RedisStore, ops
from mockdock.shared.ops import Mark
from mockdock.shared.scripts import Script
from mockdock.shared.time import SharedTime
from tests.conformance.asgi import Answer, post
from tests.stores import Redis

CHAT = "/v1/chat/completions"
MINE = "sk-mockdock-mine"
BASE = {"mockdock": 1, "rules": [{"reply": "base"}]}
UNDONE = "what was done in another process cannot be done in this one"
SEQUENCE = {"when": {"user": "count"}, "replies": list("abcdefgh"), "after_last": "fail"}


@dataclass(frozen=True)
class Process:
    """An application with its verbs, as one process of several has it."""

    app: App
    verbs: SharedVerbs
    link: Link
    loop: asyncio.Runner

    def ask(self, said: str = "Hi", session: str = "", **headers: str) -> Answer:
        """Ask it."""
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": said}]}
        headers = {"authorization": f"Bearer {session or 'any'}", **headers}
        return post(self.app, CHAT, body, headers, run=self.loop.run)

    def text(self, said: str = "Hi", session: str = "", **headers: str) -> Any:
        """Ask it, and give the text."""
        return self.ask(said, session, **headers).json()["choices"][0]["message"]["content"]


Make = Callable[..., Process]


@pytest.fixture
def make(redis: Redis) -> Iterator[Make]:
    """Give what starts a process; all of a test share a namespace."""
    with ExitStack() as stack:
        yield maker(stack, redis)


@pytest.fixture
def doomed_make(doomed: Redis) -> Iterator[Make]:
    """Give the same, with a Redis that the test may stop."""
    with ExitStack() as stack:
        yield maker(stack, doomed)


def maker(stack: ExitStack, redis: Redis) -> Make:
    url = redis.url()

    loop = stack.enter_context(asyncio.Runner())

    def make(
        scenario: Any = None, *, scale: float = 1.0, patience: float = 20.0, **bounds: int
    ) -> Process:
        link = Link(url, patience=patience, script=Script(**bounds))
        stack.callback(lambda: loop.run(link.aclose()))
        time = SharedTime()
        store = SurvivingStore(RedisStore(link))
        app = App(
            Engine(load(scenario or BASE).scenario, store=store), clock=ScaledClock(scale, time)
        )
        verbs = SharedVerbs(app, lambda: "http://here", link, time)
        app.current = verbs.current
        return Process(app, verbs, link, loop)

    return make


def test_rules_added_in_one_process_answer_in_all(make: Make) -> None:
    one, two = make(), make()
    assert [each.text() for each in (one, two)] == ["base", "base"]
    assert one.verbs.add_rule("", {"reply": "added"}) == "+1"
    assert [each.text() for each in (two, one)] == ["added", "added"]
    assert two.verbs.add_rule("", {"when": {"user": "x"}, "reply": "x"}, first=True) == "+2"
    two.verbs.replace_rule("", "+1", {"reply": "changed"})
    assert [one.text(), one.text("x")] == ["changed", "x"]
    one.verbs.remove_rule("", "+1")
    assert two.text() == "base"
    assert [each.key for each in two.verbs.rules("") if each.added] == ["+2"]


def test_a_session_is_open_everywhere_with_its_settings_and_age(make: Make) -> None:
    one, two = make(), make()
    one.verbs.open(MINE, Opening(scenario={"mockdock": 1, "rules": [SEQUENCE]}, seed=5))
    assert two.text("count", MINE) == "a"
    assert one.text("count", MINE) == "b"
    assert two.verbs.settings(MINE).seed == 5
    two.verbs.change(MINE, Changes(seed=6, otherwise="echo", time_scale=100.0))
    assert one.text("Say this", MINE) == "Say this"
    assert one.verbs.settings(MINE) == two.verbs.settings(MINE)
    late = make()
    assert late.text("count", MINE) == "c"
    held = [each.app.sessions.of(MINE) for each in (one, two, late)]
    assert len({each.era for each in held}) == 1
    assert len({each.began for each in held}) == 1
    ages = [each.age for each in held]
    assert max(ages) - min(ages) < 1.0  # a hundredth of a second at this scale, and of one machine


def test_sequences_are_dealt_once_whoever_answers(make: Make) -> None:
    processes = [make({"mockdock": 1, "rules": [SEQUENCE]}) for _ in range(3)]
    told = [random.Random(1).choice(processes).text("count") for _ in range(8)]
    assert told == list("abcdefgh")


def test_what_is_reset_is_reset_everywhere(make: Make) -> None:
    one, two = (make({"mockdock": 1, "rules": [SEQUENCE]}) for _ in range(2))
    one.verbs.open(MINE, Opening())
    assert [one.text("count"), two.text("count"), two.text("count", MINE)] == ["a", "b", "a"]
    two.verbs.add_rule("", {"when": {"user": "x"}, "reply": "added"})
    two.verbs.set_state("", {"step": 1})
    assert one.verbs.state("") == {"step": 1}
    one.verbs.reset("")
    assert [two.text("count"), two.text("count", MINE)] == ["a", "b"]
    assert two.verbs.state("") == {}
    assert not any(each.added for each in two.verbs.rules(""))
    eras = [one.app.sessions.of(MINE).era, one.app.sessions.base.era]
    two.verbs.reset(None)
    assert [one.text("count"), one.text("count", MINE)] == ["a", "a"]
    assert not {*eras} & {one.app.sessions.of(MINE).era, one.app.sessions.base.era}
    assert [one.app.sessions.of(each).era for each in ("", MINE)] == [
        two.app.sessions.of(each).era for each in ("", MINE)
    ]


def test_a_session_that_is_closed_is_closed_everywhere_and_leaves_no_trace(make: Make) -> None:
    one, two = make(), make()
    for _ in range(20):
        one.verbs.open(MINE, Opening())
        two.verbs.add_rule(MINE, {"reply": "mine"})
        assert one.text(session=MINE) == "mine"
        two.verbs.close(MINE)
        assert one.text(session=MINE) == "base"
    assert one.verbs.sessions() == two.verbs.sessions() == []
    kept = one.link.command(b"XLEN", one.link.key("ops"))
    assert kept == 20  # that it was closed, for who knows it still
    assert one.link.command(b"ZCARD", one.link.key("ops:lasting")) == 0


def test_the_scenario_and_its_trouble_are_changed_everywhere(make: Make) -> None:
    one, two = make(), make()
    one.verbs.load(
        "", {"yaml": "mockdock: 1\nrules:\n  - replies: [one, two]\n", "name": "new.yaml"}
    )
    assert [two.text(), one.text()] == ["one", "two"]
    two.verbs.set_trouble("", {"limits": [{"rpm": 1, "algorithm": "fixed"}]})
    assert [one.ask().status, two.ask().status, one.ask().status] == [200, 429, 429]
    assert one.verbs.trouble("") == two.verbs.trouble("")
    assert [each.used for each in two.verbs.limits("")] == [1]


def test_time_is_advanced_everywhere(make: Make) -> None:
    one, two = make(scale=0.0), make(scale=0.0)
    for scale in ("manual", 0.0):
        one.verbs.open(MINE, Opening(time_scale=scale))
        two.verbs.catch_up()
        before = two.app.sessions.of(MINE).age
        one.verbs.advance(MINE, 3600)
        two.verbs.catch_up()
        after = [each.app.sessions.of(MINE).age for each in (one, two)]
        assert after == pytest.approx([before + 3600] * 2, abs=60)
    with pytest.raises(UsageError, match="0 seconds or more"):
        one.verbs.advance(MINE, -1)
    one.verbs.change(MINE, Changes(time_scale=2.0))
    with pytest.raises(UsageError, match="runs by itself"):
        two.verbs.advance(MINE, 1)


def test_who_was_told_to_wait_by_one_has_waited_when_he_comes_to_another(make: Make) -> None:
    limited = {**BASE, "limits": [{"rpm": 1}]}
    one, two = make(limited, scale=0.0), make(limited, scale=0.0)
    assert [one.ask().status, two.ask().status, one.ask().status] == [200, 429, 429]
    retried = {"x-stainless-retry-count": "1"}
    assert two.ask(**retried).status == 200
    assert one.ask().status == 429
    ages = []
    for each in (one, two):
        each.verbs.catch_up()
        ages.append(each.app.sessions.base.age)
    assert ages[0] == pytest.approx(ages[1], abs=1)
    assert ages[0] > 50


@pytest.mark.parametrize(
    ("do", "error"),
    [
        (lambda verbs: verbs.add_rule("", {"reply": 5, "x": 1}), ScenarioError),
        (lambda verbs: verbs.remove_rule("", "+9"), UsageError),
        (lambda verbs: verbs.change("nobody", Changes(seed=1)), UsageError),
        (lambda verbs: verbs.open("", Opening()), UsageError),
        (lambda verbs: verbs.load("", {"mockdock": 9}), ScenarioError),
        (lambda verbs: verbs.add_rule("", {"reply": "\ud800"}), UsageError),
        (
            lambda verbs: verbs.add_rule("", {"reply": "x"}, InPython([("f", lambda _: True)])),
            UsageError,
        ),
    ],
)
def test_what_cannot_be_done_is_refused_and_done_nowhere(
    make: Make, do: Callable[[SharedVerbs], Any], error: type[MockdockError]
) -> None:
    one, two = make(), make()
    one.verbs.add_rule("", {"reply": "added"})
    with pytest.raises(error):
        do(two.verbs)
    assert [one.text(), two.text()] == ["added", "added"]
    assert one.verbs.sessions() == two.verbs.sessions() == []
    assert one.link.command(b"XLEN", one.link.key("ops")) == 1


def test_beyond_its_bound_a_session_takes_no_more_changes_until_it_begins_anew(make: Make) -> None:
    one, two = make(most_ops=3), make(most_ops=3)
    for _ in range(3):
        one.verbs.add_rule("", {"reply": "added"})
    with pytest.raises(UsageError, match="reset it, or open a session"):
        two.verbs.add_rule("", {"reply": "too many"})
    assert [one.text(), two.text()] == ["added", "added"]
    two.verbs.reset("")
    two.verbs.add_rule("", {"reply": "again"})
    assert one.text() == "again"


def test_who_fell_far_behind_begins_anew(make: Make) -> None:
    one, two = make(most_sessions=2), make(most_sessions=2)
    two.verbs.add_rule("", {"reply": "added"})
    assert one.text() == "added"
    for name in ("a", "b", "c", "d"):
        one.verbs.open(name, Opening())
    two.verbs.catch_up()
    for name in ("a", "b", "c"):
        one.verbs.close(name)
    assert two.text() == "added"
    assert two.verbs.sessions() == ["d"]
    assert one.link.command(b"XLEN", one.link.key("ops")) == 2 + 2  # a rule, "d", two closed ones


def test_what_was_done_is_read_in_parts(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops, "_PAGE", 3)
    one = make()
    for number in range(9):
        one.verbs.add_rule("", {"when": {"user": f"say {number}."}, "reply": str(number)})
    asked: list[tuple[bytes, ...]] = []
    two = make()
    command = two.link.command

    def noted(*words: bytes) -> Any:
        asked.append(words)
        return command(*words)

    monkeypatch.setattr(two.link, "command", noted)
    assert [two.text(f"say {number}.") for number in range(9)] == list("012345678")
    assert [words[-1] for words in asked if words[0] == b"XRANGE"] == [b"3"] * 4


def test_time_of_the_base_that_a_closed_session_moved_on_is_known_to_who_comes_later(
    make: Make,
) -> None:
    one = make(scale=0.0)
    one.verbs.open(MINE, Opening())
    one.verbs.advance(MINE, 3600)
    one.verbs.close(MINE)
    late = make(scale=0.0)
    late.verbs.catch_up()
    assert late.app.sessions.base.age == pytest.approx(one.app.sessions.base.age, abs=60)
    assert late.app.sessions.base.age >= 3600


def test_what_replaces_what_was_done_before_takes_no_more_room(make: Make) -> None:
    one, two = make(scale=0.0, most_ops=8), make(scale=0.0, most_ops=8)
    for number in range(20):
        one.verbs.load("", {"mockdock": 1, "rules": [{"reply": f"{number}"}]})
        one.verbs.set_trouble("", {"limits": [{"rpm": 1000 + number}]})
        one.verbs.change("", Changes(seed=number))
        one.verbs.reset("")
        one.verbs.remove_rule("", one.verbs.add_rule("", {"when": {"user": "x"}, "reply": "x"}))
    for _ in range(20):
        one.verbs.advance("", 0.1)
        one.verbs.advance("", 0.2)
    late = make(scale=0.0, most_ops=8)
    for each in (two, late):
        each.verbs.catch_up()
        assert each.text() == "19"
        assert each.verbs.settings("") == one.verbs.settings("")
        assert each.verbs.trouble("") == one.verbs.trouble("")
        assert each.verbs.limits("")[0].limit == 1019
        assert each.app.sessions.base.age == pytest.approx(one.app.sessions.base.age, abs=1)
    assert one.app.sessions.base.age >= 6


def same_time(*processes: Process, session: str = "") -> None:
    """See that a session lives by the same time in all, to the last bit."""
    told = []
    for each in processes:
        each.verbs.catch_up()
        held = each.app.sessions.of(session)
        told.append((held.began, held.clock.scale, held.era, each.verbs.settings(session)))
    assert told == told[:1] * len(told)


def test_times_that_follow_each_other_take_no_more_room(make: Make) -> None:
    one, two = make(most_ops=6), make(most_ops=6)
    one.verbs.open(MINE, Opening(time_scale=2.0))
    while one.app.sessions.of(MINE).age < 1e-4:  # just compared, clocks may stand for a moment
        one.verbs.catch_up()
    for number in range(20):
        for session in (MINE, ""):
            one.verbs.change(session, Changes(time_scale=1e-3 * (number + 1)))
            one.verbs.change(session, Changes(time_scale=5.0, seed=number))
        if number % 7 == 3:
            one.verbs.reset("")
    one.verbs.change("", Changes(time_scale="manual"))
    one.verbs.change("", Changes(time_scale=0.0))
    late = make(most_ops=6)
    for session in ("", MINE):
        same_time(one, two, late, session=session)
    assert late.app.sessions.of(MINE).age >= 1e-4


def test_time_that_was_moved_on_is_not_lost_by_another_time(make: Make) -> None:
    one = make(scale=0.0)
    for seconds in (60, 600):
        one.verbs.change("", Changes(time_scale=0.0))
        one.verbs.advance("", seconds)
    one.verbs.change("", Changes(time_scale=3.0))
    late = make(scale=0.0)
    same_time(one, late)
    assert late.app.sessions.base.age >= 660


def test_sessions_that_are_closed_again_do_not_keep_what_they_saw(make: Make) -> None:
    """However many are open at once, and whatever else was done between."""
    one, two = make(most_ops=12), make(most_ops=12)
    for number in range(40):
        one.verbs.open(f"{number}", Opening())
        one.verbs.change("", Changes(seed=number))
        one.verbs.open(f"{number}x", Opening())
        one.verbs.load("", {"mockdock": 1, "rules": [{"reply": f"{number}"}]})
        for _ in range(20):
            one.verbs.load(f"{number}", {"mockdock": 1})
        one.verbs.change("", Changes(time_scale=1.0 + number))
        if number:
            one.verbs.close(f"{number - 1}")
            one.verbs.close(f"{number - 1}x")
    late = make(most_ops=12)
    same_time(one, two, late)
    same_time(one, two, late, session="39")
    assert [each.text() for each in (one, two, late)] == ["39"] * 3
    assert [each.verbs.sessions() for each in (two, late)] == [["39", "39x"]] * 2
    assert late.verbs.settings("39").seed == 38


def test_what_an_open_session_saw_is_kept_until_it_is_closed(make: Make) -> None:
    one = make(most_ops=3)
    for number in range(3):
        one.verbs.change("", Changes(seed=number))
        one.verbs.open(f"{number}", Opening())
    with pytest.raises(UsageError, match="changed too often"):
        one.verbs.change("", Changes(seed=3))
    late = make()
    late.verbs.catch_up()
    assert [late.verbs.settings(f"{number}").seed for number in range(3)] == [0, 1, 2]
    one.verbs.close("1")
    one.verbs.change("", Changes(seed=4))
    late = make()
    late.verbs.catch_up()
    assert [late.verbs.settings(name).seed for name in ("0", "2", "")] == [0, 2, 4]


def test_a_setting_that_is_left_as_it_is_replaces_none(make: Make) -> None:
    one = make()
    one.verbs.change("", Changes(seed=7, time_scale=2.0))
    one.verbs.change("", Changes(seed=None, time_scale=None))
    late = make()
    same_time(one, late)
    assert late.verbs.settings("").seed == 7


def test_who_opens_a_session_between_gets_what_was_then(make: Make) -> None:
    one = make()
    one.verbs.load("", {"mockdock": 1, "rules": [{"reply": "old"}]})
    one.verbs.open(MINE, Opening())
    one.verbs.load("", {"mockdock": 1, "rules": [{"reply": "new"}]})
    assert [each.text(session=MINE) for each in (one, make())] == ["old", "old"]


def test_a_session_that_had_to_go_is_gone_also_where_nobody_looked_meanwhile(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockdock.sessions._MOST", 2)
    one, two = make(), make()
    one.verbs.open("a", Opening())
    one.verbs.open("b", Opening())
    two.verbs.catch_up()
    one.verbs.open("c", Opening())
    one.verbs.close("c")
    two.verbs.catch_up()
    late = make()
    late.verbs.catch_up()
    assert one.verbs.sessions() == two.verbs.sessions() == late.verbs.sessions() == ["b"]


def test_nobody_sees_what_is_not_written_yet(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    one = make()
    one.verbs.catch_up()
    seen = []
    ask = one.link.at_once

    def watched(read: Any, verb: bytes, *payload: bytes, counts: bool = True) -> Any:
        if verb == b"commit":
            seen.append(one.text())
        return ask(read, verb, *payload, counts=counts)

    monkeypatch.setattr(one.link, "at_once", watched)
    one.verbs.add_rule("", {"reply": "added"})
    assert [*seen, one.text()] == ["base", "added"]


def test_who_waits_in_a_session_that_is_lost_with_redis_waits_no_longer(
    doomed: Redis, doomed_make: Make
) -> None:
    one = doomed_make()
    one.verbs.open(MINE, Opening(time_scale="manual"))
    clock = one.app.sessions.of(MINE).clock
    assert not clock.is_due(10.0)
    doomed.stop()
    doomed.start()
    one.link._health._again = 0.0
    one.verbs.catch_up()
    assert clock.is_due(10.0)


def test_all_begins_anew_where_redis_lost_everything(doomed: Redis, doomed_make: Make) -> None:
    one, two = doomed_make(), doomed_make()
    one.verbs.add_rule("", {"reply": "added"})
    one.verbs.open(MINE, Opening())
    assert two.text() == "added"
    doomed.stop()
    doomed.start()
    for each in (one, two):
        each.link._health._again = 0.0
    assert [two.text(), one.text()] == ["base", "base"]
    assert one.verbs.sessions() == two.verbs.sessions() == []
    assert one.app.sessions.base.began == two.app.sessions.base.began


def test_who_saw_what_redis_lost_at_once_goes_on_with_what_there_is(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a look and what it leads to Redis may begin anew, with another clock."""
    one = make()
    one.verbs.add_rule("", {"reply": "added"})
    log = one.verbs._world._ops
    seen = log.look_at_once()
    for began in ("1", str(2**53)):
        lost = seen._replace(mark=Mark(began, 7))
        monkeypatch.setattr(log, "look", lambda lost=lost: lost)
        one.loop.run(asyncio.wait_for(one.verbs.current(), 30))
        assert one.text() == "added"


@pytest.mark.parametrize("error", [ScenarioError([]), ValueError("a defect")])
def test_what_cannot_be_done_here_is_told_once_and_passed_over(
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    one, two = make(), make()
    perform = two.verbs._here.perform

    def failing(verb: str, session: str, words: Any) -> Any:
        if verb == "set_trouble":
            raise error
        return perform(verb, session, words)

    monkeypatch.setattr(two.verbs._here, "perform", failing)
    one.verbs.add_rule("", {"reply": "before"})
    one.verbs.set_trouble("", {"faults": []})
    assert [two.text(), two.text()] == ["before"] * 2
    one.verbs.add_rule("", {"reply": "after"}, first=True)
    assert [two.text(), one.text()] == ["after"] * 2
    two.verbs.add_rule("", {"reply": "here"}, first=True)
    assert [two.text(), one.text()] == ["here"] * 2
    (told,) = caplog.records
    assert told.getMessage() == f"{UNDONE}: set_trouble"
    assert told.exc_info is not None
    assert told.exc_info[1] is error


def test_without_redis_plain_replies_go_on_and_the_others_are_refused(
    doomed: Redis, doomed_make: Make
) -> None:
    rules = [SEQUENCE, {"when": {"user": "plain"}, "reply": "plain"}]
    one = doomed_make({"mockdock": 1, "rules": rules}, patience=0.5)
    one.verbs.add_rule("", {"when": {"user": "added"}, "reply": "added"})
    assert [one.text("plain"), one.text("count")] == ["plain", "a"]
    doomed.stop(signal.SIGKILL)
    assert [one.text("plain"), one.text("added"), one.text("plain")] == ["plain", "added", "plain"]
    refused = one.ask("count")
    assert refused.status == 503
    told = unquote(refused.headers["x-mockdock-error"])
    assert "does not answer" in told
    assert refused.json()["error"]["message"] == f"mockdock: {told}"
    with pytest.raises(StoreError):
        one.verbs.add_rule("", {"reply": "lost"})
    with pytest.raises(StoreError):
        one.verbs.state("")
    assert one.text("plain") == "plain"


def test_changes_of_many_at_once_are_all_done_in_one_order(make: Make) -> None:
    processes = [make() for _ in range(4)]

    def add(number: int) -> str:
        told = {"when": {"user": f"say {number}."}, "reply": str(number)}
        return processes[number % 4].verbs.add_rule("", told)

    with ThreadPoolExecutor(4) as pool:
        keys = [*pool.map(add, range(40))]
    assert sorted(keys) == sorted(f"+{number}" for number in range(1, 41))
    for each in processes:
        each.verbs.catch_up()
    listed = [[(card.key, card.when) for card in each.verbs.rules("")] for each in processes]
    assert listed == [listed[0]] * 4
    assert processes[0].text("say 17.") == "17"
