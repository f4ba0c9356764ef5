"""Chunks with more than words: log probabilities, padding, audio. From the wire contract, A.3."""

from __future__ import annotations

import itertools
import json
import re
from base64 import b64decode
from typing import Any

import pytest

from mockdock.reply import Alternative, Choice, Completion, Piece, Spoken, TokenLogprob
from tests.dialects.openai.test_render import (
    ONE,
    ROLE,
    STREAM,
    TWO,
    USAGE,
    choice,
    delta,
    events,
    fragment,
    opening,
    pieces,
    reply,
    streamed,
)
from tests.openai_types import check_answer


def told(answer: Completion, request: Any = STREAM) -> list[Any]:
    """Read the chunks of a stream, which pass the shared assertion."""
    chunks: list[Any] = check_answer(200, "text/event-stream", streamed(answer, request))
    return chunks


# --- log probabilities ------------------------------------------------------------------------

FOO = Piece(" Foo", 1, (TokenLogprob(b" Foo", -0.02, ()),))
I_AM = Piece("I'm", 1, (TokenLogprob(b"I'm", -0.5, (Alternative(b"I'm", -0.5),)),))
SPLIT = Piece(
    "é",
    2,
    (
        TokenLogprob(b"\xc3", -1.0, (Alternative(b"\xc3", -1.0),)),
        TokenLogprob(b"\xa9", -0.25, ()),
    ),
)
NONE_YET = '{"content":[],"refusal":null}'


def test_a_text_lists_the_log_probabilities_of_each_chunk() -> None:
    """Empty with the role, those of its token with each content, null with the finish."""
    answer = reply(Choice(0, (FOO,), None, (), "stop"), logprobs=True)
    listed = (
        '{"content":[{"token":" Foo","logprob":-0.02,"bytes":[32,70,111,111],"top_logprobs":[]}],'
        '"refusal":null}'
    )
    assert streamed(answer) == events(
        delta(ROLE, logprobs=NONE_YET),
        delta('{"content":" Foo"}', logprobs=listed),
        delta("{}", finish='"stop"', logprobs="null"),
    )


def test_a_refusal_lists_them_under_refusal() -> None:
    answer = reply(Choice(0, None, (I_AM,), (), "stop"), logprobs=True)
    listed = (
        '{"content":null,"refusal":[{"token":"I\'m","logprob":-0.5,"bytes":[73,39,109],'
        '"top_logprobs":[{"token":"I\'m","logprob":-0.5,"bytes":[73,39,109]}]}]}'
    )
    assert streamed(answer) == events(
        delta(
            '{"role":"assistant","content":null,"refusal":""}',
            logprobs='{"content":null,"refusal":[]}',
        ),
        delta('{"refusal":"I\'m"}', logprobs=listed),
        delta("{}", finish='"stop"', logprobs="null"),
    )


def test_a_chunk_of_several_tokens_lists_all_of_them() -> None:
    """Tokens that split a character are written byte by byte and keep their bytes."""
    _, said, _ = told(reply(Choice(0, (SPLIT,), None, (), "stop"), logprobs=True))
    first, second = said["choices"][0]["logprobs"]["content"]
    assert (first["token"], first["bytes"]) == ("\\xc3", [195])
    assert first["top_logprobs"] == [{"token": "\\xc3", "logprob": -1.0, "bytes": [195]}]
    assert (second["token"], second["bytes"], second["top_logprobs"]) == ("\\xa9", [169], [])


def test_a_chunk_that_ends_no_token_lists_none() -> None:
    """Where a chunk is smaller than a token, the token is told with its last part."""
    parts = (Piece(" F", 0), Piece("oo", 1, FOO.logprobs))
    _, start, end, _ = told(reply(Choice(0, parts, None, (), "stop"), logprobs=True))
    assert start["choices"][0]["logprobs"] == {"content": [], "refusal": None}
    assert [each["token"] for each in end["choices"][0]["logprobs"]["content"]] == [" Foo"]


def test_calls_have_no_log_probabilities() -> None:
    answer = reply(Choice(0, (FOO,), None, (ONE,), "tool_calls"), logprobs=True)
    likely = [chunk["choices"][0]["logprobs"] is None for chunk in told(answer)]
    assert likely == [False, False, True, True, True, True]


def test_usage_has_no_log_probabilities_beside_it() -> None:
    *_, last = told(reply(Choice(0, (FOO,), None, (), "stop"), logprobs=True), USAGE)
    assert last["choices"] == []
    assert "logprobs" not in last


# --- padding ----------------------------------------------------------------------------------

VARIED = (
    choice("a", "bc", "d" * 99, "é", "🌧", '"', "\n"),
    choice("x", index=1, calls=(ONE, TWO), finish="tool_calls"),
)


def lines(answer: Completion, request: Any = USAGE) -> list[bytes]:
    *chunks, _, _ = streamed(answer, request).split(b"\n\n")
    return chunks


def test_padded_events_are_of_equal_length_modulo_16() -> None:
    padded = lines(reply(*VARIED, obfuscation=1))
    assert len({len(each) % 16 for each in padded}) == 1
    assert len({len(each) % 16 for each in lines(reply(*VARIED))}) > 1


def test_the_padding_is_the_last_key_of_every_chunk() -> None:
    """Also of the one with the usage; letters and digits, fewer than 16."""
    padded = lines(reply(*VARIED, obfuscation=1))
    for each in padded:
        assert re.search(rb',"obfuscation":"[0-9A-Za-z]{0,15}"\}\Z', each)
        assert each.count(b"obfuscation") == 1
    assert b'"usage":{' in padded[-1]


def test_padding_changes_nothing_else() -> None:
    bare = [
        re.sub(rb',"obfuscation":"[^"]*"', b"", each)
        for each in lines(reply(*VARIED, obfuscation=1))
    ]
    assert bare == lines(reply(*VARIED))


def test_the_padding_is_seeded() -> None:
    one, same, other = (streamed(reply(*VARIED, obfuscation=seed)) for seed in (1, 1, 2))
    assert one == same != other
    assert len(one) == len(other)


def test_without_being_asked_there_is_no_padding() -> None:
    assert b"obfuscation" not in streamed(reply(*VARIED))


# --- audio ------------------------------------------------------------------------------------


def spoken(data: bytes, *words: str, index: int = 0) -> Choice:
    made = Spoken(f"audio_{index}", data, 1774966514, pieces(*words))
    return Choice(index, None, None, (), "stop", made)


def test_audio_streams_as_words_then_sound_then_when_it_expires() -> None:
    """In base64 RIFF is UklGRg==. The last update is its expiry alone, without finish_reason."""
    assert streamed(reply(spoken(b"RIFF", "Hi", "!"))) == events(
        delta('{"role":"assistant","content":null,"refusal":null}'),
        delta('{"audio":{"id":"audio_0","transcript":""}}'),
        delta('{"audio":{"id":"audio_0","transcript":"Hi"}}'),
        delta('{"audio":{"id":"audio_0","transcript":"!"}}'),
        delta('{"audio":{"id":"audio_0","data":"UklGRg=="}}'),
        '{"index":0,"delta":{"audio":{"expires_at":1774966514}},"logprobs":null}]',
        delta("{}", finish='"stop"'),
    )


@pytest.mark.parametrize("length", [0, 2, 4800, 4802, 12_000])
def test_each_event_of_sound_is_base64_of_its_own_and_of_whole_samples(length: int) -> None:
    data = bytes(range(256)) * 50
    chunks = told(reply(spoken(data[:length], "Hi")))
    audio = [chunk["choices"][0]["delta"].get("audio", {}) for chunk in chunks]
    sounds = [b64decode(each["data"], validate=True) for each in audio if "data" in each]
    assert b"".join(sounds) == data[:length]
    assert all(sounds)
    assert all(len(each) % 2 == 0 for each in sounds)


def test_spoken_choices_keep_their_own_ids() -> None:
    chunks = told(reply(spoken(b"ab", "One"), spoken(b"cd", "Two", index=1)))
    for chunk in chunks:
        (told_choice,) = chunk["choices"]
        audio = told_choice["delta"].get("audio", {})
        if "expires_at" not in audio and audio:
            assert audio["id"] == f"audio_{told_choice['index']}"


def test_a_call_after_a_spoken_answer_has_a_chunk_of_its_own() -> None:
    made = Choice(0, None, None, (TWO,), "tool_calls", Spoken("audio_0", b"", 1, pieces("Hm")))
    *_, head, arguments, finish = streamed(reply(made)).decode().split("\n\n")[:-2]
    assert delta(f"{{{opening(0, 'call_2', 'get_time')}}}") in head
    assert fragment(0, "{}") in arguments
    assert finish.endswith(delta("{}", finish='"tool_calls"') + "}")


# --- several choices --------------------------------------------------------------------------


def test_the_chunks_of_choices_interleave_round_by_round() -> None:
    """One role, one finish for each; who has ended takes no part in the rounds after."""
    answer = reply(
        choice("a", "b", "c"),
        choice("d", index=1),
        choice(index=2, refusal=pieces("No", ".")),
    )
    order = [chunk["choices"][0]["index"] for chunk in told(answer)]
    assert order == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 2, 0]
    roles = [c["choices"][0]["index"] for c in told(answer) if "role" in c["choices"][0]["delta"]]
    ends = [c["choices"][0]["index"] for c in told(answer) if c["choices"][0]["finish_reason"]]
    assert (roles, ends) == ([0, 1, 2], [1, 2, 0])


@pytest.mark.parametrize("n", [1, 2, 128])
def test_every_choice_is_whole_however_many_there_are(n: int) -> None:
    answer = reply(*(choice(*map(str, range(i % 5)), index=i) for i in range(n)))
    said: dict[int, str] = dict.fromkeys(range(n), "")
    for chunk in told(answer):
        (part,) = chunk["choices"]
        said[part["index"]] += part["delta"].get("content") or ""
    assert said == {i: "".join(map(str, range(i % 5))) for i in range(n)}


def test_ids_times_and_models_are_the_same_in_all_chunks() -> None:
    chunks = told(reply(*VARIED, logprobs=True, obfuscation=3), USAGE)
    names = ("id", "object", "created", "model", "service_tier", "system_fingerprint")
    for one, other in itertools.pairwise(chunks):
        assert [one[name] for name in names] == [other[name] for name in names]
    assert json.dumps(chunks[0]).startswith('{"id": "chatcmpl-')
