"""Ogg files of silent Opus packets, mono.

Pages: RFC 3533. Opus in them: RFC 7845.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

__all__ = ["opus_silence"]

_BEGIN = 0x02
_END = 0x04
_SERIAL = 1
_PRE_SKIP = 312  # what decoders drop at the start: the delay of the reference encoder
_SILENCE = bytes.fromhex("f8fffe")  # mono, full band, 20 ms, marked silent
_PACKET_SAMPLES = 960
_PACKETS_PER_PAGE = 50
_VENDOR = b"mockdock"
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def opus_silence(samples: int, input_rate: int) -> bytes:
    """Write so many 48 kHz samples of silence, exact: decoders trim the last packet.

    ``input_rate`` (Hz) is what the header names as the rate before encoding.
    """
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, _PRE_SKIP, input_rate, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", len(_VENDOR)) + _VENDOR + bytes(4)
    pages = [_page(0, 0, [head], _BEGIN), _page(1, 0, [tags])]
    end = samples + _PRE_SKIP
    packets = -(-end // _PACKET_SAMPLES)
    for first in range(0, packets, _PACKETS_PER_PAGE):
        last = min(first + _PACKETS_PER_PAGE, packets)
        position = min(last * _PACKET_SAMPLES, end)
        flags = _END if last == packets else 0
        pages.append(_page(len(pages), position, [_SILENCE] * (last - first), flags))
    return b"".join(pages)


def _page(number: int, position: int, packets: Sequence[bytes], flags: int = 0) -> bytes:
    """Write one page of up to 255 whole packets, each shorter than 255 bytes."""
    start = struct.pack("<4sBBQII", b"OggS", 0, flags, position, _SERIAL, number)
    sizes = bytes([len(packets), *map(len, packets)])
    body = sizes + b"".join(packets)
    return start + _crc32(start + bytes(4) + body).to_bytes(4, "little") + body


def _crc32(data: bytes) -> int:
    """Compute Ogg's CRC-32: zlib's polynomial with the bits in the other order, no inversion."""
    mirrored = zlib.crc32(data.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
