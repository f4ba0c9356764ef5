"""Stored completions on the wire: queries, bodies, refusals, and the objects of the reference."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mockdock.dialects.base import Envelope
from mockdock.dialects.openai import openai
from mockdock.dialects.openai.parse import parse
from mockdock.engine import Engine
from mockdock.reply import Completion, Failure, Reply, StoredCompletion
from mockdock.request import Request, StoredOperation
from mockdock.scenario import load
from tests.conformance.asgi import app_of, ask
from tests.dialects.openai.calls import call, small
from tests.dialects.openai.calls import refused as refused_chat

LIST = "/v1/chat/completions"
ONE = f"{LIST}/chatcmpl-x"
CREATED = 1_738_960_610
REQUEST_ID = "ded8ab984ec4bf840f37566c1011c417"


def operation(
    kind: str,
    query: dict[str, str] | None = None,
    body: Any = b"",
    named: str = "chatcmpl-x",
    **more: Any,
) -> Request | Failure:
    """Parse a call of an operation."""
    params = {} if kind == "list" else {"completion_id": named}
    pairs = tuple((query or {}).items())
    return parse(call(body, operation=f"stored.{kind}", params=params, query=pairs, **more))


def wanted(kind: str, *arguments: Any, **more: Any) -> StoredOperation:
    """Parse a call that is valid."""
    request = operation(kind, *arguments, **more)
    assert isinstance(request, Request), request
    assert (request.api, request.dialect) == ("stored", "openai")
    assert request.stored is not None
    return request.stored


def refused(kind: str, *arguments: Any) -> dict[str, Any]:
    """Parse a call that is not valid, and give the error object with its status."""
    failure = operation(kind, *arguments)
    assert isinstance(failure, Failure), failure
    return told(None, failure)


def told(request: Request | None, reply: Reply) -> dict[str, Any]:
    """Render a reply; of a failure give the error object with its status."""
    (frame,) = openai.frames(request, reply)
    envelope = Envelope(REQUEST_ID, 1, len(frame.data), {})
    head = openai.head(request, reply, envelope)
    assert (b"content-type", b"application/json") in head.headers
    told: dict[str, Any] = orjson.loads(frame.data)
    assert (head.status == 200) is ("error" not in told)
    return told if head.status == 200 else {"status": head.status, **told["error"]}


def wrong(message: str, param: str | None, code: str | None, status: int = 400) -> dict[str, Any]:
    kind = "invalid_request_error"
    return {"status": status, "message": message, "type": kind, "param": param, "code": code}


def test_a_list_has_defaults() -> None:
    assert wanted("list") == StoredOperation("list", limit=20, order="asc")
    assert wanted("list", {"after": ""}).after is None


def test_a_query_is_read() -> None:
    query = {
        "after": "chatcmpl-abc",
        "limit": "100",
        "order": "desc",
        "model": "gpt-4o",
        "metadata[k]": "v",
        "metadata[a b]": "",
        "unknown": "1",
    }
    metadata = {"k": "v", "a b": ""}
    assert wanted("list", query) == StoredOperation(
        "list", "", "", "abc", 100, "desc", "gpt-4o", metadata
    )
    assert wanted("messages", query) == StoredOperation(
        "messages", "chatcmpl-x", "x", "abc", 100, "desc"
    )


def test_of_a_value_given_twice_the_last_counts() -> None:
    query = (("limit", "1"), ("limit", "2"), ("metadata[k]", "a"), ("metadata[k]", "b"))
    request = parse(call(b"", operation="stored.list", query=query))
    assert isinstance(request, Request)
    assert request.stored == StoredOperation("list", limit=2, metadata={"k": "b"})


@pytest.mark.parametrize("kind", ["retrieve", "delete", "messages"])
def test_an_id_is_kept_as_it_was_written_and_without_its_prefix(kind: str) -> None:
    assert (wanted(kind).named, wanted(kind).id) == ("chatcmpl-x", "x")
    odd = wanted(kind, named="x")
    assert (odd.named, odd.id) == ("x", ""), "no id of ours, whatever it would be with a prefix"


MOST = "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got {} instead."
LEAST = "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got {} instead."
WHOLE = "Invalid type for 'limit': expected an integer, but got a string instead."
ORDER = "Invalid value: '{}'. Supported values are: 'asc' and 'desc'."


@pytest.mark.parametrize("kind", ["list", "messages"])
@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ({"limit": "101"}, wrong(MOST.format(101), "limit", "integer_above_max_value")),
        ({"limit": "0"}, wrong(LEAST.format(0), "limit", "integer_below_min_value")),
        ({"limit": "-5"}, wrong(LEAST.format(-5), "limit", "integer_below_min_value")),
        ({"limit": "ten"}, wrong(WHOLE, "limit", "invalid_type")),
        ({"limit": "1.5"}, wrong(WHOLE, "limit", "invalid_type")),
        ({"limit": ""}, wrong(WHOLE, "limit", "invalid_type")),
        ({"limit": "9" * 5000}, wrong(WHOLE, "limit", "invalid_type")),
        ({"order": "up"}, wrong(ORDER.format("up"), "order", "invalid_value")),
        ({"order": ""}, wrong(ORDER.format(""), "order", "invalid_value")),
    ],
)
def test_an_odd_query_is_refused(kind: str, query: dict[str, str], refusal: dict[str, Any]) -> None:
    assert refused(kind, query) == refusal


@pytest.mark.parametrize(
    "metadata",
    [{str(n): "x" for n in range(17)}, {"k": "x" * 513}, {"k" * 65: "x"}],
    ids=["pairs", "value", "key"],
)
def test_metadata_is_refused_as_in_a_chat_request(metadata: dict[str, str]) -> None:
    refusal = refused_chat(small(metadata=metadata))
    query = {f"metadata[{name}]": value for name, value in metadata.items()}
    assert refused("list", query) == refusal
    assert refused("update", None, {"metadata": metadata}) == refusal
    assert isinstance(operation("messages", query), Request)
    assert refused("list", {"metadata": "x"})["code"] == "invalid_type"


@pytest.mark.parametrize(
    ("query", "limit"), [("0", 1), ("-7", 1), ("1000", 100), ("many", 20), ("3", 3)]
)
def test_lenient_lists_take_any_query(query: str, limit: int) -> None:
    odd = {"limit": query, "order": "up", "metadata": "x", "after": "x"}
    assert wanted("list", odd, lenient=True) == StoredOperation("list", after="", limit=limit)
    fine = {"order": "desc", "metadata[k]": "v" * 600, **{f"metadata[{n}]": "" for n in range(20)}}
    taken = wanted("list", fine, lenient=True)
    assert (taken.order, len(taken.metadata), len(taken.metadata["k"])) == ("desc", 16, 512)


_TEXTS = st.one_of(st.text(max_size=8), st.integers().map(str))
_NAMES = st.one_of(
    st.sampled_from(["after", "limit", "order", "model", "metadata", "metadata[k]", "metadata["]),
    st.text(max_size=8).map("metadata[{}]".format),
    st.text(max_size=8),
)


@given(
    kind=st.sampled_from(["list", "messages"]),
    query=st.lists(st.tuples(_NAMES, _TEXTS), max_size=6),
    named=_TEXTS,
)
def test_any_query_is_taken_or_refused(kind: str, query: list[tuple[str, str]], named: str) -> None:
    """Leniently it is always taken."""
    made = call(b"", operation=f"stored.{kind}", params={"completion_id": named})
    strict = parse(replace(made, query=tuple(query)))
    if isinstance(strict, Failure):
        assert told(None, strict)["status"] == 400
    lenient = parse(replace(made, query=tuple(query), lenient=True))
    assert isinstance(lenient, Request)
    assert lenient.stored is not None
    assert 1 <= lenient.stored.limit <= 100


@pytest.mark.parametrize("metadata", [{"k": "v"}, {}, None])
def test_an_update_sets_metadata(metadata: dict[str, str] | None) -> None:
    taken = wanted("update", None, {"metadata": metadata})
    assert taken == StoredOperation("update", "chatcmpl-x", "x", metadata=metadata or {})


def test_a_request_that_updates_has_its_body_for_conditions() -> None:
    request = operation("update", None, {"metadata": {"k": "v"}})
    assert isinstance(request, Request)
    assert request.body == {"metadata": {"k": "v"}}


MANY = (
    "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
    "but got an object with 17 properties instead."
)


@pytest.mark.parametrize(
    ("body", "message", "param", "code"),
    [
        (
            {},
            "Missing required parameter: 'metadata'.",
            "metadata",
            "missing_required_parameter",
        ),
        (
            {"metadata": {}, "model": "gpt-4o"},
            "Unrecognized request argument supplied: model",
            None,
            None,
        ),
        (
            {"metadata": "x"},
            "Invalid type for 'metadata': expected a metadata object, but got a string instead.",
            "metadata",
            "invalid_type",
        ),
        (
            {"metadata": {"k": 1}},
            "Invalid type for 'metadata.k': expected a string, but got an integer instead.",
            "metadata.k",
            "invalid_type",
        ),
        (
            {"metadata": {str(n): "" for n in range(17)}},
            MANY,
            "metadata",
            "object_above_max_properties",
        ),
    ],
)
def test_an_odd_update_is_refused(
    body: dict[str, Any], message: str, param: str | None, code: str | None
) -> None:
    assert refused("update", None, body) == wrong(message, param, code)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null"])
@pytest.mark.parametrize("lenient", [False, True])
def test_an_update_without_json_is_refused(body: bytes, lenient: bool) -> None:
    failure = operation("update", None, body, lenient=lenient)
    assert isinstance(failure, Failure)
    assert (failure.message or "").startswith("We could not parse the JSON body")


@pytest.mark.parametrize(
    ("body", "metadata"),
    [({}, {}), ({"metadata": 1, "x": 2}, {}), ({"metadata": {"k": 1, "l": "v"}}, {"l": "v"})],
)
def test_lenient_updates_take_what_they_can(body: Any, metadata: dict[str, str]) -> None:
    assert wanted("update", None, body, lenient=True).metadata == metadata


def make(body: dict[str, Any], *rules: Any, **settings: Any) -> tuple[Engine, StoredCompletion]:
    """Ask an engine for a completion, and give it as it is kept."""
    engine = Engine(load({"mockdock": 1, "rules": list(rules), **settings}).scenario)
    lenient = settings.get("validation") == "lenient"
    request = parse(call({**body, "store": True}, lenient=lenient))
    assert isinstance(request, Request), request
    made = engine.compose(request, engine.decide(request), CREATED)
    assert isinstance(made, Completion)
    engine.keep(request, made, REQUEST_ID)
    found = engine.shelf.find("", made.id)
    assert found is not None
    return engine, found


def asked(engine: Engine, kind: str, stored: StoredCompletion, **query: str) -> dict[str, Any]:
    """Do an operation on a completion, and give what is told."""
    lenient = engine.scenario.validation == "lenient"
    named = f"chatcmpl-{stored.completion.id}"
    request = operation(kind, query, {"metadata": {"k": "v"}}, named, lenient=lenient)
    assert isinstance(request, Request), request
    return told(request, engine.compose(request, engine.decide(request), CREATED))


def test_a_completion_has_the_keys_and_the_order_of_the_reference() -> None:
    engine, stored = make(small(model="gpt-4o-2024-08-06"), {"reply": "Mind of circuits hum"})
    body = asked(engine, "retrieve", stored)
    usage = body.pop("usage")
    assert [*usage] == ["total_tokens", "completion_tokens", "prompt_tokens"]
    assert usage["total_tokens"] == usage["completion_tokens"] + usage["prompt_tokens"]
    expected = {
        "object": "chat.completion",
        "id": f"chatcmpl-{stored.completion.id}",
        "model": "gpt-4o-2024-08-06",
        "created": CREATED,
        "request_id": f"req_{REQUEST_ID}",
        "tool_choice": None,
        "seed": 0xDED8AB984EC4BF84 >> 1,
        "top_p": 1.0,
        "temperature": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "system_fingerprint": stored.completion.system_fingerprint,
        "input_user": None,
        "service_tier": "default",
        "tools": None,
        "metadata": {},
        "choices": [
            {
                "index": 0,
                "message": {
                    "content": "Mind of circuits hum",
                    "role": "assistant",
                    "tool_calls": None,
                    "function_call": None,
                    "refusal": None,
                },
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "response_format": None,
    }
    assert orjson.dumps(body) == orjson.dumps(expected)


def test_a_completion_tells_what_was_asked() -> None:
    tools = [{"type": "function", "function": {"name": "f", "description": "finds"}}]
    facts: dict[str, Any] = {
        "tools": tools,
        "tool_choice": "required",
        "seed": 7,
        "top_p": 0.5,
        "temperature": 0,
        "presence_penalty": 1,
        "frequency_penalty": -1.5,
        "response_format": {"type": "text"},
        "metadata": {"a": "b"},
    }
    engine, stored = make(small(user="me", n=2, **facts))
    body = asked(engine, "retrieve", stored)
    assert {name: body[name] for name in facts} == facts
    assert body["input_user"] == "me"
    assert [choice["index"] for choice in body["choices"]] == [0, 1]
    (called,) = body["choices"][0]["message"]["tool_calls"]
    assert (called["type"], called["function"]["name"]) == ("function", "f")


def test_choices_tell_their_form() -> None:
    """Calls of the old form, refusals, log probabilities and speech are where they were."""
    legacy = small(functions=[{"name": "f"}], function_call={"name": "f"})
    engine, stored = make(legacy)
    message = asked(engine, "retrieve", stored)["choices"][0]["message"]
    assert (message["tool_calls"], message["function_call"]["name"]) == (None, "f")
    engine, stored = make(small(), {"reply": {"refusal": "No."}})
    message = asked(engine, "retrieve", stored)["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, "No.")
    engine, stored = make(small(logprobs=True), {"reply": "Hi"})
    (entry,) = asked(engine, "retrieve", stored)["choices"][0]["logprobs"]["content"]
    assert entry["token"] == "Hi"
    audio = {"voice": "alloy", "format": "wav"}
    spoken = small(model="gpt-4o-audio-preview", modalities=["text", "audio"], audio=audio)
    engine, stored = make(spoken, {"reply": "Hi"})
    message = asked(engine, "retrieve", stored)["choices"][0]["message"]
    assert (message["content"], message["audio"]["transcript"]) == (None, "Hi")


def test_pages_have_the_keys_and_the_order_of_the_reference() -> None:
    engine, stored = make(small())
    body = asked(engine, "list", stored)
    named = f"chatcmpl-{stored.completion.id}"
    assert [*body] == ["object", "data", "first_id", "last_id", "has_more"]
    assert [each["id"] for each in body["data"]] == [named]
    assert (body["object"], body["has_more"]) == ("list", False)
    assert (body["first_id"], body["last_id"]) == (named, named)
    nothing = asked(engine, "list", stored, after=named)
    places = {"first_id": None, "last_id": None}
    assert nothing == {"object": "list", "data": [], **places, "has_more": False}


def test_an_update_answers_with_the_completion_and_a_deletion_with_its_id() -> None:
    engine, stored = make(small())
    before = asked(engine, "retrieve", stored)
    assert asked(engine, "update", stored) == {**before, "metadata": {"k": "v"}}
    deleted = asked(engine, "delete", stored)
    expected = {"object": "chat.completion.deleted", "id": before["id"], "deleted": True}
    assert orjson.dumps(deleted) == orjson.dumps(expected)


def test_messages_have_the_keys_and_the_order_of_the_reference() -> None:
    """Content in parts is told as such: those of text and images."""
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    sound = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    text = {"type": "text", "text": "Look"}
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    engine, stored = make(
        small(
            messages=[
                {"role": "user", "content": "write a haiku", "name": "Ann"},
                {"role": "assistant", "content": None, "tool_calls": calls},
                {"role": "tool", "content": "1", "tool_call_id": "c"},
                {"role": "user", "content": [text, image, sound]},
            ]
        )
    )
    body = asked(engine, "messages", stored)
    named = f"chatcmpl-{stored.completion.id}"
    none: dict[str, Any] = {"name": None, "content_parts": None}
    expected = {
        "object": "list",
        "data": [
            {
                "id": f"{named}-0",
                "role": "user",
                "content": "write a haiku",
                "name": "Ann",
                "content_parts": None,
            },
            {"id": f"{named}-1", "role": "assistant", "content": None, **none, "tool_calls": calls},
            {"id": f"{named}-2", "role": "tool", "content": "1", **none, "tool_call_id": "c"},
            {
                "id": f"{named}-3",
                "role": "user",
                "content": None,
                "name": None,
                "content_parts": [text, image],
            },
        ],
        "first_id": f"{named}-0",
        "last_id": f"{named}-3",
        "has_more": False,
    }
    assert orjson.dumps(body) == orjson.dumps(expected)
    rest = asked(engine, "messages", stored, after=f"{named}-1", limit="1")
    assert ([each["id"] for each in rest["data"]], rest["has_more"]) == ([f"{named}-2"], True)


@pytest.mark.parametrize(
    ("messages", "contents"),
    [
        ("Hello", [""]),
        ([], [""]),
        (["Hello"], ["Hello"]),
        ([{"role": "boss", "content": "Hello"}], ["Hello"]),
        ([{"role": "user", "content": 7}], ["7"]),
    ],
)
def test_mended_messages_are_told_as_they_were_understood(
    messages: Any, contents: list[str]
) -> None:
    body = {"model": "gpt-4o", "messages": messages, "presence_penalty": "high"}
    engine, stored = make(body, {"reply": "Hi"}, validation="lenient")
    shown = asked(engine, "messages", stored)["data"]
    assert [each["content"] for each in shown] == contents
    assert asked(engine, "retrieve", stored)["presence_penalty"] == 0.0


def test_an_invented_completion_has_the_id_that_was_asked_for() -> None:
    engine = Engine(load({"mockdock": 1, "validation": "lenient"}).scenario)

    def tell(kind: str) -> dict[str, Any]:
        request = operation(kind, {"limit": "0"}, {"metadata": {"foo": "string"}}, "completion_id")
        if kind == "messages":
            request = operation(kind, {}, b"", "completion_id", lenient=True)
        assert isinstance(request, Request)
        return told(request, engine.compose(request, engine.decide(request), CREATED))

    assert tell("retrieve")["id"] == "completion_id"
    assert tell("retrieve") == tell("retrieve")
    assert tell("update")["metadata"] == {"foo": "string"}
    assert tell("delete")["id"] == "completion_id"
    (message,) = tell("messages")["data"]
    assert (message["id"], message["role"]) == ("completion_id-0", "assistant")


NOWHERE = wrong("Chat completion with id 'chatcmpl-x' not found.", None, None, 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ONE), ("POST", ONE), ("DELETE", ONE), ("GET", f"{ONE}/messages")],
)
def test_an_unknown_completion_is_not_found(method: str, path: str) -> None:
    answer = ask(app_of(), method, path, b'{"metadata": null}')
    assert {"status": answer.status, **answer.json()["error"]} == NOWHERE
    assert answer.headers["x-request-id"].startswith("req_")


def test_a_place_that_is_not_there_is_told_by_the_list_it_is_asked_of() -> None:
    engine, stored = make(small())
    message = "Invalid value for 'after': expected the ID of a {}."
    listed = asked(engine, "list", stored, after="chatcmpl-y")
    assert listed == wrong(message.format("stored chat completion"), "after", "invalid_value")
    paged = asked(engine, "messages", stored, after="chatcmpl-y")
    assert paged == wrong(message.format("message"), "after", "invalid_value")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ({"error": "not_found"}, NOWHERE),
        ({"error": 404}, NOWHERE),
        ({"error": "not_found", "code": "gone"}, {**NOWHERE, "code": "gone"}),
        ({"error": "not_found", "message": "Gone."}, {**NOWHERE, "message": "Gone."}),
    ],
)
def test_scripted_errors_know_what_is_not_found(
    script: dict[str, Any], expected: dict[str, Any]
) -> None:
    """A completion where one is asked for, a model in a chat."""
    app = app_of({"reply": script}, {"when": {"api": "stored"}, "reply": script})
    answer = ask(app, "GET", ONE)
    assert {"status": answer.status, **answer.json()["error"]} == expected
    chat = ask(app, "POST", LIST, orjson.dumps(small())).json()["error"]
    assert chat["code"] == script.get("code", "model_not_found")
    of_list = ask(app, "GET", LIST).json()["error"]["message"]
    assert of_list == script.get("message", "Chat completion not found.")


def test_a_scripted_bad_request_is_none_of_ours() -> None:
    """It keeps its own words, also where it names the same parameter."""
    rule = {"when": {"api": "stored"}, "reply": {"error": "bad_request", "param": "after"}}
    told = ask(app_of(rule), "GET", LIST).json()["error"]
    assert told["message"].startswith("Your request was malformed")
    assert told["param"] == "after"


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("sent", ["text/plain", "multipart/form-data; boundary=x", ""])
def test_the_content_type_of_an_update_is_checked_as_for_a_chat(sent: str, lenient: bool) -> None:
    update = operation("update", None, {"metadata": {}}, content_type=sent, lenient=lenient)
    assert update == parse(call(small(), sent, lenient=lenient))
    assert isinstance(update, Failure)
    assert (update.status, update.code) == (415, "unsupported_content_type")


@pytest.mark.parametrize("sent", ["application/json; charset=utf-8", "Application/JSON", None])
def test_json_by_any_writing_is_an_update(sent: str | None) -> None:
    assert wanted("update", None, {"metadata": {"k": "v"}}, content_type=sent).metadata


@pytest.mark.parametrize("kind", ["list", "retrieve", "delete", "messages"])
def test_operations_without_a_body_have_no_content_type(kind: str) -> None:
    assert isinstance(operation(kind, content_type="text/plain"), Request)


def test_to_delete_what_is_no_fine_tune_is_refused() -> None:
    """ASSUMED: no such refusal is on record."""
    answer = ask(app_of(), "DELETE", "/v1/models/gpt-4o")
    message = "You have insufficient permissions for this operation."
    assert {"status": answer.status, **answer.json()["error"]} == wrong(message, None, None, 403)
    assert ask(app_of(), "DELETE", "/v1/models/gpt-9").status == 404


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", LIST, "GET, POST"),
        ("DELETE", LIST, "GET, POST"),
        ("PATCH", ONE, "DELETE, GET, POST"),
        ("POST", f"{ONE}/messages", "GET"),
        ("DELETE", f"{ONE}/messages", "GET"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(method: str, path: str, allow: str) -> None:
    answer = ask(app_of(), method, path, b"{}")
    assert (answer.status, answer.headers["allow"]) == (405, allow)


@pytest.mark.parametrize("path", [f"{LIST}/", f"{ONE}/", f"{ONE}/choices", f"{ONE}/messages/x"])
def test_other_paths_there_are_not(path: str) -> None:
    answer = ask(app_of(), "GET", path)
    assert answer.json()["error"]["message"] == f"Invalid URL (GET {path})"


def test_errors_can_be_scripted() -> None:
    app = app_of({"when": {"api": "stored"}, "reply": {"error": "rate_limit"}})
    assert ask(app, "GET", LIST).status == 429
    assert ask(app, "GET", "/v1/models").status == 200
