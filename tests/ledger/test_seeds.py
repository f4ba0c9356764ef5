"""Seeds: what is there before any traffic, and past traffic made up."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from mockdock.errors import UsageError
from mockdock.ledger import (
    Entry,
    Ledger,
    NewModel,
    PastModel,
    PastPrices,
    PastThread,
    PastUser,
    Price,
    Said,
    Seeds,
    ThreadCost,
    history,
)
from tests.ledger.helpers import DAY, EVER, NOON, ai, exchange, human, talk, texts

MODELS = (
    PastModel("openai", "gpt-4o", Price(2.5, 10), share=3, ttft_ms=300, tps=80),
    PastModel("anthropic", "claude", Price(3, 15), ttft_ms=900, tps=40),
)
USERS = (PastUser("1", "Ann"), PastUser("2", "Bob"))
TAGS = ((("env", "dev"),), (("env", "prod"), ("team", "x")))


def past(**fields: Any) -> list[Entry]:
    usual: dict[str, Any] = {"now_us": NOON, "models": MODELS, "days": 10, "per_day": 200}
    return list(history("p", **usual | fields))


def test_all_kinds_of_seeds_are_there(tmp_path: Path) -> None:
    model = NewModel("m", "M", "x", "p", "completions", "openai", 0, input_token_price=1e-6)
    seeds = Seeds(
        threads=(
            PastThread(
                project="p",
                id="t",
                model_name="gpt-4o",
                created_us=NOON - DAY,
                title="Weather",
                user_id="u",
                user_name="Ann",
                score=0.5,
                public=True,
                messages=(human("a"), ai("b")),
            ),
            PastThread("q", "t", "o3", NOON),
        ),
        models=((model, NOON - DAY),),
        prices=(PastPrices("p", {"a/b": Price(1, 2), "a/c": Price(3, 4, NOON)}),),
        entries=[exchange(thread="t", cost=0.5, messages=(human("a"), ai("b"), human("c")))],
    )
    with Ledger(tmp_path / "a.db") as ledger:
        assert ledger.seed("mine", seeds)
        (thread,) = ledger.threads("p", limit=9).threads
        assert (thread.id, thread.title, thread.score, thread.public) == ("t", "Weather", 0.5, True)
        assert (thread.user_id, thread.user_name) == ("u", "Ann")
        assert (thread.created_us, thread.updated_us) == (NOON - DAY, NOON)
        assert texts(ledger) == ["a", "b", "c"]
        assert ledger.cost("p", "t") == ThreadCost(0.5, 0, 0)
        assert ledger.cost("q", "t") == ThreadCost(0.0, 0, 0)
        assert [made.model_name for made in ledger.models("p")] == ["m"]
        assert ledger.price("p", "openai", "m", NOON) == Price(1, 0, NOON - DAY)
        assert ledger.price("p", "a", "b", 0) == Price(1, 2, 0)
        assert ledger.price("p", "a", "c", NOON - 1) is None


def test_seeds_of_a_name_are_sown_once_in_the_life_of_a_file(tmp_path: Path) -> None:
    with Ledger(tmp_path / "a.db") as ledger:
        assert ledger.seed("mine", Seeds(entries=[exchange(input_tokens=1)]))
        assert not ledger.seed("mine", Seeds(entries=[exchange(input_tokens=10)]))
        assert ledger.seed("other", Seeds(entries=[exchange(input_tokens=100)] * 2))
        ledger.add(exchange(input_tokens=1000))
    with Ledger(tmp_path / "a.db") as ledger:
        assert not ledger.seed("mine", Seeds())
        assert ledger.seed("third", Seeds(entries=[exchange(input_tokens=10_000)]))
        assert ledger.usage("p", EVER).total.total_input_tokens == 11_201


def test_seeds_make_known_prices_known_anew() -> None:
    with Ledger() as ledger:
        assert ledger.price("p", "a", "b", NOON) is None
        ledger.seed("mine", Seeds(prices=(PastPrices("p", {"b": Price(1, 2)}),)))
        assert ledger.price("p", "a", "b", NOON) == Price(1, 2, 0)


def test_a_seed_that_cannot_be_is_told() -> None:
    told: list[str] = []
    with Ledger(say=told.append) as ledger:
        assert ledger.seed("mine", Seeds(entries=[exchange(cost=-1), exchange()]))
        assert ledger.usage("p", EVER).models
    assert len(told) == 1
    assert told[0].startswith("seeds 'mine': an exchange with 'gpt-4o' cannot be kept: ")


def test_a_seeded_thread_goes_on() -> None:
    with Ledger() as ledger:
        seeded = PastThread(
            "p", "t", "m", NOON, messages=(Said("system", "s"), human("a"), ai("b"))
        )
        ledger.seed("mine", Seeds(threads=(seeded,)))
        talk(ledger, Said("system", "s"), human("a"), ai("b"), human("c"), reply="d")
        assert texts(ledger) == ["s", "a", "b", "c", "d"]


def test_history_is_the_same_for_the_same_arguments() -> None:
    assert past(days=3) == past(days=3)
    assert past(days=3) != past(days=3, seed=1)
    assert {entry.project for entry in past(days=3)} == {"p"}


def test_a_day_is_the_same_whenever_it_is_looked_back_at() -> None:
    later = {each.thread: each for each in past(days=3, now_us=NOON + DAY)}
    earlier = past(days=3)
    kept = [each for each in earlier if each.thread in later]
    assert len(kept) > len(earlier) / 2
    assert min(each.started_us for each in kept) < NOON - 1.9 * DAY
    assert {each.title for each in kept} == {later[each.thread].title for each in kept}


def test_history_ends_now_and_begins_when_it_is_told_to() -> None:
    entries = past(days=3)
    started = [entry.started_us for entry in entries]
    assert NOON - 3 * DAY <= min(started) < NOON - 2.5 * DAY
    assert NOON - DAY / 2 < max(started) < NOON
    assert past(days=0) == []
    assert past(per_day=0) == []


def test_history_has_days_and_nights_and_weekends() -> None:
    entries = past(days=28, per_day=300)
    moments = [datetime.fromtimestamp(entry.started_us // 1_000_000, UTC) for entry in entries]
    hours = Counter(moment.hour for moment in moments)
    assert min(hours[hour] for hour in (9, 10, 11, 14)) > 5 * max(hours[hour] for hour in (2, 3, 4))
    week = Counter(moment.weekday() for moment in moments)
    assert min(week[day] for day in range(5)) > 1.5 * max(week[5], week[6])
    assert 300 * 28 * 0.7 < len(entries) < 300 * 28


def test_history_uses_what_it_was_given() -> None:
    entries = past(users=USERS, tags=TAGS, labels=("chat", "search"))
    assert {(entry.user_id, entry.user_name) for entry in entries} == set(USERS)
    assert {entry.tags for entry in entries} == set(TAGS)
    assert {entry.label for entry in entries} == {"chat", "search"}
    models = Counter((entry.provider, entry.model) for entry in entries)
    assert 2 < models["openai", "gpt-4o"] / models["anthropic", "claude"] < 4
    bare = past(days=1)
    assert {(each.user_id, each.user_name, each.label, each.tags) for each in bare} == {
        (None, None, None, ())
    }


def test_history_has_plausible_numbers() -> None:
    entries = past(error_rate=0.1)
    failed = [entry for entry in entries if entry.error]
    assert 0.07 < len(failed) / len(entries) < 0.13
    assert {entry.status for entry in failed} == {429, 500, 503}
    assert {entry.status for entry in entries if not entry.error} == {200}
    assert all(not each.cost and not each.replies and each.duration_ms > 0 for each in failed)
    fast = [each for each in entries if each.model == "gpt-4o" and not each.error]
    ttfts = sorted(each.ttft_ms for each in fast if each.ttft_ms is not None)
    assert 0.65 < len(ttfts) / len(fast) < 0.75
    assert 270 < ttfts[len(ttfts) // 2] < 340
    assert all(each.ttft_ms is None or each.ttft_ms < each.duration_ms for each in fast)
    one = fast[0]
    assert one.cost == (one.input_tokens * 2.5 + one.output_tokens * 10) / 1e6 > 0
    assert not any(entry.error for entry in past(days=2, error_rate=0))
    assert all(entry.error for entry in past(days=2, error_rate=1))


def test_history_is_made_of_conversations() -> None:
    entries = past(days=2, error_rate=0.3)
    threads: dict[str, list[Entry]] = {}
    for entry in entries:
        assert entry.thread is not None
        threads.setdefault(entry.thread, []).append(entry)
    assert max(map(len, threads.values())) > 4
    for thread, turns in threads.items():
        assert UUID(thread).version == 4
        assert len({(turn.title, turn.run, turn.model, turn.tags) for turn in turns}) == 1
        for before, after in pairwise(turns):
            assert after.started_us > before.ended_us
            known = (*before.messages, *before.replies)
            assert after.messages[: len(known)] == known
            assert len(after.messages) - len(known) == (0 if before.error else 1)
    with Ledger() as ledger:
        ledger.seed("past", Seeds(entries=entries))
        whole = next(turns for turns in threads.values() if len(turns) > 3)
        last = whole[-1]
        said = [message.content for message in (*last.messages, *last.replies)]
        assert texts(ledger, str(last.thread)) == said


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"models": ()}, "needs a model"),
        ({"models": (MODELS[0]._replace(tps=0),)}, "share and tps above 0"),
        ({"models": (MODELS[0]._replace(share=0),)}, "share and tps above 0"),
        ({"models": (MODELS[0]._replace(ttft_ms=-1),)}, "ttft_ms not below 0"),
        ({"days": -1}, "0 days or more"),
        ({"per_day": -1}, "0 exchanges a day or more"),
        ({"error_rate": 1.5}, "between 0 and 1"),
        ({"now_us": DAY}, "before 1970"),
    ],
)
def test_a_history_that_cannot_be_is_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        past(**fields)
