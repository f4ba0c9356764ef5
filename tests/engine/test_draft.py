"""What an answer wants to say: scripted, made up, or found sensible."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from mockdock.content.tokens import tokenizer
from mockdock.engine import Engine
from mockdock.reply import Completion
from mockdock.request import (
    Caller,
    Message,
    Request,
    ResponseFormat,
    Tool,
    ToolCall,
    ToolChoice,
    Verbosity,
)
from tests.engine.helpers import after_tool, ask, completion, engine, only, say, scenario, tools

TOKENS = tokenizer("o200k_base")
COUNT, ENCODE = TOKENS.count, TOKENS.encode
VERBOSITIES: tuple[Verbosity, ...] = ("low", "medium", "high")
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
JSON_SCHEMA = ResponseFormat("json_schema", "weather", schema=WEATHER, strict=True)


def auto(request: Request) -> Completion:
    return completion(engine(), request)


def said(reply: Any, request: Request | None = None) -> str | None:
    return only(completion(engine(reply), request or ask())).text


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("Hi!", "Hi!"),
        ({"text": "Hi!"}, "Hi!"),
        ({"text": ""}, ""),
        ({"json": {"b": 1, "a": ["é", None]}}, '{"b":1,"a":["é",null]}'),
        ({"json": None}, "null"),
        ({"json": "word"}, '"word"'),
        ({"generate": {"kind": "echo"}}, "Hello"),
    ],
)
def test_scripted_texts(reply: Any, text: str) -> None:
    made = only(completion(engine(reply), ask()))
    assert made.text == text
    assert (made.refusal, made.calls, made.finish) == (None, (), "stop")


def test_a_refusal_has_no_content() -> None:
    made = only(completion(engine({"refusal": "I cannot."}), ask()))
    assert (made.content, made.refusal_text, made.finish) == (None, "I cannot.", "stop")


def test_tool_calls_are_as_scripted_with_ids_of_their_own() -> None:
    reply = {
        "tool_calls": [
            {"name": "a", "arguments": {"x": 1}},
            {"name": "b", "arguments": "not json", "id": "call_mine"},
            {"name": "c"},
        ]
    }
    made = only(completion(engine(reply), ask()))
    calls = made.calls
    assert (made.content, made.finish) == (None, "tool_calls")
    assert [(call.name, call.arguments, call.kind) for call in calls] == [
        ("a", '{"x":1}', "function"),
        ("b", "not json", "function"),
        ("c", "{}", "function"),
    ]
    assert calls[1].id == "call_mine"
    for call in (calls[0], calls[2]):
        assert call.id.startswith("call_")
        assert len(call.id) == 29
    assert calls[0].id != calls[2].id


def test_text_and_tool_calls_may_come_together() -> None:
    made = only(completion(engine({"text": "Wait.", "tool_calls": [{"name": "a"}]}), ask()))
    assert (made.text, len(made.calls), made.finish) == ("Wait.", 1, "tool_calls")


def test_a_custom_tool_is_called_as_such() -> None:
    request = ask(tools=tools("run", kind="custom"))
    call = {"name": "run", "arguments": "print(1)"}
    (made,) = only(completion(engine({"tool_calls": [call]}), request)).calls
    assert (made.kind, made.arguments) == ("custom", "print(1)")


def test_a_legacy_function_is_called_once_whatever_is_scripted() -> None:
    """The old form has one ``function_call``: a second one could only be lost on the way."""
    request = ask(tools=tools("a", "b", kind="legacy"))
    made = only(completion(engine({"tool_calls": [{"name": "a"}, {"name": "b"}]}), request))
    assert [(call.name, call.kind) for call in made.calls] == [("a", "legacy")]
    assert made.finish == "function_call"


@pytest.mark.parametrize(
    "choice", [ToolChoice("required", ("a",), forced=True), ToolChoice("required", ("a",))]
)
def test_a_tool_forced_by_name_ends_with_stop(choice: ToolChoice) -> None:
    request = ask(tools=tools("a"), tool_choice=choice)
    finish = "stop" if choice.forced else "tool_calls"
    assert only(completion(engine({"tool_calls": [{"name": "a"}]}), request)).finish == finish


def test_a_scripted_finish_wins() -> None:
    reply = {"text": "x", "finish": "content_filter"}
    assert only(completion(engine(reply), ask())).finish == "content_filter"


@pytest.mark.parametrize(("reasoning", "tokens"), [(64, 64), ("Let me think.", 4), (0, 0)])
def test_reasoning_is_hidden_but_counted(reasoning: int | str, tokens: int) -> None:
    made = completion(engine({"text": "Yes", "reasoning": reasoning}), ask(model="o3"))
    assert only(made).text == "Yes"
    assert made.usage.reasoning_tokens == tokens
    assert made.usage.completion_tokens == tokens + 1


def test_reasoning_alone_leaves_the_answer_to_auto() -> None:
    request = ask(response_format=JSON_SCHEMA)
    made = completion(engine({"reasoning": 30, "finish": "content_filter"}), request)
    jsonschema.validate(json.loads(only(made).text or ""), WEATHER)
    assert made.usage.reasoning_tokens == 30
    assert only(made).finish == "content_filter"


def test_n_answers_repeat_the_scripted_choices() -> None:
    reply = {"choices": ["a", {"refusal": "b"}, {"text": "c", "finish": "length"}]}
    made = completion(engine(reply), ask(n=4)).choices
    assert [choice.index for choice in made] == [0, 1, 2, 3]
    assert [choice.text or choice.refusal_text for choice in made] == ["a", "b", "c", "a"]
    assert [choice.finish for choice in made] == ["stop", "stop", "length", "stop"]


def test_n_answers_of_one_text_are_alike_and_made_up_ones_differ() -> None:
    same = completion(engine("Hi"), ask(n=3)).choices
    assert [choice.text for choice in same] == ["Hi"] * 3
    assert len({choice.text for choice in auto(ask(n=3)).choices}) == 3
    assert len(auto(ask(n=3)).choices) == 3


def test_n_answers_that_call_a_tool_have_ids_of_their_own() -> None:
    made = completion(engine({"tool_calls": [{"name": "a"}]}), ask(n=3)).choices
    assert len({call.id for choice in made for call in choice.calls}) == 3


@pytest.mark.parametrize("kind", ["lorem", "faker", "echo"])
@pytest.mark.parametrize("tokens", [1, 7, 50, 333])
def test_made_up_texts_have_exactly_the_tokens_asked(kind: str, tokens: int) -> None:
    made = completion(engine({"generate": {"kind": kind, "tokens": tokens}}), ask("so it is"))
    assert made.usage.completion_tokens == tokens
    assert sum(piece.tokens for piece in only(made).content or ()) == tokens
    assert only(made).finish == "stop"


@pytest.mark.parametrize("kind", ["lorem", "faker"])
def test_made_up_texts_are_sentences(kind: str) -> None:
    text = said({"generate": {"kind": kind}}) or ""
    assert text.endswith(".")
    assert 15 <= COUNT(text) <= 80


@pytest.mark.parametrize("length", [{}, {"tokens": 3}])
def test_a_made_up_schema_is_whole_whatever_length_is_asked(length: dict[str, int]) -> None:
    """Half of a JSON text would not be JSON."""
    text = said({"generate": {"kind": "schema", **length}}, ask(response_format=JSON_SCHEMA))
    jsonschema.validate(json.loads(text or ""), WEATHER)


def test_a_made_up_schema_without_a_schema_is_an_object() -> None:
    assert isinstance(json.loads(said({"generate": {"kind": "schema"}}) or ""), dict)


@pytest.mark.parametrize("word", ["echo", "lorem"])
def test_otherwise_may_echo_or_fill(word: str) -> None:
    text = only(completion(engine(otherwise=word), ask("Say this"))).text or ""
    assert (text == "Say this") is (word == "echo")
    assert text


def test_auto_says_something() -> None:
    made = only(auto(ask()))
    assert made.text
    assert (made.calls, made.finish) == ((), "stop")


@pytest.mark.parametrize(
    "form",
    [JSON_SCHEMA, ResponseFormat("json_object"), ResponseFormat("json_schema", "any", schema={})],
)
def test_auto_answers_json_where_json_is_wanted(form: ResponseFormat) -> None:
    value = json.loads(only(auto(ask(response_format=form))).text or "")
    jsonschema.validate(value, form.schema or {"type": "object"})


WEATHER_TOOL = Tool("get_weather", "Tells the weather of a city.", WEATHER)
SEARCH_TOOL = Tool("search", "Searches the web.")


def called(request: Request) -> list[str]:
    made = only(auto(request))
    if made.calls:
        assert made.content is None
    return [call.name for call in made.calls]


def test_auto_calls_an_offered_tool_with_arguments_of_its_schema() -> None:
    made = only(auto(ask(tools=(WEATHER_TOOL,))))
    (call,) = made.calls
    jsonschema.validate(json.loads(call.arguments), WEATHER)
    assert (call.name, call.kind, made.finish) == ("get_weather", "function", "tool_calls")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("What is the weather in Rome?", "get_weather"),
        ("Search for cats", "search"),
        ("Hm", "search"),
    ],
)
def test_auto_calls_the_tool_that_the_user_speaks_of(text: str, name: str) -> None:
    assert called(ask(text, tools=(SEARCH_TOOL, WEATHER_TOOL))) == [name]


def test_auto_calls_the_tool_that_is_named() -> None:
    both = (SEARCH_TOOL, WEATHER_TOOL)
    for choice in (
        ToolChoice("required", ("get_weather",), forced=True),
        ToolChoice("required", ("get_weather",)),
        ToolChoice("auto", ("get_weather",)),
    ):
        assert called(ask("search", tools=both, tool_choice=choice)) == ["get_weather"]
    assert called(ask(tools=both, tool_choice=ToolChoice("required"))) == ["search"]


@pytest.mark.parametrize(
    "request_",
    [
        ask(tools=(SEARCH_TOOL,), tool_choice=ToolChoice("none")),
        ask(tools=(), tool_choice=ToolChoice("required")),
        ask(tools=(SEARCH_TOOL,), tool_choice=ToolChoice("auto", ("gone",))),
        after_tool("found", tools=(SEARCH_TOOL,)),
        after_tool("found", tools=(SEARCH_TOOL,), tool_choice=ToolChoice("auto", ("search",))),
    ],
)
def test_auto_calls_no_tool_where_none_is_to_be_called(request_: Request) -> None:
    assert called(request_) == []
    assert only(auto(request_)).text


def test_auto_calls_again_after_a_result_only_when_that_is_demanded() -> None:
    demand = ToolChoice("required")
    assert called(after_tool("x", tools=(SEARCH_TOOL,), tool_choice=demand)) == ["search"]
    answered = say("assistant", "It is sunny.")
    again = Request(
        "openai",
        "chat",
        "gpt-4o",
        (*after_tool("x").messages, answered, say("user", "And now?")),
        (SEARCH_TOOL,),
    )
    assert called(again) == ["search"]


def test_auto_closes_an_agent_loop_with_what_the_tool_said() -> None:
    made = only(auto(after_tool("21 degrees", tools=(SEARCH_TOOL,))))
    assert "21 degrees" in (made.text or "")
    assert made.finish == "stop"


def test_auto_closes_an_agent_loop_in_the_form_that_is_wanted() -> None:
    request = after_tool("21 degrees", tools=(WEATHER_TOOL,), response_format=JSON_SCHEMA)
    jsonschema.validate(json.loads(only(auto(request)).text or ""), WEATHER)


def test_auto_gives_a_custom_tool_plain_words() -> None:
    (call,) = only(auto(ask(tools=tools("run", kind="custom")))).calls
    assert call.kind == "custom"
    assert call.arguments.endswith(".")


@pytest.mark.parametrize("parameters", [None, {}, {"type": "string"}, {"type": ["object", "null"]}])
def test_arguments_are_an_object_whatever_the_schema_says(parameters: Any) -> None:
    (call,) = only(auto(ask(tools=(Tool("run", parameters=parameters),)))).calls
    assert isinstance(json.loads(call.arguments), dict)


def test_a_legacy_function_is_called_by_auto_in_its_own_form() -> None:
    made = only(auto(ask(tools=tools("a", kind="legacy"))))
    assert [call.kind for call in made.calls] == ["legacy"]
    assert made.finish == "function_call"
    result = Message("function", say("user", "done").parts, name="a")
    calls = (ToolCall("", "a", "{}", "legacy"),)
    history = (say("user", "Go"), Message("assistant", tool_calls=calls), result)
    closing = Request("openai", "chat", "gpt-4o", history, tools("a", kind="legacy"))
    assert only(auto(closing)).calls == ()


@pytest.mark.parametrize("kind", ["lorem", "faker"])
@pytest.mark.parametrize("tokens", [1, 9, 60])
def test_a_banned_token_is_not_said_and_the_length_stays(kind: str, tokens: int) -> None:
    reply = {"generate": {"kind": kind, "tokens": tokens}}
    free = said(reply) or ""
    banned = set(ENCODE(free)[:5])
    biased = ask(logit_bias=dict.fromkeys(banned, -100))
    made = completion(engine(reply), biased)
    assert not banned & set(ENCODE(only(made).text or ""))
    assert made.usage.completion_tokens == tokens


@pytest.mark.parametrize("kind", ["lorem", "faker", "echo"])
def test_where_every_token_is_banned_nothing_is_said(kind: str) -> None:
    """However long the text should be; it is not tried for ever."""
    reply = {"generate": {"kind": kind, "tokens": 40}}
    bans = dict.fromkeys(range(TOKENS.vocabulary), -100)
    made = completion(engine(reply), ask("Say it again", logit_bias=bans))
    assert (only(made).text, made.usage.completion_tokens) == ("", 0)


def test_a_banned_token_is_not_said_after_a_tool_either() -> None:
    request = after_tool("21 degrees")
    banned = ENCODE(only(auto(request)).text or "")
    biased = after_tool("21 degrees", logit_bias=dict.fromkeys(banned, -100))
    assert not set(banned) & set(ENCODE(only(auto(biased)).text or ""))


def test_a_forced_token_is_all_that_a_generated_text_says() -> None:
    (token,) = ENCODE(" yes")
    made = completion(engine(), ask(logit_bias={token: 100}, max_tokens=4))
    assert (only(made).text, only(made).finish) == (" yes" * 4, "length")
    assert made.usage.completion_tokens == 4
    scripted = engine({"generate": {"tokens": 7}})
    assert only(completion(scripted, ask(logit_bias={token: 100}))).text == " yes" * 7


def test_half_a_character_can_be_forced() -> None:
    """No text says that; what cannot be read is written U+FFFD, and the bytes are told."""
    first = ENCODE("🫨")[0]
    made = completion(engine(), ask(logit_bias={first: 100}, max_tokens=3, logprobs=True))
    entries = [entry.token for piece in only(made).content or () for entry in piece.logprobs]
    assert entries == TOKENS.spelled([first]) * 3
    assert set(only(made).text or "") == {"\ufffd"}
    assert made.usage.completion_tokens == 3


@pytest.mark.parametrize("bias", [-100, 100])
def test_bias_changes_nothing_that_is_scripted(bias: int) -> None:
    tokens = ENCODE("one two")
    request = ask(logit_bias=dict.fromkeys(tokens, bias))
    assert said("one two", request) == "one two"
    assert said({"json": {"one": 1}}, request) == '{"one":1}'


def test_verbosity_changes_how_much_is_made_up() -> None:
    lengths = [COUNT(only(auto(ask(verbosity=each))).text or "") for each in VERBOSITIES]
    assert lengths == sorted(set(lengths))


def test_verbosity_changes_no_length_that_is_scripted() -> None:
    reply = {"generate": {"tokens": 33}}
    for each in VERBOSITIES:
        assert completion(engine(reply), ask(verbosity=each)).usage.completion_tokens == 33


@pytest.mark.parametrize("sampling", [{"temperature": 0}, {"top_p": 0}])
def test_without_sampling_there_is_one_answer_for_whoever_asks(sampling: dict[str, Any]) -> None:
    asked = [
        ask(**sampling),
        ask(seed=7, **sampling),
        ask(caller=Caller(session="other"), **sampling),
        ask(n=3, **sampling),
    ]
    texts = {choice.text for request in asked for choice in auto(request).choices}
    assert len(texts) == 1


def test_with_sampling_the_seed_decides() -> None:
    texts = [only(auto(ask(seed=seed))).text for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_without_sampling_another_prompt_or_scenario_still_gets_another_answer() -> None:
    greedy = {"temperature": 0}
    texts = [
        only(completion(engine(), ask("One", **greedy))).text,
        only(completion(engine(), ask("Two", **greedy))).text,
        only(completion(Engine(scenario(), seed=5), ask("One", **greedy))).text,
    ]
    assert len(set(texts)) == 3
