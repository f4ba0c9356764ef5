"""Reports for people: what went wrong, and what was said."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.app import App
from mockdock.fault import Fault
from mockdock.frames import Outcome
from mockdock.local.verbs import LocalVerbs
from mockdock.observe import record
from mockdock.observe.entry import Entry
from mockdock.observe.report import exchanges, report
from mockdock.observe.verbs import Problem, Unused, Verdict
from mockdock.reply import Failure
from tests.conformance.asgi import app_of, ask, post
from tests.observe.helpers import exchange, kept_here

CHAT = "/v1/chat/completions"
KEY = "sk-abcdefghijklmnopqrstuvwxyz"
PARAMETERS = {"type": "object", "properties": {}}


def tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": PARAMETERS}}


def say(text: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **fields}


def judged(app: App, unused: Unused = "none") -> str:
    return report(LocalVerbs(app, lambda: "").verify("", unused=unused))


def shown(app: App) -> str:
    return exchanges([record(entry, secrets=True) for entry in kept_here(app.journal.entries())])


def verdict(*problems: Problem) -> Verdict:
    return Verdict(
        ok=not problems, requests=3, prompt_tokens=24, completion_tokens=36, problems=problems
    )


def test_all_is_well() -> None:
    told = "mockdock: all went as it should; 3 requests, 24+36 tokens"
    assert report(verdict()) == told


def test_a_miss_tells_what_was_asked_why_not_and_what_was_sent() -> None:
    wanted = "what is the weather in Paris, and why is it so?"
    app = app_of(
        {"name": "greet", "when": {"user": "hello", "model": "gpt-4o-mini"}, "reply": "x"},
        {"name": "long", "when": {"user": {"equals": wanted}}, "reply": "x"},
        {"name": "lines", "when": {"system": {"equals": "be\nbrief"}}, "reply": "x"},
        otherwise="fail",
    )
    body = say(wanted.replace("Paris", "London"), tools=[tool("look_up")], stream=True)
    body["messages"].insert(0, {"role": "system", "content": "be\nkind"})
    post(app, CHAT, body, {"x-stainless-retry-count": "1"})
    lines = judged(app).splitlines()
    london = repr(wanted.replace("Paris", "London"))
    assert lines[:12] == [
        "mockdock: 1 request without an answer; 1 request, 0+0 tokens",
        "✗ POST /v1/chat/completions was answered by no rule (number 1)",
        "    model: gpt-4o, as a stream, attempt 2",
        "    tools: look_up",
        "    user: what is the weather in London, and why is it so?",
        "    sent back: 404 no_match, telling these rules to the client",
        "    nearest rules:",
        "      long",
        f"        ✗ user: wanted exactly {wanted!r}, was {london}",
        "            what is the weather in [-Paris-]{+London+}, and why is it so?",
        "      lines",
        "        ✗ system: wanted exactly 'be\\nbrief', was 'be\\nkind'",
    ]
    assert lines[12:15] == ["              be", "            - brief", "            + kind"]
    assert lines[15:17] == ["      greet", "        ✗ model: wanted gpt-4o-mini, was 'gpt-4o'"]
    assert lines[17] == f"        ✗ user: wanted a text with 'hello', was {london}"


def test_a_wrong_path_tells_what_was_sent_back() -> None:
    app = app_of()
    ask(app, "GET", "/v1/nope")
    first, *told = judged(app).splitlines()[1:]
    assert first == "✗ GET /v1/nope was answered by no rule (number 1)"
    assert told == ["    sent back: 404 invalid_url: Invalid URL (GET /v1/nope)"]


def test_no_rules_and_used_up_rules_are_told_in_the_words_sent() -> None:
    app = app_of(otherwise="fail")
    post(app, CHAT, say("x"))
    assert (
        "sent back: 404 no_match: mockdock: no rule matches this request. Nearest: there are no"
        in (judged(app))
    )
    app = app_of({"name": "once", "after_last": "fail", "replies": ["x"]})
    for _ in range(2):
        post(app, CHAT, say("x"))
    assert "exhausted: mockdock: once has no reply left" in judged(app)


def test_other_problems_are_a_line_each() -> None:
    app = app_of({"name": "never \x1b[31m", "when": {"user": "y"}, "reply": "x"})
    told = report(
        verdict(
            Problem(kind="raised", message="answering a request raised ValueError('x')"),
            Problem(kind="order", message="act answered before plan was done"),
        )
    )
    assert told.splitlines() == [
        "mockdock: 1 error raised, 1 answer out of order; 3 requests, 24+36 tokens",
        "✗ answering a request raised ValueError('x')",
        "✗ act answered before plan was done",
    ]
    headline, problem = judged(app, "all").splitlines()
    assert headline == "mockdock: 1 rule never used; 0 requests, 0+0 tokens"
    assert problem.startswith("✗ never \\x1b[31m never answered")


def test_many_problems_are_told_in_short_and_then_counted() -> None:
    app = app_of(otherwise="fail")
    for number in range(70):
        post(app, CHAT, say(f"question {number}"))
    told = judged(app)
    assert told.startswith("mockdock: more than 50 requests without an answer; 70 requests")
    assert told.count("    user: question") == 10
    assert told.count("✗ POST") == 50
    assert told.endswith("✗ 20 more requests answered by no rule")


def test_more_problems_than_a_report_tells_are_counted() -> None:
    told = report(verdict(*[Problem(kind="unused", message="x never answered")] * 70))
    assert told.startswith("mockdock: 70 rules never used")
    assert told.count("✗ x") == 60
    assert told.endswith("... and 10 more problems")


def test_many_conditions_are_counted() -> None:
    headers = {f"x-{at}": True for at in range(14)}
    app = app_of({"name": "r", "when": {"headers": headers}, "reply": "x"}, otherwise="fail")
    post(app, CHAT, say("x"))
    told = judged(app)
    assert told.count("✗ headers.x-") == 12
    assert told.endswith("      ... and 2 more conditions")


def test_records_are_shown_behind_a_verdict() -> None:
    app = app_of({"reply": "Hello"})
    post(app, CHAT, say("hi"))
    records = [record(entry) for entry in kept_here(app.journal.entries())]
    assert report(verdict(), records=records) == f"{report(verdict())}\n\n{exchanges(records)}"


def test_an_exchange_is_a_block() -> None:
    app = app_of({"name": "greet", "reply": "Hello ${user}\nand all"})
    post(app, CHAT, say("you\tthere", stream=True), {"x-stainless-retry-count": "2"})
    head, *told = shown(app).splitlines()
    tokens = app.journal.tally()
    assert head == (
        "#1 POST /v1/chat/completions 200 · gpt-4o · greet · "
        f"{tokens.prompt_tokens}+{tokens.completion_tokens} tokens · stream · attempt 3"
    )
    assert told == [
        "    user: you\\tthere",
        "    reply: Hello you\\tthere",
        "           and all",
    ]


def test_nothing_is_shown_of_no_exchanges() -> None:
    assert exchanges([]) == ""


def test_calls_results_choices_and_odd_ends_are_shown() -> None:
    app = app_of(
        {"when": {"after_tool": True}, "reply": {"choices": [{"refusal": "No."}, "Yes."]}},
        {
            "when": {"offers_tool": True},
            "reply": {"tool_calls": [{"name": "f", "arguments": {"a": 1}}]},
        },
        {"reply": "one two three"},
    )
    post(app, CHAT, say("go", tools=[tool("f")]))
    body = say("go", n=2)
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    body["messages"] += [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "x"},
    ]
    post(app, CHAT, body)
    post(app, CHAT, say("go", max_tokens=1))
    told = shown(app)
    for part in (
        '    reply calls f({"a":1})',
        "    after tools: f",
        "    reply 1, refused: No.",
        "    reply 2: Yes.",
        "    reply ends by length",
    ):
        assert part in told.splitlines()


def test_results_of_tools_are_told_of_a_miss() -> None:
    app = app_of(otherwise="fail")
    body = say([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    body["tools"] = [tool(f"tool_{at}") for at in range(10)]
    body["messages"] += [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "x"},
    ]
    post(app, CHAT, body)
    told = judged(app).splitlines()
    assert "    results of tools: f" in told
    assert "    tools: " + ", ".join(f"tool_{at}" for at in range(8)) + ", ... 10 in all" in told
    assert told[told.index("    user: a") + 1] == "          b"


def test_warnings_errors_and_causes_are_shown() -> None:
    app = app_of({"when": {"user": "warn"}, "reply": {"tool_calls": [{"name": "nobody_offered"}]}})
    post(app, CHAT, say("warn"))
    assert "    warning: " in shown(app)
    failed = exchange(reply=Failure("server_error", cause=ValueError("odd")), body=b"not json")
    told = exchanges([record(Entry(1, failed))])
    assert told.splitlines()[1:] == ["    server_error:", "    raised: ValueError('odd')"]


@pytest.mark.parametrize(
    ("ending", "frames", "told"),
    [
        ("client_left", 3, "the client left after 3 events"),
        ("stopped", 1, "the server stopped it after 1 event"),
        ("cut", 2, "cut by truncate"),
    ],
)
def test_an_exchange_that_was_cut_short_says_how(ending: Any, frames: int, told: str) -> None:
    faults = (Fault("truncate"),) if ending == "cut" else ()
    made = exchange(outcome=Outcome(ending, frames, 10), rule=None, faults=faults)
    text = exchanges([record(Entry(1, made))])
    assert text.endswith(f"gpt-4o · otherwise · 12+34 tokens · {told}")


def test_other_endpoints_have_no_model() -> None:
    app = app_of()
    ask(app, "GET", "/v1/models")
    assert shown(app) == "#1 GET /v1/models 200 · - · -"


def test_of_many_exchanges_the_last_are_shown() -> None:
    app = app_of({"reply": "x"})
    for number in range(22):
        post(app, CHAT, say(f"question {number}"))
    told = shown(app)
    assert told.startswith("... 2 earlier exchanges not shown\n#3 ")
    assert told.count("    user: ") == 20


def test_long_texts_are_cut_with_a_note() -> None:
    app = app_of({"reply": {"text": "\n".join(map(str, range(90)))}})
    post(app, CHAT, say("word " * 2000))
    told = shown(app)
    assert "... (10000 letters)" in told
    assert "           5... (259 letters)" in told
    assert len(told) < 1500


def test_secrets_are_hidden_even_where_records_hold_them() -> None:
    wanted = {"authorization": {"equals": "Bearer other"}, "x-plain": {"equals": "other"}}
    app = app_of({"name": "r", "when": {"headers": wanted}, "reply": "x"}, otherwise="fail")
    own = {"authorization": "Bearer my-very-own-secret", "x-plain": KEY}
    post(app, CHAT, say(f"{KEY} and my-very-own-secret"), own)
    for told in (judged(app), shown(app)):
        assert KEY not in told
        assert "my-very-own-secret" not in told
        assert "[redacted] and [redacted]" in told
    assert "✗ headers.authorization: not as wanted, its values are hidden" in judged(app)
    assert "✗ headers.x-plain: wanted exactly 'other', was '[redacted]'" in judged(app)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_nothing_a_client_sends_reaches_the_terminal_raw(text: str) -> None:
    equals = {"equals": "some text that is long enough to be compared"}
    app = app_of({"name": "r", "when": {"user": equals}, "reply": "x"}, otherwise="fail")
    post(app, CHAT, say(text))
    for told in (judged(app), shown(app)):
        assert all(letter.isprintable() or letter == "\n" for letter in told)


def test_what_was_broken_on_purpose_is_counted() -> None:
    verdict = Verdict(ok=True, requests=3, broken=2, prompt_tokens=4, completion_tokens=5)
    told = "3 requests, 2 broken on purpose, 4+5 tokens"
    assert report(verdict) == f"mockdock: all went as it should; {told}"


def test_exchanges_that_were_left_out_are_counted() -> None:
    told = exchanges([record(Entry(9, exchange()))], earlier=8)
    assert told.startswith("... 8 earlier exchanges not shown\n#9 ")
