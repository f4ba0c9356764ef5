"""Bytes of replies, written out by hand from the wire contract."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from mockdock.dialects.openai.render import frames
from mockdock.reply import (
    Alternative,
    Call,
    Choice,
    Completion,
    Failure,
    Finish,
    ModelCard,
    ModelList,
    Piece,
    Spoken,
    TokenLogprob,
    Usage,
)
from mockdock.request import Request

PLAIN = Request("openai", "chat", "gpt-4o")
STREAM = Request("openai", "chat", "gpt-4o", stream=True)
USAGE = Request("openai", "chat", "gpt-4o", stream=True, include_usage=True)

ID = "chatcmpl-DPTMzvFhBZ1Ae3AK0REYr3BhLPCKj"


def pieces(*texts: str) -> tuple[Piece, ...]:
    """Make pieces of one token each."""
    return tuple(Piece(text, 1) for text in texts)


def choice(
    *texts: str,
    index: int = 0,
    refusal: tuple[Piece, ...] | None = None,
    calls: tuple[Call, ...] = (),
    finish: Finish = "stop",
) -> Choice:
    """Make a choice; without texts it has no content."""
    return Choice(index, pieces(*texts) if texts else None, refusal, calls, finish)


def reply(*choices: Choice, **more: Any) -> Completion:
    """Make a reply of these choices."""
    usage = Usage(15, 20, 35)
    return Completion(
        ID.removeprefix("chatcmpl-"), 1774962914, "gpt-4o-2024-08-06", choices, usage, **more
    )


def plain(answer: Completion) -> bytes:
    """Render a plain answer, which is one frame."""
    (frame,) = frames(PLAIN, answer)
    return frame.data


def events(*lines: str) -> bytes:
    """Write a stream of these choices, or of whole chunks where they begin with a comma."""
    start = (
        f'data: {{"id":"{ID}","object":"chat.completion.chunk","created":1774962914,'
        '"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":null,"choices":['
    )
    return "".join([*(f"{start}{line}}}\n\n" for line in lines), "data: [DONE]\n\n"]).encode()


def delta(body: str, index: int = 0, finish: str = "null", logprobs: str = "null") -> str:
    """Write one choice of a chunk, and the end of its list."""
    return f'{{"index":{index},"delta":{body},"logprobs":{logprobs},"finish_reason":{finish}}}]'


def streamed(answer: Completion, request: Request = STREAM) -> bytes:
    """Render a stream."""
    return b"".join(frame.data for frame in frames(request, answer))


ROLE = '{"role":"assistant","content":"","refusal":null}'
STOP = delta("{}", finish='"stop"')

WHOLE = """{
  "id": "chatcmpl-DPTMzvFhBZ1Ae3AK0REYr3BhLPCKj",
  "object": "chat.completion",
  "created": 1774962914,
  "model": "gpt-4o-2024-08-06",
  "choices": [
    {
      "index": 0,
      "message": {
        "role": "assistant",
        "content": "Grüße 👍🏽\\n\\"ja\\" /",
        "refusal": null,
        "annotations": []
      },
      "logprobs": null,
      "finish_reason": "stop"
    }
  ],
  "usage": {
    "prompt_tokens": 15,
    "completion_tokens": 20,
    "total_tokens": 35,
    "prompt_tokens_details": {
      "cached_tokens": 1,
      "audio_tokens": 2
    },
    "completion_tokens_details": {
      "reasoning_tokens": 3,
      "audio_tokens": 4,
      "accepted_prediction_tokens": 5,
      "rejected_prediction_tokens": 6
    }
  },
  "service_tier": "flex",
  "system_fingerprint": "fp_ab062d0c27"
}
"""


def test_a_plain_answer_is_indented_raw_utf8_and_ends_with_a_newline() -> None:
    answer = Completion(
        ID.removeprefix("chatcmpl-"),
        1774962914,
        "gpt-4o-2024-08-06",
        (choice("Grüße ", "👍", "🏽", '\n"ja" /'),),
        Usage(15, 20, 35, 1, 2, 3, 4, 5, 6),
        system_fingerprint="fp_ab062d0c27",
        service_tier="flex",
    )
    assert plain(answer) == WHOLE.encode()


def message(answer: Completion) -> tuple[str, Any]:
    """Give the message of a plain answer, as text to see its order, and the finish reason."""
    (told,) = json.loads(plain(answer))["choices"]
    assert list(told) == ["index", "message", "logprobs", "finish_reason"]
    return json.dumps(told["message"], separators=(",", ":")), told["finish_reason"]


ONE = Call("call_1", "get_weather", pieces('{"city', '":"Paris"}'))
TWO = Call("call_2", "get_time", pieces("{}"))
CUSTOM = Call("call_3", "run", pieces("print", "(1)"), "custom")
LEGACY = Call("", "get_weather", pieces('{"city', '":"Paris"}'), "legacy")
ONE_WRITTEN = (
    '{"id":"call_1","type":"function","function":'
    '{"name":"get_weather","arguments":"{\\"city\\":\\"Paris\\"}"}}'
)
TWO_WRITTEN = '{"id":"call_2","type":"function","function":{"name":"get_time","arguments":"{}"}}'
CUSTOM_WRITTEN = '{"id":"call_3","type":"custom","custom":{"name":"run","input":"print(1)"}}'


@pytest.mark.parametrize(
    ("calls", "written"),
    [
        ((ONE,), f'"tool_calls":[{ONE_WRITTEN}]'),
        ((ONE, TWO), f'"tool_calls":[{ONE_WRITTEN},{TWO_WRITTEN}]'),
        ((TWO, CUSTOM), f'"tool_calls":[{TWO_WRITTEN},{CUSTOM_WRITTEN}]'),
        (
            (LEGACY,),
            '"function_call":{"name":"get_weather","arguments":"{\\"city\\":\\"Paris\\"}"}',
        ),
    ],
    ids=["single", "parallel", "custom", "legacy"],
)
def test_calls_stand_between_content_and_refusal(calls: tuple[Call, ...], written: str) -> None:
    answer = reply(choice(calls=calls, finish="tool_calls"))
    wanted = f'{{"role":"assistant","content":null,{written},"refusal":null,"annotations":[]}}'
    assert message(answer) == (wanted, "tool_calls")


def test_a_text_may_come_before_calls() -> None:
    answer = reply(choice("Wait.", calls=(TWO,), finish="tool_calls"))
    text, _ = message(answer)
    assert text.startswith(f'{{"role":"assistant","content":"Wait.","tool_calls":[{TWO_WRITTEN}]')


def test_a_refusal_has_no_content() -> None:
    text, finish = message(reply(choice(refusal=pieces("I", " can't"))))
    assert text == '{"role":"assistant","content":null,"refusal":"I can\'t","annotations":[]}'
    assert finish == "stop"


def test_reasoning_models_leave_logprobs_out() -> None:
    answer = reply(choice("3"), reasoning_model=True)
    (told,) = json.loads(plain(answer))["choices"]
    assert list(told) == ["index", "message", "finish_reason"]
    assert b"logprobs" not in streamed(answer)
    assert b'"delta":{"content":"3"},"finish_reason":null}' in streamed(answer)


LIKELY = (
    TokenLogprob(b" Foo", -0.02, ()),
    TokenLogprob(b"\xf0\x9f", -1.5, (Alternative(b"!", -0.5), Alternative(b"\xf0\x9f", -1.5))),
)
LISTED = [
    {"token": " Foo", "logprob": -0.02, "bytes": [32, 70, 111, 111], "top_logprobs": []},
    {
        "token": "\\xf0\\x9f",
        "logprob": -1.5,
        "bytes": [240, 159],
        "top_logprobs": [
            {"token": "!", "logprob": -0.5, "bytes": [33]},
            {"token": "\\xf0\\x9f", "logprob": -1.5, "bytes": [240, 159]},
        ],
    },
]


def likely(answer: Completion) -> Any:
    """Give the log probabilities of a plain answer."""
    (told,) = json.loads(plain(answer))["choices"]
    return told["logprobs"]


def test_log_probabilities_of_a_text_are_one_list() -> None:
    """A token that splits a character is written byte by byte, as in OpenAI's cookbook."""
    said = (Piece(" Foo", 1, LIKELY[:1]), Piece("🫨", 1, LIKELY[1:]))
    answer = reply(Choice(0, said, None, (), "stop"), logprobs=True)
    assert likely(answer) == {"content": LISTED, "refusal": None}
    listed = likely(answer)["content"]
    assert [list(each) for each in listed] == [["token", "logprob", "bytes", "top_logprobs"]] * 2
    assert list(listed[1]["top_logprobs"][0]) == ["token", "logprob", "bytes"]


def test_log_probabilities_of_a_refusal_are_its_own() -> None:
    answer = reply(choice(refusal=(Piece(" Foo", 2, LIKELY),)), logprobs=True)
    assert likely(answer) == {"content": None, "refusal": LISTED}


def test_an_empty_text_has_an_empty_list_and_a_call_has_none() -> None:
    empty = reply(Choice(0, (), None, (), "length"), logprobs=True)
    assert likely(empty) == {"content": [], "refusal": None}
    assert likely(reply(choice(calls=(ONE,)), logprobs=True)) is None


def test_without_being_asked_no_log_probabilities_are_told() -> None:
    assert likely(reply(choice("Hi"))) is None
    assert likely(reply(choice(refusal=pieces("No")))) is None


SPOKEN = Choice(
    0, None, None, (), "stop", Spoken("audio_1", b"RIFF", 1774966514, pieces("Hi", "!"))
)


def test_a_spoken_answer_has_audio_and_no_content() -> None:
    """The data is base64 of the whole file: "RIFF" is UklGRg==."""
    text, finish = message(reply(SPOKEN))
    assert finish == "stop"
    assert json.loads(text) == {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "audio": {
            "id": "audio_1",
            "data": "UklGRg==",
            "expires_at": 1774966514,
            "transcript": "Hi!",
        },
        "annotations": [],
    }


def test_a_written_answer_has_no_audio() -> None:
    assert b'audio":' not in plain(reply(choice("Hi"))).replace(b"audio_tokens", b"")


def test_a_spoken_answer_weighs_the_tokens_of_its_words() -> None:
    (frame,) = frames(PLAIN, reply(SPOKEN))
    assert frame.tokens == 2


# --- streams ----------------------------------------------------------------------------------


def test_a_text_streams_as_role_pieces_and_finish() -> None:
    assert streamed(reply(choice("Hi", " 👋", "\n"))) == events(
        delta(ROLE),
        delta('{"content":"Hi"}'),
        delta('{"content":" 👋"}'),
        delta('{"content":"\\n"}'),
        STOP,
    )


def test_a_text_of_no_pieces_is_still_a_text() -> None:
    """What a limit cut away wholly is an empty text, not null, plain and streamed."""
    answer = reply(Choice(0, (), None, (), "length"))
    assert streamed(answer) == events(delta(ROLE), delta("{}", finish='"length"'))
    assert message(answer)[0].startswith('{"role":"assistant","content":"","refusal":null')


def test_nothing_at_all_streams_a_role_of_nulls() -> None:
    answer = reply(Choice(0, None, None, (), "stop"))
    bare = '{"role":"assistant","content":null,"refusal":null}'
    assert streamed(answer) == events(delta(bare), STOP)


def test_a_refusal_streams_as_refusal() -> None:
    assert streamed(reply(choice(refusal=pieces("I'm", " sorry")))) == events(
        delta('{"role":"assistant","content":null,"refusal":""}'),
        delta('{"refusal":"I\'m"}'),
        delta('{"refusal":" sorry"}'),
        STOP,
    )


def fragment(index: int, text: str) -> str:
    """Write a chunk of arguments."""
    return delta(
        f'{{"tool_calls":[{{"index":{index},"function":{{"arguments":{json.dumps(text)}}}}}]}}'
    )


def opening(index: int, call_id: str, name: str) -> str:
    """Write the head of a call."""
    return (
        f'"tool_calls":[{{"index":{index},"id":"{call_id}","type":"function",'
        f'"function":{{"name":"{name}","arguments":""}}}}]'
    )


CALLED = delta("{}", finish='"tool_calls"')


def test_a_single_call_shares_the_chunk_of_the_role() -> None:
    head = opening(0, "call_1", "get_weather")
    assert streamed(reply(choice(calls=(ONE,), finish="tool_calls"))) == events(
        delta(f'{{"role":"assistant","content":null,{head},"refusal":null}}'),
        fragment(0, '{"city'),
        fragment(0, '":"Paris"}'),
        CALLED,
    )


def test_parallel_calls_come_after_the_role_one_after_the_other() -> None:
    assert streamed(reply(choice(calls=(ONE, TWO), finish="tool_calls"))) == events(
        delta('{"role":"assistant","content":null}'),
        delta(f"{{{opening(0, 'call_1', 'get_weather')}}}"),
        fragment(0, '{"city'),
        fragment(0, '":"Paris"}'),
        delta(f"{{{opening(1, 'call_2', 'get_time')}}}"),
        fragment(1, "{}"),
        CALLED,
    )


def test_a_call_after_a_text_has_a_chunk_of_its_own() -> None:
    assert streamed(reply(choice("Wait.", calls=(TWO,), finish="tool_calls"))) == events(
        delta(ROLE),
        delta('{"content":"Wait."}'),
        delta(f"{{{opening(0, 'call_2', 'get_time')}}}"),
        fragment(0, "{}"),
        CALLED,
    )


def test_a_custom_call_streams_its_input() -> None:
    head = (
        '"tool_calls":[{"index":0,"id":"call_3","type":"custom",'
        '"custom":{"name":"run","input":""}}]'
    )
    assert streamed(reply(choice(calls=(CUSTOM,), finish="tool_calls"))) == events(
        delta(f'{{"role":"assistant","content":null,{head},"refusal":null}}'),
        delta('{"tool_calls":[{"index":0,"custom":{"input":"print"}}]}'),
        delta('{"tool_calls":[{"index":0,"custom":{"input":"(1)"}}]}'),
        CALLED,
    )


def test_a_legacy_call_streams_as_function_call() -> None:
    head = '"function_call":{"name":"get_weather","arguments":""}'
    assert streamed(reply(choice(calls=(LEGACY,), finish="function_call"))) == events(
        delta(f'{{"role":"assistant","content":null,{head},"refusal":null}}'),
        delta('{"function_call":{"arguments":"{\\"city"}}'),
        delta('{"function_call":{"arguments":"\\":\\"Paris\\"}"}}'),
        delta("{}", finish='"function_call"'),
    )


def test_a_message_holds_one_legacy_call_also_where_two_are_scripted() -> None:
    one, two = reply(choice(calls=(LEGACY,))), reply(choice(calls=(LEGACY, LEGACY, ONE)))
    assert plain(two) == plain(one)
    assert streamed(two) == streamed(one)


def test_a_legacy_call_among_tool_calls_is_one_of_them() -> None:
    answer = reply(choice(calls=(TWO, LEGACY), finish="tool_calls"))
    *_, last = json.loads(plain(answer))["choices"][0]["message"]["tool_calls"]
    assert last["function"]["name"] == "get_weather"
    assert b"function_call" not in streamed(answer)
    assert fragment(1, '":"Paris"}').encode() in streamed(answer)


def test_choices_stream_side_by_side_and_end_one_by_one() -> None:
    answer = reply(choice("Yes", "!"), choice("No", index=1, finish="length"))
    assert streamed(answer) == events(
        delta(ROLE),
        delta(ROLE, 1),
        delta('{"content":"Yes"}'),
        delta('{"content":"No"}', 1),
        delta('{"content":"!"}'),
        delta("{}", 1, '"length"'),
        STOP,
    )


def test_usage_comes_last_and_null_before() -> None:
    usage = (
        '],"usage":{"prompt_tokens":15,"completion_tokens":20,"total_tokens":35,'
        '"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},'
        '"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,'
        '"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}'
    )
    none = ',"usage":null'
    assert streamed(reply(choice("Hi")), USAGE) == events(
        delta(ROLE) + none, delta('{"content":"Hi"}') + none, STOP + none, usage
    )


def test_without_being_asked_no_usage_is_streamed() -> None:
    assert b"usage" not in streamed(reply(choice("Hi")))


# --- frames -----------------------------------------------------------------------------------


def test_every_event_is_a_frame_that_weighs_its_tokens() -> None:
    """Choices are made side by side: a round of them takes the time of its longest piece."""
    first = Choice(0, (Piece("a", 1), Piece("bcd", 3)), None, (), "stop")
    second = Choice(1, (Piece("e", 1), Piece("f", 1)), None, (), "stop")
    weights = [frame.tokens for frame in frames(USAGE, reply(first, second))]
    assert weights == [0, 0, 1, 0, 3, 0, 0, 0, 0, 0]
    calls = [frame.tokens for frame in frames(STREAM, reply(choice(calls=(ONE,))))]
    assert calls == [0, 1, 1, 0, 0]


def test_a_plain_answer_weighs_as_much_as_its_longest_choice() -> None:
    answer = reply(choice("a"), choice("b", "c", calls=(ONE,)), choice(refusal=pieces("d")))
    (frame,) = frames(PLAIN, answer)
    assert frame.tokens == 4


def test_frames_are_made_as_they_are_asked_for() -> None:
    class Endless(tuple[Piece, ...]):
        __slots__ = ()

        def __iter__(self) -> Any:
            return itertools.repeat(Piece("x", 1))

    lazy = frames(STREAM, reply(Choice(0, Endless(), None, (), "stop")))
    assert len(list(itertools.islice(lazy, 5))) == 5


# --- the rest ---------------------------------------------------------------------------------


def test_a_failure_is_indented_and_ends_without_a_newline() -> None:
    wanted = """{
  "error": {
    "message": "Nö",
    "type": "server_error",
    "param": null,
    "code": null
  }
}"""
    for request in (None, PLAIN, STREAM):
        (frame,) = frames(request, Failure("server_error", message="Nö"))
        assert frame.data == wanted.encode()
        assert frame.tokens == 0


def test_the_edge_writes_its_keys_in_its_own_order() -> None:
    wanted = """{
  "error": {
    "type": "invalid_request_error",
    "code": "unknown_url",
    "message": "lost",
    "param": null
  }
}"""
    (frame,) = frames(None, Failure("unknown_url", message="lost"))
    assert frame.data == wanted.encode()


def test_models() -> None:
    card = ModelCard("gpt-4o", 1715367049, "system")
    (one,) = frames(PLAIN, card)
    assert one.data == (
        b'{\n  "id": "gpt-4o",\n  "object": "model",\n  "created": 1715367049,\n'
        b'  "owned_by": "system"\n}\n'
    )
    (many,) = frames(PLAIN, ModelList((card,)))
    assert json.loads(many.data) == {"object": "list", "data": [json.loads(one.data)]}
    (none,) = frames(PLAIN, ModelList(()))
    assert json.loads(none.data) == {"object": "list", "data": []}
