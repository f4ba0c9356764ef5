"""Single values for a flat schema: strings and numbers that look like their field."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from mockdock.content import fake, patterns
from mockdock.content.check import multiple
from mockdock.content.hints import FORMATS, NUMBERS, TEXTS, words
from mockdock.content.keywords import bounds, listed, quantity, size, types

__all__ = ["few", "number", "string", "stub"]

_MAX_TEXT = 10_000
_SPAN = 1_000
_TRIES = 60
_FEW = 200
# Sums of such floats stay finite; beyond it numbers are whole.
_LARGEST = 1e300
_STUBS: Mapping[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}


def string(schema: Mapping[str, Any], rng: random.Random, name: str) -> str:
    """Make a string by ``format``, else ``pattern``, else what ``name`` suggests."""
    lo = min(size(schema, "minLength") or 0, _MAX_TEXT)
    hi = size(schema, "maxLength")
    hi = None if hi is None else max(lo, hi)
    pattern = schema.get("pattern")
    made_format = FORMATS.get(str(schema.get("format")))
    text = made_format(rng) if made_format else None
    if isinstance(pattern, str) and (text is None or not patterns.found(pattern, text)):
        hinted = _hinted(rng, name)
        if (
            len(hinted) >= lo
            and (hi is None or len(hinted) <= hi)
            and patterns.found(pattern, hinted)
        ):
            return hinted
        text = patterns.generate(pattern, rng, lo=lo, hi=hi)
        if text is not None:
            return text
    return _fitted(_hinted(rng, name) if text is None else text, rng, lo, hi)


def number(schema: Mapping[str, Any], rng: random.Random, name: str, *, whole: bool) -> int | float:
    """Make a number within the bounds of the schema, an int when ``whole``."""
    lo, lo_open, hi, hi_open = bounds(schema)
    hinted = _hinted_number(rng, name, whole=whole)
    step = quantity(schema, "multipleOf")
    if step is not None and step > 0:
        return _stepped(schema, rng, step if not whole or step.denominator == 1 else Fraction(1))
    if _within(hinted, schema):
        return hinted
    if whole or any(edge is not None and abs(edge) > _LARGEST for edge in (lo, hi)):
        return int(_stepped(schema, rng, Fraction(1)))
    low, high = _range(lo, hi)
    for digits in (2, 2, 4, 8, 17):
        value = round(_float(low) + rng.random() * _float(high - low), digits)
        if math.isfinite(value) and _within(value, schema):
            return value
    for edge in (low, high, (low + high) / 2):
        if _within(_float(edge), schema):
            return _float(edge)
    # Only a hair's breadth between open bounds is left.
    return math.nextafter(_float(low), math.inf) if lo_open or hi_open else _float(low)


def few(schema: Mapping[str, Any]) -> Sequence[Any]:
    """Give all values of a flat schema that has only a few of them, else none."""
    if "const" in schema:
        return (schema["const"],)
    enum = listed(schema, "enum")
    kinds = types(schema)
    if enum or kinds == ("boolean",):
        return enum or (True, False)
    lo, lo_open, hi, hi_open = bounds(schema)
    if kinds != ("integer",) or lo is None or hi is None or hi - lo > _FEW:
        return ()
    low, high = math.ceil(lo), math.floor(hi)
    return range(low + (lo_open and lo == low), high + 1 - (hi_open and hi == high))


def stub(schema: Mapping[str, Any] | None) -> Any:
    """Give the emptiest value of about the right type."""
    kind = (types(schema or {}) or ("null",))[0]
    if kind in ("object", "array"):
        return {} if kind == "object" else []
    return _STUBS.get(kind)


def _hinted(rng: random.Random, name: str) -> str:
    parts = words(name)
    for candidate in ("_".join(parts), *reversed(parts)):
        make = TEXTS.get(candidate)
        if make is not None:
            return make(rng)
    return fake.english(rng).sentence(nb_words=3).rstrip(".")


def _hinted_number(rng: random.Random, name: str, *, whole: bool) -> int | float:
    for part in reversed(words(name)):
        if part in NUMBERS:
            low, high = NUMBERS[part]
            break
    else:
        low, high = 1, 100
    if whole:
        return rng.randint(math.ceil(low), math.floor(high))
    return round(rng.uniform(low, high), 2)


def _fitted(text: str, rng: random.Random, lo: int, hi: int | None) -> str:
    while len(text) < lo:
        text = f"{text} {fake.english(rng).sentence(nb_words=max(3, (lo - len(text)) // 6))}"
    if hi is None or len(text) <= hi:
        return text
    cut = text[:hi].rstrip(" ")
    return cut.ljust(lo, "a")


def _within(value: float, schema: Mapping[str, Any]) -> bool:
    lo, lo_open, hi, hi_open = bounds(schema)
    exact = Fraction(value)
    above = lo is None or exact > lo or (exact == lo and not lo_open)
    return above and (hi is None or exact < hi or (exact == hi and not hi_open))


def _range(lo: Fraction | None, hi: Fraction | None) -> tuple[Fraction, Fraction]:
    if lo is None:
        top = Fraction(_SPAN) if hi is None else hi
        return top - _SPAN, top
    return lo, lo + _SPAN if hi is None else max(lo, hi)


def _float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return _LARGEST if value > 0 else -_LARGEST


def _stepped(schema: Mapping[str, Any], rng: random.Random, step: Fraction) -> int | float:
    """Make ``k * step`` within the bounds; the nearest such number when there is none."""
    lo, lo_open, hi, hi_open = bounds(schema)
    least = None if lo is None else math.ceil(lo / step) + (lo_open and lo % step == 0)
    most = None if hi is None else math.floor(hi / step) - (hi_open and hi % step == 0)
    if least is None:
        least = 1 if most is None or most >= 1 else most - 100
    most = least + 100 if most is None else max(least, most)
    for _ in range(_TRIES):
        exact = rng.randint(least, most) * step
        if exact.denominator == 1:
            return int(exact)
        value = _float(exact)
        if multiple(value, step):
            return value
    return 0 if least <= 0 <= most else _float(least * step)
