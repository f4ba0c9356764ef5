"""Image sizes and prices, on headers built by hand."""

from __future__ import annotations

import base64
import struct
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mockdock.content.image_size
from mockdock.content.image_size import DataUrl, image_size
from mockdock.content.images import UNKNOWN_SIZE, count_image
from mockdock.request import ImagePart

REST = b"\x00" * 400


def url(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", width, height) + REST


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + REST


def jpeg(width: int, height: int, before: bytes = b"", frame: int = 0xC0) -> bytes:
    head = struct.pack(">BBHBHH", 0xFF, frame, 11, 8, height, width)
    return b"\xff\xd8" + before + head + REST


def segment(marker: int, size: int) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, size + 2) + b"\xff" * size


def webp(chunk: bytes) -> bytes:
    return b"RIFF\x00\x00\x00\x00WEBP" + chunk + REST


def vp8(width: int, height: int) -> bytes:
    return webp(b"VP8 \x00\x00\x00\x00\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height))


def vp8l(width: int, height: int) -> bytes:
    return webp(b"VP8L\x00\x00\x00\x00\x2f" + struct.pack("<I", width - 1 | (height - 1) << 14))


def vp8x(width: int, height: int) -> bytes:
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return webp(b"VP8X\x00\x00\x00\x00\x00\x00\x00\x00" + sizes)


@pytest.mark.parametrize("make", [png, gif, jpeg, vp8, vp8l, vp8x])
@given(width=st.integers(1, 16383), height=st.integers(1, 16383))
def test_size_is_read_from_the_header(make: object, width: int, height: int) -> None:
    """Every format gives its size back, whatever the data URL claims it is."""
    assert callable(make)
    assert image_size(url(make(width, height), "anything")) == (width, height)


@pytest.mark.parametrize("size", [1, 2, 3, 20_000, 65_533])
def test_jpeg_size_is_found_behind_other_segments(size: int) -> None:
    """Thumbnails, profiles, tables and fill bytes before the frame are skipped."""
    before = segment(0xE1, size) * 3 + segment(0xC4, 40) + b"\xff\xff" + segment(0xDB, 64)[1:]
    assert image_size(url(jpeg(640, 480, before, frame=0xC2))) == (640, 480)


def test_only_the_header_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo of a megabyte costs a few dozen decoded bytes."""
    decoded: list[int] = []

    def counted(text: str, *, validate: bool) -> bytes:
        decoded.append(len(text))
        return base64.b64decode(text, validate=validate)

    monkeypatch.setattr(mockdock.content.image_size, "b64decode", counted)
    photo = jpeg(3000, 2000, segment(0xE1, 60_000)) + b"\x00" * 1_000_000
    assert image_size(url(photo)) == (3000, 2000)
    assert sum(decoded) < 100


@pytest.mark.parametrize(
    "bad",
    [
        "https://example.org/cat.png",
        "data:image/png,plain",
        "data:image/png;base64",
        "data:image/png;base64,",
        "data:image/png;base64,****",
        "data:image/png;base64,iVBORw0K",
        url(b"text"),
        url(png(0, 10)),
        url(png(10, 10)[:20]),
        url(b"GIF89a\x01"),
        url(b"\xff\xd8"),
        url(b"\xff\xd8" + REST),
        url(b"\xff\xd8" + segment(0xE1, 5)),
        url(b"\xff\xd8" + segment(0xE1, 5) * 600 + jpeg(1, 1)[2:]),
        url(webp(b"ALPH")),
        url(webp(b"VP8L\x00\x00\x00\x00\x00")),
        url(webp(b"VP8 " + REST)),
    ],
)
def test_unreadable_image_has_no_size_and_the_default_price(bad: str) -> None:
    assert image_size(bad) is None
    assert UNKNOWN_SIZE == (800, 400)
    assert count_image(ImagePart(bad), "gpt-4o") == 85 + 2 * 170


@given(st.binary(max_size=200), st.integers(0, 200), st.integers(0, 60))
def test_data_url_reads_any_slice(data: bytes, offset: int, size: int) -> None:
    """Bytes can be read at any place, and the length is known without decoding."""
    found = DataUrl.of(url(data))
    assert found is not None
    assert len(found) == len(data)
    assert found.read(offset, size) == data[offset : offset + size]


def cost(
    model: str, width: int, height: int, detail: Literal["auto", "low", "high"] = "auto"
) -> int:
    return count_image(ImagePart(url(png(width, height)), detail), model)


@pytest.mark.parametrize(
    ("width", "height", "tiles"),
    [
        (1, 1, 1),
        (512, 512, 1),
        (513, 512, 2),
        (800, 400, 2),
        (1024, 1024, 4),
        (2048, 4096, 6),
        (2560, 1669, 6),
        (10_000, 10, 4),
    ],
)
def test_tiles_of_512_pixels(width: int, height: int, tiles: int) -> None:
    """Sizes from OpenAI's guide, from recordings (2 and 6 tiles), and at the edges."""
    assert cost("gpt-4-1106-vision-preview", width, height) == 85 + 170 * tiles


@pytest.mark.parametrize(
    ("model", "base", "tile"),
    [
        ("gpt-4o-2024-08-06", 85, 170),
        ("openai/gpt-4.1", 85, 170),
        ("some-model", 85, 170),
        ("gpt-4o-mini", 2833, 5667),
        ("ft:gpt-4o-mini-2024-07-18:org::id", 2833, 5667),
        ("gpt-5", 70, 140),
        ("gpt-5.1", 70, 140),
        ("o1", 75, 150),
        ("o3-pro", 75, 150),
    ],
)
def test_price_of_a_tile_depends_on_the_model(model: str, base: int, tile: int) -> None:
    """Low detail costs the base, auto costs as high."""
    assert cost(model, 4000, 3000, "low") == base
    assert cost(model, 1024, 1024) == cost(model, 1024, 1024, "high") == base + 4 * tile


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("gpt-4.1-mini", 1659),
        ("gpt-5-mini-2025-08-07", 1659),
        ("gpt-4.1-nano", 2520),
        ("gpt-5-nano", 2520),
        ("o4-mini", 1762),
    ],
)
def test_patch_models_pay_by_patch(model: str, tokens: int) -> None:
    """1024 patches of a 1024 square, times the model's factor, rounded up."""
    assert cost(model, 1024, 1024) == tokens


@pytest.mark.parametrize(
    ("width", "height", "patches"),
    [(32, 32, 1), (33, 32, 2), (1800, 2400, 1452), (100_000, 1, 1536), (2560, 1669, 1488)],
)
def test_patches_of_32_pixels(width: int, height: int, patches: int) -> None:
    """The guide's own example, 1800 x 2400, is 1452 patches; 1536 is the cap."""
    assert cost("o4-mini", width, height) == -(-patches * 172 // 100)


def test_low_detail_of_a_patch_model_is_the_price_of_512_pixels() -> None:
    assert cost("gpt-4.1-mini", 2048, 1024, "low") == cost("gpt-4.1-mini", 512, 256)
    assert cost("gpt-4.1-mini", 100, 50, "low") == cost("gpt-4.1-mini", 100, 50)


@given(st.integers(1, 70_000), st.integers(1, 70_000))
def test_prices_are_bounded(width: int, height: int) -> None:
    """No image costs more than eight tiles or 1,536 patches."""
    assert 0 < cost("o4-mini", width, height) <= 2642
    assert 85 < cost("gpt-4o", width, height) <= 85 + 8 * 170
