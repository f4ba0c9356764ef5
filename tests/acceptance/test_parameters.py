"""Every parameter through the real SDK, over a socket."""

from __future__ import annotations

import base64
import io
import math
import wave
from collections.abc import Callable
from typing import Any

from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.acceptance.conftest import Serve

Clients = Callable[..., OpenAI]

HI: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hi, how are you?"}]
SPLIT = "Grüße 👩‍🚀 and 日本"


def script(reply: Any) -> dict[str, Any]:
    return {"mockdock": 1, "rules": [{"reply": reply}]}


def test_logprobs_of_a_stream_are_those_of_the_plain_reply(
    serve: Serve, client_of: Clients
) -> None:
    """Bytes join to the content, also where a token splits a character."""
    reply = {"text": SPLIT, "logprobs": {"mean": -0.5, "spread": 0.4}}
    client = client_of(serve(script(reply)))
    asked: dict[str, Any] = {"model": "gpt-4o", "messages": HI, "logprobs": True, "top_logprobs": 5}
    plain = client.chat.completions.create(**asked).choices[0]
    assert plain.logprobs is not None
    entries = plain.logprobs.content or []
    assert b"".join(bytes(entry.bytes or []) for entry in entries).decode() == SPLIT
    assert any(entry.token.startswith("\\x") for entry in entries)
    for entry in entries:
        likely = [top.logprob for top in entry.top_logprobs]
        assert len(likely) == 5
        assert likely == sorted(likely, reverse=True)
        assert sum(map(math.exp, likely)) <= 1 + 1e-9
    with client.chat.completions.stream(**asked) as stream:
        for _ in stream:
            pass
        joined = stream.get_final_completion().choices[0]
    assert joined.logprobs is not None
    assert joined.logprobs.content == entries


def test_a_stop_string_that_spans_tokens_is_never_seen(serve: Serve, client_of: Clients) -> None:
    client = client_of(serve(script("one two three four")))
    asked: dict[str, Any] = {"model": "gpt-4o", "messages": HI, "stop": ["o three"]}
    plain = client.chat.completions.create(**asked)
    assert plain.choices[0].message.content == "one tw"
    assert plain.choices[0].finish_reason == "stop"
    chunks = client.chat.completions.create(**asked, stream=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == "one tw"


def test_choices_are_interleaved_and_of_their_own(serve: Serve, client_of: Clients) -> None:
    client = client_of(serve({"mockdock": 1}))
    chunks = client.chat.completions.create(model="gpt-4o", messages=HI, n=3, stream=True)
    texts = {0: "", 1: "", 2: ""}
    order = []
    for chunk in chunks:
        choice = chunk.choices[0]
        order.append(choice.index)
        texts[choice.index] += choice.delta.content or ""
    assert order[:6] == [0, 1, 2, 0, 1, 2]
    assert len(set(texts.values())) == 3


def test_without_temperature_there_is_one_answer(serve: Serve, client_of: Clients) -> None:
    server = serve({"mockdock": 1})
    said = set()
    for session in ("a", "b"):
        client = client_of(server, default_headers={"x-mockdock-session": session})
        for seed in (1, 2):
            reply = client.chat.completions.create(
                model="gpt-4o", messages=HI, temperature=0, seed=seed, n=2
            )
            said |= {choice.message.content for choice in reply.choices}
    assert len(said) == 1


def test_a_forced_token_is_all_there_is(serve: Serve, client_of: Clients) -> None:
    client = client_of(serve({"mockdock": 1}))
    reply = client.chat.completions.create(
        model="gpt-4o", messages=HI, max_tokens=4, logit_bias={"24912": 100}
    )
    assert reply.choices[0].message.content == "hello" * 4
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 4


def test_a_prediction_is_counted(serve: Serve, client_of: Clients) -> None:
    client = client_of(serve(script("one two three four five")))
    reply = client.chat.completions.create(
        model="gpt-4o",
        messages=HI,
        prediction={"type": "content", "content": "one two three four six seven"},
    )
    assert reply.usage is not None
    details = reply.usage.completion_tokens_details
    assert details is not None
    assert (details.accepted_prediction_tokens, details.rejected_prediction_tokens) == (4, 2)
    assert reply.usage.completion_tokens == 5 + 2


def test_a_spoken_reply_can_be_played(serve: Serve, client_of: Clients) -> None:
    client = client_of(serve(script("Good morning!")))
    asked: dict[str, Any] = {
        "model": "gpt-4o-audio-preview",
        "messages": HI,
        "modalities": ["text", "audio"],
    }
    voice: Any = {"voice": "alloy", "format": "wav"}
    message = client.chat.completions.create(**asked, audio=voice).choices[0].message
    assert message.content is None
    assert message.audio is not None
    assert message.audio.transcript == "Good morning!"
    with wave.open(io.BytesIO(base64.b64decode(message.audio.data))) as sound:
        samples = sound.readframes(sound.getnframes())
    voice["format"] = "pcm16"
    streamed, heard = "", b""
    for chunk in client.chat.completions.create(**asked, audio=voice, stream=True):
        audio: Any = getattr(chunk.choices[0].delta, "audio", None) or {}
        audio = audio if isinstance(audio, dict) else audio.model_dump()
        streamed += audio.get("transcript") or ""
        heard += base64.b64decode(audio.get("data") or "")
    assert streamed == "Good morning!"
    assert heard == samples


def test_more_effort_thinks_longer_and_verbosity_says_more(
    serve: Serve, client_of: Clients
) -> None:
    client = client_of(serve({"mockdock": 1}))

    def spent(**more: Any) -> tuple[int, int]:
        usage = client.chat.completions.create(model="gpt-5", messages=HI, **more).usage
        assert usage is not None
        assert usage.completion_tokens_details is not None
        thought = usage.completion_tokens_details.reasoning_tokens or 0
        return thought, usage.completion_tokens - thought

    thought = [spent(reasoning_effort=effort)[0] for effort in ("minimal", "low", "medium", "high")]
    assert thought == sorted(set(thought))
    assert thought[0] == 0
    said = [spent(verbosity=each)[1] for each in ("low", "medium", "high")]
    assert said == sorted(set(said))


def test_a_prompt_sent_before_is_cached(serve: Serve, client_of: Clients) -> None:
    client = client_of(serve(script("Yes.")))
    long = "All work and no play makes Jack a dull boy. " * 200

    def cached(text: str) -> int:
        messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": text}]
        usage = client.chat.completions.create(model="gpt-4o", messages=messages).usage
        assert usage is not None
        assert usage.prompt_tokens_details is not None
        return usage.prompt_tokens_details.cached_tokens or 0

    assert cached(long) == 0
    again = cached(long)
    assert again >= 1024
    assert again % 128 == 0
    assert 1024 <= cached(long + "And more.") <= again
    assert cached("Other. " + long) == 0


def test_obfuscation_is_off_until_it_is_asked_for(serve: Serve, client_of: Clients) -> None:
    client = client_of(serve(script("one two")))

    def padded(**options: Any) -> bool:
        raw = client.chat.completions.with_raw_response.create(
            model="gpt-4o", messages=HI, stream=True, **options
        )
        return b'"obfuscation":"' in raw.http_response.read()

    assert not padded()
    assert not padded(stream_options={"include_obfuscation": False})
    assert padded(stream_options={"include_obfuscation": True})
