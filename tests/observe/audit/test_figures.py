"""The figures of a run, and what an audit looks like as JSON, XML, text and a page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from mockdock.errors import UsageError
from mockdock.observe.audit import audit, failure_text, gap_words, junit, page, records
from mockdock.policy import POLICIES, Clock, Policy
from tests.conformance.asgi import app_of, ask
from tests.observe.audit.helpers import Asked, record
from tests.observe.audit.helpers import records as rows


def test_figures_of_nothing() -> None:
    figures = audit([]).figures
    assert (figures.calls, figures.attempts, figures.amplification) == (0, 0, 0.0)
    assert figures.share_recovered is None
    assert figures.herd_index is None
    assert figures.time_to_recover is None
    assert audit([]).ok


def test_amplification_outcomes_and_share_recovered() -> None:
    made = [
        record(1, 0, 503, user="a"),
        record(2, 1, 503, user="a"),
        record(3, 2, 200, user="a"),
        record(4, 0, 200, user="b"),
        record(5, 0, 400, user="c"),
        record(6, 0, stream=True, ending="cut", user="d"),
    ]
    figures = audit(made).figures
    assert (figures.attempts, figures.calls, figures.retries) == (6, 4, 2)
    assert figures.amplification == 1.5
    assert figures.outcomes == {
        "succeeded": 2,
        "gave_up": 1,
        "cut": 1,
        "abandoned": 0,
        "spoiled": 0,
        "stopped": 0,
    }
    assert (figures.failed_first, figures.recovered) == (3, 1)
    assert figures.share_recovered == pytest.approx(1 / 3)


def cents(model: str, usage: Mapping[str, Any]) -> float | None:
    return float(usage["total_tokens"]) / 100 if model == "gpt-4o" else None


def test_tokens_and_money_go_into_attempts_that_were_of_no_use() -> None:
    made = [
        record(1, 0, stream=True, ending="cut", tokens=30, user="a"),
        record(2, 1, tokens=50, user="a"),
        record(3, 0, stream=True, ending="client_left", tokens=7, user="b"),
        record(4, 0, 400, user="c"),
    ]
    found = audit(made, price=cents)
    assert [call.wasted_tokens for call in found.calls] == [30, 7, 0]
    assert found.figures.wasted_tokens == 37
    assert found.figures.wasted_money == pytest.approx(0.37)
    assert audit(made).figures.wasted_money is None
    made[0]["model"] = "no-such-model"
    assert audit(made, price=cents).figures.wasted_money is None


def test_what_a_gateway_tells_of_the_cost_is_no_number_of_tokens() -> None:
    app = app_of({"when": {"user": "hello"}, "reply": "Hi."})
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]})
    headers = {"content-type": "application/json", "x-project-id": "p", "authorization": "Bearer k"}
    answer = ask(app, "POST", "/proj/v1/chat/completions", body.encode(), headers)
    assert answer.status == 200
    made = [each.record() for each in app.journal.entries()]
    assert 0 < made[0]["usage"]["cost"] < 1
    assert [call.outcome for call in audit(made).calls] == ["succeeded"]


def test_premature_retries_are_counted_without_a_line_for_them() -> None:
    made = [
        record(1, 0, 429, reply={"retry-after": "200"}),
        record(2, 1, 429, reply={"retry-after": "2"}),
        record(3, 3, 200),
    ]
    policy = replace(POLICIES["vercel-ai-sdk"], retry_after=None)
    assert audit(made, policy).figures.premature == 1
    assert audit(made).figures.premature == 1


def test_time_to_recover_counts_from_the_first_success_to_the_last_call_that_was_hit() -> None:
    made = [
        record(1, 0, 503, user="a"),
        record(2, 1, 503, user="b"),
        record(3, 2, 503, user="c"),
        record(4, 3, 503, user="a"),
        record(5, 4, 503, user="b"),
        record(6, 10, 200, user="a", length=1.0),
        record(7, 12, 200, user="d"),
        record(8, 15, 200, user="b", length=2.0),
    ]
    figures = audit(made).figures
    (found,) = figures.outages
    assert (found.start, found.end) == (0.0, 10.0)
    assert (found.hit, found.recovered, found.recovery) == (3, 2, 7.0)
    assert figures.time_to_recover == 7.0


def test_an_outage_may_have_no_end() -> None:
    figures = audit([record(n, n, 503, user=str(n)) for n in range(1, 6)]).figures
    (found,) = figures.outages
    assert (found.end, found.recovered, found.recovery) == (None, 0, None)


@pytest.mark.parametrize(
    "made",
    [
        [record(n, n, 400, user=str(n)) for n in range(1, 9)],
        [record(n, n, 503) for n in range(1, 9)],
        [record(n, n, 503 if n % 3 else 200, user=str(n)) for n in range(1, 30)],
    ],
)
def test_mistakes_single_calls_and_few_failures_are_no_outage(made: list[Asked]) -> None:
    assert audit(made).figures.outages == ()


def test_a_stream_that_began_before_does_not_end_an_outage() -> None:
    made = [record(n, n, 503, user=str(n)) for n in range(1, 7)]
    made.append(record(9, 0, 200, length=3.5, user="long"))
    assert audit(made).figures.outages[0].hit == 6


def test_what_the_journal_lost_is_told() -> None:
    found = audit([{"dropped": 4}, record(1, 0), {"dropped": 1}])
    assert (found.figures.dropped, found.figures.calls) == (5, 1)
    assert "not in the journal 5 exchanges" in failure_text(found)


# -- forms --------------------------------------------------------------------------------------

EVIL = "<script>alert(1)</script>"


def mixed() -> list[Asked]:
    return [
        record(1, 0, 429, model=EVIL, reply={"retry-after": "20"}, session='"><img src=x>'),
        record(2, 1, 200, model=EVIL, session='"><img src=x>', tokens=5),
        record(3, 0, stream=True, ending="cut", user="b", tokens=7, faults=[EVIL]),
        record(4, 2, 503, user="c", length=0.5),
        record(5, 4, 200, user="c", length=1.0),
    ]


POLICY = replace(Policy(), max_attempts=3, name=f"mine {EVIL}")


def test_json_has_the_documented_shape() -> None:
    found = json.loads(json.dumps(audit(mixed(), POLICY).to_json()))
    assert list(found) == ["ok", "policy", "lines", "figures", "calls"]
    assert found["ok"] is False
    assert found["policy"] == {
        "name": POLICY.name,
        "source": "what any client should do",
        "clock": "scenario",
    }
    assert {each["name"]: each["verdict"] for each in found["lines"]} == {
        "max_attempts": "ok",
        "retry": "ok",
        "never": "not seen",
        "retry_after": "failed",
        "herd": "not seen",
        "cut_streams": "failed",
        "cancelled_streams": "not seen",
    }
    (failed,) = [each for each in found["lines"] if each["name"] == "retry_after"]
    assert failed == {
        "name": "retry_after",
        "asked": "waits as long as retry-after demands",
        "verdict": "failed",
        "seen": 1,
        "failed": 1,
        "examples": [
            {
                "call": 1,
                "records": [1, 2],
                "text": "#1 -> #2: came after 1.00 s, 20.00 s were demanded (retry-after)",
            }
        ],
    }
    assert found["calls"][2] == {
        "number": 3,
        "session": "",
        "model": "gpt-4o",
        "outcome": "succeeded",
        "wasted_tokens": 0,
        "attempts": [
            {
                "record": 4,
                "ordinal": 1,
                "link": "first",
                "start": 2.0,
                "end": 2.5,
                "model": "gpt-4o",
                "status": 503,
                "kind": "refused",
                "faults": [],
                "tokens": 0,
            },
            {
                "record": 5,
                "ordinal": 2,
                "link": "similarity",
                "start": 4.0,
                "end": 5.0,
                "model": "gpt-4o",
                "status": 200,
                "kind": "succeeded",
                "faults": [],
                "tokens": 0,
            },
        ],
        "gaps": [{"demanded": None, "header": None, "taken": 1.5}],
    }
    assert found["calls"][0]["gaps"] == [{"demanded": 20.0, "header": "retry-after", "taken": 1.0}]
    assert found["figures"]["share_recovered"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("scale", "promised", "header", "clock", "words"),
    [
        (0, 30.0, "1", "scenario", "30.00 s / 30.01 s"),
        (0, 30.0, "1", "real", "0.00 s / -"),
        (0, 30.0, None, "scenario", "- / 30.01 s"),
        (0, 30.0, None, "real", "- / -"),
        (0, None, None, "real", "- / 30.01 s"),
        (0.01, 30.0, "300", "scenario", "30.00 s / 30.01 s"),
        (0.01, 30.0, "300", "real", "0.30 s / 0.30 s"),
        (1, 30.0, "30000", "real", "30.00 s / 30.01 s"),
    ],
)
def test_both_columns_of_the_calls_are_by_one_clock(
    scale: float, promised: float | None, header: str | None, clock: Clock, words: str
) -> None:
    """At time scale 0 a client is told a millisecond, and comes back when all have passed."""
    told = {} if header is None else {"retry-after-ms": header}
    made = [
        {**record(number, at * (scale or 1), status, reply=told), "at": at, "time_scale": scale}
        for number, at, status in ((1, 0.0, 429), (2, 30.01, 200))
    ]
    made[0]["reply"]["retry_after"] = promised
    found = audit(made, Policy(clock=clock))
    assert gap_words(found.calls[0], clock) == words
    assert f"<td>{words}</td>" in page(found)


def test_what_is_no_text_of_xml_or_a_terminal_is_not_printed() -> None:
    """A policy made in Python may hold anything."""
    policy = replace(
        POLICY, name="\x1b[31mred", never_codes=frozenset({"a\x00\x1b[31m\ufffe\ud800"})
    )
    found = audit(mixed(), policy)
    suites = ET.fromstring(junit(found))
    assert suites.find("testsuite/testcase[@name='never']").attrib["classname"]  # type: ignore[union-attr]
    assert all(line.asked.isprintable() for line in found.lines)
    assert "a??[31m??" in page(found)


def test_junit_has_a_case_for_each_line() -> None:
    suites = ET.fromstring(junit(audit(mixed(), POLICY)))
    (suite,) = suites
    assert suite.attrib == {
        "name": f"mockdock.audit.{POLICY.name}",
        "tests": "7",
        "failures": "2",
        "errors": "0",
        "skipped": "3",
    }
    cases = {case.attrib["name"]: [child.tag for child in case] for case in suite.iter("testcase")}
    assert cases == {
        "max_attempts": [],
        "retry": [],
        "never": ["skipped"],
        "retry_after": ["failure"],
        "herd": ["skipped"],
        "cut_streams": ["failure"],
        "cancelled_streams": ["skipped"],
    }
    first, second = suite.iter("failure")
    assert first.attrib["message"] == ("waits as long as retry-after demands; broken 1 of 1 times")
    assert first.text == (
        "call 1, #1 -> #2: came after 1.00 s, 20.00 s were demanded (retry-after)"
    )
    assert EVIL in (second.text or "")
    told = {each.attrib["name"]: each.attrib["value"] for each in suite.iter("property")}
    assert told["attempts per call"] == "1.67"
    assert told["tokens wasted"] == "7"


def test_xml_holds_no_letter_that_it_cannot() -> None:
    made = rows((0, 400), (1, 200), code="\x00\x1b\ufffe\ud800<")
    ET.fromstring(junit(audit(made)))


def test_a_failure_is_told_in_words() -> None:
    text = failure_text(audit(mixed(), replace(POLICY, name="mine"), cents))
    assert text == (
        "the client broke 2 lines of the policy mine:\n"
        "  retry_after: waits as long as retry-after demands; broken 1 of 1 times\n"
        "    call 1, #1 -> #2: came after 1.00 s, 20.00 s were demanded (retry-after)\n"
        "  cut_streams: asks again for a stream that was cut; broken 1 of 1 times\n"
        f"    call 2, #3: not asked for again, after a stream that was cut ({EVIL})\n"
        "  3 calls: attempts 5, attempts per call 1.67, recovered 2 of 3, premature retries 1, "
        "tokens wasted 7 ($0.0700)"
    )
    assert failure_text(audit([record(1, 0)])) == (
        "the client kept the policy default\n"
        "  1 call: attempts 1, attempts per call 1.00, recovered none had to, "
        "premature retries 0, tokens wasted 0"
    )


def test_more_breaches_than_are_shown_are_counted() -> None:
    made = [record(n, 0, stream=True, ending="cut", user=str(n)) for n in range(1, 8)]
    assert "and 2 more" in failure_text(audit(made))


class _Page(HTMLParser):
    """Notes the tags of a page, their attributes, and its text."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parsed(text: str) -> _Page:
    found = _Page()
    found.feed(text)
    found.close()
    assert found.open == []
    return found


def test_the_page_escapes_all_and_loads_nothing() -> None:
    found = parsed(page(audit(mixed(), POLICY)))
    names = {tag for tag, _ in found.tags}
    assert names.isdisjoint({"script", "img", "link", "iframe", "object", "image", "use", "a"})
    for _, attributes in found.tags:
        assert not {"src", "href", "xlink:href", "onload", "onclick"} & attributes.keys()
        assert "url(" not in (attributes.get("style") or "")
    (style,) = [text for text in found.text if "font:" in text]
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = [each["content"] for tag, each in found.tags if "http-equiv" in each]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    text = "".join(found.text)
    assert EVIL in text
    assert '"><img src=x>' in text


def test_the_page_draws_a_bar_for_each_attempt_and_a_line_for_each_demand() -> None:
    found = parsed(page(audit(mixed(), POLICY)))
    bars = [each for tag, each in found.tags if tag == "rect"]
    assert len(bars) == 5
    demanded = [each for tag, each in found.tags if each.get("class") == "demand"]
    assert len(demanded) == 1
    starts = [float(each["x"] or 0) for each in bars]
    # All begins at 0 and ends at 5 s, over 900 units from 90 on.
    assert starts == pytest.approx([90, 90 + 180, 90, 90 + 360, 90 + 720])
    assert float(bars[4]["width"] or 0) == pytest.approx(180)
    assert "#4 gpt-4o: 503 some_error, 2.00 s" in "".join(found.text)


def test_of_many_calls_the_worst_are_shown() -> None:
    made = [record(n, n, user=str(n)) for n in range(1, 251)]
    made.append(record(300, 300, stream=True, ending="cut", user="cut"))
    found = parsed(page(audit(made)))
    assert "200 of 251 calls are shown." in "".join(found.text)
    assert "call 251" in found.text
    assert sum(tag == "rect" for tag, _ in found.tags) == 200


def test_a_call_of_many_attempts_is_shown_in_short() -> None:
    made = [record(n, n, 503) for n in range(1, 31)]
    text = "".join(parsed(page(audit(made))).text)
    assert "#11 #12 and 18 more" in text
    assert "- / 1.00 s, and 17 more" in text


def test_the_page_of_nothing_is_a_page() -> None:
    found = parsed(page(audit([])))
    assert "The policy was kept." in found.text


# -- journal files ------------------------------------------------------------------------------


def test_a_journal_file_is_read_line_by_line() -> None:
    lines = ['{"number":1}\n', "\n", '{"dropped":3}\n', '{"number":2,"sess\n', '{"number":3}']
    assert list(records(lines, "j")) == [
        {"number": 1},
        {"dropped": 3},
        {"dropped": 1},
        {"number": 3},
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["mockdock: 1\n"], r"j\.jsonl:1: not JSON: .*; a journal is a file of JSON Lines"),
        (['{"number":1}\n', "{\n"], r"j\.jsonl:2: not JSON"),
        (["[1]\n"], r"j\.jsonl:1: a record is a mapping, and this is none"),
    ],
)
def test_a_file_that_is_no_journal_is_told_with_the_place(lines: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        list(records(lines, "j.jsonl"))
