"""Legacy completions: what is parsed, in which words it is refused, and the bytes of replies."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mockdock.completing import ToComplete
from mockdock.dialects.base import Envelope
from mockdock.dialects.openai.failures import tell
from mockdock.dialects.openai.head import head
from mockdock.dialects.openai.parse import parse
from mockdock.dialects.openai.render import frames
from mockdock.reply import (
    Alternative,
    Choice,
    Completion,
    Failure,
    Finish,
    Piece,
    TokenLogprob,
    Usage,
)
from mockdock.request import Request, Traits
from tests.dialects.openai.calls import call, told

GOLDEN = Path(__file__).parents[3] / "fixtures" / "openai"
MODEL = "gpt-3.5-turbo-instruct"
TRAITS = {
    MODEL: Traits(family=MODEL, kind="completion"),
    "gpt-4o": Traits(family="gpt-4o", kind="chat"),
    "mine": Traits(),
}


def ask(body: Any, *, lenient: bool = False) -> Request | Failure:
    """Parse a body."""
    body = {"model": MODEL, **body} if isinstance(body, dict) else body
    made = call(
        body, operation="completions", path="/v1/completions", lenient=lenient, traits=TRAITS.get
    )
    return parse(made)


def taken(body: Any, *, lenient: bool = False) -> Request:
    """Parse a body that is taken."""
    request = ask(body, lenient=lenient)
    assert isinstance(request, Request), request
    assert request.api == "completions"
    return request


# -- what is taken ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "inputs", "texts"),
    [
        ("a", ("a",), ("a",)),
        (None, ("",), ("",)),
        (["a", ""], ("a", ""), ("a", "")),
        ([1, 2], ((1, 2),), ()),
        ([[1], [2]], ((1,), (2,)), ()),
    ],
)
def test_texts_and_tokens_are_taken_alone_and_in_arrays(
    prompt: Any, inputs: Any, texts: Any
) -> None:
    wanted = taken({"prompt": prompt}).completing
    assert wanted == ToComplete(inputs, texts)


def test_parameters_are_taken() -> None:
    request = taken(
        {
            "prompt": ["a", "b"],
            "n": 2,
            "best_of": 3,
            "echo": True,
            "logprobs": 5,
            "max_tokens": 7,
            "stop": "x",
            "seed": 4,
            "suffix": "end",
            "logit_bias": {"50256": -100},
            "temperature": 0,
            "user": "me",
        }
    )
    assert request.completing == ToComplete(("a", "b"), ("a", "b"), 2, 3, echo=True)
    assert (request.n, request.max_tokens, request.stop) == (6, 7, ("x",))
    assert (request.logprobs, request.top_logprobs) == (True, 5)
    assert (request.seed, request.logit_bias, request.greedy) == (4, {50256: -100}, True)
    assert request.user_text == "a\nb"


def test_defaults_are_those_of_the_specification() -> None:
    request = taken({"prompt": "a", "best_of": 0})
    assert (request.max_tokens, request.n, request.logprobs) == (16, 1, False)
    assert (request.stream, request.include_usage) == (False, False)
    assert taken({"prompt": "a", "logprobs": 0}).logprobs
    assert taken({"prompt": "a", "max_tokens": 0}).max_tokens == 0
    assert taken({"prompt": "a", "model": "mine"}).model == "mine"


def test_a_stream_may_tell_its_usage() -> None:
    asked = {"prompt": "a", "stream": True, "stream_options": {"include_usage": True}}
    request = taken(asked)
    assert (request.stream, request.include_usage) == (True, True)


# -- what is refused ----------------------------------------------------------------------------

SHAPES = "one of a string, array of strings, array of integers, or array of integer arrays"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        (
            {"model": "gpt-4o"},
            told(
                "This is a chat model and not supported in the v1/completions endpoint. Did you "
                "mean to use v1/chat/completions?",
                "model",
                status=404,
            ),
        ),
        (
            {"model": "nope"},
            told(
                "The model `nope` does not exist or you do not have access to it.",
                code="model_not_found",
                status=404,
            ),
        ),
        ({"model": ""}, told("you must provide a model parameter")),
        (
            {"n": 2, "best_of": 1},
            told(
                "You requested that the server return more choices than it will generate (HINT: "
                "you must set 'n' (currently 2) to be at most 'best_of' (currently 1), or omit "
                "either parameter if you don't specifically want to use them.)"
            ),
        ),
        (
            {"stream": True, "best_of": 2},
            told("Results cannot be streamed when 'best_of' is greater than 'n'."),
        ),
        (
            {"stream_options": {"include_usage": True}},
            told(
                "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                "stream_options",
            ),
        ),
        (
            {"prompt": ["a"] * 65, "n": 2},
            told("Invalid 'prompt': at most 128 completions can be made at once."),
        ),
        (
            {"prompt": 5},
            told(
                f"Invalid type for 'prompt': expected {SHAPES}, but got an integer instead.",
                "prompt",
                "invalid_type",
            ),
        ),
        (
            {"prompt": ["a", 1]},
            told(
                f"Invalid type for 'prompt': expected {SHAPES}, but got an array instead.",
                "prompt",
                "invalid_type",
            ),
        ),
        (
            {"logprobs": 6},
            told(
                "Invalid 'logprobs': integer above maximum value. Expected a value <= 5, but got 6 "
                "instead.",
                "logprobs",
                "integer_above_max_value",
            ),
        ),
        ({"messages": []}, told("Unrecognized request argument supplied: messages")),
    ],
)
def test_what_is_wrong_is_refused_in_openais_words(
    fields: dict[str, Any], error: dict[str, Any]
) -> None:
    failure = ask({"prompt": "x", **fields})
    assert isinstance(failure, Failure), failure
    words = tell(failure)
    assert {"status": words.status, **words.body()["error"]} == error


def test_unknown_tokens_and_a_prompt_that_is_too_long_have_their_words() -> None:
    words = tell(Failure("bad_input", MODEL, what="prompt"))
    assert words.message.startswith("'$.prompt' is invalid. Please check the API reference: ")
    shares = {"prompt": 4271, "completion": 500}
    words = tell(Failure("context_length", MODEL, limit=4097, used=4771, shares=shares))
    assert (words.status, words.param, words.code) == (400, None, None)
    assert words.message == (
        "This model's maximum context length is 4097 tokens, however you requested 4771 tokens "
        "(4271 in your prompt; 500 for the completion). Please reduce your prompt; or completion "
        "length."
    )


def test_a_body_that_is_no_object_is_refused() -> None:
    assert isinstance(ask(b"[]"), Failure)


def test_a_model_that_does_not_chat_is_refused_there() -> None:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
    failure = parse(call(body, traits=TRAITS.get))
    assert isinstance(failure, Failure)
    words = tell(failure)
    assert (words.status, words.param) == (404, "model")
    assert words.message == (
        "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did "
        "you mean to use v1/completions?"
    )


@pytest.mark.parametrize(
    ("body", "inputs"),
    [
        ({}, ("",)),
        ({"prompt": 5}, ("5",)),
        ({"prompt": "x", "logprobs": 9, "n": "many", "odd": 1}, ("x",)),
        ({"prompt": "x", "model": 5}, ("x",)),
        ({"prompt": ["x"] * 1000, "n": 100}, ("x",)),
    ],
)
def test_lenient_validation_takes_what_can_be_read(body: Any, inputs: Any) -> None:
    request = taken(body, lenient=True)
    assert request.completing is not None
    assert request.completing.inputs == inputs
    assert request.model == MODEL


# -- bytes --------------------------------------------------------------------------------------

REQUEST = Request("openai", "completions", MODEL, completing=ToComplete(("Hey",), ("Hey",)))


def choice(index: int, *pieces: Piece, finish: Finish = "length") -> Choice:
    """Make a choice of pieces."""
    return Choice(index, pieces, None, (), finish)


def rendered(reply: Completion, request: Request = REQUEST) -> bytes:
    """Render a reply."""
    return b"".join(frame.data for frame in frames(request, reply))


def test_a_body_is_written_as_recorded() -> None:
    said = Piece(" \n- Tired of FizzBuzz yet? \n- Can I skip the", 16)
    reply = Completion(
        "8uyu4Nwfvp1B9Y0cVSms1OyH61vxn",
        1708591172,
        "davinci-002",
        (choice(0, said),),
        Usage(8, 16, 24),
    )
    assert rendered(reply) == (GOLDEN / "text.json").read_bytes()


def test_several_prompts_are_written_as_recorded() -> None:
    recorded = json.loads((GOLDEN / "text-batch.json").read_bytes())
    texts = [each["text"] for each in recorded["choices"]]
    reply = Completion(
        "BG6hnYTp9dBvq5eMvXG5q8rJgWH1c",
        1743178723,
        "davinci:2023-07-21-v2",
        tuple(choice(at, Piece(text, 16)) for at, text in enumerate(texts)),
        Usage(13, 32, 45),
    )
    assert rendered(reply) == (GOLDEN / "text-batch.json").read_bytes()


STREAM = Completion(
    "7iA7iJjj8V2zOkCGvWF2hAkDWBQZe",
    1690759702,
    MODEL,
    (choice(0, Piece("This", 1), Piece(" is", 1), finish="stop"),),
    Usage(5, 2, 7),
)


def test_a_stream_is_events_of_pieces_and_its_end() -> None:
    streamed = replace(REQUEST, stream=True)
    assert rendered(STREAM, streamed) == (GOLDEN / "text.sse").read_bytes()


def test_a_stream_tells_its_usage_last() -> None:
    asked = replace(REQUEST, stream=True, include_usage=True)
    *_, usage, done, rest = rendered(STREAM, asked).decode().split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    told = json.loads(usage.removeprefix("data: "))
    assert told["choices"] == []
    assert told["usage"] == {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    first = rendered(STREAM, asked).decode().split("\n\n")[0]
    assert first.endswith('"usage":null}')


def test_choices_are_interleaved_in_a_stream() -> None:
    reply = replace(
        STREAM, choices=(choice(0, Piece("a", 2)), choice(1, Piece("b", 1), Piece("c", 1)))
    )
    sent = list(frames(replace(REQUEST, stream=True), reply))[:-1]
    events = [json.loads(frame.data.removeprefix(b"data: "))["choices"][0] for frame in sent]
    assert [(each["index"], each["text"]) for each in events] == [
        (0, "a"),
        (1, "b"),
        (0, ""),
        (1, "c"),
        (1, ""),
    ]
    assert [frame.tokens for frame in sent] == [2, 0, 1, 0, 0]


def test_a_reply_without_choices_or_usage_is_still_a_body() -> None:
    """Faults leave them out."""
    empty = replace(STREAM, choices=(), tells_usage=False)
    assert json.loads(rendered(empty))["choices"] == []
    assert "usage" not in json.loads(rendered(empty))
    asked = replace(REQUEST, stream=True, include_usage=True)
    assert rendered(empty, asked).count(b"data: ") == 2


def test_tools_are_called_nowhere_and_a_refusal_is_a_text() -> None:
    refused = Choice(0, None, (Piece("No.", 2),), (), "tool_calls")
    told = json.loads(rendered(replace(STREAM, choices=(refused,))))["choices"][0]
    assert (told["text"], told["finish_reason"]) == ("No.", "stop")


def likely(text: bytes, logprob: float, *tops: tuple[bytes, float]) -> TokenLogprob:
    """Make a token with its log probability and the likeliest of its place."""
    return TokenLogprob(text, logprob, tuple(Alternative(*each) for each in tops))


def test_log_probabilities_are_four_lists() -> None:
    pieces = (
        Piece("a", 1, (likely(b"a", -0.5, (b"b", -0.25)),)),
        Piece("é", 2, (likely(b"\xc3", -1.0, (b"\xc3", -1.0)), likely(b"\xa9", -2.0))),
    )
    reply = replace(STREAM, choices=(choice(0, *pieces),), logprobs=True)
    told = json.loads(rendered(reply))["choices"][0]["logprobs"]
    assert told == {
        "tokens": ["a", "bytes:\\xc3", "bytes:\\xa9"],
        "token_logprobs": [-0.5, -1.0, -2.0],
        "top_logprobs": [{"b": -0.25, "a": -0.5}, {"bytes:\\xc3": -1.0}, {"bytes:\\xa9": -2.0}],
        "text_offset": [3, 4, 4],
    }


def test_the_first_token_of_an_echo_has_no_probability() -> None:
    echo = Piece("Hey", 0, (likely(b"H", -0.5, (b"H", -0.5)), likely(b"ey", -0.75)))
    asked = replace(REQUEST, completing=ToComplete(("Hey",), ("Hey",), echo=True))
    reply = replace(STREAM, choices=(choice(0, echo),), logprobs=True)
    told = json.loads(rendered(reply, asked))["choices"][0]["logprobs"]
    assert told["token_logprobs"] == [None, -0.75]
    assert told["top_logprobs"] == [None, {"ey": -0.75}]
    assert told["text_offset"] == [0, 1]


def test_without_alternatives_there_are_none() -> None:
    pieces = (Piece("a", 1, (likely(b"a", -0.5),)),)
    reply = replace(STREAM, choices=(choice(0, *pieces),), logprobs=True)
    assert json.loads(rendered(reply))["choices"][0]["logprobs"]["top_logprobs"] is None
    *_, last, _, _ = rendered(reply, replace(REQUEST, stream=True)).split(b"\n\n")
    assert json.loads(last.removeprefix(b"data: "))["choices"][0]["logprobs"] is None


def test_the_model_is_named_in_a_header() -> None:
    sent = head(REQUEST, STREAM, Envelope("0" * 32, 1, 42, {}))
    assert (b"openai-model", MODEL.encode()) in sent.headers
