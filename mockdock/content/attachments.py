"""What audio and files cost in prompt tokens: estimates, all of them.

The services publish a rate for audio and none for files, and no recorded
request has either, so these numbers are plausible and steady, not exact.
"""

from __future__ import annotations

from mockdock.content.image_size import DataUrl
from mockdock.content.tokens import Tokenizer
from mockdock.request import AudioPart, FilePart, Request

__all__ = ["count_audio", "count_file", "count_prompt_audio"]

_TOKENS_PER_SECOND = 10
_MP3_BYTES_PER_SECOND = 16_000
_WAV_BYTES_PER_SECOND = 48_000
_WAV_HEADER = 44
_BYTES_PER_PAGE = 65_536
_TOKENS_PER_PAGE = 1_500
_BYTES_PER_TOKEN = 4


def count_audio(audio: AudioPart) -> int:
    """Estimate the tokens of an audio part: ten for every second that begins.

    OpenAI prices a tenth of a second of speech as one token. The length comes
    from the number of bytes: at the rate a wav header states, else at 24 kHz
    16 bit for wav and at 128 kbit/s for everything compressed.
    """
    data = DataUrl(audio.data)
    rate = _wav_rate(data) if audio.format == "wav" else _MP3_BYTES_PER_SECOND
    return -(-len(data) // rate) * _TOKENS_PER_SECOND


def count_prompt_audio(request: Request) -> int:
    """Estimate the audio tokens of a whole prompt, which usage shows separately."""
    return sum(
        count_audio(part)
        for message in request.messages
        for part in message.parts
        if isinstance(part, AudioPart)
    )


def count_file(file: FilePart, tokenizer: Tokenizer) -> int:
    """Estimate the tokens of a file: its name, and its pages or its text.

    A PDF has a page for every 64 KiB that begins, 1,500 tokens each for its
    text and its picture. Other data counts as text of four bytes a token. A
    file that is only an id counts as one page.
    """
    name = tokenizer.count(file.filename or "")
    if not file.data:
        return name + _TOKENS_PER_PAGE
    data = DataUrl.of(file.data) or DataUrl(file.data)
    if file.data.startswith("JVBERi", data.start):  # "%PDF" in base64
        return name + -(-len(data) // _BYTES_PER_PAGE) * _TOKENS_PER_PAGE
    return name + -(-len(data) // _BYTES_PER_TOKEN)


def _wav_rate(data: DataUrl) -> int:
    """Read the bytes per second out of a wav header of the usual form."""
    try:
        head = data.read(0, _WAV_HEADER)
    except ValueError:
        return _WAV_BYTES_PER_SECOND
    if head[:4] != b"RIFF" or head[8:16] != b"WAVEfmt ":
        return _WAV_BYTES_PER_SECOND
    return int.from_bytes(head[28:32], "little") or _WAV_BYTES_PER_SECOND
