"""The size of an image, from the first bytes of its data URL.

Only the bytes asked for are decoded, wherever in the base64 they are: a photo
of many megabytes costs as little as an icon.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Literal

from msgspec import Struct

__all__ = ["DataUrl", "image_size"]

_LONGEST_PREFIX = 256
_MOST_SEGMENTS = 512
_VP8L_MARK = 0x2F
_MARKER = 0xFF
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class DataUrl(Struct, frozen=True):
    """Bytes at any place of a base64 data URL; ``start`` is where the base64 begins."""

    url: str
    start: int = 0

    @classmethod
    def of(cls, url: str) -> DataUrl | None:
        """Find the base64 of a data URL, None when it is something else."""
        comma = url.find(",", 0, _LONGEST_PREFIX)
        if comma < 0 or url[:5].lower() != "data:" or not url[:comma].lower().endswith(";base64"):
            return None
        return cls(url, comma + 1)

    def __len__(self) -> int:
        """Give the number of bytes there are."""
        return (len(self.url) - self.start - self.url.count("=", -2)) * 3 // 4

    def read(self, offset: int, size: int) -> bytes:
        """Decode ``size`` bytes from ``offset`` on; fewer at the end, ValueError if not base64."""
        first, last = offset // 3, -(-(offset + size) // 3)
        text = self.url[self.start + 4 * first : self.start + 4 * last]
        decoded = b64decode(text + "=" * (-len(text) % 4), validate=True)
        return decoded[offset - 3 * first :][:size]


def image_size(url: str) -> tuple[int, int] | None:
    """Read (width, height) in pixels of a png, jpeg, gif or webp data URL.

    None for a remote image and for one whose header cannot be read.
    """
    data = DataUrl.of(url)
    if data is None:
        return None
    try:
        width, height = _size(data)
    except (ValueError, IndexError):
        return None
    return (width, height) if width and height else None


def _size(data: DataUrl) -> tuple[int, int]:
    head = data.read(0, 30)
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return _number(head, 16, 4, "big"), _number(head, 20, 4, "big")
    if head.startswith((b"GIF87a", b"GIF89a")):
        return _number(head, 6, 2, "little"), _number(head, 8, 2, "little")
    if head.startswith(b"\xff\xd8"):
        return _jpeg(data)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp(head)
    raise ValueError("not an image")


def _webp(head: bytes) -> tuple[int, int]:
    """Read the first chunk: VP8X has sizes less one, VP8L 14 bits each, VP8 16 bits."""
    kind = head[12:16]
    if kind == b"VP8X":
        return _number(head, 24, 3, "little") + 1, _number(head, 27, 3, "little") + 1
    if kind == b"VP8L" and head[20] == _VP8L_MARK:
        bits = _number(head, 21, 4, "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        return _number(head, 26, 2, "little") & 0x3FFF, _number(head, 28, 2, "little") & 0x3FFF
    raise ValueError("not a webp header")


def _jpeg(data: DataUrl) -> tuple[int, int]:
    """Walk from segment to segment until the frame header, which has the size."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        head = data.read(at, 9)
        if head[0] != _MARKER:
            break
        marker = head[1]
        if marker == _MARKER:
            at += 1  # a fill byte
        elif marker in _FRAMES:
            return _number(head, 7, 2, "big"), _number(head, 5, 2, "big")
        else:
            at += 2 + max(2, _number(head, 2, 2, "big"))
    raise ValueError("no frame header")


def _number(data: bytes, at: int, size: int, order: Literal["big", "little"]) -> int:
    part = data[at : at + size]
    if len(part) < size:
        raise ValueError("the header is cut short")
    return int.from_bytes(part, order)
