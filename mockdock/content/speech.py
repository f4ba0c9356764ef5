"""Audio for spoken answers: short valid files whose length follows their transcripts.

Nothing is spoken. Lossless formats carry a quiet tone of 1 kHz, the others
silence, 24 kHz mono throughout, and the same texts always give the same bytes.
"""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import Sequence
from io import BytesIO

from mockdock.content.flac import SAMPLE_RATE, flac_tone
from mockdock.content.ogg import opus_silence

__all__ = ["SPEECH_FORMATS", "audio_tokens", "durations", "speech"]

_MS_PER_CHARACTER = 60
_MS_PER_TOKEN = 50
_SHORTEST_MS = 240  # ten mp3 frames: fewer are hard to tell from noise
_LONGEST_MS = 30_000
_TOGETHER_MS = 60_000  # 2.9 MB of samples
_OPUS_SCALE = 2  # Opus counts samples at 48 kHz, whatever went in

_LOUDNESS = 800
_WAVE_SAMPLES = 24  # a millisecond, so every length is whole waves
_HALF_WAVE = tuple(
    round(_LOUDNESS * math.sin(math.tau * step / _WAVE_SAMPLES))
    for step in range(_WAVE_SAMPLES // 2)
)
_WAVE = struct.pack(f"<{_WAVE_SAMPLES}h", *_HALF_WAVE, *(-sample for sample in _HALF_WAVE))

# MPEG-2 layer III, 24 kHz mono, 8 kbit/s: an empty side info decodes to silence.
_MP3_FRAME = bytes.fromhex("fff314c0") + bytes(20)
_MP3_FRAME_SAMPLES = 576
# ADTS, AAC-LC, 24 kHz mono: one channel element without any spectral band.
_AAC_FRAME = bytes.fromhex("fff15840017ffc") + bytes.fromhex("00000007")
_AAC_FRAME_SAMPLES = 1024


def durations(transcripts: Sequence[str]) -> list[int]:
    """Give the milliseconds of each answer: 60 a character, 0.24 s to 30 s.

    Together they have 60 s, whatever number of them: where that is not enough,
    the longest ones become shorter, to one length. None has less than 0.24 s.
    """
    lengths = [len(text) * _MS_PER_CHARACTER for text in transcripts]
    lengths = [min(max(length, _SHORTEST_MS), _LONGEST_MS) for length in lengths]
    left = _TOGETHER_MS
    for sharers, length in zip(range(len(lengths), 0, -1), sorted(lengths), strict=True):
        if length * sharers > left:
            most = max(left // sharers, _SHORTEST_MS)
            return [min(each, most) for each in lengths]
        left -= length
    return lengths


def speech(milliseconds: int, audio_format: str) -> bytes:
    """Make an audio file of so many milliseconds.

    The format is one of ``SPEECH_FORMATS``, else ValueError. ``pcm16`` is raw:
    little-endian samples without a header. ``mp3`` and ``aac`` round the length
    up to whole frames of 24 ms and 43 ms.
    """
    encode = _ENCODERS.get(audio_format)
    if encode is None:
        raise ValueError(f"no audio format {audio_format!r}, only {', '.join(SPEECH_FORMATS)}")
    return encode(milliseconds * SAMPLE_RATE // 1000)


def audio_tokens(milliseconds: int) -> int:
    """Count the completion audio tokens of so much speech: one for every 50 ms that begins.

    The rate is the one OpenAI states for assistant audio; user audio has half of it:
    https://developers.openai.com/api/docs/guides/realtime-costs
    """
    return -(-milliseconds // _MS_PER_TOKEN)


def _pcm16(samples: int) -> bytes:
    return _WAVE * (samples // _WAVE_SAMPLES)


def _wav(samples: int) -> bytes:
    file = BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(_pcm16(samples))
    return file.getvalue()


def _flac(samples: int) -> bytes:
    return flac_tone(_HALF_WAVE, _pcm16(samples))


def _opus(samples: int) -> bytes:
    return opus_silence(_OPUS_SCALE * samples, SAMPLE_RATE)


def _mp3(samples: int) -> bytes:
    return _MP3_FRAME * -(-samples // _MP3_FRAME_SAMPLES)


def _aac(samples: int) -> bytes:
    return _AAC_FRAME * -(-samples // _AAC_FRAME_SAMPLES)


_ENCODERS = {
    "aac": _aac,
    "flac": _flac,
    "mp3": _mp3,
    "opus": _opus,
    "pcm16": _pcm16,
    "wav": _wav,
}
SPEECH_FORMATS = tuple(_ENCODERS)
