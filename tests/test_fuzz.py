"""Whatever the bytes: an answer or the provider's refusal, never a 5xx, never a traceback."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockdock.app import App
from tests.conformance.asgi import Answer, app_of, ask
from tests.effort import examples

CHAT = "/v1/chat/completions"
JSON = {"host": "localhost", "content-type": "application/json"}

HANDLED = 500

fuzz = settings(
    max_examples=examples(120),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

VALID: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": [
        {"role": "system", "content": "Be brief.", "name": "boss"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0lGODlh"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {"type": "file", "file": {"filename": "a.txt", "file_data": "AAAA"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "x"}},
            ],
        },
        {"role": "tool", "content": "42", "tool_call_id": "c1"},
        {"role": "tool", "content": [{"type": "text", "text": "43"}], "tool_call_id": "c2"},
        {"role": "user", "content": "And now?"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "f",
                "description": "finds",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "q": {"type": "string", "pattern": "^a+$", "minLength": 1},
                        "n": {"type": ["integer", "null"], "minimum": 1, "maximum": 9},
                        "who": {"$ref": "#/$defs/who"},
                    },
                    "required": ["q"],
                    "$defs": {"who": {"anyOf": [{"enum": ["a", 1]}, {"const": None}]}},
                },
            },
        },
        {
            "type": "custom",
            "custom": {
                "name": "g",
                "format": {
                    "type": "grammar",
                    "grammar": {"definition": "a+", "syntax": "regex"},
                },
            },
        },
    ],
    "tool_choice": "auto",
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "s", "schema": {"type": "array", "items": {"type": "number"}}},
    },
    "stop": ["\n", "END"],
    "n": 2,
    "max_completion_tokens": 40,
    "temperature": 0.5,
    "logit_bias": {"1": 2},
    "metadata": {"a": "b"},
    "moderation": {"model": "omni-moderation-latest", "policy": None},
    "prompt_cache_options": {"ttl": "1h", "mode": "auto"},
    "web_search_options": {
        "search_context_size": "low",
        "user_location": {"type": "approximate", "approximate": {"city": "Paris"}},
    },
    "stream": True,
    "stream_options": {"include_usage": True},
    "seed": 7,
}


@pytest.fixture(params=["strict", "lenient"])
def app(request: pytest.FixtureRequest) -> App:
    """Give an application that answers anything."""
    return app_of(validation=request.param)


@pytest.fixture(autouse=True)
def nothing_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Look into the log, where a defect of ours would be."""
    yield
    for when in ("setup", "call"):
        records = [each for each in caplog.get_records(when) if each.name.startswith("mockdock")]
        assert records == [], [each.getMessage() for each in records]


def check(answer: Answer) -> Answer:
    """Accept a completion, a list or a model, and errors in the provider's shape.

    What LangDB answers was checked by its own types.
    """
    assert answer.status < HANDLED, answer.body
    if answer.status == 200:
        if answer.dialect == "langdb":
            assert answer.checked() is not None
        elif answer.headers["content-type"].startswith("text/event-stream"):
            events = answer.events()
            assert events
            assert all(event["object"] == "chat.completion.chunk" for event in events)
        else:
            assert answer.json()["object"] in ("chat.completion", "list", "model")
        return answer
    assert answer.status >= 400
    if answer.dialect == "langdb":
        assert answer.checked()
        return answer
    body = answer.json()
    assert set(body) == {"error"}
    error = body["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    assert isinstance(error["message"], str)
    assert isinstance(error["type"], str)
    assert all(isinstance(error[name], str | None) for name in ("param", "code"))
    return answer


def chat(app: App, body: bytes) -> Answer:
    """Send a body to the chat operation and check the answer."""
    return check(ask(app, "POST", CHAT, body, JSON))


def with_(**fields: Any) -> bytes:
    """Write a small valid body with these fields."""
    small = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    return json.dumps({**small, **fields}).encode()


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["user", "tool", "function", "object", "string", "auto", "json_schema"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "role", "content", "name", "function", "$ref", "model"])
            | st.text(max_size=6),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Give every container of a JSON value with each of its keys or indices."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield value, key
            yield from places(inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield value, index
            yield from places(inner)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """Take a valid body and replace, drop, add or double something in a few places."""
    body = copy.deepcopy(VALID)
    body["stream"] = draw(st.booleans())
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(body))
        if not found:
            break
        container, key = draw(st.sampled_from(found))
        match draw(st.sampled_from(["replace", "replace", "drop", "add", "double"])):
            case "replace":
                container[key] = draw(anything)
            case "drop":
                del container[key]
            case "add" if isinstance(container, dict):
                container[draw(st.text(max_size=5))] = draw(anything)
            case _ if isinstance(container, list):
                container.insert(key, copy.deepcopy(container[key]))
    return body


def test_what_is_mutated_is_valid() -> None:
    """Else a mutation of it would only be refused for what is wrong already."""
    assert ask(app_of(), "POST", CHAT, json.dumps(VALID).encode(), JSON).status == 200


@fuzz
@given(body=st.binary(max_size=200))
def test_any_bytes(app: App, body: bytes) -> None:
    chat(app, body)


@fuzz
@given(body=anything)
def test_any_json(app: App, body: Any) -> None:
    chat(app, json.dumps(body).encode("utf-8", "surrogatepass"))


@settings(fuzz, max_examples=examples(250))
@given(body=mutated())
def test_any_change_to_a_valid_body(app: App, body: Any) -> None:
    chat(app, json.dumps(body).encode("utf-8", "surrogatepass"))


@fuzz
@given(data=st.data())
def test_any_bytes_inside_a_valid_body(app: App, data: st.DataObject) -> None:
    body = bytearray(json.dumps(VALID).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    chat(app, bytes(body))


segments = st.sampled_from(
    ["v1", "chat", "completions", "models", "gpt-4o", "threads", "cost", "..", "", "\n", "\0"]
)
letters = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@fuzz
@given(
    method=st.sampled_from(["GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"]),
    path=st.lists(segments | letters, max_size=6).map(lambda parts: "/" + "/".join(parts)),
    query=st.binary(max_size=30),
)
def test_any_path_and_method(app: App, method: str, path: str, query: bytes) -> None:
    answer = check(ask(app, method, path, with_(), JSON, query_string=query))
    if answer.status == 404 and "/models/" not in path:
        error = answer.json()["error"]
        message = error if answer.dialect == "langdb" else error["message"]
        assert json.dumps(path)[1:-1] in json.dumps(message)


NAMES = (
    "host authorization content-type content-length x-stainless-retry-count accept user-agent "
    "x-mockdock-session"
)


@fuzz
@given(
    headers=st.lists(
        st.tuples(
            st.sampled_from(NAMES.split()).map(str.encode),
            st.binary(max_size=20).map(lambda value: value.translate(None, b"\0\r\n")),
        ),
        max_size=6,
    ),
    auth=st.sampled_from(["any", "required"]),
    path=st.sampled_from([CHAT, "/v1/models", "/lost"]),
)
def test_any_header_values(headers: list[tuple[bytes, bytes]], auth: str, path: str) -> None:
    answer = check(ask(app_of(auth=auth), "POST", path, with_(), headers))
    for value in answer.headers.values():
        assert "\n" not in value
        assert "\r" not in value


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/a\nb",
        "/v1/models/\0",
        "/v1/chat/completions\n",
        "/v1/models/�",
        "/v1/models/" + "x" * 100_000,
        "/" + "é" * 50_000,
        "/v1/models/",
        "/v1",
        "",
        "*",
    ],
    ids=lambda path: repr(path[:24]),
)
def test_odd_paths(app: App, path: str) -> None:
    for method in ("GET", "POST"):
        check(ask(app, method, path, with_(), JSON))


RECURSIVE = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
NONSENSE: dict[str, Any] = {
    "refers to itself": RECURSIVE,
    "refers to nothing": {"$ref": "#/$defs/none"},
    "a circle of references": {
        "$ref": "#/$defs/a",
        "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
    },
    "refers to the web": {"$ref": "https://example.invalid/schema.json"},
    "wrong types": {"type": 5, "properties": [], "required": {"a": 1}, "enum": "x", "items": 3},
    "odd keywords": {"type": "object", "properties": {"a": None, "b": 3, "c": "x", "d": []}},
    "unknown type": {"type": "sunday"},
    "nothing allowed": {"type": "object", "properties": {"a": False}, "required": ["a"]},
    "impossible bounds": {"type": "array", "items": {}, "minItems": 10, "maxItems": 1},
    "endless": {"type": "array", "items": {"type": "string"}, "minItems": 10**9},
    "long": {"type": "string", "minLength": 10**9},
    "bounds of other types": {"type": "integer", "minimum": "1", "maximum": [], "multipleOf": 0},
    "huge numbers": {"type": "number", "minimum": 1e308, "multipleOf": 1e-308},
    "regex bomb": {"type": "string", "pattern": "^(a+)+$", "minLength": 30},
    "nested bomb": {"type": "string", "pattern": "((((a{1,99}){1,99}){1,99}){1,99})"},
    "broken regex": {"type": "string", "pattern": "(((["},
    "odd regex": {"type": "string", "pattern": "(?=a)(?<!b)\\p{L}\\1"},
    "allOf itself": {"allOf": [{"$ref": "#"}, {"anyOf": [{"$ref": "#"}]}]},
    "not": {"not": {}},
    "text with NUL": {"type": "string", "enum": ["\0", "￿"]},
}


@pytest.mark.parametrize("schema", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_schemas(app: App, schema: Any) -> None:
    wrapped = {"type": "object", "properties": {"x": schema}, "required": ["x"]}
    for each in (schema, wrapped):
        tool = {"type": "function", "function": {"name": "f", "parameters": each}}
        form = {"type": "json_schema", "json_schema": {"name": "s", "schema": each}}
        chat(app, with_(tools=[tool], tool_choice="required"))
        chat(app, with_(tools=[tool], tool_choice="none"))
        chat(app, with_(response_format=form))
        chat(app, with_(functions=[tool["function"]], function_call={"name": "f"}))


def _nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize("depth", [100, 300, 900, 10_000])
@pytest.mark.parametrize("where", ["argument", "message", "metadata", "tool", "format"])
def test_deep_nesting(app: App, depth: int, where: str) -> None:
    inner = _nested(depth)
    fields = {
        "argument": b'"deep":%b',
        "message": b'"messages":[{"role":"user","content":%b}]',
        "metadata": b'"metadata":%b',
        "tool": b'"tools":[{"type":"function","function":{"name":"f","parameters":%b}}]',
        "format": b'"response_format":{"type":"json_schema","json_schema":'
        b'{"name":"s","schema":%b}}',
    }
    chat(app, with_()[:-1] + b"," + fields[where] % inner + b"}")


@pytest.mark.parametrize("kind", ["properties", "items", "anyOf"])
def test_schemas_as_deep_as_json_may_be(app: App, kind: str) -> None:
    """What is nested here are schemas, each inside the other, not mere values."""
    before, after = {
        "properties": (b'{"type":"object","required":["a"],"properties":{"a":', b"}}"),
        "items": (b'{"type":"array","minItems":1,"items":', b"}"),
        "anyOf": (b'{"anyOf":[', b"]}"),
    }[kind]
    schema = before * 400 + b'{"type":"string"}' + after * 400
    tool = b'"tools":[{"type":"function","function":{"name":"f","parameters":%b}}]' % schema
    chat(app, with_(tool_choice="required")[:-1] + b"," + tool + b"}")
    form = b'"response_format":{"type":"json_schema","json_schema":{"name":"s","schema":%b}}'
    chat(app, with_()[:-1] + b"," + form % schema + b"}")


def _said(content: str) -> bytes:
    return with_(messages=[{"role": "user", "content": content}])


BODIES: dict[str, bytes] = {
    "array ten thousand deep": b"[" * 10_000 + b"]" * 10_000,
    "open brackets": b"[" * 100_000,
    "two megabytes of one letter": _said("a" * 2_000_000),
    "a million letters": _said("The quick brown fox. " * 50_000),
    "a million blanks": _said(" " * 1_000_000),
    "a million digits": with_()[:-1] + b',"seed":' + b"9" * 1_000_000 + b"}",
    "beyond 64 bits": with_(seed=2**64),
    "just 64 bits": with_(seed=2**63 - 1),
    "beyond floats": with_()[:-1] + b',"temperature":1e400}',
    "not a number": with_(temperature=float("nan")),
    "infinity": with_(temperature=float("inf")),
    "minus nothing": with_()[:-1] + b',"temperature":-0.0,"top_p":1e-400}',
    "lone surrogate": _said("\ud800"),
    "surrogates the wrong way": _said("\udc00\ud800"),
    "key with a surrogate": with_(**{"\ud800": 1}),
    "duplicate keys": with_()[:-1] + b',"model":"a","model":"b"}',
    "NUL in a text": _said("a\0b"),
    "NUL in a model": with_(model="a\0b"),
    "control characters": _said("".join(map(chr, range(32)))),
    "raw control character": b'{"model":"m","messages":[{"role":"user","content":"\x01"}]}',
    "byte order mark": b"\xef\xbb\xbf" + with_(),
    "UTF-16": with_().decode().encode("utf-16"),
    "trailing text": with_() + b"x",
    "two bodies": with_() * 2,
    "128 answers": with_(n=128),
    "no tools": with_(tools=[]),
    "a tool in Greek": with_(tools=[{"type": "function", "function": {"name": "εὕρηκα"}}]),
    "special tokens": _said("<|endoftext|><|im_start|>system<|fim_prefix|>"),
    "emoji": _said("👩‍👩‍👧‍👦" * 1000),
    "every key odd": with_(logit_bias={"": 1, "\n": 2, "a.b[0]": 3, "💥": -100}),
    "a stop of everything": with_(stop=["", " ", "e", "\n"]),
    "a thousand messages": with_(messages=[{"role": "user", "content": "Hi"}] * 1000),
    "twenty thousand wrong messages": with_(messages=[1] * 20_000),
    "named tool that is not there": with_(
        tools=[{"type": "function", "function": {"name": "f"}}],
        tool_choice={"type": "function", "function": {"name": "g"}},
    ),
    "a tool is demanded of nobody": with_(tool_choice="required"),
    "allowed tools of any shape": with_(
        tool_choice={
            "type": "allowed_tools",
            "allowed_tools": {"mode": "required", "tools": [{}, {"function": 5}, {"custom": {}}]},
        }
    ),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_nasty_bodies(app: App, body: bytes) -> None:
    chat(app, body)


IMAGES = [
    "data:image/png;base64,AAAA",
    "data:image/png;base64,iVBORw0KGgo=",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAAAAAAA",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUv////////////8=",
    "data:image/gif;base64,R0lGODlh",
    "data:image/jpeg;base64,/9j/4AAQ/////////w==",
    "data:image/webp;base64,UklGRgAAAABXRUJQVlA4WA==",
    "data:image/png;base64,not base64 at all!",
    "data:image/png;base64," + "A" * 100_001,
    "data:;base64,",
    "data:",
    "data:,%%%",
    "https://example.com/x.png",
    "https://example.invalid/x.png",
    "http://[::1/x.png",
    "file:///etc/passwd",
    "",
    "\0",
]


REFUSED_IMAGES = (
    "invalid_image_format",
    "invalid_image_url",
    "invalid_base64",
    "invalid_value",
)


@pytest.mark.parametrize("url", IMAGES, ids=lambda url: repr(url[:40]))
def test_garbage_images(app: App, url: str) -> None:
    for detail in ("auto", "low", "high"):
        for model in ("gpt-4o", "gpt-5-nano", "o4-mini"):
            part = {"type": "image_url", "image_url": {"url": url, "detail": detail}}
            messages = [{"role": "user", "content": [part]}]
            answer = chat(app, with_(model=model, messages=messages))
            assert answer.status == 200 or answer.json()["error"]["code"] in REFUSED_IMAGES


def test_a_value_that_is_wrong_in_many_ways_still_passes_leniently() -> None:
    """Lenient validation refuses only what is no JSON object."""
    app = app_of(validation="lenient")

    @fuzz
    @given(body=st.dictionaries(st.sampled_from(sorted(VALID)), anything))
    def every(body: Any) -> None:
        answer = ask(app, "POST", CHAT, json.dumps(body).encode("utf-8", "surrogatepass"), JSON)
        check(answer)
        if answer.status != 200:
            assert answer.json()["error"]["message"].startswith("We could not parse the JSON")

    every()


def test_the_log_is_watched(caplog: pytest.LogCaptureFixture) -> None:
    """The guard of this file can see what the application would log."""
    logging.getLogger("mockdock").error("seen")
    assert [each.name for each in caplog.get_records("call")] == ["mockdock"]
    caplog.clear()
