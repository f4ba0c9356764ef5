"""Each line of a policy, on records made by hand, with the exact numbers."""

from __future__ import annotations

import math
from typing import Any

import pytest
from msgspec.structs import replace

from mockdock.errors import UsageError
from mockdock.observe.audit import audit
from mockdock.policy import LINES, POLICIES, Backoff, Herd, LineName, Policy, RetryAfter
from mockdock.scenario.audit import AuditSpec
from tests.observe.audit.helpers import Asked, only, record, records, verdicts

NOTHING = Policy().without(*LINES)
DATE = "Tue, 14 Nov 2023 22:13:30 GMT"
"""Ten seconds after EPOCH."""


def line(made: list[Asked], policy: Policy, name: LineName) -> tuple[str, int, int, list[str]]:
    """Judge by a policy of one line."""
    (found,) = audit(made, policy).lines
    assert found.name == name
    return found.verdict, found.seen, found.failed, [each.text for each in found.examples]


def test_a_policy_without_lines_judges_nothing_and_is_kept() -> None:
    found = audit(records((0, 500), (1, 200)), NOTHING)
    assert (found.lines, found.ok) == ((), True)


def test_every_line_says_what_it_asks() -> None:
    policy = replace(
        POLICIES["openai-python"],
        deadline=60.0,
        herd=Herd(),
        cut_streams=True,
        never_codes=frozenset({"insufficient_quota"}),
    )
    assert {each.name: each.asked for each in audit([], policy).lines} == {
        "max_attempts": "at most 3 attempts",
        "deadline": "all over after 60 s",
        "retry": "tries again after 408-409, 429, 500-599, a broken connection",
        "never": "never tries again after 400-407, 410-428, 430-499, insufficient_quota",
        "retry_after": "waits as long as retry-after demands, up to 120 s, and gives up above that",
        "backoff": "waits 0.5 s before a retry, 2 times longer each, at most 8 s, times 0.75 to 1",
        "herd": "retries do not come all at once: a herd index of at most 0.6",
        "cut_streams": "asks again for a stream that was cut",
        "cancelled_streams": "closes the connection of a reply it gives up",
    }
    other = replace(
        policy, retry_after=RetryAfter(cap=60.0), backoff=Backoff(1.0), retry_wire=False
    )
    told = {each.name: each.asked for each in audit([], other).lines}
    assert told["retry_after"].endswith("up to 60 s, and need not above that")
    assert told["backoff"] == "waits 1 s before a retry, 2 times longer each"
    assert {each.verdict for each in audit([], other).lines} == {"not seen"}


def test_max_attempts() -> None:
    policy = replace(NOTHING, max_attempts=2)
    assert line(records((0, 200)), policy, "max_attempts") == ("not seen", 0, 0, [])
    assert line(records((0, 500), (1, 200)), policy, "max_attempts") == ("ok", 1, 0, [])
    assert line(records((0, 500), (1, 500), (2, 500)), policy, "max_attempts") == (
        "failed", 1, 1, ["3 attempts, 2 are allowed"],
    )  # fmt: skip


def test_the_deadline_counts_to_the_end_of_the_last_reply() -> None:
    policy = replace(NOTHING, deadline=10.0)
    made = records((0, 500), (8, 500), length=2.0)
    assert line(made, policy, "deadline") == ("ok", 1, 0, [])
    made = records((0, 500), (8, 500), length=2.3)
    assert line(made, policy, "deadline") == (
        "failed", 1, 1, ["took 10.30 s, 10 s are allowed"],
    )  # fmt: skip
    assert line(records((0, 500), length=99.0), policy, "deadline")[0] == "not seen"


LONG = records((0, 503), reply={"retry-after": "10"})
RETRY = replace(
    NOTHING,
    retry_statuses=frozenset({429, 503}),
    retry_codes=frozenset({"try_me"}),
    retry_wire=True,
    max_attempts=None,
)


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (records((0, 503), (1, 503)), "ok"),
        (records((0, 503)), "failed"),
        (records((0, 500)), "not seen"),
        (records((0, 500), code="try_me"), "failed"),
        (records((0, 400), reply={"x-should-retry": "true"}), "failed"),
        (records((0, 503), reply={"x-should-retry": "false"}), "not seen"),
        (records((0, 200), ending="cut", sent=0), "failed"),
        (records((0, 200), ending="cut", sent=0, stream=True), "not seen"),
        (records((0, 200), ending="cut", sent=0, stream=True, faults=["empty_response"]), "failed"),
        (records((0, 200), ending="cut", stream=True), "not seen"),
        (records((0, 503), ending="stopped"), "not seen"),
        (records((0, 503), ending="client_left"), "not seen"),
    ],
)
def test_what_has_to_be_tried_again(made: list[Asked], verdict: str) -> None:
    found = audit(made, RETRY)
    assert only(found, "retry").verdict == verdict


def test_giving_up_is_told_with_the_reason() -> None:
    made = records((0, 429), code="rate_limit_exceeded")
    assert line(made, RETRY, "retry")[3] == [
        "#1: gave up after 429 rate_limit_exceeded, on attempt 1"
    ]
    made = records((0, 200), ending="cut", sent=0, faults=["connection_reset"])
    assert line(made, RETRY, "retry")[3] == [
        "#1: gave up after a broken connection (connection_reset), on attempt 1"
    ]


@pytest.mark.parametrize(
    ("change", "made", "verdict"),
    [
        ({"max_attempts": 3}, records((0, 503), (1, 503)), "failed"),
        ({"max_attempts": 2}, records((0, 503), (1, 503)), "ok"),
        ({"deadline": 10.0}, records((0, 503), length=9.0), "failed"),
        ({"deadline": 10.0}, records((0, 503), length=10.0), "ok"),
        ({"deadline": 10.0}, records((0, 503), reply={"retry-after": "10"}), "ok"),
        ({"deadline": 10.0}, records((0, 503), reply={"retry-after": "9"}), "failed"),
        ({"deadline": 10.0, "backoff": Backoff(10.0)}, records((0, 503)), "ok"),
        ({"retry_after": RetryAfter(9, "give_up")}, LONG, "ok"),
        ({"retry_after": RetryAfter(9, "ignore")}, LONG, "failed"),
    ],
)  # fmt: skip
def test_a_client_may_give_up_when_attempts_or_time_are_used_up(
    change: dict[str, Any], made: list[Asked], verdict: str
) -> None:
    found = audit(made, replace(RETRY, **change))
    assert ("failed" if only(found, "retry").failed else "ok") == verdict


def test_what_must_not_be_tried_again() -> None:
    policy = replace(
        NOTHING,
        never_statuses=frozenset({400}),
        never_codes=frozenset({"insufficient_quota"}),
        retry_statuses=frozenset({429}),
    ).without("retry")
    assert line(records((0, 400)), policy, "never") == ("ok", 1, 0, [])
    assert line(records((0, 500), (1, 200)), policy, "never") == ("not seen", 0, 0, [])
    assert line(records((0, 400), (1, 200)), policy, "never") == (
        "failed", 1, 1, ["#1 -> #2: tried again after 400 some_error"],
    )  # fmt: skip
    made = records((0, 429), (1, 200), code="insufficient_quota")
    assert line(made, policy, "never")[3] == ["#1 -> #2: tried again after 429 insufficient_quota"]
    told = records((0, 400), (1, 200), reply={"x-should-retry": "true"})
    assert line(told, policy, "never")[0] == "not seen"
    assert line(told, replace(policy, obey_should_retry=False), "never")[0] == "failed"


AFTER = replace(NOTHING, retry_after=RetryAfter())


@pytest.mark.parametrize(
    ("headers", "taken", "text"),
    [
        ({"retry-after": "2"}, 2.0, None),
        ({"retry-after": "2"}, 30.0, None),
        ({"retry-after": "2"}, 1.98, None),
        ({"retry-after": "2"}, 1.9, "came after 1.90 s, 2.00 s were demanded (retry-after)"),
        ({"retry-after": "1.5"}, 1.0, "came after 1.00 s, 1.50 s were demanded (retry-after)"),
        ({"retry-after-ms": "500", "retry-after": "20"}, 0.5, None),
        (
            {"retry-after-ms": "500", "retry-after": "20"},
            20.1,
            "waited 20.10 s as retry-after says, but 0.50 s were demanded (retry-after-ms)",
        ),
        ({"retry-after-ms": "1200", "retry-after": "2"}, 2.0, None),
        (
            {"retry-after-ms": "9000", "retry-after": "1"},
            1.0,
            "came after 1.00 s, 9.00 s were demanded (retry-after-ms)",
        ),
        ({"retry-after": DATE}, 10.0, None),
        (
            {"retry-after": DATE},
            5.0,
            "came after 5.00 s, 10.00 s were demanded (retry-after, a date)",
        ),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0, None),
    ],
)  # fmt: skip
def test_retry_after(headers: dict[str, str], taken: float, text: str | None) -> None:
    made = [record(1, 0, 429, reply=headers), record(2, taken, 200)]
    verdict = line(made, AFTER, "retry_after")
    if text is None:
        assert verdict == ("ok", 1, 0, [])
    else:
        assert verdict == ("failed", 1, 1, [f"#1 -> #2: {text}"])


@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after": "0"},
        {"retry-after": "-3"},
        {"retry-after": "nan"},
        {"retry-after": "inf"},
        {"retry-after": "soon"},
        {"retry-after": "Tue, 14 Nov 2023 22:13:00 GMT"},
        {"retry-after-ms": "0", "retry-after": "20"},
        {},
    ],
)
def test_a_wait_that_makes_no_sense_is_none(headers: dict[str, str]) -> None:
    made = [record(1, 0, 429, reply=headers), record(2, 0.1, 200)]
    assert line(made, AFTER, "retry_after") == ("not seen", 0, 0, [])


def test_a_success_demands_nothing() -> None:
    made = [
        record(1, 0, 200, ending="client_left", reply={"retry-after": "9"}),
        record(2, 1, 200),
    ]
    assert line(made, AFTER, "retry_after") == ("not seen", 0, 0, [])


def test_a_wait_above_the_cap_is_ignored_or_ends_the_call() -> None:
    made = [record(1, 0, 429, reply={"retry-after": "121"}), record(2, 0.5, 200)]
    ignore = replace(NOTHING, retry_after=RetryAfter(120))
    assert line(made, ignore, "retry_after") == ("not seen", 0, 0, [])
    give_up = replace(NOTHING, retry_after=RetryAfter(120, "give_up"))
    assert line(made, give_up, "retry_after") == (
        "failed", 1, 1,
        ["#1 -> #2: tried again, but 121.00 s were demanded (retry-after), above 120 s"],
    )  # fmt: skip
    with_backoff = replace(ignore, backoff=Backoff(0.5))
    assert only(audit(made, with_backoff), "backoff").seen == 1


BACKOFF = replace(
    NOTHING, backoff=Backoff(1.0, 2.0, cap=4.0, jitter=(0.5, 1.0), tolerance=0.1, slack=0.1)
)


@pytest.mark.parametrize(
    ("moments", "text"),
    [
        ((0, 0.5, 1.5, 3.5, 5.5), None),
        ((0, 1.0, 3.0, 7.0, 11.0), None),
        ((0, 0.441), None),
        ((0, 0.439), "#1 -> #2: came after 0.44 s, too early for 0.50 to 1.00 s"),
        ((0, 1.199), None),
        ((0, 1.21), "#1 -> #2: came after 1.21 s, too late for 0.50 to 1.00 s"),
        ((0, 1, 2, 3, 8), "#4 -> #5: came after 5.00 s, too late for 2.00 to 4.00 s"),
    ],
)
def test_backoff(moments: tuple[float, ...], text: str | None) -> None:
    verdict = line(records(*((at, 503) for at in moments)), BACKOFF, "backoff")
    assert verdict[1] == len(moments) - 1
    assert text in verdict[3] if text else verdict[0] == "ok"


def test_a_fixed_backoff_is_told_as_one_number_and_never_overflows() -> None:
    policy = replace(NOTHING, backoff=Backoff(0.5, 100.0, cap=2.0), window=9e9)
    made = records(*((index * 2.0, 503) for index in range(400)))
    verdict = line(made, policy, "backoff")
    assert verdict[:3] == ("failed", 399, 1)
    assert verdict[3] == ["#1 -> #2: came after 2.00 s, too late for 0.50 s"]


def test_backoff_is_not_judged_where_a_wait_was_demanded_or_attempts_got_lost() -> None:
    policy = replace(BACKOFF, retry_after=RetryAfter())
    made = [record(1, 0, 429, reply={"retry-after": "30"}), record(2, 30, 200)]
    assert only(audit(made, policy), "backoff").verdict == "not seen"
    assert only(audit(made, BACKOFF), "backoff").verdict == "not seen"
    count = "x-stainless-retry-count"
    made = [record(1, 0, 503, headers={count: "0"}), record(2, 9, 200, headers={count: "2"})]
    assert only(audit(made, policy), "backoff").verdict == "not seen"


def test_the_gap_begins_at_the_end_of_the_reply() -> None:
    made = [record(1, 0, 503, length=10.0), record(2, 11.0, 200)]
    assert line(made, BACKOFF, "backoff")[0] == "ok"


def test_a_stream_that_was_cut_and_not_asked_for_again_counts_as_taken() -> None:
    policy = replace(NOTHING, cut_streams=True)
    cut = record(1, 0, stream=True, ending="cut", faults=["truncate"])
    assert line([cut], policy, "cut_streams") == (
        "failed", 1, 1, ["#1: not asked for again, after a stream that was cut (truncate)"],
    )  # fmt: skip
    assert audit([cut], policy).calls[0].outcome == "cut"
    assert line([cut, record(2, 1)], policy, "cut_streams") == ("ok", 1, 0, [])
    whole = record(1, 0, ending="cut")
    assert line([whole], policy, "cut_streams")[0] == "not seen"


def test_a_cancelled_stream_is_closed_or_still_open_when_the_next_try_begins() -> None:
    policy = replace(NOTHING, cancelled_streams=True)
    left = record(1, 0, stream=True, ending="client_left", length=3.0)
    assert line([left], policy, "cancelled_streams") == ("ok", 1, 0, [])
    assert audit([left], policy).calls[0].outcome == "abandoned"
    key = {"idempotency-key": "k"}
    slow = record(1, 0, stream=True, length=30.0, headers=key)
    assert line([slow, record(2, 10, headers=key)], policy, "cancelled_streams") == (
        "failed", 1, 1, ["#1: still open for 20.00 s after #2 took its place"],
    )  # fmt: skip


def test_faults_that_leave_a_reply_whole_do_no_harm_and_others_spoil_it() -> None:
    made = [record(1, 0, faults=["bandwidth", "comments"]), record(2, 1)]
    assert [call.outcome for call in audit(made).calls] == ["succeeded", "succeeded"]
    made = [record(1, 0, faults=["invalid_json"]), record(2, 1)]
    assert [call.outcome for call in audit(made).calls] == ["succeeded"]
    assert audit(made[:1]).calls[0].outcome == "spoiled"
    assert audit([record(1, 0, 307)]).calls[0].outcome == "spoiled"
    assert audit([record(1, 0, ending="stopped")]).calls[0].outcome == "stopped"
    assert audit([record(1, 0, 503)]).calls[0].outcome == "gave_up"


def test_the_worst_five_are_shown() -> None:
    made = [
        each
        for index in range(9)
        for each in (
            record(2 * index + 1, 0, 429, user=str(index), reply={"retry-after": str(index + 2)}),
            record(2 * index + 2, 1, 200, user=str(index)),
        )
    ]
    found = only(audit(made, AFTER), "retry_after")
    assert (found.seen, found.failed) == (9, 9)
    assert [each.records for each in found.examples] == [
        (17, 18), (15, 16), (13, 14), (11, 12), (9, 10),
    ]  # fmt: skip


def test_what_was_on_the_wire_cannot_drive_a_terminal() -> None:
    made = records((0, 400), (1, 200), code="\x1b[2J\nboo")
    policy = replace(NOTHING, never_statuses=frozenset({400}))
    assert line(made, policy, "never")[3] == ["#1 -> #2: tried again after 400 ?[2J?boo"]


# -- what any client should do ------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 503, 529, 599])
def test_what_goes_away_is_tried_again_once_at_least(status: int) -> None:
    assert [each.name for each in audit(records((0, status))).failed] == ["retry"]
    assert audit(records((0, status), (1, status))).ok


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_does_not_go_away_is_never_tried_again(status: int) -> None:
    assert audit(records((0, status))).ok
    assert [each.name for each in audit(records((0, status), (1, 200))).failed] == ["never"]


@pytest.mark.parametrize("status", [408, 409, 425])
def test_what_may_go_away_is_up_to_the_client(status: int) -> None:
    assert audit(records((0, status))).ok
    assert audit(records((0, status), (1, 200))).ok


def test_a_quota_that_is_spent_need_not_be_tried_again_and_may() -> None:
    spent = records((0, 429), code="insufficient_quota")
    assert audit(spent).ok
    assert audit([*spent, record(2, 1)]).ok
    assert not audit(spent, POLICIES["openai-python"]).ok
    for line_of, made in (("retry", spent), ("never", [*spent, record(2, 1)])):
        spec = AuditSpec.model_validate({line_of: {"codes": ["insufficient_quota"]}})
        assert [each.name for each in audit(made, spec.to_policy()).failed] == [line_of]


def test_a_broken_connection_is_tried_again_once_at_least() -> None:
    broken = record(1, 0, ending="cut", sent=0, faults=["connection_reset"])
    assert [each.name for each in audit([broken]).failed] == ["retry"]
    assert audit([broken, record(2, 1)]).ok


@pytest.mark.parametrize(("headless", "verdict"), [(True, "failed"), (False, "not seen")])
def test_the_record_tells_whether_the_client_saw_the_head_of_a_stream(
    verdict: str, *, headless: bool
) -> None:
    outcome = {"ending": "cut", "frames": 0, "bytes": 0, "headless": headless}
    made = record(1, 0, stream=True, faults=["connection_reset"], outcome=outcome)
    assert only(audit([made]), "retry").verdict == verdict


def test_waits_nobody_demanded_are_the_clients_own() -> None:
    assert audit(records((0, 503), (0.001, 503), (50, 200))).ok
    early = records((0, 503), (1, 200), reply={"retry-after": "5"})
    assert [each.name for each in audit(early).failed] == ["retry_after"]


# -- time ---------------------------------------------------------------------------------------


def scaled(number: int, at: float, status: int, scale: float, **fields: Any) -> Asked:
    """Make a record of a session whose scenario second takes ``scale`` real ones."""
    made = record(number, at * scale, status, **fields)
    return {**made, "at": 5000 + at, "time_scale": scale}


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_a_scaled_demand_is_kept_by_who_waits_as_the_header_says(scale: float) -> None:
    headers = {"retry-after-ms": str(20_000 * scale)}
    for clock, length in (("scenario", 20.0), ("real", 20.0 * scale)):
        policy = replace(AFTER, clock=clock)
        made = [scaled(1, 0, 429, scale, reply=headers), scaled(2, 20.0, 200, scale)]
        (gap,) = audit(made, policy).calls[0].gaps
        assert gap.demanded is not None
        assert (gap.demanded.seconds, gap.taken) == pytest.approx((length, length))
        assert line(made, policy, "retry_after")[0] == "ok"
        made = [scaled(1, 0, 429, scale, reply=headers), scaled(2, 10.0, 200, scale)]
        assert line(made, policy, "retry_after")[0] == "failed"


def test_backoff_of_a_real_client_is_judged_in_real_seconds() -> None:
    real = replace(BACKOFF, clock="real")
    made = [scaled(1, 0, 503, 0.01), scaled(2, 55.0, 200, 0.01)]
    assert line(made, real, "backoff")[0] == "ok"
    assert line(made, BACKOFF, "backoff")[0] == "failed"


def test_waits_are_not_judged_where_nobody_waits() -> None:
    told = {"retry-after": "20"}
    made = [scaled(1, 0, 503, 1, reply=told), scaled(2, 1, 503, 1), scaled(3, 500, 200, 1)]
    for each in made:
        each["request"]["headers"] = {"idempotency-key": "k"}
    strict = replace(NOTHING, deadline=5.0, retry_after=RetryAfter(), backoff=BACKOFF.backoff)
    instant = [{**each, "time_scale": 0} for each in made]
    assert verdicts(instant, strict) == dict.fromkeys(
        ("deadline", "retry_after", "backoff"), "not seen"
    )
    assert audit(instant).figures.premature == 0
    assert verdicts(made, strict) == dict.fromkeys(("deadline", "retry_after", "backoff"), "failed")
    assert audit(made).figures.premature == 1


def test_at_scale_0_a_retry_that_should_not_have_come_is_still_seen() -> None:
    policy = replace(NOTHING, retry_after=RetryAfter(cap=10.0, above="give_up"))
    made = [scaled(1, 0, 429, 0, reply={"retry-after": "20"}), scaled(2, 1, 200, 0)]
    verdict, *counts, examples = line(made, policy, "retry_after")
    assert (verdict, counts) == ("failed", [1, 1])
    assert examples == [
        "#1 -> #2: tried again, but 20.00 s were demanded (retry-after), above 10 s"
    ]


def test_at_scale_0_a_counted_retry_belongs_to_its_call_however_far_time_has_jumped() -> None:
    counted = [{"x-stainless-retry-count": str(count)} for count in range(2)]
    made = [
        scaled(number, at, status, 0, headers=headers)
        for number, at, status, headers in ((1, 0, 503, counted[0]), (2, 9000, 200, counted[1]))
    ]
    assert [len(call.attempts) for call in audit(made).calls] == [2]


HERDS = replace(NOTHING, herd=Herd())


def herd_of(gap: float, **fields: Any) -> list[Asked]:
    """Make the records of 30 clients that all come back at the same moment."""
    made: list[Asked] = []
    for client in range(30):
        common = {"user": f"q{client}", **fields}
        made.append(record(2 * client, client / 100, 503, **common))
        made.append(record(2 * client + 1, gap + client / 1000, 200, **common))
    return made


def test_no_herd_is_judged_where_nobody_waits() -> None:
    assert line(herd_of(10.0), HERDS, "herd")[0] == "failed"
    found = audit(herd_of(10.0, time_scale=0))
    assert (found.ok, found.figures.herd_index) == (True, None)


def test_no_herd_is_judged_where_waits_are_shorter_than_a_bin() -> None:
    demanded = {"reply": {"retry-after-ms": "50"}}
    assert line(herd_of(10.0, **demanded), HERDS, "herd")[0] == "not seen"
    longer = {"reply": {"retry-after-ms": "5000"}}
    assert line(herd_of(10.0, **longer), HERDS, "herd")[0] == "failed"


def test_arrivals_are_by_the_calendar_when_one_lacks_the_clock_of_its_session() -> None:
    made = [{**record(1, 0, 503), "at": 77.0}, record(2, 0.75, 200)]
    assert line(made, BACKOFF, "backoff")[0] == "ok"


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"number": 7},
        {**record(7, 0), "started": "noon"},
        {**record(7, 0), "started": float("nan")},
        {**record(7, 0), "outcome": None},
        {**record(7, 0), "request": {"headers": [], "body": ""}},
        {**record(7, 0), "duration": None},
        {**record(7, 0), "duration": 10**400},
        {**record(7, 0), "started": 1e308},
        {**record(7, 0), "at": True},
        {**record(7, 0), "number": "\x1b[31m7"},
        {**record(7, 0), "number": 10**400},
        {**record(7, 0), "status": "200"},
        {**record(7, 0), "era": -1},
        {**record(7, 0), "time_scale": -1},
        {**record(7, 0), "time_scale": 1e-300},
        {**record(7, 0), "usage": "x"},
        {**record(7, 0), "usage": []},
        {**record(7, 0), "usage": 1},
        {**record(7, 0), "usage": {"total_tokens": "x"}},
        {**record(7, 0), "usage": {"total_tokens": -5}},
        {**record(7, 0), "usage": {"prompt_tokens": {}}},
        {**record(7, 0), "usage": {"prompt_tokens": 10**400}},
        {**record(7, 0), "faults": [1]},
        {**record(7, 0), "faults": [None]},
        {**record(7, 0), "faults": [{}]},
        {**record(7, 0), "faults": "reset"},
        7,
    ],
)
def test_what_is_no_record_is_told(broken: Any) -> None:
    why = r"(\w+Error: .+|the key 'duration' is missing)"
    with pytest.raises(
        UsageError, match=rf"^record [7?] is no record of a journal: {why}$"
    ) as error:
        audit([broken])
    assert str(error.value).isprintable()


@pytest.mark.parametrize("dropped", ["many", -5, True, 1.5, None, [], 10**400])
def test_a_wrong_count_of_dropped_exchanges_is_told(dropped: Any) -> None:
    with pytest.raises(UsageError, match=r"what was dropped, but .+ is no number of exchanges"):
        audit([{"dropped": dropped}])


def test_a_count_of_tokens_that_is_not_told_is_none() -> None:
    made = record(1, 0, 503) | {"usage": {"total_tokens": None, "prompt_tokens": 3}}
    assert audit([made]).figures.wasted_tokens == 0
    assert audit([made]).calls[0].attempts[0].usage == {"prompt_tokens": 3}


@pytest.mark.parametrize("told", ["1e300", "-1e300", "inf", "nan", str(10**400)])
def test_a_wait_that_nobody_can_mean_is_none(told: str) -> None:
    (line,) = audit(
        [record(1, 0, 429, reply={"retry-after": told}), record(2, 1)],
        replace(NOTHING, retry_after=RetryAfter()),
    ).lines
    assert line.verdict == "not seen"


@pytest.mark.parametrize(
    ("backoff", "band"),
    [
        (Backoff(1.0, jitter=(0.0, 1.0)), (0.0, math.inf)),
        (Backoff(0.0), (0.0, 0.0)),
        (Backoff(1.0, jitter=(0.0, 0.0)), (0.0, 0.0)),
    ],
)
def test_a_band_is_always_a_number(backoff: Backoff, band: tuple[float, float]) -> None:
    assert backoff.band(100_000) == band
