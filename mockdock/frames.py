"""What leaves for the wire: a head, frames with a token weight, and their pace."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Literal

__all__ = ["Delay", "Frame", "Head", "Outcome", "Pacing"]


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of a reply; names and values are latin-1 bytes."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes that leave together, and how many generated tokens they carry."""

    data: bytes
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Delay:
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


@dataclass(frozen=True, slots=True)
class Pacing:
    """Time to the first token, and between tokens."""

    ttft: Delay = Delay()
    itl: Delay = Delay()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a delivery ended, after how many frames and body bytes.

    "stopped": the server was told to stop and could not wait for the end.
    """

    ending: Literal["completed", "client_left", "stopped"]
    frames: int
    sent: int
