"""Trouble on purpose: chaos, the timeline, faults and how often they strike."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.engine import AddedRule, Decision, Engine
from mockdock.engine.store import Pick, Step
from mockdock.reply import Failure
from mockdock.request import Caller, Request
from mockdock.scenario import ErrorSpec, ReplySpec, When, wishes
from tests.engine.helpers import ask, engine, reply, say, scenario

OK = ReplySpec(text="fine")


def decided(asked: Engine, request: Request, wish: str = "", *, age: float = 0.0) -> Decision:
    """Decide, and settle what breaks; no function is asked here."""
    decision = asked.decide(request, wishes(wish), age=age)
    try:
        asked.consult(request, decision).send(None)
    except StopIteration as done:
        settled: Decision = done.value
        return settled
    raise AssertionError("nothing is waited for")


def met(asked: Engine, request: Request, wish: str = "", *, age: float = 0.0) -> str:
    """Name what a request meets: an error, faults, or nothing."""
    decision = decided(asked, request, wish, age=age)
    names: list[str] = [fault.name for fault in decision.faults]
    if isinstance(decision.answer, ErrorSpec):
        names.insert(0, str(decision.answer.error))
    return "+".join(names)


def texts(count: int) -> list[Request]:
    return [ask(f"request {number}") for number in range(count)]


def tally(asked: Engine, requests: Sequence[Request], **options: Any) -> Counter[str]:
    return Counter(met(asked, request, **options) for request in requests)


# --- chaos


@pytest.mark.parametrize("seed", [1, 2])
def test_chaos_fails_the_share_it_is_told_and_mixes_by_weight(seed: int) -> None:
    mix = {429: 3, "503": 1, "reset": 1, "stall;for=5s": 0.5, "timeout": 0}
    counts = tally(engine(OK, seed=seed, chaos={"rate": 0.4, "mix": mix}), texts(3000))
    assert set(counts) == {"", "429", "503", "connection_reset", "stall"}
    failed = 3000 - counts[""]
    assert failed / 3000 == pytest.approx(0.4, abs=0.036)  # four standard deviations
    for name, weight in (("429", 3), ("503", 1), ("connection_reset", 1), ("stall", 0.5)):
        assert counts[name] / failed == pytest.approx(weight / 5.5, abs=0.06)


@pytest.mark.parametrize(("rate", "met_by"), [(0, {""}), (1, {"503"})])
def test_chaos_of_a_rate_of_none_and_of_all(rate: float, met_by: set[str]) -> None:
    asked = engine(OK, chaos={"rate": rate, "mix": {503: 1}})
    assert set(tally(asked, texts(50))) == met_by


def test_the_options_of_a_fault_in_the_mix_are_kept() -> None:
    asked = engine(OK, chaos={"rate": 1, "mix": {"stall;for=5s;tokens=2": 1}})
    (fault,) = decided(asked, ask()).faults
    assert (fault.name, fault.lasts, fault.after.tokens) == ("stall", 5.0, 2)


def test_a_fault_of_the_mix_that_may_strike_twice_strikes_twice() -> None:
    asked = engine(OK, chaos={"rate": 1, "mix": {"reset;times=2": 1}})
    assert [met(asked, each) for each in texts(3)] == ["connection_reset"] * 2 + [""]


def test_chaos_draws_only_what_can_happen_to_the_request() -> None:
    mix = {"error_event": 1, "wrong_content_length": 1}
    asked = engine(OK, chaos={"rate": 1, "mix": mix})
    assert met(asked, ask()) == "wrong_content_length"
    assert met(asked, ask(stream=True)) == "error_event"
    assert met(engine(OK, chaos={"rate": 1, "mix": {"crlf": 1}}), ask()) == ""
    spoiling = engine(OK, chaos={"rate": 1, "mix": {"wrong_model": 1}})
    assert met(spoiling, Request("openai", "models")) == ""
    assert met(spoiling, ask()) == "wrong_model"


def test_chaos_strikes_only_in_bursts() -> None:
    burst = {"every": "60s", "for": "5s"}
    asked = engine(OK, chaos={"rate": 1, "mix": {503: 1}, "burst": burst})
    ages = [0, 4.999, 5, 59.999, 60, 64.9, 65, 3600, 3605]
    assert [met(asked, ask(), age=age) for age in ages] == [
        "503", "503", "", "", "503", "503", "", "503", "",
    ]  # fmt: skip


def test_chaos_strikes_only_requests_that_fit() -> None:
    when = {"user": "night", "attempt": {"at_most": 2}, "state": {"storm": True}}
    asked = engine(OK, chaos={"rate": 1, "mix": {503: 1}, "when": when})
    request = ask("at night")
    assert met(asked, request) == ""
    asked.store.set_state("", {"storm": True})
    assert met(asked, ask("at noon")) == ""
    assert met(asked, request) == "503", "its second attempt"
    assert met(asked, request) == "", "its third"
    told = ask("at night", caller=Caller(attempt=1))
    assert met(asked, told) == "503", "the client says it is its first"


def test_errors_use_up_no_reply() -> None:
    rule = {"replies": ["one", "two", "three"], "set_state": {"used": True}, "times": 3}
    asked = engine(rule, otherwise="fail", chaos={"rate": 0.5, "mix": {429: 1}}, seed=3)
    met_by: list[str] = []
    while len([each for each in met_by if each != "429"]) < 4:
        decision = decided(asked, ask())
        answer = decision.answer
        if isinstance(answer, ErrorSpec):
            assert decision.rule is None
            met_by.append(str(answer.error))
        else:
            met_by.append(answer.text or "" if isinstance(answer, ReplySpec) else "no reply")
    assert "429" in met_by
    assert [each for each in met_by if each != "429"] == ["one", "two", "three", "no reply"]


def test_nor_do_the_errors_of_wishes_and_phases() -> None:
    rule = {"replies": ["one", "two"], "set_state": {"used": True}}
    asked = engine(rule, timeline=[{"at": "1s", "for": "1s", "error": 503}])
    assert met(asked, ask(), "429") == "429"
    assert met(asked, ask(), age=1.5) == "503"
    assert asked.store.state("") == {}
    decision = decided(asked, ask())
    assert isinstance(decision.answer, ReplySpec)
    assert decision.answer.text == "one"
    assert asked.store.state("") == {"used": True}


def test_faults_use_up_a_reply_for_it_has_been_said() -> None:
    asked = engine({"replies": ["one", "two"]})
    assert met(asked, ask(), "reset") == "connection_reset"
    decision = decided(asked, ask())
    assert isinstance(decision.answer, ReplySpec)
    assert decision.answer.text == "two"


def test_a_retry_meets_new_luck() -> None:
    """Of requests that failed, as many fail again as of any."""
    asked = engine(OK, chaos={"rate": 0.5, "mix": {503: 1}}, seed=5)
    first = [met(asked, each) for each in texts(400)]
    told = [ask(f"request {number}", caller=Caller(attempt=2)) for number in range(400)]
    again = [met(asked, each) for each in told]
    both = sum(one == two == "503" for one, two in zip(first, again, strict=True))
    assert both / 400 == pytest.approx(0.25, abs=0.09)


def test_another_seed_and_another_session_meet_other_trouble() -> None:
    def all_met(seed: int, session: str = "", called: str | None = None) -> list[str]:
        spec = scenario(OK, seed=seed, chaos={"rate": 0.5, "mix": {503: 1}})
        asked = Engine(spec, called=called)
        caller = Caller(session=session)
        return [met(asked, ask(f"request {n}", caller=caller)) for n in range(60)]

    assert all_met(1) == all_met(1)
    assert all_met(1) != all_met(2)
    assert all_met(1, "one") != all_met(1, "two")
    assert all_met(1, "one", "test_it") == all_met(1, "two", "test_it"), "the same test"


CHAOTIC: Mapping[str, Any] = {
    "chaos": {"rate": 0.5, "mix": {429: 1, "reset": 1, "stall;probability=0.5": 1}},
    "faults": [{"type": "slicer", "probability": 0.3}],
}

asked_for = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=20)


@given(asked_for, st.randoms(use_true_random=False), st.integers(0, 9))
def test_the_same_seed_means_the_same_trouble_in_whatever_order(
    asked_for: list[str], order: Any, seed: int
) -> None:
    """Of each logical request, the first arrival meets the same as ever, and so on."""

    def by_text(arriving: list[str]) -> dict[str, list[str]]:
        asked = engine(OK, seed=seed, **CHAOTIC)
        found: dict[str, list[str]] = {text: [] for text in arriving}
        for text in arriving:
            found[text].append(met(asked, ask(text)))
        return found

    shuffled = order.sample(asked_for, len(asked_for))
    assert by_text(asked_for) == by_text(shuffled)


@pytest.mark.parametrize("workers", [2, 7])
def test_the_same_seed_means_the_same_trouble_for_any_number_of_workers(workers: int) -> None:
    requests = [ask(f"request {number % 40}") for number in range(120)]
    alone = engine(OK, seed=8, **CHAOTIC)
    expected = Counter((each.user_text, met(alone, each)) for each in requests)
    shared = engine(OK, seed=8, **CHAOTIC)
    with ThreadPoolExecutor(workers) as pool:
        found = Counter(pool.map(lambda each: (each.user_text, met(shared, each)), requests))
    assert found == expected
    assert len({name for _, name in found}) > 3


# --- the timeline

INCIDENT: Sequence[Mapping[str, Any]] = [
    {"name": "outage", "at": "10m", "for": "5m", "error": {"error": 503, "retry_after": "30s"}},
    {
        "name": "brown-out",
        "at": "15m",
        "for": "30m",
        "chaos": {"rate": 1, "mix": {"overloaded": 1}, "when": {"attempt": 1}},
        "faults": [{"type": "bandwidth", "rate": "1KB/s"}],
        "pacing": {"ttft": "9s"},
    },
    {"name": "slow", "at": "40m", "pacing": {"tps": 5}, "when": {"stream": True}},
]


def test_a_phase_goes_on_from_its_beginning_up_to_its_end() -> None:
    asked = engine(OK, timeline=[{"at": "30s", "for": "60s", "error": "overloaded"}])
    found = [met(asked, ask(), age=age) for age in (0, 29.999, 30, 89.999, 90, 1e6)]
    assert found == ["", "", "overloaded", "overloaded", "", ""]


def test_a_phase_without_an_end_goes_on_for_good() -> None:
    asked = engine(OK, timeline=[{"at": "0s", "error": 500}])
    assert [met(asked, ask(), age=age) for age in (0, 1e7)] == ["500", "500"]


def test_one_scenario_plays_an_incident() -> None:
    asked = engine(OK, pacing={"ttft": "1s", "tps": 50}, timeline=INCIDENT)

    def paced(age: float, **fields: Any) -> tuple[str, float, float]:
        request = ask("Hi", caller=Caller(attempt=2), **fields)
        decision = decided(asked, request, age=age * 60)
        pacing = decision.context.pace.pacing
        assert pacing is not None
        error = str(decision.answer.error) if isinstance(decision.answer, ErrorSpec) else ""
        broken = "+".join((error, *(fault.name for fault in decision.faults))).strip("+")
        return broken, pacing.ttft.low, pacing.itl.low

    assert paced(0) == ("", 1, 0.02)
    assert paced(12)[0] == "503"
    assert paced(15) == paced(42) == ("bandwidth", 9, 0.02)
    assert paced(42, stream=True) == ("bandwidth", 1, 0.2), "the phase that began last"
    assert paced(46) == ("", 1, 0.02), "recovered"
    assert paced(46, stream=True) == ("", 1, 0.2)
    assert met(asked, ask("Hi", caller=Caller(attempt=1)), age=16 * 60) == "overloaded+bandwidth"


def test_a_phase_needs_not_concern_everybody() -> None:
    when = {"model": "gpt-4o*", "attempt": {"at_least": 2}}
    asked = engine(OK, timeline=[{"at": "0s", "error": 500, "when": when}])
    assert met(asked, ask()) == ""
    assert met(asked, ask()) == "500", "the second attempt"
    assert met(asked, ask(model="o3", caller=Caller(attempt=2))) == ""


def test_the_chaos_of_a_phase_stands_in_for_that_of_the_scenario() -> None:
    calm = {"at": "10s", "for": "10s", "chaos": {"rate": 0}}
    asked = engine(OK, chaos={"rate": 1, "mix": {503: 1}}, timeline=[calm])
    assert [met(asked, ask(), age=age) for age in (0, 10, 20)] == ["503", "", "503"]


def test_of_two_phases_the_first_says_the_error_and_both_break_replies() -> None:
    phases = [
        {"at": "0s", "error": 500, "faults": ["slicer"]},
        {"at": "0s", "error": 503, "faults": ["reset"]},
    ]
    assert met(engine(OK, timeline=phases), ask()) == "500+slicer+connection_reset"


def test_a_phase_sets_the_pace_of_a_functions_answer_as_well() -> None:
    async def answer(_: Request, attempt: int) -> ReplySpec:
        return ReplySpec.model_validate({"text": f"{attempt}", "pacing": {"ttft": "2s", "tps": 10}})

    rule = AddedRule("+1", "asks", When(), (answer,))
    asked = Engine(scenario(timeline=[{"at": "5s", "pacing": {"ttft": "7s"}}]), added=[rule])

    async def pace(age: float) -> tuple[float, float]:
        decision = await asked.consult(ask(), asked.decide(ask(), age=age))
        pacing = decision.context.pace.pacing
        assert pacing is not None
        return pacing.ttft.low, pacing.itl.low

    assert asyncio.run(pace(0)) == (2, 0.1)
    assert asyncio.run(pace(5)) == (7, 0.1)


# --- where it comes from

FAULTY = {"text": "Hi", "faults": ["crlf"]}
ORIGINS: list[tuple[dict[str, Any], str, str]] = [
    ({}, "", ""),
    ({"timeline": [{"at": "9s", "error": 500}, {"at": "0s", "error": 503}]}, "", "timeline[1]"),
    ({"timeline": [{"at": "0s", "faults": ["reset"]}]}, "", "timeline[0]"),
    ({"timeline": [{"name": "outage", "at": "0s", "error": 503}]}, "", "outage"),
    ({"timeline": [{"at": "0s", "chaos": {"rate": 1, "mix": {503: 1}}}]}, "", "timeline[0].chaos"),
    ({"chaos": {"rate": 1, "mix": {503: 1}}}, "", "chaos"),
    ({"chaos": {"rate": 1, "mix": {"reset": 1}}, "faults": ["slicer"]}, "", "chaos, faults"),
    ({"timeline": [{"at": "0s", "error": 503}]}, "500", "request"),
    ({"faults": ["slicer", "coalesce"]}, "reset", "request, faults"),
    (
        {"limits": [{"rpm": 100}, {"tpm": 1}], "chaos": {"rate": 1, "mix": {503: 1}}},
        "",
        "limits[1]",
    ),
    ({"limits": [{"rpm": 100}]}, "", ""),
]


@pytest.mark.parametrize(("settings", "wish", "origin"), ORIGINS)
def test_a_decision_names_what_else_had_a_hand_in_it(
    settings: dict[str, Any], wish: str, origin: str
) -> None:
    """But the rule: that is named for itself, and its own faults are its own."""
    assert decided(engine(reply(FAULTY), **settings), ask(), wish).trouble == origin


def test_an_error_made_up_tells_the_numbers_of_a_limit_there_is() -> None:
    mix = {"rate": 1, "mix": {"429": 1}}
    limits = [{"rpm": 500, "tpm": 9000}, {"rpd": 40}]
    asked = engine(OK, chaos=mix, limits=limits)
    failure = asked.compose(ask(), decided(asked, ask()), 0)
    assert isinstance(failure, Failure)
    numbers = (failure.measure, failure.limit, failure.used, failure.requested)
    assert numbers == ("rpd", 40, 40, 1), "the least of the limits on requests"
    asked = engine(OK, chaos=mix, limits=[{"tpm": 9000}])
    failure = asked.compose(ask(), decided(asked, ask()), 0)
    assert isinstance(failure, Failure)
    assert failure.limit is None


# --- faults, how often and of what


def test_faults_compose_those_of_the_reply_first_then_what_is_asked_then_the_scenarios() -> None:
    own = {"text": "Hi", "faults": ["crlf", "comments"]}
    phase = {"at": "0s", "faults": ["coalesce"]}
    asked = engine(own, faults=["slicer"], timeline=[phase])
    found = met(asked, ask(stream=True), "split,stall")
    assert found == "crlf+comments+split+stall+coalesce+slicer"


def test_a_wish_comes_before_the_timeline_and_that_before_chaos() -> None:
    asked = engine(OK, timeline=[{"at": "5s", "error": 500}], chaos={"rate": 1, "mix": {503: 1}})
    assert met(asked, ask()) == "503"
    assert met(asked, ask(), "reset") == "connection_reset", "no chaos on top of a wish"
    assert met(asked, ask(), age=5) == "500"
    assert met(asked, ask(), "429,reset,401", age=5) == "429+connection_reset"


def test_a_fault_strikes_as_often_as_it_may_in_each_session() -> None:
    asked = engine(OK, faults=[{"type": "reset", "times": 2}, {"type": "stall", "times": 1}])
    other = ask("Hi", caller=Caller(session="other"))
    found = [met(asked, each) for each in (ask("a"), ask("b"), ask("a"), other, ask("c"))]
    both = "connection_reset+stall"
    assert found == [both, "connection_reset", "", both, ""]
    asked.reset("")
    assert met(asked, ask()) == both


def test_faults_are_counted_each_for_itself() -> None:
    once = {"type": "stall", "times": 1}
    twice = {"type": "stall", "times": 2}
    a, b = ({"text": name, "faults": [once]} for name in "ab")
    asked = engine(
        {"when": {"user": "one"}, "replies": [a, b]},
        {"when": {"user": "two"}, **reply({"text": "c", "faults": [once]})},
        otherwise={"text": "d", "faults": [once]},
        faults=[{**twice, "when": {"model": "o3"}}, {**once, "when": {"model": "o3"}}],
        timeline=[{"at": "9s", "faults": [once]}, {"at": "9s", "faults": [once]}],
    )
    assert met(asked, ask("one")) == "stall"
    assert met(asked, ask("two")) == "stall", "another rule"
    assert met(asked, ask("one")) == "stall", "the rule's second reply"
    assert met(asked, ask("three")) == "stall", "where no rule matches"
    assert [met(asked, ask(text)) for text in ("one", "two", "three")] == [""] * 3
    assert met(asked, ask("one"), age=9) == "stall+stall", "two phases"
    assert met(asked, ask("one"), age=9) == ""
    o3 = ask("one", model="o3")
    assert [met(asked, o3) for _ in range(3)] == ["stall+stall", "stall", ""]


def test_a_fault_is_counted_the_same_whatever_comes_before_it() -> None:
    own = {"when": {"user": "own"}, **reply({"text": "Hi", "faults": ["slicer"]})}
    asked = engine(own, OK, faults=[{"type": "stall", "times": 1}])
    assert met(asked, ask("plain")) == "stall"
    assert met(asked, ask("own")) == "slicer"
    assert met(asked, ask("plain"), "bandwidth") == "bandwidth"


def test_a_wish_that_may_come_true_once_does() -> None:
    asked = engine(OK)
    assert [met(asked, ask(), "reset;times=1") for _ in range(2)] == ["connection_reset", ""]
    assert met(asked, ask(), "stall;times=1,reset;times=1") == "stall"
    assert met(asked, ask(), "stall;times=1;for=5s") == "stall", "another wish"


def test_another_scenario_counts_its_faults_anew() -> None:
    asked = engine(OK, faults=[{"type": "reset", "times": 1}])
    assert [met(asked, ask()) for _ in range(2)] == ["connection_reset", ""]
    changed = asked.changed(scenario=asked.scenario)
    assert [met(changed, ask()) for _ in range(2)] == ["connection_reset", ""]
    assert met(changed.changed(seed=5), ask()) == "", "only another scenario does"


def test_a_fault_that_a_reply_cannot_have_is_neither_used_up_nor_told_of() -> None:
    faults = [{"type": name, "times": 1} for name in ("error_event", "missing_usage", "slicer")]
    asked = engine({"replies": [{"error": 503}, "Hi"]}, faults=faults)
    assert met(asked, ask(stream=True)) == "503+slicer", "an error is no stream and says nothing"
    assert met(asked, ask(stream=True)) == "error_event+missing_usage"
    lying = engine({"replies": [{"error": 503}, "Hi"]}, faults=["wrong_content_length"])
    assert met(lying, ask(stream=True)) == "503+wrong_content_length"
    assert met(lying, ask(stream=True)) == ""
    assert met(engine(OK, faults=["wrong_model", "reset"]), Request("openai", "models")) == (
        "connection_reset"
    )


def test_a_fault_by_chance_strikes_its_share() -> None:
    faults = [{"type": "reset", "probability": 0.25}, {"type": "stall", "probability": 0}]
    counts = tally(engine(OK, faults=faults), texts(1200))
    assert set(counts) == {"", "connection_reset"}
    assert counts["connection_reset"] / 1200 == pytest.approx(0.25, abs=0.05)


def test_two_faults_of_the_same_chance_strike_independently() -> None:
    faults = [{"type": name, "probability": 0.5} for name in ("reset", "stall")]
    counts = tally(engine(OK, faults=faults), texts(400))
    assert all(count / 400 == pytest.approx(0.25, abs=0.09) for count in counts.values())
    assert len(counts) == 4


def test_a_fault_can_be_for_one_attempt_and_one_state() -> None:
    faults = [
        {"type": "reset", "when": {"attempt": 1}},
        {"type": "stall", "when": {"attempt": {"at_least": 2, "at_most": 3}}},
        {"type": "slicer", "when": {"state": {"mood": "bad"}}},
    ]
    asked = engine(OK, faults=faults)
    found = [met(asked, ask()) for _ in range(4)]
    assert found == ["connection_reset", "stall", "stall", ""]
    asked.store.set_state("", {"mood": "bad"})
    assert met(asked, ask()) == "slicer"


@pytest.mark.parametrize("more", [{}, {"faults": ["crlf"]}], ids=["alone", "beside others"])
def test_a_fault_sees_the_state_from_before_its_rule_changed_it(more: Mapping[str, Any]) -> None:
    broken = {"text": "Hi", "faults": [{"type": "reset", "when": {"state": {"seen": True}}}]}
    asked = engine({**reply(broken), "set_state": {"seen": True}}, **more)
    assert [met(asked, ask()) for _ in range(2)] == ["", "connection_reset"]


def test_faults_of_a_functions_answer_strike_and_are_counted() -> None:
    async def answer(_: Request, attempt: int) -> ReplySpec | ErrorSpec:
        fault = {"type": "reset", "times": 1, "when": {"state": {"mood": "bad"}}}
        return ReplySpec.model_validate({"text": f"{attempt}", "faults": [fault]})

    asked = Engine(scenario(), added=[AddedRule("+1", "asks", When(), (answer,))])
    asked.store.set_state("", {"mood": "bad"})

    async def faults() -> list[str]:
        decision = await asked.consult(ask(), asked.decide(ask()))
        return [fault.name for fault in decision.faults]

    assert asyncio.run(faults()) == ["connection_reset"]
    assert asyncio.run(faults()) == []


# --- what is refused, and what it costs


def test_what_is_refused_meets_no_trouble() -> None:
    asked = engine(OK, chaos={"rate": 1, "mix": {503: 1}}, faults=["reset"])
    decision = decided(asked, ask("Hi", max_tokens=10**9), "500")
    assert isinstance(decision.answer, Failure)
    assert decision.answer.kind == "context_length"
    assert decision.faults == ()


def test_a_limit_comes_before_trouble_and_its_429_can_break() -> None:
    asked = engine(OK, limits=[{"per": "server", "rpm": 1}], faults=["reset"])
    assert met(asked, ask(), "503") == "503+connection_reset", "it costs as any other"
    decision = decided(asked, ask(), "503")
    assert isinstance(decision.answer, Failure)
    assert decision.answer.kind == "rate_limit"
    assert [fault.name for fault in decision.faults] == ["connection_reset"]


class _Watched:
    """A store that notes which of its functions are called."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.calls: list[str] = []
        self.gates: list[object] = []

    def __getattr__(self, name: str) -> Any:
        def called(*arguments: Any) -> Any:
            self.calls.append(name)
            return getattr(self._store, name)(*arguments)

        return called

    def decide(self, step: Step) -> Pick:
        self.calls.append("decide")
        self.gates.append(step.gates)
        pick: Pick = self._store.decide(step)
        return pick


@pytest.mark.parametrize("stream", [False, True])
def test_trouble_costs_nothing_where_there_is_none(stream: bool) -> None:
    asked = engine(OK)
    watched: Any = _Watched(asked.store)
    asked.store = watched
    request = ask("Hi", say("user", "before"), stream=stream)
    decision = decided(asked, request)
    assert decision.encounter is None
    assert decision.faults == ()
    assert watched.calls == ["decide"]
    assert watched.gates == [()]


def test_faults_of_a_reply_cost_the_others_nothing() -> None:
    broken = {"when": {"user": "bad"}, **reply({"text": "Hi", "faults": ["reset"]})}
    asked = engine(broken, OK)
    assert decided(asked, ask("good")).encounter is None
    assert met(asked, ask("bad")) == "connection_reset"


def test_a_scripted_text_does_not_use_up_a_fault_of_tool_calls() -> None:
    call = {"name": "go", "arguments": {"to": "here"}}
    asked = engine(
        {"when": {"user": "talk"}, "reply": "Hello"},
        {"reply": {"tool_calls": [call]}},
        faults=[{"type": "cut_arguments", "times": 1}],
    )

    async def faults(text: str) -> list[str]:
        request = ask(text)
        decision = await asked.consult(request, asked.decide(request))
        return [fault.name for fault in decision.faults]

    found = [asyncio.run(faults(text)) for text in ("talk", "act", "act again")]
    assert found == [[], ["cut_arguments"], []]
