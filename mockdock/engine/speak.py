"""A spoken answer: the words of a choice as audio."""

from __future__ import annotations

from dataclasses import replace

from mockdock.content.speech import audio_tokens, speech
from mockdock.engine.chance import Entropy
from mockdock.engine.fit import Fitted
from mockdock.reply import Spoken
from mockdock.request import Request

__all__ = ["speak"]

_LIFETIME = 3600
"""Seconds for which the id of an audio answer is said to be of use: an assumption."""


def speak(
    fitted: Fitted, request: Request, entropy: Entropy, seen: int, created: int
) -> tuple[Fitted, int]:
    """Turn the words of a choice into audio, if it has any, and count the audio tokens.

    What is counted for the words stays: both are generated. ``seen`` counts how
    often the request was seen: each answer has an id of its own.
    """
    choice = fitted.choice
    if request.speech is None or not choice.content or choice.calls:
        return fitted, 0
    text = choice.text or ""
    spoken = Spoken(
        id=f"audio_{entropy.digest(f'audio/{seen}/{choice.index}').hex()[:32]}",
        data=speech(text, request.speech.format),
        expires_at=created + _LIFETIME,
        transcript=choice.content,
    )
    return replace(fitted, choice=replace(choice, content=None, spoken=spoken)), audio_tokens(text)
