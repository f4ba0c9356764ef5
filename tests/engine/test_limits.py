"""Limits of a scenario: what is charged to whom, what is told, and what it really cost."""

from __future__ import annotations

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from mockdock.content.catalogue import load
from mockdock.content.pricing import cost
from mockdock.engine import Decision, Engine, MemoryStore
from mockdock.engine import memory as module
from mockdock.engine.conditions import Condition
from mockdock.engine.gauges import gauges
from mockdock.engine.match import AddedRule
from mockdock.engine.meters import Charge
from mockdock.engine.store import Step
from mockdock.errors import ConditionError
from mockdock.limit import Standing, Standings, told
from mockdock.reply import Completion, Failure, Reply, Usage
from mockdock.request import Caller, Request
from mockdock.scenario import ReplySpec, When
from tests.engine.helpers import CREATED, ask, engine, scenario
from tests.stores import Ready

GPT = load().resolve("gpt-4o")


def limited(*limits: dict[str, Any], **more: Any) -> Engine:
    return engine("Hello there, dear client!", limits=limits, **more)


class Client:
    """Asks an engine one thing after the other, on a clock moved by hand."""

    def __init__(self, asked: Engine) -> None:
        self.engine = asked
        self.age = 0.0

    def begin(self, request: Request | None = None, **fields: Any) -> tuple[Decision, Reply]:
        """Have a request decided and answered; it goes on until it is ended."""
        request = ask(**fields) if request is None else request
        decision = self.engine.decide(request, age=self.age)
        return decision, self.engine.compose(request, decision, CREATED)

    def end(self, decision: Decision, reply: Reply, said: int = 10**9, **fields: Any) -> None:
        """End a request of which so many tokens have left."""
        self.engine.settle(ask(**fields), decision, reply, said=said, age=self.age)

    def ask(self, **fields: Any) -> tuple[Reply, Standings]:
        """Have a whole plain reply; give it, and what its headers tell."""
        decision, reply = self.begin(**fields)
        assert decision.admission is not None
        headers = decision.admission.standings(reply, streamed=False)
        self.end(decision, reply, **fields)
        return reply, headers

    def fine(self, **fields: Any) -> bool:
        """Tell whether a request is answered."""
        return isinstance(self.ask(**fields)[0], Completion)

    def refusal(self, **fields: Any) -> Failure:
        """Give the failure a request meets."""
        reply, _ = self.ask(**fields)
        assert isinstance(reply, Failure), reply
        return reply


def tokens_of(**fields: Any) -> Usage:
    reply = Client(engine("Hello there, dear client!")).begin(**fields)[1]
    assert isinstance(reply, Completion)
    return reply.usage


def key(name: str, session: str = "") -> Caller:
    return Caller(name, session)


def test_a_refusal_tells_the_true_numbers() -> None:
    client = Client(limited({"rpm": 3, "header": "ms"}))
    assert [client.fine() for _ in range(3)] == [True] * 3
    assert client.refusal() == Failure(
        "rate_limit",
        "gpt-4o",
        measure="rpm",
        limit=3,
        used=3,
        requested=1,
        retry_after=20.0,
        retry_header="ms",
    )


def test_tokens_are_charged_as_the_prompt_and_max_tokens_and_settled() -> None:
    usage = tokens_of()
    client = Client(limited({"tpm": 1000}))
    decision, reply = client.begin(max_tokens=300, n=2)
    assert decision.admission is not None
    assert decision.admission.charges[0].cost == usage.prompt_tokens + 600
    client.end(decision, reply)
    assert isinstance(reply, Completion)
    _, headers = client.ask()
    used = reply.usage.total_tokens + usage.total_tokens
    assert headers.tokens is not None
    assert headers.tokens.remaining == 1000 - used
    assert headers.tokens.reset == pytest.approx(used * 60 / 1000)


def test_what_did_not_leave_for_the_client_is_not_charged() -> None:
    usage = tokens_of()
    client = Client(limited({"tpm": 1000}, {"token_budget": 10**6}))
    client.end(*client.begin(max_tokens=300, stream=True), said=2)
    client.end(*client.begin(max_tokens=300, stream=True), said=10**6)
    _, headers = client.ask()
    assert headers.tokens is not None
    used = 3 * usage.prompt_tokens + 2 + 2 * usage.completion_tokens
    assert headers.tokens.remaining == 1000 - used


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 20_000),
            st.integers(0, 60),
            st.sampled_from([None, 1, 2, 40]),
            st.booleans(),
        ),
        max_size=8,
    ),
    st.sampled_from(["bucket", "fixed", "sliding"]),
    st.sampled_from(["counted", "free"]),
)
def test_a_client_that_believes_the_headers_is_never_refused(
    asked: list[tuple[int, int, int | None, bool]], algorithm: str, refused: str
) -> None:
    """And one token more, or one request more, is; while a stream holds its estimate, then."""
    limit = {"rpm": 6, "tpm": 150, "algorithm": algorithm, "refused": refused}
    client = Client(limited(limit, {"tpd": 1200, "rpd": 40, "per": "key"}))
    base = tokens_of().prompt_tokens
    for pause, words, most, streamed in asked:
        client.age += pause / 1000
        request = ask("Hello" + " hello" * words, max_tokens=most, stream=streamed)
        decision, reply = client.begin(request)
        assert decision.admission is not None
        headers = decision.admission.standings(reply, streamed=streamed)
        held = streamed and most is not None
        if not held:
            client.end(decision, reply)
        assert headers.requests is not None
        assert headers.tokens is not None
        room = headers.tokens.remaining
        assert 0 <= room <= 150
        assert 0 <= headers.requests.remaining <= 6
        probe = _copy(client.engine)
        if not headers.requests.remaining:
            assert not _fits(probe, client.age, 1)
        else:
            assert not _fits(probe, client.age, room + 1 - base)
            probe = _copy(client.engine)
            if room > base:
                assert _fits(probe, client.age, room - base)
        if held:
            client.end(decision, reply)


def _fits(probe: Engine, age: float, most: int) -> bool:
    """Ask for so many tokens beside those of the prompt."""
    decision = probe.decide(ask(max_tokens=most), age=age)
    assert decision.admission is not None
    return not decision.admission.refused


def _copy(asked: Engine) -> Engine:
    """Give an engine whose meters stand as those of another."""
    assert isinstance(asked.store, MemoryStore)
    store = MemoryStore()
    store._meters.values.update(asked.store._meters.values)
    store._session("")
    assert next(store._serials) == 2
    return asked.changed(store=store)


def test_who_may_say_as_much_as_he_likes_is_told_what_is_left_after_it() -> None:
    """The estimate is the prompt alone where max_tokens is not set."""
    usage = tokens_of()
    for streamed in (False, True):
        client = Client(limited({"tpm": 1000}))
        decision, reply = client.begin(stream=streamed)
        assert decision.admission is not None
        tokens = decision.admission.standings(reply, streamed=streamed).tokens
        assert tokens is not None
        assert tokens.remaining == 1000 - usage.total_tokens


def test_while_a_stream_lasts_all_of_its_estimate_is_held() -> None:
    usage = tokens_of()
    client = Client(limited({"tpm": 1000}))
    decision, reply = client.begin(stream=True, max_tokens=500)
    assert decision.admission is not None
    tokens = decision.admission.standings(reply, streamed=True).tokens
    assert tokens is not None
    assert tokens.remaining == 500 - usage.prompt_tokens
    assert client.refusal(max_tokens=500).requested == 500 + usage.prompt_tokens
    client.end(decision, reply)
    assert client.fine(max_tokens=500)


def test_an_error_of_the_scenario_costs_a_request_and_no_tokens() -> None:
    client = Client(engine({"error": "overloaded"}, limits=[{"rpm": 9, "tpm": 1000}]))
    _, headers = client.ask(max_tokens=500)
    assert headers.requests is not None
    assert headers.tokens == Standing(1000, 1000, 0.0)
    assert headers.requests.remaining == 8


def test_a_wrong_request_costs_a_request_and_no_tokens() -> None:
    client = Client(limited({"rpm": 9, "tpm": 1000}))
    reply, headers = client.ask(max_tokens=10**7)
    assert isinstance(reply, Failure)
    assert reply.kind != "request_too_large"
    assert headers.requests is not None
    assert (headers.requests.remaining, headers.tokens) == (8, Standing(1000, 1000, 0.0))


@pytest.mark.parametrize(("refused", "left"), [("counted", 0), ("free", 2)])
def test_whether_a_refused_request_counts_can_be_chosen(refused: str, left: int) -> None:
    client = Client(limited({"rpm": 3, "tpm": 100, "refused": refused}))
    assert client.fine()
    for _ in range(4):
        assert client.refusal(max_tokens=90).kind in ("tokens_limit", "rate_limit")
    _, headers = client.ask(max_tokens=90)
    assert headers.requests is not None
    assert headers.requests.remaining == left


def test_one_request_above_the_bucket_is_too_large() -> None:
    client = Client(limited({"tpm": 100, "tpd": 90}, {"rpm": 1}))
    prompt = tokens_of().prompt_tokens
    assert client.refusal(max_tokens=95) == Failure(
        "request_too_large", "gpt-4o", measure="tpm", limit=100, used=95 + prompt
    )


def test_the_limit_with_the_longest_wait_is_told() -> None:
    client = Client(limited({"rpm": 2}, {"rpd": 1}))
    assert client.fine()
    refusal = client.refusal()
    assert (refusal.measure, refusal.retry_after) == ("rpd", 86_400)


def test_all_limits_have_to_admit() -> None:
    client = Client(limited({"per": "model", "rpm": 2}, {"per": "key", "rpm": 3}))
    a, b = key("a"), key("b")
    assert [client.fine(caller=a, model="gpt-4o") for _ in range(3)] == [True, True, False]
    assert client.fine(caller=b, model="gpt-4o-mini")
    assert not client.fine(caller=b, model="gpt-4o")
    assert not client.fine(caller=a, model="gpt-4.1")


def test_a_model_has_one_limit_by_whatever_name_it_is_called() -> None:
    client = Client(limited({"per": "model", "rpm": 1}))
    assert client.fine(model="gpt-4o")
    assert not client.fine(model="openai/gpt-4o")
    assert client.fine(model="gpt-4.1")
    unread = ask(model="gpt-4.1:mock-429")
    charged = asyncio.run(client.engine.turn_away(unread, client.age))
    assert charged is not None
    assert charged.refused


def test_every_deployment_has_a_limit_of_its_own() -> None:
    """Also of the same model, and apart from the model itself, whatever it is called."""
    client = Client(limited({"per": "model", "rpm": 1}))
    for deployment in ("chat", "other", "gpt-4o", ""):
        assert client.fine(deployment=deployment)
        assert not client.fine(deployment=deployment)
    found = gauges(client.engine.scenario.limits, client.engine.store, "", client.age, alone=False)
    assert [each.of for each in found] == [
        (("deployment", "chat"),),
        (("deployment", "other"),),
        (("deployment", "gpt-4o"),),
        (("model", "gpt-4o"),),
    ]


def test_without_the_model_deployments_share_a_limit() -> None:
    client = Client(limited({"per": "key", "rpm": 1}))
    assert client.fine(deployment="chat")
    assert not client.fine(deployment="other")


def test_a_deployment_of_a_name_that_wishes_for_trouble_is_that_of_the_name() -> None:
    client = Client(limited({"per": "model", "rpm": 1}))
    unread = ask(model="gpt-4o:mock-429", deployment="gpt-4o:mock-429")
    assert asyncio.run(client.engine.turn_away(unread, client.age)) is not None
    assert not client.fine(deployment="gpt-4o")


def test_what_is_refused_unread_costs_a_request_and_nothing_else() -> None:
    client = Client(limited({"rpm": 3, "tpm": 9, "concurrent": 1}, {"token_budget": 5}))
    for left in (2, 1, 0, 0):
        charged = asyncio.run(client.engine.turn_away(ask(), client.age))
        assert charged is not None
        told = charged.standings(Failure("bad_request"), streamed=False)
        assert told.requests is not None
        assert (told.requests.remaining, told.tokens) == (left, Standing(9, 9, 0.0))
    assert asyncio.run(engine("Hi").turn_away(ask(), 0)) is None


def test_keys_of_a_workspace_share_its_limit() -> None:
    client = Client(limited({"per": "workspace", "rpm": 2}, workspaces={"acme": ["a", "b"]}))
    assert client.fine(caller=key("a"))
    assert client.fine(caller=key("b"))
    assert not client.fine(caller=key("a"))
    assert client.fine(caller=key("c"))
    assert client.fine(caller=key("d"))
    assert not client.fine(caller=key("e"))


def test_sessions_count_apart_and_the_server_all_together() -> None:
    apart = Client(limited({"per": "key", "rpm": 1}))
    together = Client(limited({"per": ["server", "key"], "rpm": 1}))
    for client, expected in ((apart, True), (together, False)):
        assert client.fine(caller=key("k", "one"))
        assert client.fine(caller=key("k", "two")) is expected
        assert client.fine(caller=key("l", "two"))


def test_who_is_alone_shares_with_nobody() -> None:
    store, limits = MemoryStore(), [{"per": "server", "rpm": 1}]
    given = scenario("Hello", limits=limits)
    assert Client(Engine(given, store=store)).fine()
    alone = Client(Engine(given, store=store, alone=True))
    assert alone.fine(caller=key("k", "mine"))
    assert not alone.fine(caller=key("k", "mine"))


def test_running_requests_are_counted_until_they_end() -> None:
    client = Client(limited({"concurrent": 2}))
    first, second = client.begin(), client.begin()
    refusal = client.refusal()
    assert (refusal.measure, refusal.limit, refusal.used, refusal.retry_after) == (
        "concurrent", 2, 2, 1.0,
    )  # fmt: skip
    client.end(*first)
    assert client.fine()
    third = client.begin()
    assert not client.fine()
    client.end(*second)
    client.end(*third)
    assert [isinstance(client.begin()[1], Completion) for _ in range(3)] == [True, True, False]


def test_a_budget_of_tokens_is_spent_for_good() -> None:
    total = tokens_of().total_tokens
    client = Client(limited({"token_budget": 2 * total}))
    assert [client.fine() for _ in range(2)] == [True, True]
    client.age = 1e8
    assert client.refusal() == Failure("quota", "gpt-4o")


def test_a_budget_of_money_is_spent_for_good() -> None:
    price = cost(GPT, tokens_of())
    assert price > 0
    client = Client(limited({"cost_budget": price * 2.5}, {"rpm": 100}))
    assert [client.fine() for _ in range(4)] == [True, True, True, False]
    assert client.refusal().kind == "quota"


def test_prices_count_what_is_cached_and_nothing_where_none_is_known() -> None:
    usage = Usage(1000, 100, 1100, cached_tokens=400)
    prices = GPT.prices
    assert prices is not None
    assert prices.cached_input is not None
    full, cached, output = map(float, (prices.input, prices.cached_input, prices.output))
    assert cost(GPT, usage) == pytest.approx((600 * full + 400 * cached + 100 * output) / 1e6)
    dear = structs.replace(GPT, prices=structs.replace(prices, cached_input=None))
    assert cost(dear, usage) == pytest.approx((1000 * full + 100 * output) / 1e6)
    assert cost(structs.replace(GPT, prices=None), usage) == 0.0


def test_windows_get_their_share_of_a_minute() -> None:
    client = Client(limited({"rpm": 60, "tpm": 6000, "algorithm": "fixed", "window": "10s"}))
    _, headers = client.ask()
    assert headers.requests == Standing(10, 9, 10.0, window=10.0)
    assert headers.tokens is not None
    assert headers.tokens.limit == 1000


def test_only_chat_requests_cost() -> None:
    asked = limited({"rpm": 1})
    for _ in range(3):
        assert asked.decide(Request("openai", "models")).admission is None
    assert Client(asked).fine()


def test_another_scenario_keeps_what_was_used_of_a_limit_and_its_new_number_holds() -> None:
    first = limited({"rpm": 100})
    client = Client(first)
    for _ in range(50):
        assert client.fine()
    client.engine = first.changed(scenario=limited({"rpm": 3}).scenario)
    assert client.refusal().retry_after == 20
    client.engine = first.changed(scenario=limited({"rpm": 3, "algorithm": "sliding"}).scenario)
    assert client.fine()
    client.engine = first.changed(scenario=limited({"tpm": 300, "rpm": 3}).scenario)
    assert client.refusal().retry_after == 20


def test_a_model_of_any_name_is_kept_in_little_room() -> None:
    client = Client(limited({"per": "model", "rpm": 1}))
    long = "m" * 100_000
    assert client.fine(model=long)
    assert not client.fine(model=long)
    assert client.fine(model=long + "n")
    assert client.fine(model="\udcff" * 300)
    store = client.engine.store
    assert isinstance(store, MemoryStore)
    assert all(len(repr(place)) < 2000 for place in store._meters.values)


def test_what_a_lie_tells() -> None:
    assert [told(20, header) for header in ("both", "none", "lies")] == [20, 20, 2]


def charge(name: str = "m", limit: float = 3, **more: Any) -> Charge:
    return Charge(name, **{"algorithm": "fixed", "cost": 1, "limit": limit, **more})


def admitted(store: Ready, *charges: Charge, session: str = "s", now: float = 0) -> bool:
    return not store.decide(Step(session, "r", charges=tuple(charges), now=now)).refusers


def used(store: Ready, *charges: Charge, session: str = "s", now: float = 0) -> list[float]:
    return [each.used for each in store.read(session, charges, now)]


def test_all_charges_are_taken_or_none(store: Ready) -> None:
    wide, narrow = charge("wide", 9), charge("narrow", 1)
    assert admitted(store, wide, narrow)
    assert not admitted(store, wide, narrow)
    assert used(store, wide, narrow) == [1, 1]
    tolled = replace(wide, toll=1)
    assert not admitted(store, tolled, narrow)
    assert used(store, wide, narrow) == [2, 1]


def test_a_pick_tells_how_the_meters_stand_after_it(store: Ready) -> None:
    pick = store.decide(Step("s", "r", charges=[charge(cost=2)], now=5))
    assert ([each.used for each in pick.readings], pick.refusers) == ([2], ())
    pick = store.decide(Step("s", "r", charges=[charge(cost=2)], now=5))
    assert ([each.used for each in pick.readings], pick.refusers) == ([2], (0,))
    assert pick.readings[0].wait == pytest.approx(55)
    assert store.decide(Step("s", "r")).readings == ()


def test_to_peek_charges_nothing(store: Ready) -> None:
    for _ in range(5):
        pick = store.peek(Step("s", "r", charges=(charge(toll=1),)))
        assert not pick.refusers
    assert used(store, charge()) == [0]


def test_to_read_charges_nothing_even_of_who_is_not_known(store: Ready) -> None:
    assert used(store, charge(), session="nobody") == [0]
    assert admitted(store, charge())
    assert used(store, charge(), session="nobody") == [0]
    assert used(store, charge()) == [1]


def test_sessions_are_charged_apart_but_what_is_shared(store: Ready) -> None:
    mine, ours = charge("a", 1), charge("a", 1, shared=True)
    assert admitted(store, mine, ours)
    assert not admitted(store, mine)
    assert admitted(store, mine, session="other")
    assert not admitted(store, ours, session="other")


def test_settling_corrects_what_was_charged(store: Ready) -> None:
    one, other = charge("one", 9, cost=5), charge("other", 9, cost=5, shared=True)
    pick = store.decide(Step("s", "r", charges=[one, other]))
    store.settle("s", pick.serial, [(one, 2), (other, 0)], taken=0, now=1)
    assert used(store, one, other, now=1) == [3, 5]
    store.settle("s", pick.serial, [(one, 0), (other, -1)], taken=0, now=1)
    assert used(store, one, other, now=1) == [3, 6]


def test_what_a_session_began_before_it_was_reset_is_not_settled_in_it(store: Ready) -> None:
    mine, ours = charge("m", algorithm="gauge"), charge("o", algorithm="gauge", shared=True)
    old = store.decide(Step("s", "r", charges=[mine, ours]))
    store.reset("s")
    assert used(store, mine, ours) == [0, 1]
    assert admitted(store, mine, ours)
    store.settle("s", old.serial, [(mine, 1), (ours, 1)], taken=0, now=0)
    assert used(store, mine, ours) == [1, 1]


def test_what_began_before_everything_was_reset_is_not_settled(store: Ready) -> None:
    mine, ours = charge("m", algorithm="gauge"), charge("o", algorithm="gauge", shared=True)
    old = store.decide(Step("s", "r", charges=[mine, ours]))
    store.reset()
    assert used(store, mine, ours) == [0, 0]
    new = store.decide(Step("s", "r", charges=[mine, ours]))
    store.settle("s", old.serial, [(mine, 1), (ours, 1)], taken=0, now=0)
    assert used(store, mine, ours) == [1, 1]
    store.settle("s", new.serial, [(mine, 1), (ours, 1)], taken=0, now=0)
    assert used(store, mine, ours) == [0, 0]


def test_settling_for_a_session_that_is_gone_is_harmless(store: Ready) -> None:
    store.settle("nobody", 1, [(charge(), 1)], taken=0, now=0)
    assert used(store, charge()) == [0]


def test_what_may_be_used_so_often_is_used_up(store: Ready) -> None:
    assert [store.spend("s", "fault", 2) for _ in range(4)] == [True, True, False, False]
    assert store.spend("other", "fault", 1)
    store.reset("s")
    assert store.spend("s", "fault", 1)


@pytest.mark.parametrize("algorithm", ["bucket", "fixed", "sliding", "gauge"])
def test_threads_are_admitted_up_to_the_limit_exactly(store: Ready, algorithm: str) -> None:
    limit = 1000
    one = charge(limit=limit, algorithm=algorithm, toll=1, shared=True)

    def client(number: int) -> int:
        return sum(admitted(store, one, session=str(number % 8)) for _ in range(40))

    with ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(client, range(64))) == limit


def test_threads_that_end_what_they_began_leave_nothing_under_way(store: Ready) -> None:
    one = charge(limit=7, algorithm="gauge")

    def client(_: int) -> float:
        most = 0.0
        for _ in range(50):
            pick = store.decide(Step("s", "r", charges=[one]))
            most = max(most, pick.readings[0].used)
            if not pick.refusers:
                store.settle("s", pick.serial, [(one, 1)], taken=0, now=0)
        return most

    with ThreadPoolExecutor(64) as pool:
        assert 1 <= max(pool.map(client, range(64))) <= 7
    assert used(store, one) == [0]


def test_memory_forgets_the_meters_that_were_not_used_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MOST_COUNTS", 3)
    store = MemoryStore()
    a, b, c, d = (charge(name) for name in "abcd")
    for each in (a, b, c):
        assert admitted(store, each)
    assert admitted(store, a)
    assert admitted(store, d)
    assert used(store, a, b, c, d) == [2, 0, 1, 1]
    assert len(store._meters.values) == 3


def test_a_wait_that_never_ends_is_no_number_of_a_refusal() -> None:
    client = Client(limited({"tpm": 10, "extend": "5s"}))
    for _ in range(3):
        refusal = client.refusal(max_tokens=50)
        assert (refusal.kind, refusal.retry_after) == ("request_too_large", None)
    decision, _ = client.begin(max_tokens=50)
    assert decision.admission is not None
    assert math.isinf(decision.admission.pick.readings[0].wait)


def test_a_decision_that_fails_gives_its_place_and_its_tokens_back() -> None:
    def raises(_: Request) -> bool:
        raise ConditionError("where", ValueError())

    limit = {"per": "session", "concurrent": 1, "tpm": 1000, "rpm": 10}
    unmatched = AddedRule(
        key="#1",
        name="r",
        when=When(model="other-*"),
        answers=(ReplySpec(text="hi"),),
        where=(Condition("where", raises, lambda _: "no"),),
    )
    asked = engine(limits=[limit], otherwise="fail").changed(added=[unmatched])
    for number in range(1, 3):
        with pytest.raises(ConditionError):
            asked.decide(ask(max_tokens=100))
        found = gauges(asked.scenario.limits, asked.store, "", 0, alone=False)
        used = {each.meter.measure: each.used for each in found}
        assert used == {"concurrent": 0, "tpm": 0, "rpm": number}


def test_a_reply_that_was_cut_costs_what_was_said_of_it() -> None:
    client = Client(limited({"per": "session", "cost_budget": 100}))
    decision, reply = client.begin()
    assert isinstance(reply, Completion)
    client.end(decision, reply, said=2)
    asked = client.engine
    (spent,) = gauges(asked.scenario.limits, asked.store, "", 0, alone=False)
    assert spent.used == pytest.approx(cost(GPT, structs.replace(reply.usage, completion_tokens=2)))
    assert spent.used < cost(GPT, reply.usage)


def test_a_refusal_names_a_limit_that_refused_and_not_one_that_is_full_by_its_toll() -> None:
    client = Client(limited({"per": "session", "tpm": 60, "rpm": 2, "algorithm": "fixed"}))
    assert client.fine(max_tokens=20)
    client.age = 20
    failure, _ = client.ask(max_tokens=50)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.measure, failure.retry_after) == ("tokens_limit", "tpm", 40)


def test_a_refusal_waits_for_a_limit_that_is_full_by_its_toll() -> None:
    limits = {"per": "session", "concurrent": 1, "rpm": 2, "algorithm": "fixed"}
    client = Client(limited(limits))
    client.begin()
    failure, _ = client.ask()
    assert isinstance(failure, Failure)
    assert (failure.measure, failure.retry_after) == ("concurrent", 60)
