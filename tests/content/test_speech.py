"""Spoken answers, as FFmpeg's decoders hear them."""

from __future__ import annotations

import array
import hashlib
import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args, get_type_hints

import av
import av.logging
import pytest
from av.audio.resampler import AudioResampler
from hypothesis import given
from hypothesis import strategies as st

from mockdock.content.flac import flac_tone
from mockdock.content.ogg import opus_silence
from mockdock.content.speech import SPEECH_FORMATS, audio_tokens, durations
from mockdock.content.speech import speech as file_of

CONTAINERS = {"opus": "ogg", "pcm16": "s16le"}
RATES = {"opus": 48_000}  # what Opus always decodes to
FRAMES = {"aac": 1024, "mp3": 576}
TONE = {"flac", "pcm16", "wav"}
TRANSCRIPT = "The harbour is open, come in."
WAVE = (0, 7, 19, 24, 30, 31)


def speech(transcript: str, audio_format: str) -> bytes:
    """Make the file of an answer that is alone."""
    (length,) = durations([transcript])
    return file_of(length, audio_format)


every_format = pytest.mark.parametrize("audio_format", SPEECH_FORMATS)


@dataclass(frozen=True)
class Heard:
    """A file after decoding; ``samples`` are signed 16-bit whatever the decoder gives."""

    container: str
    rate: int
    channels: int
    samples: array.array[int]
    complaints: list[tuple[int, str, str]]


def decode(data: bytes, audio_format: str) -> Heard:
    """Decode strictly: checksums count, and an error is an exception."""
    raw = audio_format == "pcm16"
    options = {"err_detect": "crccheck+bitstream+buffer+explode"}
    samples = array.array("h")
    with (
        av.logging.Capture(local=True) as complaints,
        av.open(
            io.BytesIO(data),
            mode="r",
            format="s16le" if raw else None,
            options={"sample_rate": "24000", "ch_layout": "mono"} if raw else options,
        ) as file,
    ):
        stream = file.streams.audio[0]
        stream.codec_context.options = options
        to_16_bit = AudioResampler(format="s16")
        for frame in file.decode(stream):
            for part in to_16_bit.resample(frame):
                samples.frombytes(bytes(part.planes[0])[: 2 * part.samples])
        context = stream.codec_context
        heard = (file.format.name, context.sample_rate, context.layout.nb_channels)
    return Heard(*heard, samples, list(complaints))


@pytest.fixture(autouse=True)
def errors_are_heard() -> Iterator[None]:
    """Have FFmpeg report errors, which it keeps to itself otherwise."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    yield
    av.logging.set_level(level)


@every_format
@pytest.mark.parametrize("length", [0, 1, 7, 29, 41, 499, 10_000])
def test_every_format_decodes(audio_format: str, length: int) -> None:
    """A strict decoder recognises the file, and hears mono of the right length."""
    heard = decode(speech("x" * length, audio_format), audio_format)
    expected = min(max(length * 60, 240), 30_000) * heard.rate // 1000
    assert heard.container == CONTAINERS.get(audio_format, audio_format)
    assert heard.rate == RATES.get(audio_format, 24_000)
    assert heard.channels == 1
    assert heard.complaints == []
    assert 0 <= len(heard.samples) - expected < FRAMES.get(audio_format, 1)


@every_format
def test_content(audio_format: str) -> None:
    """Lossless formats carry a quiet tone, the others silence."""
    heard = decode(speech(TRANSCRIPT, audio_format), audio_format)
    peak = max(map(abs, heard.samples))
    assert peak == (800 if audio_format in TONE else 0)


def test_lossless_formats_hold_the_same_sound() -> None:
    pcm, wav, flac = (decode(speech(TRANSCRIPT, kind), kind).samples for kind in sorted(TONE))
    assert pcm == wav == flac


def test_pcm16_is_raw_little_endian_samples() -> None:
    """The file is its samples and nothing else: a wave each millisecond."""
    data = speech("hello", "pcm16")
    samples = struct.unpack("<7200h", data)  # 5 characters, 60 ms each
    assert samples[:7] == (0, 207, 400, 566, 693, 773, 800)
    assert samples[:24] == samples[24:48] == samples[-24:]


@every_format
def test_same_text_same_bytes(audio_format: str) -> None:
    """Neither the words nor the time matter, only how many characters there are."""
    first = speech(TRANSCRIPT, audio_format)
    assert first == speech(TRANSCRIPT, audio_format)
    assert first == speech(TRANSCRIPT.upper(), audio_format)


@every_format
def test_more_text_is_longer(audio_format: str) -> None:
    sizes = [len(speech("x" * length, audio_format)) for length in (10, 40, 160, 500)]
    assert sizes == sorted(set(sizes))


@every_format
def test_length_is_capped(audio_format: str) -> None:
    """No transcript takes more than 30 s of samples and a wav header."""
    longest = speech("x" * 500, audio_format)
    assert longest == speech("x" * 1_000_000, audio_format)
    assert len(longest) <= 1_440_044


@pytest.mark.parametrize(
    ("characters", "seconds"),
    [
        ([], []),
        ([10, 500], [0.6, 30]),
        ([500, 500], [30, 30]),
        ([500, 500, 500], [20, 20, 20]),
        ([500, 10, 500, 400], [19.8, 0.6, 19.8, 19.8]),
        ([0, 5000, 5000, 5000], [0.24, 19.92, 19.92, 19.92]),
    ],
)
def test_answers_share_a_minute(characters: list[int], seconds: list[float]) -> None:
    """The shortest are left as they are."""
    made = durations(["x" * length for length in characters])
    assert made == [round(each * 1000) for each in seconds]


@given(st.lists(st.integers(0, 1000), max_size=128))
def test_no_request_has_more_than_a_minute(characters: list[int]) -> None:
    """However many answers there are, up to the 128 of a request."""
    made = durations(["x" * length for length in characters])
    alone = [durations(["x" * length])[0] for length in characters]
    assert sum(made) == sum(alone) or 60_000 - 128 < sum(made) <= 60_000
    assert all(240 <= one <= own for one, own in zip(made, alone, strict=True))
    cut = {one for one, own in zip(made, alone, strict=True) if one < own}
    assert not cut or cut == {max(made)}


def test_more_answers_than_fit_are_as_short_as_can_be() -> None:
    assert durations(["x" * 500] * 1000) == [240] * 1000


def test_unknown_format_is_an_error() -> None:
    message = "no audio format 'midi', only aac, flac, mp3, opus, pcm16, wav"
    with pytest.raises(ValueError, match=re.escape(message)):
        speech(TRANSCRIPT, "midi")


def test_formats_are_the_ones_of_the_sdk() -> None:
    from openai.types.chat import ChatCompletionAudioParam

    known = get_args(get_type_hints(ChatCompletionAudioParam)["format"])
    assert set(SPEECH_FORMATS) <= set(known)
    assert {"wav", "mp3", "flac", "opus", "aac", "pcm16"} == set(SPEECH_FORMATS)


@pytest.mark.parametrize(
    ("length", "tokens"), [(0, 5), (4, 5), (5, 6), (10, 12), (100, 120), (500, 600), (9000, 600)]
)
def test_audio_tokens(length: int, tokens: int) -> None:
    """One token for every 50 ms that begins."""
    assert audio_tokens(*durations(["x" * length])) == tokens


@given(st.text(max_size=600))
def test_tokens_follow_the_file(transcript: str) -> None:
    """The tokens cover the raw samples, and not 50 ms more."""
    covered = audio_tokens(*durations([transcript])) * 2400  # bytes in 50 ms
    assert 0 <= covered - len(speech(transcript, "pcm16")) < 2400


@pytest.mark.parametrize("length", [1, 2, 5, 6])
@pytest.mark.parametrize("waves", [20, 120, 200, 1201])
def test_flac_of_any_wave_is_lossless(length: int, waves: int) -> None:
    """Other half waves and last frames of any size come back sample for sample."""
    half = [-32_767, *WAVE[1:length]]
    samples = [*half, *(-sample for sample in half)] * waves
    pcm = struct.pack(f"<{len(samples)}h", *samples)
    assert decode(flac_tone(half, pcm), "flac").samples.tolist() == samples


def test_flac_states_the_checksum_of_its_samples() -> None:
    digest = hashlib.md5(speech(TRANSCRIPT, "pcm16")).digest()
    assert speech(TRANSCRIPT, "flac")[26:42] == digest


@pytest.mark.parametrize("samples", [1, 647, 648, 649, 960, 47_688, 47_689, 96_000, 1_440_000])
def test_opus_is_as_long_as_asked(samples: int) -> None:
    """Every count decodes exactly, at the borders of packets and pages too."""
    heard = decode(opus_silence(samples, 24_000), "opus")
    assert len(heard.samples) == samples
    assert heard.complaints == []


@pytest.mark.parametrize("audio_format", ["flac", "opus"])
def test_the_decoder_does_check(audio_format: str) -> None:
    """A flipped bit in any part of the last frames is noticed, so the checksums are real."""
    data = speech("x" * 50, audio_format)
    whole = decode(data, audio_format)
    for at in range(-60, 0):
        broken = bytearray(data)
        broken[at] ^= 1
        try:
            heard = decode(bytes(broken), audio_format)
        except av.error.InvalidDataError:
            continue
        assert len(heard.samples) < len(whole.samples) or heard.complaints
