"""What SQL gives is what plain Python gives, for any entries."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean, quantiles
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockdock.ledger import Entry, Figures, GroupBy, Ledger, Said, Span, Unit
from mockdock.ledger.entry import decoded, encoded
from mockdock.request import ToolCall
from tests.effort import examples
from tests.ledger.helpers import DAY, HOUR, NOON

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
GROUPS: tuple[GroupBy, ...] = (
    *("provider", "model", "tag", "user", "thread"),
    *("run", "label", "api"),
)
names = st.sampled_from(["", "a", "b", "ä"])
maybe = st.none() | names
durations = st.floats(0, 1e7) | st.sampled_from([0.0, 100.0])
said = st.builds(Said, st.sampled_from(["system", "human", "ai", "tool"]), names)
entries = st.builds(
    Entry,
    project=st.sampled_from(["p", "q"]),
    provider=names,
    model=names,
    started_us=st.integers(NOON - 40 * DAY, NOON + 40 * DAY) | st.integers(NOON, NOON + 2 * HOUR),
    api=st.sampled_from(["chat", "embeddings"]),
    thread=maybe,
    run=maybe,
    label=maybe,
    tags=st.dictionaries(names, names).map(lambda tags: tuple(tags.items())),
    user_id=maybe,
    duration_ms=durations,
    ttft_ms=st.none() | durations,
    input_tokens=st.integers(0, 10**6),
    output_tokens=st.integers(0, 50),
    cost=st.floats(0, 100),
    error=st.booleans(),
    status=st.sampled_from([200, 500]),
    title=maybe,
    public=st.none() | st.booleans(),
    messages=st.lists(said, max_size=4).map(tuple),
    replies=st.lists(said, max_size=2).map(tuple),
)
calls = st.builds(ToolCall, st.text(), st.text(), st.text())


def measures(entry: Entry) -> dict[str, float | None]:
    tokens, duration, ttft = entry.output_tokens, entry.duration_ms, entry.ttft_ms
    tpot = None
    whole = entry.status < 400 and not entry.error
    if tokens and whole:
        tpot = duration / tokens
        if ttft is not None and tokens > 1 and ttft <= duration:
            tpot = (duration - ttft) / (tokens - 1)
    return {
        "duration": duration,
        "ttft": ttft,
        "tps": tokens / (duration / 1000) if tokens and whole and duration >= 0.001 else None,
        "tpot": tpot,
    }


def plainly(some: Sequence[Entry]) -> dict[str, float]:
    """Compute all figures anew."""
    errors = sum(entry.error for entry in some)
    found: dict[str, float] = {
        "total_cost": sum(entry.cost for entry in some),
        "total_requests": len(some),
        "total_duration": sum(entry.duration_ms for entry in some),
        "total_input_tokens": sum(entry.input_tokens for entry in some),
        "total_output_tokens": sum(entry.output_tokens for entry in some),
        "error_rate": errors / len(some) * 100,
        "error_request_count": errors,
    }
    for name in ("duration", "ttft", "tps", "tpot"):
        values = [value for entry in some if (value := measures(entry)[name]) is not None]
        values = values * 2 if len(values) == 1 else values
        cuts = quantiles(values, n=100, method="inclusive") if values else [0.0] * 99
        found[name] = fmean(values) if values else 0
        found |= {f"{name}_p{level}": cuts[level - 1] for level in (50, 90, 95, 99)}
    return found | {"avg_duration": found["duration"], "avg_ttft": found["ttft"]}


def same(figures: Figures, some: Sequence[Entry]) -> bool:
    found = {name: getattr(figures, name) for name in Figures.__struct_fields__}
    return found == pytest.approx(plainly(some), rel=1e-9, abs=1e-9)


def grouped(some: Sequence[Entry], key: Any) -> dict[Any, list[Entry]]:
    groups: dict[Any, list[Entry]] = defaultdict(list)
    for entry in some:
        groups[key(entry)].append(entry)
    return dict(sorted(groups.items()))


def begun(entry: Entry, unit: Unit) -> int:
    moment = EPOCH + timedelta(microseconds=entry.started_us)
    start = moment.replace(minute=0, second=0, microsecond=0)
    if unit != "hour":
        start = start.replace(hour=0)
    if unit == "month":
        start = start.replace(day=1)
    return int(start.timestamp()) * 1_000_000


def values(entry: Entry, group_by: Sequence[GroupBy], keys: Sequence[str]) -> tuple[str, ...]:
    tags = dict(entry.tags)
    found: list[str] = []
    for each in group_by:
        if each == "tag":
            found += [tags.get(key, "") for key in keys]
        else:
            found.append(getattr(entry, "user_id" if each == "user" else each) or "")
    return tuple(found)


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    some=st.lists(entries, max_size=25),
    span=st.builds(Span, st.integers(NOON - 20 * DAY, NOON), st.just(NOON + 30 * DAY))
    | st.just(Span(0, 2 * NOON)),
    group_by=st.lists(st.sampled_from(GROUPS), min_size=1, max_size=4, unique=True),
    keys=st.lists(names, min_size=1, max_size=3),
)
def test_sql_gives_what_a_plain_recomputation_gives(
    some: list[Entry], span: Span, group_by: list[GroupBy], keys: list[str]
) -> None:
    with Ledger() as ledger:
        for entry in some:
            ledger.add(entry)
        mine = [
            e for e in some if e.project == "p" and span.start_us <= e.started_us <= span.end_us
        ]

        hours = grouped(mine, lambda entry: begun(entry, "hour"))
        series = ledger.analytics("p", span)
        assert [hour.start_us for hour in series] == list(hours)
        assert all(same(hour.figures, hours[hour.start_us]) for hour in series)

        counted = [e for e in mine if "tag" not in group_by or set(keys) & set(dict(e.tags))]
        groups = grouped(counted, lambda entry: values(entry, group_by, keys))
        summary = ledger.summary("p", span, group_by, keys)
        assert [group.tag_tuple for group in summary] == list(groups)
        assert all(same(group.figures, groups[group.tag_tuple]) for group in summary)

        def sums(part: Sequence[Entry]) -> tuple[Any, ...]:
            inputs = sum(e.input_tokens for e in part)
            outputs = sum(e.output_tokens for e in part)
            return inputs, outputs, pytest.approx(sum(e.cost for e in part))

        def usage(found: Any) -> tuple[Any, ...]:
            return found.total_input_tokens, found.total_output_tokens, found.total_cost

        total = ledger.usage("p", span)
        models = grouped(mine, lambda entry: (entry.provider, entry.model))
        assert usage(total.total) == sums(mine)
        assert [(m.provider, m.model_name, *usage(m.usage)) for m in total.models] == [
            (*key, *sums(part)) for key, part in models.items()
        ]
        for unit in ("hour", "day", "month"):
            units = grouped(mine, lambda entry: (begun(entry, unit), entry.provider, entry.model))  # noqa: B023
            assert [
                (u.start_us, u.provider, u.model_name, *usage(u.usage))
                for u in ledger.usage_by("p", span, unit)
            ] == [(*key, *sums(part)) for key, part in units.items()]

        for name, part in grouped(
            [e for e in some if e.thread is not None], lambda entry: (entry.project, entry.thread)
        ).items():
            cost = ledger.cost(*name)
            assert cost is not None
            assert usage(cost) == sums(part)
        listed = ledger.threads("p", limit=3)
        mine_all = [e for e in some if e.project == "p" and e.thread is not None]
        threads = grouped(mine_all, lambda entry: entry.thread)
        assert listed.total == len(threads)
        newest = sorted(
            (min(e.started_us for e in part) for part in threads.values()), reverse=True
        )
        assert [thread.created_us for thread in listed.threads] == newest[:3]


@settings(max_examples=examples(25), deadline=None)
@given(some=st.lists(entries, max_size=12), cuts=st.sets(st.integers(0, 11)))
def test_when_it_is_written_makes_no_difference(
    tmp_path_factory: pytest.TempPathFactory, some: list[Entry], cuts: set[int]
) -> None:
    """Batches, restarts and a file give what memory gives."""
    path: Path = tmp_path_factory.mktemp("ledger") / "a.db"
    with Ledger() as plain:
        ledger = Ledger(path)
        for number, entry in enumerate(some):
            plain.add(entry)
            ledger.add(entry)
            if number in cuts:
                ledger.close()
                ledger = Ledger(path)
        with ledger:
            page = plain.threads("p", limit=99)
            assert ledger.threads("p", limit=99) == page
            for thread in page.threads:
                assert ledger.messages("p", thread.id) == plain.messages("p", thread.id)
            span = Span(0, 2 * NOON)
            assert ledger.summary("p", span, GROUPS, ["a"]) == plain.summary(
                "p", span, GROUPS, ["a"]
            )


@given(conversation=st.lists(st.builds(Said, st.sampled_from(["human", "ai", "tool"]), st.text())))
def test_a_conversation_that_goes_on_is_kept_as_it_was_said(conversation: list[Said]) -> None:
    with Ledger() as ledger:
        for end in range(len(conversation) + 1):
            ledger.add(Entry("p", "o", "m", NOON, thread="t", messages=tuple(conversation[:end])))
        found = ledger.messages("p", "t")
        assert found is not None
        clean = [(each.type, each.content) for each in conversation]
        assert [(each.type, each.content) for each in found] == clean


@given(entry=entries, call=calls)
def test_an_entry_comes_back_from_the_spool_as_it_was(entry: Entry, call: ToolCall) -> None:
    whole = entry._replace(replies=(*entry.replies, Said("ai", tool_calls=(call,))))
    text = encoded(whole)
    assert "\n" not in text
    assert decoded(json.loads(text)) == whole
