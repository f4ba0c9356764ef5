"""Spoken answers: the words of choices as audio."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from mockdock.content.speech import audio_tokens, durations
from mockdock.content.speech import speech as audio
from mockdock.engine.chance import Entropy
from mockdock.engine.fit import Fitted
from mockdock.reply import Spoken
from mockdock.request import Speech

__all__ = ["speak"]

_LIFETIME = 3600
"""Seconds for which the id of an audio answer is said to be of use: an assumption."""


def speak(
    fitted: Sequence[Fitted], speech: Speech, entropy: Entropy, seen: int, created: int
) -> tuple[list[Fitted], int]:
    """Turn the words of all choices that have some into audio, and count the audio tokens.

    What is counted for the words stays: both are generated. ``seen`` counts how
    often the request was seen: each answer has an id of its own.
    """
    aloud = [each.choice for each in fitted if each.choice.content and not each.choice.calls]
    lengths = durations([choice.text or "" for choice in aloud])
    spoken = {
        choice.index: Spoken(
            id=f"audio_{entropy.digest(f'audio/{seen}/{choice.index}').hex()[:32]}",
            data=audio(length, speech.format),
            expires_at=created + _LIFETIME,
            transcript=choice.content or (),
        )
        for choice, length in zip(aloud, lengths, strict=True)
    }
    told = [
        replace(each, choice=replace(each.choice, content=None, spoken=spoken[each.choice.index]))
        if each.choice.index in spoken
        else each
        for each in fitted
    ]
    return told, sum(map(audio_tokens, lengths))
