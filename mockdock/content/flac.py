"""FLAC files of a steady tone, 24 kHz mono 16 bit, about 45 bytes each 100 ms.

A wave whose second half is the first one negated predicts itself: every sample
is the negative of the one half a period before. So a frame is the first half
wave, a linear predictor that says so, and no residual. Layout: RFC 9639.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence

__all__ = ["SAMPLE_RATE", "flac_tone"]

SAMPLE_RATE = 24_000

_BITS = 16
_BLOCK = 2400
_MAGIC = b"fLaC"
_LAST_STREAMINFO = 0x80
_FRAME_HEAD = bytes.fromhex("fff87708")  # fixed blocks, size in 16 bits, 24 kHz, mono, 16 bit
_COEFFICIENT_BITS = 2
_ALL_ONES = 0b11  # -1 in two bits
_LINEAR_PREDICTOR = 0b100000
_ESCAPE = 0b1111


def _remainders(width: int, polynomial: int) -> tuple[int, ...]:
    """Tabulate the CRC of every single byte, highest bit first."""
    table = []
    for byte in range(256):
        crc = byte << width - 8
        for _ in range(8):
            crc = crc << 1 ^ (polynomial if crc >> width - 1 else 0)
            crc &= (1 << width) - 1
        table.append(crc)
    return tuple(table)


_CRC8 = _remainders(8, 0x07)
_CRC16 = _remainders(16, 0x8005)


def flac_tone(half_wave: Sequence[int], pcm: bytes) -> bytes:
    """Encode ``pcm``, little-endian samples that are ``half_wave``, its negative, and so on.

    ``half_wave`` has at most 12 signed 16-bit values, and their number divides
    1200, so that each frame begins a wave; ``pcm`` is whole waves, under an hour.
    """
    return b"".join([_streaminfo(pcm), *_frames(half_wave, len(pcm) // 2)])


def _streaminfo(pcm: bytes) -> bytes:
    """Write the one metadata block: block sizes, unknown frame sizes, format, length, MD5."""
    form = SAMPLE_RATE << 44 | (_BITS - 1) << 36 | len(pcm) // 2
    block = struct.pack(">HH6xQ", _BLOCK, _BLOCK, form)
    block += hashlib.md5(pcm, usedforsecurity=False).digest()
    return _MAGIC + bytes([_LAST_STREAMINFO]) + len(block).to_bytes(3, "big") + block


def _frames(half_wave: Sequence[int], samples: int) -> Iterator[bytes]:
    subframe = _subframe(half_wave)
    for number, start in enumerate(range(0, samples, _BLOCK)):
        size = min(_BLOCK, samples - start)
        # Frame numbers are coded the way UTF-8 codes characters.
        head = _FRAME_HEAD + chr(number).encode() + (size - 1).to_bytes(2, "big")
        head += bytes([_crc8(head)])
        frame = head + subframe
        yield frame + _crc16(frame).to_bytes(2, "big")


def _subframe(half_wave: Sequence[int]) -> bytes:
    """Write the first samples, the predictor that negates them, and an empty residual."""
    order = len(half_wave)
    fields = [(0, 1), (_LINEAR_PREDICTOR | order - 1, 6), (0, 1)]
    fields += [(sample & 0xFFFF, _BITS) for sample in half_wave]
    fields += [(_COEFFICIENT_BITS - 1, 4), (0, 5)]  # their width, no shift
    fields += [(0, _COEFFICIENT_BITS)] * (order - 1) + [(_ALL_ONES, _COEFFICIENT_BITS)]
    fields += [(0, 2), (0, 4), (_ESCAPE, 4), (0, 5)]  # one partition, zero bits a sample
    bits = "".join(f"{value:0{width}b}" for value, width in fields)
    size = -(-len(bits) // 8)
    return int(bits.ljust(8 * size, "0"), 2).to_bytes(size, "big")


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = _CRC8[crc ^ byte]
    return crc


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = crc << 8 & 0xFFFF ^ _CRC16[crc >> 8 ^ byte]
    return crc
