"""Every dialect through every case: whole bodies, byte for byte, against its golden files."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from mockdock import resources
from mockdock.dialects import DIALECTS
from mockdock.observe import Exchange, line
from tests.conformance.adapters import ADAPTERS, Adapter, normalised
from tests.conformance.asgi import Answer, app_of, ask, post
from tests.conformance.cases import CHATS, ERRORS, MALFORMED, MISROUTED, Case, Wrong

each_dialect = pytest.mark.parametrize("adapter", ADAPTERS, ids=[each.name for each in ADAPTERS])


def test_every_dialect_has_an_adapter() -> None:
    assert [adapter.name for adapter in ADAPTERS] == [dialect.name for dialect in DIALECTS]


@each_dialect
def test_every_golden_file_is_used(adapter: Adapter) -> None:
    here = {
        path.relative_to(adapter.folder).as_posix()
        for path in adapter.folder.rglob("*")
        if path.is_file() and path.parent.name not in ("canned", "operations")
    }
    cases = {adapter.file(case.golden) for case in (*CHATS, *ERRORS)}
    cases |= {wrong.golden for wrong in malformed(adapter).values()}
    cases |= {wrong.golden for wrong in MISROUTED[adapter.name].values()}
    errors = ("context-length", "incorrect-key", "missing-key", "too-large", "unknown-model")
    cases |= {f"errors/{name}.json" for name in errors}
    assert here == cases | ({"model.json"} if adapter.shows else set()) | adapter.elsewhere


def malformed(adapter: Adapter) -> dict[str, Wrong]:
    """Give what is refused; a parameter that does nothing is not looked at."""
    names = {"null": "parallel_tool_calls"}
    return {
        name: wrong
        for name, wrong in MALFORMED.items()
        if names.get(name) not in adapter.ignores and name not in adapter.takes
    }


def asked(adapter: Adapter, case: Case, *, stream: bool) -> Answer:
    """Script the case's reply and send its request."""
    body = {**case.body, **({"stream": True} if stream else {})}
    return post(app_of({"reply": case.reply}), adapter.chat, body)


@each_dialect
@pytest.mark.parametrize("case", CHATS, ids=lambda case: case.golden)
def test_a_completion_is_the_golden_file(adapter: Adapter, case: Case) -> None:
    answer = asked(adapter, case, stream=case.stream)
    assert answer.status == 200
    events = ("text/event-stream", "text/event-stream; charset=utf-8")
    assert answer.headers["content-type"] in (events if case.stream else ("application/json",))
    assert normalised(answer.body) == normalised(adapter.golden(case.golden))


@pytest.mark.parametrize(
    "adapter",
    [each for each in ADAPTERS if "stream_options" not in each.ignores],
    ids=lambda adapter: adapter.name,
)
@pytest.mark.parametrize("case", [each for each in CHATS if each.stream], ids=lambda c: c.golden)
def test_padding_is_asked_for_seeded_and_changes_nothing_else(adapter: Adapter, case: Case) -> None:
    """Without it a stream is the golden file; with it every chunk has one length modulo 16."""
    options = {**case.body.get("stream_options", {}), "include_obfuscation": True}
    padded = replace(case, body={**case.body, "stream_options": options})
    one, other = (asked(adapter, padded, stream=True) for _ in range(2))
    *events, _, _ = one.body.split(b"\n\n")
    chunks = events[adapter.opening :]
    assert len({len(adapter.sized(chunk)) % 16 for chunk in chunks}) == 1
    assert all(b'"obfuscation":"' in chunk for chunk in chunks)
    bare = re.sub(rb',"obfuscation":"[0-9A-Za-z]*"', b"", one.body)
    assert normalised(bare) == normalised(adapter.golden(case.golden))
    assert [event["obfuscation"] for event in one.events()] == [
        event["obfuscation"] for event in other.events()
    ]


PARAMETERS = {"type": "object", "properties": {}}
TOOL = {"type": "function", "function": {"name": "find", "parameters": PARAMETERS}}
CALL = {"tool_calls": [{"name": "find"}, {"name": "find"}]}
CONTRADICTIONS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "a tool not offered": (
        {"tool_calls": [{"name": "lose"}]},
        {"tools": [TOOL]},
        "the tool 'lose' is not offered",
    ),
    "two calls": (
        CALL,
        {"tools": [TOOL], "parallel_tool_calls": False},
        "2 tools are called though parallel_tool_calls is false",
    ),
    "text for JSON": (
        "no",
        {"response_format": {"type": "json_object"}},
        "the text is not JSON though response_format is json_object",
    ),
}


@each_dialect
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(("reply", "more", "told"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_reply_that_contradicts_its_request_is_sent_and_flagged(
    adapter: Adapter, reply: Any, more: dict[str, Any], told: str, *, stream: bool
) -> None:
    """In a header and in the log; the body is the one scripted."""
    seen: list[Exchange] = []
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "As json"}], **more}
    app = app_of({"reply": reply}, observers=[seen.append])
    answer = post(app, adapter.chat, {**body, "stream": stream})
    assert answer.status == 200
    if not adapter.ignores.isdisjoint(more):
        assert told not in answer.headers["x-mockdock-warning"]
        return
    assert answer.headers["x-mockdock-warning"] == told
    assert line(seen[0]).endswith(f"warning: {told}")
    words = [call["name"] for call in reply["tool_calls"]] if isinstance(reply, dict) else ["no"]
    assert all(answer.body.count(f'"{word}"'.encode()) == words.count(word) for word in words)


@each_dialect
def test_a_reply_that_fits_its_request_is_not_flagged(adapter: Adapter) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "tools": [TOOL]}
    for reply in ("Hi", {"tool_calls": [{"name": "find"}]}, CALL):
        answer = post(app_of({"reply": reply}), adapter.chat, body)
        assert "x-mockdock-warning" not in answer.headers


@each_dialect
def test_a_long_prompt_seen_before_is_cached_in_whole_blocks_of_its_session(
    adapter: Adapter,
) -> None:
    """1,100 words and some tokens of frame: eight blocks of 128, the least that is cached."""
    app = app_of({"reply": "Hi"})
    long = {"model": "gpt-4o", "messages": [{"role": "user", "content": " word" * 1100}]}
    short = {"model": "gpt-4o", "messages": [{"role": "user", "content": " word" * 1000}]}

    def cached(body: dict[str, Any], session: str = "mine") -> int:
        answer = post(app, adapter.chat, body, {"x-mockdock-session": session}).json()
        tokens: int = answer["usage"]["prompt_tokens_details"]["cached_tokens"]
        return tokens

    assert [cached(long), cached(long), cached(long, "other")] == [0, 1024, 0]
    assert [cached(short), cached(short)] == [0, 0]


@each_dialect
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("case", ERRORS, ids=lambda case: case.golden)
def test_a_scripted_error_is_json_also_where_a_stream_was_asked(
    adapter: Adapter, case: Case, *, stream: bool
) -> None:
    answer = asked(adapter, case, stream=stream)
    assert answer.status == adapter.status(case.golden, case.status)
    assert answer.headers["content-type"] == adapter.content_type(case.golden)
    assert answer.body == adapter.golden(case.golden)


@pytest.mark.parametrize(
    ("adapter", "wrong"),
    [
        pytest.param(adapter, wrong, id=f"{adapter.name}-{name}")
        for adapter in ADAPTERS
        for name, wrong in malformed(adapter).items()
    ],
)
def test_a_malformed_request_is_refused_in_the_providers_words(
    adapter: Adapter, wrong: Wrong
) -> None:
    path = adapter.chat if wrong.where == "chat" else wrong.where
    headers = {"host": "localhost:1234", "content-type": wrong.content_type}
    answer = ask(app_of(), wrong.method, path, wrong.body, headers)
    assert answer.status == wrong.status
    assert answer.headers["content-type"] == "application/json"
    assert answer.body == adapter.golden(wrong.golden)


@pytest.mark.parametrize(
    ("adapter", "wrong"),
    [
        pytest.param(adapter, wrong, id=f"{adapter.name}-{name}")
        for adapter in ADAPTERS
        for name, wrong in MISROUTED[adapter.name].items()
    ],
)
def test_what_is_nowhere_is_refused_in_the_providers_words(adapter: Adapter, wrong: Wrong) -> None:
    test_a_malformed_request_is_refused_in_the_providers_words(adapter, wrong)


@pytest.mark.parametrize(
    "adapter", [each for each in ADAPTERS if each.lost], ids=lambda adapter: adapter.name
)
def test_a_path_without_v1_is_told_the_right_base_url(adapter: Adapter) -> None:
    lost = ask(app_of(), "POST", adapter.lost, b"{}", {"host": "localhost:1234"})
    assert lost.headers["x-mockdock-base-url"] == f"http://localhost:1234{adapter.base}"
    inside = ask(app_of(), "POST", f"{adapter.base}/nothing", b"{}", {"host": "localhost:1234"})
    assert "x-mockdock-base-url" not in inside.headers


@pytest.mark.parametrize(
    "adapter",
    [each for each in ADAPTERS if MISROUTED[each.name]["wrong method"].status == 405],
    ids=lambda adapter: adapter.name,
)
def test_a_wrong_method_is_told_the_right_one(adapter: Adapter) -> None:
    assert ask(app_of(), "PUT", adapter.chat).headers["allow"] == adapter.methods
    assert ask(app_of(), "DELETE", adapter.models).headers["allow"] == "GET"


@each_dialect
def test_head_is_answered_where_get_is(adapter: Adapter) -> None:
    got = ask(app_of(), "GET", adapter.models)
    head = ask(app_of(), "HEAD", adapter.models)
    assert (got.status, head.status) == (200, 200)
    assert head.headers["content-length"] == got.headers["content-length"]
    assert ask(app_of(), "HEAD", f"{adapter.chat}/x/messages/y").status == 404
    assert ask(app_of(), "HEAD", "/").status == 404


@each_dialect
def test_a_body_announced_as_too_large_is_refused_unread(adapter: Adapter) -> None:
    app = app_of(max_body=1000)
    for announced in ("1001", "9" * 5000):
        answer = ask(app, "POST", adapter.chat, b"", {"content-length": announced})
        assert answer.status == 413
        assert answer.body == adapter.golden("errors/too-large.json")
        assert answer.headers["connection"] == "close"


@each_dialect
def test_a_chunked_body_is_refused_once_it_is_too_large(adapter: Adapter) -> None:
    answer = ask(app_of(max_body=1000), "POST", adapter.chat, [b" " * 400] * 3)
    assert answer.status == 413
    assert answer.body == adapter.golden("errors/too-large.json")


@each_dialect
def test_a_body_of_just_the_limit_is_read(adapter: Adapter) -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}).encode()
    app = app_of(max_body=len(body))
    assert ask(app, "POST", adapter.chat, [body[:9], b"", body[9:]]).status == 200
    announced = {"content-length": str(len(body))}
    assert ask(app, "POST", adapter.chat, body, announced).status == 200


@each_dialect
def test_keys_are_asked_for_where_the_scenario_wants_them(adapter: Adapter) -> None:
    app = app_of(auth={"keys": ["sk-right"]})
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    missing = ask(app, "POST", adapter.chat, b"not even read")
    assert missing.status == 401
    assert missing.body == adapter.golden("errors/missing-key.json")
    wrong = post(app, adapter.chat, body, {"authorization": "Bearer sk-abcdefghwxyz"})
    assert wrong.status == 401
    assert wrong.body == adapter.golden("errors/incorrect-key.json")
    assert post(app, adapter.chat, body, {"authorization": "Bearer sk-right"}).status == 200


@pytest.mark.parametrize(
    "adapter", [each for each in ADAPTERS if each.shows], ids=lambda adapter: adapter.name
)
def test_a_model_is_shown_and_an_unknown_one_is_not(adapter: Adapter) -> None:
    app = app_of()
    one = ask(app, "GET", f"{adapter.models}/gpt-4o-mini")
    assert one.status == 200
    assert one.body == adapter.golden("model.json")
    every = ask(app, "GET", adapter.models).json()
    assert every["object"] == "list"
    assert one.json() in every["data"]
    assert all(tuple(each) == adapter.card for each in every["data"])
    none = ask(app, "GET", f"{adapter.models}/gpt-9")
    assert none.status == 404
    assert none.body == adapter.golden("errors/unknown-model.json")


@each_dialect
def test_a_chat_with_a_model_the_scenario_does_not_list_is_refused(adapter: Adapter) -> None:
    body = {"model": "gpt-9", "messages": [{"role": "user", "content": "Hi"}]}
    answer = post(app_of(models=["gpt-4o"]), adapter.chat, body)
    assert answer.status == adapter.status("errors/unknown-model.json", 404)
    assert answer.body == adapter.golden("errors/unknown-model.json")


@each_dialect
def test_a_scripted_context_overflow_speaks_of_the_models_window(adapter: Adapter) -> None:
    """The prompt has 9 tokens: 3 of the message, its role, two of text, 3 for the answer."""
    body = {"model": "gpt-4", "messages": [{"role": "user", "content": "Hello!"}]}
    answer = post(app_of({"reply": {"error": "context_length"}}), adapter.chat, body)
    assert answer.status == 400
    assert answer.body == adapter.golden("errors/context-length.json")


@each_dialect
@pytest.mark.parametrize(
    ("name", "field"),
    [("markdown", "content"), ("weather-call", "tool_calls"), ("refusal", "refusal")],
)
def test_a_canned_completion_is_answered_as_it_is(adapter: Adapter, name: str, field: str) -> None:
    file = f"openai/canned/{name}.json"
    canned = json.loads((resources.fixtures() / file).read_text())
    body = {"model": canned["model"], "messages": [{"role": "user", "content": "?"}]}
    answer = post(app_of({"reply": {"file": file}}), adapter.chat, body).checked()
    wanted = adapter.of(canned)
    cost = {name: value for name, value in answer["usage"].items() if name == "cost"}
    assert answer["choices"] == wanted["choices"]
    assert answer["usage"] == wanted["usage"] | cost
    assert answer["choices"][0]["message"][field]
