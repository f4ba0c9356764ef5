"""Heads of requests that came before: a client's are alike again and again, but for a length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["Key", "Known", "key_of", "known_by", "learn"]

_MOST, _LONGEST = 512, 4096
"""Heads that are remembered, and the bytes of the longest: some 6 MB at the very most."""
_END = b"\r\n\r\n"
_LENGTHS = b"\r\nContent-Length: %d\r\n", b"\r\ncontent-length: %d\r\n"
_LENGTH = b"content-length"
_SAID = "method", "path", "raw_path", "query_string"

Key = tuple[bytes, bytes]
"""What stands before and after the line that tells the length; nothing after, where none does."""


class Known(NamedTuple):
    """What a head says: parts of a scope, and headers, the one at ``place`` is the length."""

    said: dict[str, Any]
    headers: list[tuple[bytes, bytes]]
    place: int | None

    def headers_with(self, length: int) -> list[tuple[bytes, bytes]]:
        """Give the headers of a request with a body of so many bytes."""
        headers = self.headers.copy()
        if self.place is not None:
            headers[self.place] = _LENGTH, b"%d" % length
        return headers


_known: dict[Key, Known] = {}


def key_of(data: bytes) -> tuple[Key, bytes] | None:
    """Divide a request into what its head is known by and its body; None where it is not whole."""
    end = data.find(_END, 0, _LONGEST) + len(_END)
    head, length = data[:end], len(data) - end
    for line in _LENGTHS:
        before, found, after = head.partition(line % length)
        if found:
            return (before, after), data[end:]
    return None if length or end < len(_END) else ((head, b""), b"")


def known_by(key: Key) -> Known | None:
    """Give what a head says that was read before."""
    return _known.get(key)


def learn(key: Key, scope: Mapping[str, Any]) -> None:
    """Remember what a parser made of a head, where the bytes leave no doubt."""
    headers = list(scope["headers"])
    names = [name for name, _ in headers]
    lengths = names.count(_LENGTH)
    plain = scope["http_version"] == "1.1" and key[0].startswith(scope["method"].encode() + b" ")
    if not plain or lengths != bool(key[1]) or b"transfer-encoding" in names:
        return
    if any(part.count(b"\n") != part.count(b"\r\n") for part in key):
        return
    if len(_known) >= _MOST:
        _known.clear()
    place = names.index(_LENGTH) if lengths else None
    _known[key] = Known({name: scope[name] for name in _SAID}, headers, place)
