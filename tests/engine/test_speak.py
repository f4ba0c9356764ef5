"""Spoken answers: the words of choices as audio."""

from __future__ import annotations

import io
import wave
from typing import Any

import pytest

from mockdock.content.speech import audio_tokens, durations
from mockdock.content.speech import speech as file_of
from mockdock.content.tokens import tokenizer
from mockdock.reply import Completion
from mockdock.request import Speech
from tests.engine.helpers import CREATED, ask, completion, engine, only

WAV = Speech("alloy", "wav")
TEXT = "The quick brown fox jumps over the lazy dog."
COUNT = tokenizer("o200k_base").count


def speech(transcript: str, audio_format: str) -> bytes:
    """Make the file of an answer that is alone."""
    (length,) = durations([transcript])
    return file_of(length, audio_format)


def tokens_of(*transcripts: str) -> int:
    return sum(map(audio_tokens, durations(transcripts)))


def said(reply: Any, speech: Speech | None = WAV, **fields: Any) -> Completion:
    fields = {"model": "gpt-4o-audio-preview", "speech": speech, **fields}
    return completion(engine(reply), ask(**fields))


def test_the_words_are_spoken_instead_of_written() -> None:
    made = only(said(TEXT))
    assert made.content is None
    assert made.spoken is not None
    assert made.spoken.text == TEXT
    assert made.spoken.data == speech(TEXT, "wav")
    with wave.open(io.BytesIO(made.spoken.data)) as file:
        assert file.getnframes() > 0


def test_the_format_is_the_one_asked_for() -> None:
    made = only(said(TEXT, Speech("alloy", "mp3")))
    assert made.spoken is not None
    assert made.spoken.data == speech(TEXT, "mp3")


def test_an_answer_expires_an_hour_after_it_was_made() -> None:
    made = only(said(TEXT))
    assert made.spoken is not None
    assert made.spoken.expires_at == CREATED + 3600


def test_words_and_sound_are_both_counted() -> None:
    usage = said(TEXT).usage
    assert usage.completion_audio_tokens == tokens_of(TEXT) > 0
    assert usage.completion_tokens == COUNT(TEXT) + tokens_of(TEXT)
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_without_being_asked_nothing_is_spoken() -> None:
    made = said(TEXT, None)
    assert (only(made).text, only(made).spoken) == (TEXT, None)
    assert made.usage.completion_audio_tokens == 0


@pytest.mark.parametrize(
    "reply",
    [
        {"refusal": "No."},
        {"tool_calls": [{"name": "f"}]},
        {"text": "Wait.", "tool_calls": [{"name": "f"}]},
        {"text": ""},
    ],
    ids=["refusal", "call", "text and call", "no words"],
)
def test_what_is_not_an_answer_in_words_is_not_spoken(reply: dict[str, Any]) -> None:
    made = said(reply)
    assert made == said(reply, None)
    assert only(made).spoken is None


def test_limits_cut_the_transcript_and_the_sound() -> None:
    cut = said(TEXT, max_tokens=3)
    choice = only(cut)
    assert choice.spoken is not None
    assert (choice.spoken.text, choice.finish) == ("The quick brown", "length")
    assert choice.spoken.data == speech("The quick brown", "wav")
    stopped = only(said(TEXT, stop=(" fox",))).spoken
    assert stopped is not None
    assert stopped.text == "The quick brown"


def test_each_of_n_answers_has_a_sound_of_its_own() -> None:
    made = said({"choices": ["One.", "Two and a half."]}, n=2)
    spoken = [choice.spoken for choice in made.choices if choice.spoken is not None]
    assert [each.text for each in spoken] == ["One.", "Two and a half."]
    assert len({each.id for each in spoken}) == 2
    assert made.usage.completion_audio_tokens == tokens_of("One.", "Two and a half.")


def test_all_answers_together_have_a_minute() -> None:
    """128 long ones are a body of some 4 MB, and their words are all there."""
    made = said({"text": TEXT * 20}, n=128)
    spoken = [choice.spoken for choice in made.choices if choice.spoken is not None]
    assert {each.text for each in spoken} == {TEXT * 20}
    assert sum(len(each.data) - 44 for each in spoken) <= 60 * 24_000 * 2
    assert {each.data for each in spoken} == {file_of(468, "wav")}
    assert made.usage.completion_audio_tokens == 128 * 10
    assert made == said({"text": TEXT * 20}, n=128)


def test_choices_without_words_take_no_share() -> None:
    long = "x" * 1000
    made = said({"choices": [long, {"refusal": "No."}, long]}, n=3)
    lengths = [None if each.spoken is None else len(each.spoken.data) for each in made.choices]
    assert lengths == [30 * 48_000 + 44, None, 30 * 48_000 + 44]


def test_ids_are_new_every_time_the_request_is_seen() -> None:
    asked, alone = engine(TEXT), engine(TEXT)
    request = ask(model="gpt-4o-audio-preview", speech=WAV)
    ids = [spoken.id for _ in range(3) if (spoken := only(completion(asked, request)).spoken)]
    assert len(set(ids)) == 3
    assert all(each.startswith("audio_") and len(each) == 38 for each in ids)
    first = only(completion(alone, request)).spoken
    assert first is not None
    assert first.id == ids[0]
