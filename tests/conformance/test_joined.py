"""The joined stream of every dialect says what its plain answer says."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock import resources
from mockdock.app import App
from mockdock.delivery import ManualClock
from mockdock.scenario import placeholders
from tests.conformance.adapters import ADAPTERS, Adapter
from tests.conformance.asgi import app_of, post
from tests.conformance.joining import without_ids
from tests.effort import examples

# Where a stream tells no usage there is none to compare: see the golden files.
TELLING = [each for each in ADAPTERS if each.counts]
each_dialect = pytest.mark.parametrize("adapter", TELLING, ids=lambda adapter: adapter.name)
FIRST, *OTHERS = TELLING


def through(names: str, *axes: Iterable[Any], few: int = 1) -> pytest.MarkDecorator:
    """Lead the first dialect through every combination, the others through the first few.

    What varies here is the engine's doing, and the same whichever dialect tells it.
    """
    rows = [*product(*axes)]
    led = [*product([FIRST], rows), *product(OTHERS, rows[:few])]
    return pytest.mark.parametrize(
        f"adapter,{names}",
        [
            pytest.param(adapter, *row, id="-".join([adapter.name, *map(_named, row)]))
            for adapter, row in led
        ],
    )


def _named(value: Any) -> str:
    return str(value)[:40]


MODELS = ["gpt-3.5-turbo", "gpt-4o", "gpt-5-nano"]
CHUNKS = ["token", "word", 1, 5, 64]
CANNED = ["markdown", "refusal", "weather-call"]
KINDS = ["lorem", "echo", "schema", "faker"]

HI = {"role": "user", "content": "What is the weather in Łódź 🌧? It costs $5 or ${7}. As JSON!"}
SYSTEM = {"role": "system", "content": "Be brief."}
RESULT = [
    HI,
    {
        "role": "assistant",
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city":"Łódź"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": '{"sky": "rain", "degrees": 7}'},
]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
        "unit": {"enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city", "days", "unit"],
    "additionalProperties": False,
}
FUNCTION = {"name": "get_weather", "description": "tells the weather", "parameters": SCHEMA}
TOOLS = [{"type": "function", "function": FUNCTION}]
CUSTOM = [{"type": "custom", "custom": {"name": "run", "description": "tells anything"}}]
JSON_OBJECT = {"type": "json_object"}
JSON_SCHEMA = {"type": "json_schema", "json_schema": {"name": "weather", "schema": SCHEMA}}


def both(
    first: App, second: App, adapter: Adapter, body: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ask one application plainly, the other for a stream; each request is a first attempt."""
    headers = {"x-stainless-retry-count": "0", "x-mood": "good"}
    body = {"model": "gpt-4o", "messages": [HI], **body}
    streamed = {**body, "stream": True, "stream_options": {"include_usage": True}}
    answers = (
        post(first, adapter.chat, body, headers),
        post(second, adapter.chat, streamed, headers),
    )
    assert [answer.status for answer in answers] == [200, 200], [each.body for each in answers]
    told, together = adapter.plain(answers[0].checked()), adapter.joined(answers[1].events())
    if adapter.omits:
        for choice in (*told["choices"], *together["choices"]):
            _forget_empty(choice)
    return told, together


def _forget_empty(choice: dict[str, Any]) -> None:
    """Take text that is empty for none: where it was filtered, a plain answer tells neither."""
    if choice["finish_reason"] == "content_filter":
        for name in ("content", "refusal"):
            choice["message"][name] = choice["message"].get(name) or None


def agree(adapter: Adapter, scenario: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Check that plain answer and stream agree, and give what they say.

    Of two fresh servers also in their ids; of one server in all but these,
    for there they are answers to two requests.
    """

    def fresh() -> App:
        given = dict(scenario)
        rules = [{"reply": given.pop("reply")}] if "reply" in given else []
        return app_of(*rules, clock=ManualClock(), **given)

    told, together = both(fresh(), fresh(), adapter, body)
    assert together == told
    one = fresh()
    told_later, together_later = both(one, one, adapter, body)
    assert without_ids(together_later) == without_ids(told_later) == without_ids(told)
    assert together_later["id"] != told_later["id"]
    usage = told["usage"]
    assert len(told["choices"]) == body.get("n", 1)
    assert usage["completion_tokens_details"]["reasoning_tokens"] <= usage["completion_tokens"]
    return told


AUTO: dict[str, tuple[dict[str, Any], str]] = {
    "text": ({}, "content"),
    "function": ({"tools": TOOLS}, "tool_calls"),
    "forced function": (
        {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
        "tool_calls",
    ),
    "custom": ({"tools": CUSTOM}, "tool_calls"),
    "forced custom": (
        {"tools": CUSTOM, "tool_choice": {"type": "custom", "custom": {"name": "run"}}},
        "tool_calls",
    ),
    "legacy": ({"functions": [FUNCTION]}, "function_call"),
    "forced legacy": (
        {"functions": [FUNCTION], "function_call": {"name": "get_weather"}},
        "function_call",
    ),
    "no tool wanted": ({"tools": TOOLS, "tool_choice": "none"}, "content"),
    "tool result": ({"tools": TOOLS, "messages": RESULT}, "content"),
    "tool demanded again": (
        {"tools": TOOLS, "messages": RESULT, "tool_choice": "required"},
        "tool_calls",
    ),
    "json object": ({"response_format": JSON_OBJECT}, "content"),
    "json schema": ({"response_format": JSON_SCHEMA}, "content"),
}


@through("cut,name", [{}, {"n": 3}, {"max_tokens": 6}], AUTO, few=len(AUTO))
def test_made_up_answers(adapter: Adapter, cut: dict[str, Any], name: str) -> None:
    body, field = AUTO[name]
    if adapter.taken(body) != body:
        with pytest.raises(AssertionError, match="custom"):
            agree(adapter, {}, body)
        return
    told = agree(adapter, {}, {**body, **cut})
    if "max_tokens" not in cut:
        assert all(choice["message"][field] for choice in told["choices"])


@through("kind,tokens,chunk", KINDS, [None, 1, 25], CHUNKS)
def test_generated_texts(adapter: Adapter, kind: str, tokens: int | None, chunk: Any) -> None:
    generate = {"kind": kind} if tokens is None else {"kind": kind, "tokens": tokens}
    scenario = {"reply": {"generate": generate}, "pacing": {"chunk": chunk}}
    told = agree(adapter, scenario, {"n": 2, "response_format": JSON_SCHEMA})
    if tokens is not None and kind != "schema":
        assert told["usage"]["completion_tokens"] == 2 * tokens


@through("chunk,name", CHUNKS, CANNED, few=len(CANNED))
def test_canned_completions(adapter: Adapter, chunk: Any, name: str) -> None:
    """As they are in the file, whatever a chunk holds: texts, calls, refusals and usage."""
    file = f"openai/canned/{name}.json"
    told = agree(adapter, {"reply": {"file": file}, "pacing": {"chunk": chunk}}, {})
    completion = json.loads((resources.fixtures() / file).read_text())
    canned = adapter.plain({**completion, **adapter.of(completion)})
    cost = {name: value for name, value in told["usage"].items() if name == "cost"}
    assert (told["choices"], told["usage"]) == (canned["choices"], canned["usage"] | cost)


@through(
    "otherwise,stop",
    ["auto", "echo", "lorem", {"json": {"a": "${user}"}}],
    ["e", ["weather", "$"], [" ", "\n", "🌧", "a"]],
)
def test_stop_strings(adapter: Adapter, otherwise: Any, stop: Any) -> None:
    told = agree(adapter, {"otherwise": otherwise}, {"stop": stop, "n": 2})
    stops = [stop] if isinstance(stop, str) else stop
    for choice in told["choices"]:
        assert not any(each in choice["message"]["content"] for each in stops)


@through(
    "limit,reasoning,more",
    [{"max_completion_tokens": 50}, {}],
    [200, 0, 1, "Let me think about ${user}."],
    [{}, {"text": "42"}, {"refusal": "No."}, {"finish": "length"}],
)
def test_hidden_reasoning(
    adapter: Adapter, limit: dict[str, Any], reasoning: Any, more: dict[str, Any]
) -> None:
    body = {"model": "gpt-5-nano", **limit}
    told = agree(adapter, {"reply": {"reasoning": reasoning, **more}}, body)
    hidden = told["usage"]["completion_tokens_details"]["reasoning_tokens"]
    assert bool(hidden) == bool(reasoning)
    if limit and reasoning == 200:
        assert told["choices"][0]["finish_reason"] == "length"
        assert told["choices"][0]["message"]["content"] in ("", None)


@each_dialect
def test_placeholders_are_filled_the_same(adapter: Adapter) -> None:
    """Dollar signs that are none stay; a literal opening is written with two."""
    text = "$ $$ $5 {user} $${user} ${user} ${headers.x-mood} ${body.metadata.k} ${attempt}"
    body = {"messages": [{"role": "user", "content": "Hi"}], "metadata": {"k": "v"}}
    told = agree(adapter, {"reply": text}, body)
    assert told["choices"][0]["message"]["content"] == "$ $$ $5 {user} ${user} Hi good v 1"


@through("chunk,top,key", CHUNKS, [3, 0, 20], ["text", "refusal"], few=2)
def test_log_probabilities(adapter: Adapter, chunk: Any, top: int, key: str) -> None:
    """Of each token, also of those that split a character, in whatever chunks."""
    text = "naïve 👩‍👩‍👧‍👦 日本語 🫨!"
    reply = {key: text, "logprobs": {"mean": -2, "spread": 1}}
    body = {"logprobs": True, "top_logprobs": top, "n": 2}
    told = agree(adapter, {"reply": reply, "pacing": {"chunk": chunk}}, body)
    for choice in told["choices"]:
        field = "content" if key == "text" or adapter.one_text else "refusal"
        entries = choice["logprobs"][field]
        assert b"".join(bytes(entry["bytes"]) for entry in entries) == text.encode()
        assert {len(entry["top_logprobs"]) for entry in entries} == {top}


@through("limit,chunk", [{}, {"max_tokens": 4}], CHUNKS)
def test_spoken_answers(adapter: Adapter, limit: dict[str, Any], chunk: Any) -> None:
    """Streams of sound join to the file of the plain answer, its words to the transcript."""
    body = {
        "model": "gpt-4o-audio-preview",
        "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "pcm16"},
        "n": 2,
        **limit,
    }
    told = agree(adapter, {"otherwise": "lorem", "pacing": {"chunk": chunk}}, body)
    for choice in told["choices"]:
        message = choice["message"]
        if adapter.one_text:
            assert message["content"]
        else:
            assert message["content"] is None
            assert message["audio"]["transcript"]
    assert told["usage"]["completion_tokens_details"]["audio_tokens"] > 0


@each_dialect
@pytest.mark.parametrize("answer", [{"text": "one two"}, {"generate": {"kind": "faker"}}])
def test_predictions(adapter: Adapter, answer: dict[str, Any]) -> None:
    prediction = {"type": "content", "content": "one two three"}
    usage = agree(adapter, {"reply": answer}, {"prediction": prediction})["usage"]
    details = usage["completion_tokens_details"]
    assert details["accepted_prediction_tokens"] + details["rejected_prediction_tokens"] == 3


@each_dialect
@pytest.mark.parametrize("bias", [-100, 100])
def test_biased_answers(adapter: Adapter, bias: int) -> None:
    """Token 13 of o200k_base is the full stop, which ends every generated sentence."""
    body = {"logit_bias": {"13": bias}, "max_tokens": 8, "n": 2}
    for choice in agree(adapter, {"otherwise": "lorem"}, body)["choices"]:
        content = choice["message"]["content"]
        assert (content == "." * 8) if bias > 0 else ("." not in content)


# --- any of them together ---------------------------------------------------------------------


NAMES = (
    "${user} ${system} ${model} ${turn} ${attempt} ${headers.x-mood} ${headers.none} ${tool.name} "
    "${tool.result} ${tool.result.sky} ${tool.args.city} ${body.metadata.k} "
    "${body.messages.0.content} ${body.none} $${user} $${ $ $$ { }"
)
letters = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
texts = (
    st.lists(letters | st.sampled_from(NAMES.split()), max_size=5)
    .map("".join)
    .filter(lambda text: not any(placeholders.check(text)))
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(letters, inner, max_size=3),
    max_leaves=6,
)
calls = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["get_weather", "run", "unknown"])},
        optional={
            "arguments": texts | st.dictionaries(letters, values, max_size=3),
            "id": st.sampled_from(["call_mine", "x"]),
        },
    ),
    min_size=1,
    max_size=3,
)
contents = st.one_of(
    st.fixed_dictionaries({"text": texts}),
    st.fixed_dictionaries({"json": values}),
    st.fixed_dictionaries(
        {
            "generate": st.fixed_dictionaries(
                {"kind": st.sampled_from(KINDS)}, optional={"tokens": st.integers(1, 40)}
            )
        }
    ),
)
hidden = st.fixed_dictionaries({}, optional={"reasoning": st.integers(0, 60) | letters})
finishes = st.fixed_dictionaries(
    {}, optional={"finish": st.sampled_from(["stop", "length", "content_filter"])}
)


def merged(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Put dictionaries together."""
    return st.tuples(*parts).map(lambda several: {k: v for one in several for k, v in one.items()})


parts = merged(
    st.one_of(
        contents,
        st.fixed_dictionaries({"refusal": texts}),
        st.fixed_dictionaries({"tool_calls": calls}),
        merged(contents, st.fixed_dictionaries({"tool_calls": calls})),
    ),
    hidden,
    finishes,
)
replies = st.one_of(
    parts,
    st.fixed_dictionaries({"choices": st.lists(parts, min_size=1, max_size=3)}),
    st.sampled_from([{"file": f"openai/canned/{name}.json"} for name in CANNED]),
    merged(
        parts,
        st.fixed_dictionaries(
            {"usage": st.fixed_dictionaries({}, optional={"cached_tokens": st.integers(0, 9)})}
        ),
    ),
)
scenarios = merged(
    st.one_of(
        st.fixed_dictionaries({"reply": replies}),
        st.fixed_dictionaries({"otherwise": st.sampled_from(["auto", "echo", "lorem"])}),
        st.fixed_dictionaries({"otherwise": parts}),
    ),
    st.fixed_dictionaries({"pacing": st.fixed_dictionaries({"chunk": st.sampled_from(CHUNKS)})}),
)


def accepted(body: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a model of its kind refuses, and new calls beside the old form."""
    refused = {
        "gpt-5-nano": {"stop", "max_tokens"},
        "gpt-3.5-turbo": {"response_format"},
    }.get(body["model"], set())
    messages = {"messages": [HI]} if "functions" in body else {}
    return {name: value for name, value in (body | messages).items() if name not in refused}


bodies = merged(
    st.fixed_dictionaries(
        {
            "model": st.sampled_from(MODELS),
            "messages": st.sampled_from([[HI], [SYSTEM, HI], RESULT]),
            "n": st.integers(1, 3),
        },
        optional={
            "stop": st.sampled_from(["a", "e", " ", "\n", "$", ["x", "{", '"']]),
            "seed": st.integers(0, 3),
            "metadata": st.just({"k": "v"}),
            "service_tier": st.sampled_from(["auto", "flex", "priority"]),
            "response_format": st.sampled_from([JSON_OBJECT, JSON_SCHEMA]),
        },
    ),
    st.one_of(
        st.just({}),
        st.fixed_dictionaries({"max_tokens": st.integers(1, 40)}),
        st.fixed_dictionaries({"max_completion_tokens": st.integers(1, 40)}),
    ),
    st.sampled_from(
        [
            {},
            *({name: AUTO[case][0][name] for name in AUTO[case][0]} for case in AUTO),
            {"tools": [*TOOLS, *CUSTOM]},
        ]
    ).map(lambda case: {name: case[name] for name in case if name != "messages"}),
).map(accepted)


@settings(max_examples=examples(300), deadline=None)
@given(scenario=scenarios, body=bodies)
def test_any_answer_to_any_request(scenario: dict[str, Any], body: dict[str, Any]) -> None:
    """Content, refusals, calls, finish reasons, usage and what names the model; also when cut."""
    agree(FIRST, scenario, body)


@pytest.mark.parametrize("adapter", OTHERS, ids=lambda adapter: adapter.name)
@settings(max_examples=examples(30), deadline=None)
@given(scenario=scenarios, body=bodies)
def test_some_answers_of_the_other_dialects(
    adapter: Adapter, scenario: dict[str, Any], body: dict[str, Any]
) -> None:
    """Fewer: that any answer joins was shown above, this is about how it is told."""
    agree(adapter, scenario, adapter.taken(body))
