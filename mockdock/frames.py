"""What leaves for the wire: a head, frames with a token weight, and their pace."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar, Literal

from msgspec import Struct

__all__ = ["Cut", "Delay", "Frame", "Head", "Headers", "Outcome", "Pacing", "Raw", "lines_of"]

Headers = tuple[tuple[bytes, bytes], ...]
"""Names and values of headers, as latin-1 bytes."""

_CONTROLS = bytes({*range(32), 127} - {ord("\t")})


def lines_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Write headers as lines; None where one of them would end its line, or garble it."""
    lines = [b"%b: %b\r\n" % pair for pair in headers]
    told = b"".join(lines)
    return told if len(told.translate(None, _CONTROLS)) == len(told) - 2 * len(lines) else None


class Head:
    """Status and headers of a reply.

    Of a plain reply they may have been written before: ``lines``, with names in lower case,
    that come from ``lines_of`` but for numbers put into them, announce a body of ``length``
    bytes and say nothing of the connection. They become pairs where somebody asks for these.
    """

    __slots__ = ("_headers", "length", "lines", "status")

    def __init__(
        self, status: int, headers: Headers | None, lines: bytes = b"", length: int = -1
    ) -> None:
        self.status = status
        self._headers = headers
        self.lines = lines
        self.length = length

    @property
    def headers(self) -> Headers:
        """The headers in order."""
        if self._headers is None:
            pairs = (line.partition(b": ") for line in self.lines.split(b"\r\n")[:-1])
            return tuple((name, value) for name, _, value in pairs)
        return self._headers


class Frame(Struct, frozen=True):
    """Bytes that leave together, and how many generated tokens they carry.

    With ``flush`` they leave in a segment of their own. ``count`` tells how many frames
    were made as one, where nothing waits between them.
    """

    data: bytes
    tokens: int = 0
    flush: bool = False
    count: int = 1


class Raw(Struct, frozen=True):
    """Bytes that pass HTTP's framing by: they go straight to the connection.

    A reply that holds such bytes ends with its connection, for nobody knows
    where the next one would begin. They may carry generated ``tokens`` as well.
    """

    data: bytes
    tokens: int = 0
    flush: ClassVar[bool] = True
    count: ClassVar[int] = 1


class Cut(Struct, frozen=True):
    """The connection ends here, whatever is missing of the reply.

    With ``reset`` by RST, else by FIN. ``gate`` is what new connections meet
    for ``lasts`` scenario seconds: none can be made, or each is closed at once.
    """

    reset: bool = False
    gate: Literal["refuse", "close"] | None = None
    lasts: float = 0.0
    data: ClassVar[bytes] = b""
    flush: ClassVar[bool] = True


class Delay(Struct, frozen=True):
    """A time in seconds: fixed, lognormal or uniform.

    fixed: ``low``. uniform: between ``low`` and ``high``. lognormal: median
    ``low``, shape ``sigma``, never above ``high``.
    """

    kind: Literal["fixed", "uniform", "lognormal"] = "fixed"
    low: float = 0.0
    high: float = math.inf
    sigma: float = 0.0

    def draw(self, rng: Random) -> float:
        """Draw one delay, in seconds."""
        if self.kind == "fixed":
            return self.low
        if self.kind == "uniform":
            return rng.uniform(self.low, self.high)
        if self.low <= 0:
            return 0.0
        return min(rng.lognormvariate(math.log(self.low), self.sigma), self.high)


class Pacing(Struct, frozen=True):
    """Time to the first token, and between tokens.

    ``prefill`` are prompt tokens read per second before the first token, None
    for at once. ``jitter`` is the sigma of a lognormal factor on every ``itl``.
    Above ``capacity`` replies at once all become slower, in proportion; of more
    than ``concurrent`` the others queue, None for no such limit.
    """

    ttft: Delay = Delay()
    itl: Delay = Delay()
    prefill: float | None = None
    jitter: float = 0.0
    capacity: int | None = None
    concurrent: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a delivery ended, after how many frames and body bytes.

    "stopped": the server was told to stop and could not wait for the end, or
    failed. "cut": a fault ended the connection. ``headless``: not even the
    head has left. ``began`` is when it left with the first frames, by
    ``time.monotonic()``; None where all leave together, or nothing.
    """

    ending: Literal["completed", "client_left", "stopped", "cut"]
    frames: int
    sent: int
    headless: bool = False
    began: float | None = field(default=None, compare=False)
