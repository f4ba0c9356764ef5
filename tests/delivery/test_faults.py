"""What a fault makes of a plan: which bytes, at which moments."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mockdock.delivery import FAULTS, Plan, apply
from mockdock.delivery.faults.plan import Item
from mockdock.fault import SPOILS, After, Fault, FaultName
from mockdock.frames import Cut, Frame, Head, Raw

Timed = list[tuple[float, Item]]

HEAD = Head(200, ((b"content-type", b"text/event-stream"),))
START = 100.0
ROLE, FIRST, SECOND, THIRD = (b'data: {"%d":1}\n\n' % number for number in range(4))
END = b"data: [DONE]\n\n"
EVENTS: Timed = [
    (101.0, Frame(ROLE)),
    (101.0, Frame(FIRST, 1)),
    (102.0, Frame(SECOND, 1)),
    (103.0, Frame(THIRD, 1)),
    (103.0, Frame(END)),
]


def made(*faults: Fault, timed: Timed = EVENTS, stream: bool = True, seed: int = 1) -> Timed:
    return list(apply(plan_of(timed, stream=stream, seed=seed), faults).timed)


def plan_of(timed: Timed, *, stream: bool = True, seed: int = 1) -> Plan:
    return Plan(HEAD, iter(timed), START, stream, Random(seed))


def plain(data: bytes, due: float = 101.0, tokens: int = 0) -> Timed:
    return [(due, Frame(data, tokens))]


def data(timed: Timed) -> list[tuple[float, bytes]]:
    return [(due, item.data) for due, item in timed]


def test_what_replaces_a_reply_comes_when_the_reply_would_have_begun() -> None:
    assert made(Fault("connection_reset")) == [(101.0, Cut(reset=True))]
    assert made(Fault("empty_response")) == [(101.0, Cut())]
    assert made(Fault("empty_response"), timed=[]) == [(START, Cut())]
    gates = [made(Fault("connection_refused")), made(Fault("accept_and_close", lasts=2.5))]
    assert gates == [
        [(101.0, Cut(reset=True, gate="refuse", lasts=1.0))],
        [(101.0, Cut(gate="close", lasts=2.5))],
    ]


def test_a_cut_comes_right_after_what_is_before_its_place() -> None:
    assert made(Fault("truncate", After(tokens=1))) == [*EVENTS[:2], (101.0, Cut())]
    assert made(Fault("truncate", After(tokens=2))) == [*EVENTS[:3], (102.0, Cut())]
    assert made(Fault("truncate", After(chunks=4))) == [*EVENTS[:4], (103.0, Cut())]
    assert made(Fault("truncate", After(bytes=len(ROLE + FIRST) + 1))) == [
        *EVENTS[:2],
        (102.0, Frame(SECOND[:1])),
        (102.0, Cut()),
    ]


def test_a_place_at_the_very_beginning_lets_the_head_leave() -> None:
    nothing = (101.0, Frame(b"", flush=True))
    for after in (After(tokens=0), After(chunks=0), After(bytes=0)):
        assert made(Fault("truncate", after)) == [nothing, (101.0, Cut())]


def test_a_cut_within_a_character_looks_everywhere_when_no_place_is_given() -> None:
    body = plain(b'{"a":"\xc3\xbc","b":[1,2,3,4,5,6,7,8,9]}')
    anywhere = made(Fault("truncate", inside="character"), timed=body, stream=False)
    assert data(anywhere)[0] == (101.0, b'{"a":"\xc3')
    given = made(Fault("truncate", After(bytes=20), inside="character"), timed=body, stream=False)
    assert data(given)[0] == (101.0, body[0][1].data[:20])


def test_a_time_counts_from_the_arrival_of_the_request() -> None:
    assert made(Fault("truncate", After(time=2.5))) == [*EVENTS[:3], (102.5, Cut())]
    assert made(Fault("truncate", After(time=0.5))) == [(100.5, Cut())], "not even a head"
    assert made(Fault("truncate", After(time=9.0))) == EVENTS


def test_a_place_that_a_reply_does_not_reach_changes_nothing() -> None:
    for after in (After(tokens=4), After(chunks=6), After(bytes=10**6), After(time=60.0)):
        for name in ("truncate", "stall", "error_event", "invalid_json", "duplicate_chunk"):
            assert made(Fault(name, after)) == EVENTS


def test_tokens_of_a_plain_reply_are_a_share_of_its_bytes() -> None:
    body = plain(b"x" * 100, tokens=20)
    cut = made(Fault("truncate", After(tokens=5)), timed=body, stream=False)
    assert cut == [(101.0, Frame(b"x" * 25, 5)), (101.0, Cut())]
    whole = made(Fault("truncate", After(tokens=20)), timed=body, stream=False)
    assert whole == [*body, (101.0, Cut())]
    assert made(Fault("truncate", After(tokens=21)), timed=body, stream=False) == body


def test_a_stall_shifts_what_comes_after_it() -> None:
    assert made(Fault("stall", lasts=5.0)) == [(due + 5.0, item) for due, item in EVENTS]
    assert made(Fault("stall", After(tokens=1), lasts=5.0)) == [
        *EVENTS[:2],
        (106.0, Frame(b"")),
        *((due + 5.0, item) for due, item in EVENTS[2:]),
    ]
    assert {due for due, _ in made(Fault("stall"))} == {math.inf}


def test_a_stall_at_the_end_holds_back_the_end() -> None:
    body = plain(b"{}")
    late = made(Fault("stall", After(bytes=2), lasts=5.0), timed=body, stream=False)
    assert late == [*body, (106.0, Frame(b""))]


def test_bytes_leave_when_their_time_on_the_line_is_over() -> None:
    body = plain(b"x" * 25)
    paced = made(Fault("bandwidth", rate=100.0), timed=body, stream=False)
    assert [item.data for _, item in paced] == [b"x" * 10, b"x" * 10, b"x" * 5]
    assert [due for due, _ in paced] == pytest.approx([101.1, 101.2, 101.25])
    slow = made(Fault("bandwidth", rate=0.5), timed=plain(b"xy"), stream=False)
    assert data(slow) == [(103.0, b"x"), (105.0, b"y")]
    late = made(Fault("bandwidth", rate=1000.0), timed=[*plain(b"x" * 100), (109.0, Cut())])
    assert late[-1] == (109.0, Cut())
    assert made(Fault("bandwidth"), timed=plain(b"x" * 1000))[-1][0] == pytest.approx(102.0)


def test_slices_come_one_after_the_other() -> None:
    body = plain(b"abcdefg")
    sliced = made(Fault("slicer", size=3, delay=2.0), timed=body, stream=False)
    assert sliced == [
        (101.0, Frame(b"abc", flush=True)),
        (103.0, Frame(b"def", flush=True)),
        (105.0, Frame(b"g", flush=True)),
    ]
    raw = made(Fault("slicer", size=3), timed=[(101.0, Raw(b"abcd")), (101.0, Cut())])
    assert raw == [(101.0, Raw(b"abc")), (101.0, Raw(b"d")), (101.0, Cut())]


@pytest.mark.parametrize("fault", [Fault("slicer", size=4), Fault("bandwidth", rate=40.0)])
def test_a_long_body_is_cut_without_copying_the_rest_of_it_each_time(fault: Fault) -> None:
    copied = 0

    class Body(bytes):
        def __getitem__(self, key: Any) -> Any:
            nonlocal copied
            part = super().__getitem__(key)
            copied += len(part)
            return Body(part)

    timed: Timed = [(101.0, Frame(Body(b"x" * 10_002), 100))]
    pieces = made(fault, timed=timed, stream=False)
    assert len(pieces) == 2501
    assert copied == 10_002
    frames = [item for _, item in pieces if isinstance(item, Frame)]
    assert sum(item.tokens for item in frames) == 100
    assert {item.tokens for item in frames} == {0, 1}


def test_tokens_of_raw_bytes_are_shared_out_as_those_of_frames_are() -> None:
    timed: Timed = [(101.0, Raw(b"abcdef", 3))]
    assert made(Fault("slicer", size=4), timed=timed) == [
        (101.0, Raw(b"abcd", 2)),
        (101.0, Raw(b"ef", 1)),
    ]


def test_a_body_of_a_wrong_length_carries_its_tokens_still() -> None:
    head = Head(200, ((b"content-length", b"2"),))
    plan = replace(plan_of(plain(b"{}", tokens=5), stream=False), head=head)
    got = list(apply(plan, [Fault("wrong_content_length")]).timed)
    assert got == [(101.0, Raw(b"{}", 5)), (101.0, Cut())]


def test_events_are_gathered_until_the_last_of_them_is_due() -> None:
    segments = made(Fault("coalesce", size=2))
    assert segments == [
        (101.0, Frame(ROLE + FIRST, 1, flush=True)),
        (103.0, Frame(SECOND + THIRD, 2, flush=True)),
        (103.0, Frame(END, flush=True)),
    ]
    cut = made(Fault("truncate", After(tokens=1)), Fault("coalesce", size=9))
    assert cut == [(101.0, Frame(ROLE + FIRST, 1, flush=True)), (101.0, Cut())]
    assert made(Fault("coalesce"), timed=[(101.0, Cut())]) == [(101.0, Cut())]


def test_chunks_change_places_when_the_later_one_is_due() -> None:
    assert made(Fault("reordered_chunk", After(tokens=1))) == [
        *EVENTS[:2],
        (103.0, Frame(THIRD, 1)),
        (103.0, Frame(SECOND, 1)),
        EVENTS[4],
    ]
    cut = made(Fault("truncate", After(tokens=1)), Fault("reordered_chunk", After(chunks=1)))
    assert cut == [*EVENTS[:2], (101.0, Cut())], "nothing comes after the end"


def test_an_error_of_several_lines_is_one_event_of_one() -> None:
    error = b'{\n  "error": {"message": "so  sorry"}\n}\n'
    plan = replace(plan_of(EVENTS), error=error)
    last = list(apply(plan, [Fault("error_event", After(tokens=1))]).timed)[-1]
    assert last == (101.0, Frame(b'data: {"error": {"message": "so  sorry"}}\n\n'))


def test_a_redirect_to_itself_names_any_path_as_an_address() -> None:
    plan = replace(plan_of(EVENTS), path="/v1/mod\u00e8les/a b\r\nx:y")
    head = apply(plan, [Fault("redirect")]).head
    assert head.headers[0] == (b"location", b"/v1/mod%C3%A8les/a%20b%0D%0Ax:y")


def test_json_of_an_event_is_broken_whatever_its_lines_look_like() -> None:
    for faults in ([Fault("crlf")], [Fault("comments")]):
        before = made(*faults)
        broken = made(*faults, Fault("invalid_json", After(tokens=1)))
        changed = [pair for pair in zip(before, broken, strict=True) if pair[0] != pair[1]]
        ((_, whole), (_, short)) = changed[0]
        assert len(changed) == 1
        assert short.data.replace(b'{"2', b'{"2":1}') == whole.data


def test_a_plain_body_that_says_no_length_is_shortened_all_the_same() -> None:
    body = plain(b'{"a": 1}\n')
    short = made(Fault("invalid_json", After(bytes=9)), timed=body, stream=False)
    assert data(short) == [(101.0, b'{"a": 1')], "the line break is not what makes it JSON"


def test_what_says_no_length_cannot_lie_about_it() -> None:
    body = plain(b"{}")
    assert made(Fault("wrong_content_length"), timed=body, stream=False) == body


def test_faults_after_a_cut_do_not_go_beyond_it() -> None:
    cut: Timed = [EVENTS[0], (101.0, Cut())]
    for name in get_args(FaultName):
        if name in SPOILS:
            continue
        got = made(Fault(name), timed=cut)
        assert sum(isinstance(item, Cut) for _, item in got) <= 1, name


def test_the_engines_faults_are_none_of_the_wire() -> None:
    for name in SPOILS:
        assert made(Fault(name)) == EVENTS


def test_double_done_composes_by_one_event_each() -> None:
    """Sixteen of them would be 65,536 events, were each doubled by each."""
    timed = made(*[Fault("double_done")] * 16)
    assert [item.data for _, item in timed if b"[DONE]" in item.data] == [END] * 17


def test_frames_are_made_as_they_leave() -> None:
    asked = []

    def frames() -> Iterator[tuple[float, Item]]:
        for pair in EVENTS:
            asked.append(pair)
            yield pair

    lazy = (
        *(Fault("crlf"), Fault("comments"), Fault("split"), Fault("double_done")),
        *(Fault("missing_done"), Fault("bandwidth"), Fault("slicer", size=1000)),
        *(Fault("truncate", After(tokens=3)), Fault("stall", After(tokens=2))),
    )
    plan = apply(replace(plan_of([]), timed=frames()), lazy)
    assert asked == []
    next(plan.timed)
    assert asked == EVENTS[:1]


def test_a_seed_decides_what_is_drawn() -> None:
    assert made(Fault("split"), seed=5) == made(Fault("split"), seed=5)
    assert made(Fault("split"), seed=5) != made(Fault("split"), seed=6)
    tiny: Timed = [(1.0, Frame(b"x")), (1.0, Raw(b"yy"))]
    assert made(Fault("split"), timed=tiny) == tiny


def body(timed: Sequence[tuple[float, Item]]) -> bytes:
    return b"".join(item.data for _, item in timed)


counts = st.integers(0, 80)
afters = st.one_of(
    st.builds(After),
    st.builds(After, tokens=counts),
    st.builds(After, chunks=counts),
    st.builds(After, bytes=counts),
    st.builds(After, time=st.floats(0, 5)),
)
faults = st.builds(
    Fault,
    st.sampled_from(sorted(FAULTS)),
    afters,
    lasts=st.none() | st.floats(0, 9),
    rate=st.none() | st.floats(1, 1e6),
    size=st.none() | st.integers(1, 50),
    delay=st.none() | st.floats(0, 1),
    reset=st.booleans(),
    inside=st.sampled_from([None, "string", "character"]),
    by=st.none() | st.integers(-9, 9),
)


@given(st.lists(faults, max_size=4), st.booleans(), st.integers(0, 9))
def test_whatever_composes_is_in_order_and_repeats_itself(
    chosen: list[Fault], stream: bool, seed: int
) -> None:
    timed = EVENTS if stream else plain(b'{"text": "gr\xc3\xbc\xc3\x9fe"}', tokens=5)
    once = made(*chosen, timed=timed, stream=stream, seed=seed)
    assert once == made(*chosen, timed=timed, stream=stream, seed=seed)
    dues = [due for due, _ in once]
    assert dues == sorted(dues)
    cuts = [number for number, (_, item) in enumerate(once) if isinstance(item, Cut)]
    assert cuts in ([], [len(once) - 1]), "nothing follows the end of a connection"


def test_a_connection_that_has_ended_does_not_end_again() -> None:
    chosen = Fault("accept_and_close"), Fault("redirect"), Fault("accept_and_close")
    plain_reply = plain(b"{}", tokens=1)
    gone = made(*chosen, Fault("wrong_content_length"), timed=plain_reply, stream=False)
    assert [item for _, item in gone] == [Cut(gate="close", lasts=1.0)]


@given(afters, st.booleans(), st.sampled_from([None, "string", "character"]))
def test_what_is_cut_off_was_the_end(after: After, stream: bool, inside: object) -> None:
    timed = EVENTS if stream else plain(b'{"text": "gr\xc3\xbc\xc3\x9fe"}', tokens=5)
    cut = Fault("truncate", after, inside=inside)  # type: ignore[arg-type]
    assert body(timed).startswith(body(made(cut, timed=timed, stream=stream)))


@given(st.lists(st.sampled_from(["bandwidth", "slicer", "coalesce", "split", "stall"]), max_size=4))
def test_faults_of_pace_lose_no_byte(names: list[FaultName]) -> None:
    chosen = [Fault(name, size=3) for name in names]
    assert body(made(*chosen)) == body(EVENTS)
    assert sum(item.tokens for _, item in made(*chosen) if isinstance(item, Frame)) == 3
