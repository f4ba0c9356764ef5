"""What Azure's filters say, in bytes written out by hand from the recordings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockdock import resources
from mockdock.completing import ToComplete
from mockdock.dialects.azure.render import frames
from mockdock.dialects.openai.render import frames as as_openai
from mockdock.embedding import Embeddings, ToEmbed, pack
from mockdock.reply import Call, Choice, Completion, Failure, Finish, ModelCard, Piece
from mockdock.request import Request
from mockdock.usage import Usage

PLAIN = Request("azure", "chat", "gpt-4o")
STREAM = Request("azure", "chat", "gpt-4o", stream=True)

PROMPT = (
    '"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,'
    '"severity":"safe"},"jailbreak":{"detected":false,"filtered":false},"self_harm":{"filtered":'
    'false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":'
    'false,"severity":"safe"}}}]'
)
OPENING = f'data: {{"choices":[],"created":0,"id":"","model":"","object":"",{PROMPT}}}\n\n'
HATE = '"hate":{"filtered":false,"severity":"safe"}'
FOUND = '"hate":{"filtered":true,"severity":"high"}'
LOOKED = (
    '{"hate":{"filtered":false,"severity":"safe"},"protected_material_code":{"detected":false,'
    '"filtered":false},"protected_material_text":{"detected":false,"filtered":false},"self_harm":'
    '{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},'
    '"violence":{"filtered":false,"severity":"safe"}}'
)
FILTERED = LOOKED.replace(HATE, FOUND)


def choice(
    text: str | None = "Hi", finish: Finish = "stop", calls: tuple[Call, ...] = (), **more: Any
) -> Choice:
    """Make a choice that says a text of one token, or none."""
    content = None if text is None else (Piece(text, 1),) if text else ()
    return Choice(0, content, more.get("refusal"), calls, finish)


def reply(*choices: Choice, **more: Any) -> Completion:
    """Make a completion of these choices."""
    return Completion("x" * 29, 1774962746, "gpt-4o-2024-08-06", choices, Usage(15, 2, 17), **more)


def plain(answer: Completion) -> str:
    """Render a plain answer, which is one frame."""
    (frame,) = frames(PLAIN, answer)
    return frame.data.decode()


def events(answer: Completion) -> list[str]:
    """Render a stream."""
    return [frame.data.decode() for frame in frames(STREAM, answer)]


def test_a_plain_answer_is_compact_and_in_alphabetical_order() -> None:
    told = plain(reply(choice(), system_fingerprint="fp_b6f445fc1c"))
    assert told == (
        f'{{"choices":[{{"content_filter_results":{LOOKED},"finish_reason":"stop","index":0,'
        '"logprobs":null,"message":{"annotations":[],"content":"Hi","refusal":null,'
        '"role":"assistant"}}],"created":1774962746,"id":"chatcmpl-xxxxxxxxxxxxxxxxxxxxxxxxxxxxx",'
        f'"model":"gpt-4o-2024-08-06","object":"chat.completion",{PROMPT},"system_fingerprint":'
        '"fp_b6f445fc1c","usage":{"completion_tokens":2,"completion_tokens_details":'
        '{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":0,'
        '"rejected_prediction_tokens":0},"prompt_tokens":15,"prompt_tokens_details":'
        '{"audio_tokens":0,"cached_tokens":0},"total_tokens":17}}\n'
    )


def test_a_stream_begins_with_the_prompts_results() -> None:
    def chunk(results: str, delta: str, finish: str = "null") -> str:
        return (
            f'data: {{"choices":[{{"content_filter_results":{results},"delta":{delta},'
            f'"finish_reason":{finish},"index":0,"logprobs":null}}],"created":1774962746,'
            '"id":"chatcmpl-xxxxxxxxxxxxxxxxxxxxxxxxxxxxx","model":"gpt-4o-2024-08-06",'
            '"object":"chat.completion.chunk","system_fingerprint":null}\n\n'
        )

    assert events(reply(choice())) == [
        OPENING,
        chunk("{}", '{"content":"","refusal":null,"role":"assistant"}'),
        chunk(LOOKED, '{"content":"Hi"}'),
        chunk("{}", "{}", '"stop"'),
        "data: [DONE]\n\n",
    ]


def test_frames_weigh_what_openais_do() -> None:
    assert [frame.tokens for frame in frames(STREAM, reply(choice()))] == [0, 0, 1, 0, 0]
    assert [frame.tokens for frame in frames(PLAIN, reply(choice()))] == [1]


def test_padding_stands_where_the_alphabet_puts_it() -> None:
    _, *chunks, _ = events(reply(choice(), obfuscation=7))
    for chunk in chunks:
        assert ',"model":"gpt-4o-2024-08-06","obfuscation":"' in chunk
        assert '","object":"chat.completion.chunk",' in chunk


@pytest.mark.parametrize("reasoning", [False, True])
def test_every_choice_has_logprobs_even_of_models_that_reason(*, reasoning: bool) -> None:
    answer = reply(choice(), reasoning_model=reasoning)
    assert '"logprobs":null' in plain(answer)
    assert [event.count('"logprobs":null') for event in events(answer)] == [0, 1, 1, 1, 0]


def test_a_refusal_is_looked_at_as_text_is_and_a_call_is_not() -> None:
    call = Call("call_1", "f", (Piece("{}", 1),))
    said = events(reply(choice(None, refusal=(Piece("No", 1),))))
    assert [LOOKED in event for event in said] == [False, False, True, False, False]
    called = events(reply(choice(None, "tool_calls", (call,))))
    assert not any(LOOKED in event for event in called)
    assert LOOKED in plain(reply(choice(None, "tool_calls", (call,))))


def test_a_filtered_answer_was_hateful() -> None:
    answer = reply(choice("Ugh", "content_filter"))
    told = json.loads(plain(answer))["choices"][0]
    assert told["content_filter_results"] == json.loads(FILTERED)
    assert told["message"]["content"] == "Ugh"
    *_, finish, _ = events(answer)
    assert f'"content_filter_results":{FILTERED},"delta":{{}},"finish_reason":"content_f' in finish


@pytest.mark.parametrize("text", ["", None])
def test_a_filtered_answer_that_says_nothing_has_no_message(text: str | None) -> None:
    told = plain(reply(choice(text, "content_filter")))
    assert told.startswith(
        f'{{"choices":[{{"content_filter_results":{FILTERED},"finish_reason":"content_filter",'
        '"index":0,"logprobs":null}],"created":'
    )
    assert '"message"' in plain(reply(choice(text)))


def test_what_is_no_completion_is_sorted_as_well() -> None:
    (frame,) = frames(None, ModelCard("gpt-4o", 7, "system"))
    assert frame.data == b'{"created":7,"id":"gpt-4o","object":"model","owned_by":"system"}\n'


def test_embeddings_are_passed_on_as_openai_writes_them() -> None:
    request = Request("azure", "embeddings", "m", embedding=ToEmbed(("a",), 2))
    answer = Embeddings((pack([1.0, 0.0]),), "m", Usage(1, 0, 1))
    assert [*frames(request, answer)] == [*as_openai(request, answer)]


def test_an_error_is_one_frame_even_of_a_stream() -> None:
    (frame,) = frames(STREAM, Failure("unknown_url"))
    assert frame.data == b'{"error":{"code":"404","message": "Resource not found"}}'


# -- legacy completions: OpenAI's recorded texts, in Azure's form -------------------------------

INSTRUCT = "gpt-3.5-turbo-instruct"


def texts(*prompts: str, stream: bool = False) -> Request:
    """Ask for these to be completed."""
    return Request(
        "azure", "completions", INSTRUCT, completing=ToComplete(prompts, prompts), stream=stream
    )


def written(request: Request, answer: Completion) -> bytes:
    """Render an answer as one."""
    return b"".join(frame.data for frame in frames(request, answer))


def golden(name: str) -> bytes:
    """Read a golden file."""
    return (resources.fixtures() / "azure" / name).read_bytes()


def text(index: int, *pieces: str, finish: Finish = "length") -> Choice:
    """Make a choice of pieces."""
    return Choice(index, tuple(Piece(each, 1) for each in pieces), None, (), finish)


def test_a_legacy_completion_has_azures_order_of_keys_and_filter_results() -> None:
    said = text(0, " \n- Tired of FizzBuzz yet? \n- Can I skip the")
    answer = Completion(
        "8uyu4Nwfvp1B9Y0cVSms1OyH61vxn", 1708591172, "davinci-002", (said,), Usage(8, 16, 24)
    )
    assert written(texts("x"), answer) == golden("text.json")


def test_every_prompt_has_results_of_its_own() -> None:
    one = ".\n\nI was going to make one about “sourcery”, but I took"
    other = " language \n- Why is Samurai Jack in the future? \n- Is there any"
    answer = Completion(
        "BG6hnYTp9dBvq5eMvXG5q8rJgWH1c",
        1743178723,
        "davinci:2023-07-21-v2",
        (text(0, one), text(1, other)),
        Usage(13, 32, 45),
    )
    assert written(texts("a", "b"), answer) == golden("text-batch.json")


def test_a_stream_of_legacy_completions_opens_with_the_prompts_results() -> None:
    answer = Completion(
        "7iA7iJjj8V2zOkCGvWF2hAkDWBQZe",
        1690759702,
        INSTRUCT,
        (text(0, "This", " is", finish="stop"),),
        Usage(5, 2, 7),
    )
    assert written(texts("x", stream=True), answer) == golden("text.sse")


@pytest.mark.parametrize("stream", [False, True])
def test_a_filtered_legacy_completion_keeps_its_text(stream: bool) -> None:
    """It has no message that could be missing."""
    answer = reply(text(0, finish="content_filter"))
    told = written(texts("x", stream=stream), answer).decode()
    assert f'{{"content_filter_results":{FILTERED},"finish_reason":"content_filter",' in told
    assert '"text":""}' in told
