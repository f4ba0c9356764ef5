"""Steps as the script reads them, and picks as it tells them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from mockdock.engine.meters import Charge, Reading
from mockdock.engine.store import (
    Candidate,
    Chance,
    Gate,
    Pick,
    Scalar,
    Skip,
    Step,
    looks_at_state,
)

__all__ = [
    "pack",
    "pack_charges",
    "pack_serial",
    "pack_states",
    "pack_step",
    "pack_text",
    "unpack_pick",
    "unpack_readings",
    "unpack_states",
    "unpack_text",
]

_SKIPS: Mapping[str, Skip] = {"a": "attempt", "s": "state", "t": "times", "r": "replies"}
_LARGEST = 10**14
"""The script counts in floating-point numbers, and writes no more digits of them."""
_BROKEN = "\x00"
"""Begins a text that is no Unicode, and follows in hexadecimal."""
_LEASE = 10**20
"""The serial of a pick is so many times that of the lease, 0 for none, and the session's."""


def pack(asked: Mapping[str, Any]) -> bytes:
    """Write what a verb is asked, as JSON."""
    try:
        return orjson.dumps(asked)
    except orjson.JSONEncodeError:
        return orjson.dumps(_whole(asked))


def pack_text(text: str) -> str:
    """Write a text of any kind, such as half of a pair of surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _BROKEN + text.encode("utf-8", "surrogatepass").hex()
    return text


def unpack_text(data: bytes) -> str:
    """Read a text again."""
    text = data.decode()
    if not text.startswith(_BROKEN):
        return text
    return bytes.fromhex(text[1:]).decode("utf-8", "surrogatepass")


def _whole(value: Any) -> Any:
    """Give what is asked with texts that are Unicode."""
    if isinstance(value, str):
        return pack_text(value)
    if isinstance(value, Mapping):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_whole(each) for each in value]
    return value


def pack_step(step: Step, *, peek: bool = False, holder: str | None = None) -> bytes:
    """Write a step, or one that counts nothing; the ``holder`` is who holds what it takes."""
    return pack(
        {
            "session": step.session,
            "holder": holder,
            "request": step.request,
            "attempt": min(step.attempt or 0, _LARGEST),
            "now": step.now,
            "peek": peek,
            "whole": looks_at_state(step),
            "gates": [_gate(each) for each in step.gates],
            "charges": pack_charges(step.charges),
            "candidates": [_candidate(each) for each in step.candidates],
        }
    )


def pack_charges(charges: Iterable[Charge]) -> list[dict[str, Any]]:
    """Write charges."""
    return [
        {
            "key": each.key,
            "algorithm": each.algorithm,
            "limit": each.limit,
            "cost": each.cost,
            "window": each.window,
            "toll": each.toll,
            "extend": each.extend,
            "shared": each.shared,
        }
        for each in charges
    ]


def pack_serial(serial: int, holder: str) -> dict[str, str]:
    """Write the serial of a pick: that of the session, and the lease of its holder."""
    lease, session = divmod(serial, _LEASE) if serial > 0 else (0, serial)
    return {"serial": str(session), "lease": f"{holder}/{lease}"}


def pack_states(states: Iterable[tuple[str, Scalar]]) -> Sequence[tuple[str, str | None]]:
    """Write named states: names and values in JSON, None for what is unset."""
    return [(json.dumps(name), _scalar(value)) for name, value in states]


def _scalar(value: Scalar) -> str | None:
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return f"{int(value)}.0"  # as the whole number is written, but for its end
    return json.dumps(value)


def _conditions(what: Candidate | Gate | Chance) -> dict[str, Any]:
    low, high = what.attempts
    return {"low": low, "high": high, "state": pack_states(what.state) if what.state else ()}


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        **_conditions(candidate),
        "key": candidate.key,
        "times": candidate.times,
        "length": candidate.length,
        "per": candidate.per,
        "after_last": candidate.after_last,
        "set_state": pack_states(candidate.set_state) if candidate.set_state else (),
    }


def _gate(gate: Gate) -> dict[str, Any]:
    chance = gate.chance
    drawn = None
    if chance is not None:
        shares = {"base": chance.base, "rate": chance.rate, "errors": chance.errors}
        drawn = _conditions(chance) | shares
    return _conditions(gate) | {"error": gate.error, "chance": drawn}


def unpack_pick(told: bytes) -> Pick:
    """Read what was decided."""
    attempt, seen, serial, lease, index, position, skips, *rest = told.split(b"|", 9)
    refusers, readings, states = rest
    return Pick(
        int(attempt),
        int(seen),
        None if index == b"-1" else int(index),
        None if position == b"-1" else int(position),
        tuple(_SKIPS[each] for each in skips.decode()) if skips else (),
        unpack_readings(readings) if readings else (),
        tuple(map(int, refusers.split(b","))) if refusers else (),
        int(serial) + int(lease) * _LEASE,
        {} if states == b"{}" else json.loads(states),
    )


def unpack_readings(told: bytes) -> tuple[Reading, ...]:
    """Read how meters stand."""
    if not told:
        return ()
    return tuple(Reading(*map(float, each.split())) for each in told.split(b","))


def unpack_states(held: Mapping[bytes, bytes]) -> dict[str, Scalar]:
    """Read the named states of a session off what is kept of it."""
    return {
        json.loads(name[1:]): json.loads(value)
        for name, value in held.items()
        if name.startswith(b"=")
    }
