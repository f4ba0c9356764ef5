"""Token accounting, against recorded usage first of all."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.content import attachments, counting
from mockdock.content.attachments import count_audio, count_file, count_prompt_audio
from mockdock.content.counting import count_calls, count_reasoning
from mockdock.content.namespace import format_section, tool_namespace
from mockdock.content.tokens import Tokenizer, encoding_for, tokenizer
from mockdock.reply import Call, Piece
from mockdock.request import (
    AudioPart,
    FilePart,
    Message,
    Request,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)

O200K = tokenizer("o200k_base")
CL100K = tokenizer("cl100k_base")
MODERN, OF_2023 = "gpt-4o-mini-2024-07-18", "gpt-3.5-turbo-0613"


def count_prompt(request: Request, tokens: Tokenizer, model: str) -> int:
    return counting.count_prompt(request, tokens, model).tokens


def talk(*messages: Message, **more: Any) -> Request:
    return Request("openai", "chat", messages=messages, **more)


def say(role: Any, text: str, **more: Any) -> Message:
    return Message(role, (TextPart(text),), **more)


NUMBERS = {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}}
MULTIPLY = Tool("multiply", "Multiply two numbers.", {**NUMBERS, "required": ["a", "b"]})
LOCATION = {"type": "object", "properties": {"location": {"type": "string"}}}
AGENT = (
    say("developer", "A streaming agent with tools"),
    say("user", "What is 6 times 7?"),
    Message("assistant", tool_calls=(ToolCall("call_1", "multiply", '{"a":6, "b":7}'),)),
    say("tool", "42", tool_call_id="call_1"),
)
POET = (
    "You are a poetic assistant, skilled in explaining complex programming concepts "
    "with creative flair."
)
POEM = {
    "properties": {k: {"title": k.title(), "type": "string"} for k in ("poem", "style")},
    "required": ["poem", "style"],
    "title": "StructuredAnswer",
    "type": "object",
    "additionalProperties": False,
}
INVOICE = {
    "description": "Example model for structured output testing.",
    "properties": {
        "invoice_id": {
            "description": "Invoice identifier",
            "title": "Invoice Id",
            "type": "string",
        },
        "amount": {"description": "Invoice amount", "title": "Amount", "type": "number"},
        "customer_name": {
            "description": "Customer name",
            "title": "Customer Name",
            "type": "string",
        },
    },
    "required": ["invoice_id", "amount", "customer_name"],
    "title": "Invoice",
    "type": "object",
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("asked", "model", "tokens"),
    [
        (talk(*AGENT[:2], tools=(MULTIPLY,)), MODERN, 58),
        (talk(*AGENT, tools=(MULTIPLY,)), MODERN, 83),
        (
            talk(
                say("user", "What's the weather in Boston?"),
                tools=(Tool("get_weather", "Get the current weather", LOCATION),),
            ),
            "gpt-3.5-turbo-0125",
            50,
        ),
        (
            talk(
                say("system", POET),
                say(
                    "user", "Compose a poem that explains the concept of recursion in programming."
                ),
                response_format=ResponseFormat("json_schema", "StructuredAnswer", schema=POEM),
            ),
            "gpt-4o-2024-08-06",
            87,
        ),
        (
            talk(
                say("system", "Extract invoice information from the following text."),
                say("user", "Invoice #67890 for $299.99 to Jane Doe"),
                response_format=ResponseFormat("json_schema", "Invoice", schema=INVOICE),
            ),
            "gpt-4o-2024-08-06",
            113,
        ),
    ],
)
def test_more_recorded_prompts_are_reproduced(asked: Request, model: str, tokens: int) -> None:
    """Undescribed tools, tool results and formats beside a system message.

    Recorded by traceloop/openllmetry, like the pairs of the data set.
    """
    assert count_prompt(asked, tokenizer(encoding_for(model)), model) == tokens


NOTHING = Tool("do_stuff", None, {"type": "object", "properties": {}})


@pytest.mark.parametrize(
    ("asked", "tokens"),
    [
        (talk(say("user", "hello"), tools=(Tool("foo"),)), 31),
        (talk(say("user", "hello"), tools=(Tool("foo", "Do a foo"),)), 36),
        (
            talk(
                say("user", "hello"),
                tools=(
                    Tool(
                        "bing_bong",
                        "Do a bing bong",
                        {"type": "object", "properties": {"foo": {"type": "string"}}},
                    ),
                ),
            ),
            49,
        ),
        (talk(say("system", "Hello"), say("user", "Hi there"), tools=(NOTHING,)), 35),
        (talk(say("system", "Hello:"), say("user", "Hi there"), tools=(NOTHING,)), 35),
        (talk(say("user", "hello world"), say("function", "{}", name="do_stuff")), 15),
        (
            talk(
                Message(
                    "assistant",
                    tool_calls=(
                        ToolCall("", "do_stuff", '{"foo": "bar", "baz": 1.5}', kind="legacy"),
                    ),
                ),
            ),
            26,
        ),
    ],
)
def test_measured_prompts_of_2023_are_reproduced(asked: Request, tokens: int) -> None:
    """Numbers hmarr/openai-chat-tokens measured on gpt-3.5-turbo of that year."""
    assert count_prompt(asked, CL100K, OF_2023) == tokens


def test_name_costs_itself_and_one() -> None:
    asked = talk(say("user", "hello", name="alice"))
    assert count_prompt(asked, O200K, MODERN) == 8 + O200K.count("alice") + 1


def test_oldest_snapshot_counts_four_for_a_message_and_saves_one_on_a_name() -> None:
    """The cookbook's rule for gpt-3.5-turbo-0301."""
    asked = talk(say("user", "hello", name="alice"))
    assert count_prompt(asked, CL100K, "gpt-3.5-turbo-0301") == 9 + CL100K.count("alice") - 1


def test_gpt_5_counts_one_less() -> None:
    asked = talk(say("user", "Say hello"))
    assert count_prompt(asked, O200K, "openai/gpt-5-mini") == 8
    assert count_prompt(asked, O200K, MODERN) == 9


@pytest.mark.parametrize(
    ("choice", "more"),
    [
        (ToolChoice("auto"), 0),
        (ToolChoice("required"), 0),
        (ToolChoice("none"), 1),
        (ToolChoice("required", ("multiply",), forced=True), 5),
        (ToolChoice("auto", ("multiply",)), 0),
    ],
)
def test_tool_choice_costs_tokens(choice: ToolChoice, more: int) -> None:
    free = count_prompt(talk(*AGENT, tools=(MULTIPLY,)), O200K, MODERN)
    chosen = count_prompt(talk(*AGENT, tools=(MULTIPLY,), tool_choice=choice), O200K, MODERN)
    assert chosen - free == more


def test_tools_and_format_share_one_system_message() -> None:
    """The message made for tools is not made again for the format."""
    hello = say("user", "hello")
    wanted = ResponseFormat("json_schema", "Poem", schema=POEM)
    plain = count_prompt(talk(hello), O200K, MODERN)
    tools = count_prompt(talk(hello, tools=(MULTIPLY,)), O200K, MODERN)
    form = count_prompt(talk(hello, response_format=wanted), O200K, MODERN)
    both = count_prompt(talk(hello, tools=(MULTIPLY,), response_format=wanted), O200K, MODERN)
    assert both - plain == (tools - plain) + (form - plain) - 4


def test_other_formats_and_several_choices_cost_nothing() -> None:
    wanted = ResponseFormat("json_object")
    assert count_prompt(talk(say("user", "hello"), response_format=wanted), O200K, MODERN) == 8
    assert count_prompt(talk(say("user", "hello"), n=5), O200K, MODERN) == 8


def test_tool_result_without_a_known_call_has_no_name() -> None:
    asked = talk(say("tool", "42", tool_call_id="nowhere"))
    assert count_prompt(asked, O200K, MODERN) == 3 + 3 + 1 + 1 - 1


def test_system_message_without_text_takes_the_sections_too() -> None:
    asked = talk(Message("system"), say("user", "hello"), tools=(MULTIPLY,))
    assert count_prompt(asked, O200K, MODERN) > count_prompt(talk(*AGENT[1:2]), O200K, MODERN)


@given(st.lists(st.text(max_size=40), max_size=6))
def test_messages_add_up(texts: list[str]) -> None:
    """Without tools, a prompt costs what its messages cost, and the priming once."""
    messages = [say("user", text) for text in texts]
    apart = sum(count_prompt(talk(m), O200K, MODERN) - 3 for m in messages)
    assert count_prompt(talk(*messages), O200K, MODERN) == apart + 3


@given(st.lists(st.text(max_size=40), max_size=6))
def test_parts_add_up(texts: list[str]) -> None:
    """Parts of one message are counted one by one."""
    asked = talk(Message("user", tuple(map(TextPart, texts))))
    assert count_prompt(asked, O200K, MODERN) == 7 + sum(map(O200K.count, texts))


def test_tools_are_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same tools in a later request are found again, whoever parsed them."""
    rendered: list[int] = []

    def spy(tools: tuple[Tool, ...], *, inline: bool) -> str:
        rendered.append(len(tools))
        return tool_namespace(tools, inline=inline)

    monkeypatch.setattr(counting, "tool_namespace", spy)
    for _ in range(3):
        tool = Tool("seen_once", "Only here", json.loads(json.dumps(LOCATION)))
        count_prompt(talk(say("user", "hello"), tools=(tool,)), O200K, MODERN)
    assert rendered == [1]


def test_endlessly_deep_schema_counts_nothing() -> None:
    """What no JSON writer can write does not break the count."""
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"type": "array", "items": deep}
    tools = (Tool("deep", None, {"type": "object", "properties": {"a": deep}}),)
    wanted = ResponseFormat("json_schema", "deep", schema=deep)
    asked = talk(say("user", "hello"), tools=tools, response_format=wanted)
    assert count_prompt(asked, O200K, MODERN) == 8 + 5 + 4 + 4


def test_schema_as_deep_as_json_allows_is_counted() -> None:
    deep: dict[str, Any] = {}
    for _ in range(120):
        deep = {"type": "object", "properties": {"a": deep}}
    wanted = ResponseFormat("json_schema", "deep", schema=deep)
    asked = talk(say("user", "hello"), tools=(Tool("d", None, deep),), response_format=wanted)
    assert count_prompt(asked, O200K, MODERN) > 120


def test_no_calls_cost_nothing() -> None:
    assert count_calls((), O200K, MODERN) == 0
    assert count_reasoning(0, "gpt-5") == 0
    assert count_reasoning(64, "o3-mini") == 64


def test_parallel_calls_cost_as_the_wrapper() -> None:
    """47 tokens were recorded for these two calls on gpt-4.1-nano."""
    pieces = (Piece('{"location": "San ', 4), Piece('Francisco"}', 3))
    calls = (Call("1", "get_weather", pieces), Call("2", "get_news", pieces))
    assert count_calls(calls, O200K, "gpt-4.1-nano-2025-04-14") == 47


def test_arguments_that_are_not_json_count_as_they_are() -> None:
    broken = ToolCall("1", "run", "{not json")
    custom = ToolCall("2", "run", "[1, 2]", kind="custom")
    assert counting._compact(broken) == "{not json"
    assert counting._compact(custom) == "[1, 2]"
    assert counting._compact(ToolCall("3", "run", "[1, 2]")) == "[1,2]"


def test_namespace_is_typescript() -> None:
    """Every JSON Schema word that has a TypeScript one gets it."""
    schema: dict[str, Any] = {
        "type": "object",
        "required": ["kind", 5],
        "$defs": {
            "Point": {"type": "object", "properties": {"x": {"type": "number"}}},
            "Tree": {
                "type": "object",
                "properties": {"next": {"$ref": "#/$defs/Tree"}},
            },
        },
        "properties": {
            "kind": {"enum": ["a", 1, None], "description": "What kind"},
            "one": {"const": "x"},
            "list": {"type": "array", "items": {"type": "integer"}},
            "bag": {"type": "array"},
            "maybe": {"type": ["string", "null"]},
            "either": {"anyOf": [{"type": "boolean"}, {"type": "object"}]},
            "from": {"$ref": "#/$defs/Point"},
            "to": {"$ref": "#/$defs/Point"},
            "tree": {"$ref": "#/$defs/Tree"},
            "lost": {"$ref": "#/$defs/Lost/Found"},
            "inner": {
                "type": "object",
                "properties": {"deep": {"type": "string", "description": "Deep"}},
            },
            "free": {},
            "odd": True,
        },
    }
    tools = (Tool("go", "Go.\nThere.", schema), Tool("raw", kind="custom"), Tool("bare"))
    assert tool_namespace(tools).splitlines() == [
        "namespace functions {",
        "",
        "// Go.",
        "There.",
        "type go = (_: {",
        "// What kind",
        'kind: "a" | 1 | null,',
        'one?: "x",',
        "list?: number[],",
        "bag?: any[],",
        "maybe?: string | null,",
        "either?: boolean | object,",
        "from?: { x?: number },",
        "to?: Point,",
        "tree?: { next?: Tree },",
        "lost?: Found,",
        "inner?: {",
        "  // Deep",
        "  deep?: string,",
        "},",
        "free?: any,",
        "odd?: any,",
        "}) => any;",
        "",
        "type raw = (FREEFORM) => any;",
        "",
        "type bare = () => any;",
        "",
        "} // namespace functions",
    ]


def test_described_member_of_a_union_breaks_the_line() -> None:
    """An object stands on one line only when nothing in it is described."""
    union = {"oneOf": [{"type": "string"}, {"type": "number", "description": "n"}]}
    tool = Tool("go", None, {"properties": {"a": union}})
    assert "(_: {\na?: string | number,\n})" in tool_namespace((tool,))
    assert "(_: {\na?: string,\n})" in tool_namespace(
        (Tool("go", None, {"properties": {"a": {"type": "string"}}}),), inline=False
    )


def test_format_section_shows_the_schema() -> None:
    """Names stay even when they look like keywords; the root description moves up."""
    schema = {
        "$schema": "x",
        "description": "About.",
        "type": "object",
        "properties": {"required": {"anyOf": [{"required": ["a"], "type": "string"}]}},
        "required": ["required"],
        "additionalProperties": False,
    }
    shown = '"type":"object","properties":{"required":{"anyOf":[{"type":"string"}]}}}'
    root = ResponseFormat("json_schema", "F", schema=schema)
    assert format_section(root) == f"# Response Formats\n\n## F\n\n// About.\n{{{shown}"
    own = ResponseFormat("json_schema", "F", "Own.", schema)
    assert format_section(own).endswith(f'// Own.\n{{"description":"About.",{shown}')
    assert format_section(ResponseFormat("json_schema")).endswith("## \n\n{}")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["object", "array", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "items", "anyOf", "enum", "$ref", "required", "description"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(json_values)
def test_any_schema_can_be_counted(value: Any) -> None:
    """No odd schema breaks the count, valid or not."""
    schema = {"type": "object", "properties": {"a": value}, "items": value}
    wanted = ResponseFormat("json_schema", "x", schema=schema)
    asked = talk(tools=(Tool("t", None, schema),), response_format=wanted)
    assert count_prompt(asked, O200K, MODERN) > 0


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def wav(rate: int, size: int) -> str:
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate // 2, rate, 2, 16)
    head = b"RIFF\0\0\0\0WAVE" + fmt + b"data\0\0\0\0"
    return b64(head + b"\0" * (size - len(head)))


@pytest.mark.parametrize(
    ("data", "container", "tokens"),
    [
        (wav(32_000, 64_000), "wav", 20),
        (wav(32_000, 64_001), "wav", 30),
        (wav(0, 48_000), "wav", 10),
        (b64(b"\0" * 48_000), "wav", 10),
        ("*" * 64_000, "wav", 10),
        (b64(b"\0" * 32_000), "mp3", 20),
        ("", "mp3", 0),
    ],
)
def test_audio_costs_ten_tokens_a_second(data: str, container: str, tokens: int) -> None:
    """The length comes from the wav header where there is one, else from a usual rate."""
    assert count_audio(AudioPart(data, container)) == tokens


def test_audio_of_a_prompt_is_part_of_it() -> None:
    audio = AudioPart(wav(32_000, 64_000), "wav")
    asked = talk(Message("user", (TextPart("hello"), audio, audio)), say("user", "hello"))
    assert count_prompt_audio(asked) == 40
    assert count_prompt(asked, O200K, MODERN) == 3 + 5 + 40 + 5


@pytest.mark.parametrize(
    ("file", "tokens"),
    [
        (FilePart(file_id="file-1"), 1_500),
        (FilePart(data=b64(b"%PDF-1.7" + b"\0" * 70_000)), 3_000),
        (FilePart(data=f"data:application/pdf;base64,{b64(b'%PDF-1.7')}"), 1_500),
        (FilePart(data=b64(b"some text")), 3),
        (FilePart(filename="hello", data=b64(b"some")), 2),
    ],
)
def test_file_costs_its_pages_or_its_text(file: FilePart, tokens: int) -> None:
    """An estimate that is steady and grows with the file."""
    assert count_file(file, O200K) == tokens
    asked = talk(Message("user", (file,)))
    assert count_prompt(asked, O200K, MODERN) == 7 + tokens


def test_estimates_need_a_tokenizer_only_for_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file is never encoded."""
    counted: list[str] = []

    def spy(_: Tokenizer, text: str) -> int:
        counted.append(text)
        return 1

    monkeypatch.setattr(Tokenizer, "count", spy)
    attachments.count_file(FilePart(filename="a.txt", data=b64(b"x" * 100_000)), O200K)
    assert counted == ["a.txt"]
