"""Single values for a flat schema: offered ones, else such that look like their field."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice
from typing import Any

from mockdock.content import patterns
from mockdock.content.check import multiple
from mockdock.content.forms import FORMATS, fitted, sized
from mockdock.content.hints import AHEAD, NUMBERS, ROLES, SPECIAL, TEXTS, words
from mockdock.content.keywords import bounds, canonical, listed, quantity, size, types
from mockdock.content.offers import Offer, Offers, singular
from mockdock.content.prose import english

__all__ = ["Taker", "number", "string"]

_MAX_TEXT = 10_000
_SPAN = 1_000
_TRIES = 60
# Sums of such floats stay finite; beyond it numbers are whole.
_LARGEST = 1e300
# A number that is not said to be one of these has to be what such a thing can be.
_NATURAL: Mapping[str, tuple[float, float]] = {
    **{word: NUMBERS[word] for word in ("confidence", "probability", "hour", "minute", "month")},
    **{word: NUMBERS[word] for word in ("lat", "latitude", "lng", "lon", "longitude", "timestamp")},
    "year": (1000, 2999),
}
_NO_COUNT = ("string", "boolean")
_FORMED = ("email", "link", "moment", "date", "clock")
_FROM = frozenset(("from", "origin", "departure", "source", "sender"))
_TO = frozenset(("to", "destination", "arrival", "target", "recipient"))
# Fields that take the name of a place before a country or state does.
_WIDE = frozenset(("city", "town", "location", "place", "destination"))
_BARRED: Mapping[str, tuple[str, ...]] = {"place": ("for",), "person": ("to", "from")}
_COUNTRIES = frozenset(("UK", "US"))
_Found = Iterator[tuple[Any, int]]
_MAX_MEMBERS = 500
_MAX_TAKEN = 20


class Taker:
    """Hands out what a conversation offers, each offer once.

    ``fields`` are the name and schema of all fields there are: an offer that is
    said to be for another one is kept for it. ``taken`` tells where in the text
    the offers were that are gone; it may be set back.
    """

    def __init__(
        self, offers: Offers, fields: Iterable[tuple[str, Any]], fits: Callable[[Any, Any], bool]
    ) -> None:
        self.offers = offers
        self.fits = fits
        self.taken: frozenset[int] = frozenset()
        self.text = offers.text.replace("_", " ").replace("-", " ")
        self.lower = self.text.lower()
        self.known: set[str] = set()
        self.counted: set[str] = set()
        for name, schema in fields:
            stems = {singular(word) for word in words(name)}
            self.known |= stems
            if not (isinstance(schema, Mapping) and schema.get("type") in _NO_COUNT):
                self.counted |= stems
        self.both = {ROLES.get(word) for word in self.known} >= {"place", "person"}

    def take(self, flat: Mapping[str, Any], name: str, given: Sequence[Any]) -> list[Any]:
        """Take the best offer that fits a field, in a list, which is empty without one.

        ``given`` are the values the schema gives: the members of an enum, or
        suggestions, which only an offer for this very field outdoes.
        """
        for value, at in self._found(flat, name, given):
            if at not in self.taken and self.fits(value, flat):
                self.taken |= {at}
                return [value]
        return []

    def count(self, flat: Mapping[str, Any], name: str, given: Sequence[Any]) -> int:
        """Tell how many such fields in a row would get an offer, up to some."""
        before, count = self.taken, 0
        while count < _MAX_TAKEN and self.take(flat, name, given):
            count += 1
        self.taken = before
        return count

    def _found(self, flat: Mapping[str, Any], name: str, given: Sequence[Any]) -> _Found:
        stems = {singular(word) for word in words(name)}
        kinds = types(flat)
        if "const" in flat:
            return
        if listed(flat, "enum"):
            yield from self._members(given, stems)
            return
        if "integer" in kinds or "number" in kinds:
            yield from self._numbers(name, stems, loose=not given)
        if "string" in kinds:
            form = flat.get("format")
            if isinstance(form, str) and form in FORMATS:
                yield from self._formatted(form)
            else:
                yield from self._strings(words(name), stems, loose=not given)

    def _members(self, members: Sequence[Any], stems: set[str]) -> _Found:
        found = [
            (self._apart(at, end, stems), at, at - end, member)
            for member in members[:_MAX_MEMBERS]
            for at, end in self._mentions(member)
        ]
        yield from ((member, at) for _, at, _, member in sorted(found, key=lambda one: one[:3]))

    def _mentions(self, member: Any) -> list[tuple[int, int]]:
        if isinstance(member, str) and member.strip():
            form = member.replace("_", " ").replace("-", " ")
            if form.lower() not in self.lower:
                return []
            form = re.escape(form)
            # One letter means much, unless it is written the same.
            mode = re.IGNORECASE if len(member) > 1 else re.NOFLAG
            spots = re.finditer(rf"(?<!\w){form}(?!\w)", self.text, mode)
            return [spot.span() for spot in islice(spots, _MAX_TAKEN)]
        same = canonical(member)
        return [(one.at, one.at) for one in self.offers.numbers if canonical(one.value) == same]

    def _apart(self, at: int, end: int, stems: set[str]) -> bool:
        beside = (
            *words(self.text[max(at - 20, 0) : at])[-2:],
            *words(self.text[end : end + 20])[:1],
        )
        return stems.isdisjoint(map(singular, beside))

    def _numbers(self, name: str, stems: set[str], *, loose: bool) -> _Found:
        numbers = self.offers.numbers
        told = [one for one in numbers if not stems.isdisjoint(one.near)]
        for one in sorted(told, key=lambda one: -len(stems & one.near)):
            yield one.value, one.at
        spans = (_NATURAL[part] for part in words(name) if part in _NATURAL)
        low, high = next(spans, (-math.inf, math.inf))
        for one in numbers if loose else ():
            if low <= one.value <= high and one.near & self.counted <= stems:
                yield one.value, one.at

    def _strings(self, parts: Sequence[str], stems: set[str], *, loose: bool) -> _Found:
        role = next((ROLES[part] for part in reversed(parts) if part in ROLES), "")
        role = "person" if not role and "name" in parts else role
        if role in _FORMED:
            yield from self._formatted(role)
        offers = self.offers
        numbers = offers.numbers if role == "own" or "number" in parts else ()
        for one in (*offers.quotes, *numbers, *offers.names):
            if not stems.isdisjoint(one.near):
                yield str(one.value), one.at
        if role in AHEAD:
            if not _TO.isdisjoint(parts):
                yield from self._formatted("email")
            for one in self._named(role, frozenset(parts)):
                yield from _formed(one, role, frozenset(parts), alone=self.known.isdisjoint(_WIDE))
        for one in offers.quotes if loose and (role in ("", "text") or "name" in parts) else ():
            if one.near & self.known <= stems:
                yield one.value, one.at

    def _named(self, role: str, parts: frozenset[str]) -> Iterator[Offer]:
        """Give the names for a field, in the order of the words it wants before them."""
        ahead = ("from",) if parts & _FROM else ("to", *AHEAD[role]) if parts & _TO else AHEAD[role]
        # With both a place and a person to find, some words tell of one of them only.
        barred = _BARRED.get(role, ()) if self.both and not parts & (_FROM | _TO) else ()
        pool = [one for one in self.offers.names if SPECIAL.get(one.value, role) == role]
        if role in SPECIAL.values():
            pool = [one for one in pool if one.value in SPECIAL]
        else:
            quoted = ("named", "called") if role == "person" else ahead
            pool += [one for one in self.offers.quotes if one.before in quoted]
        for before in ahead:
            yield from (one for one in pool if one.before == before and before not in barred)
        yield from pool if role in SPECIAL.values() else ()

    def _formatted(self, form: str) -> _Found:
        offers = self.offers
        clocks = [one for one in offers.times if one.at not in self.taken]
        if form in ("date-time", "moment"):
            yield from ((one.value, one.at) for one in offers.moments)
            for one in offers.dates:
                clock = f"{clocks[0].value}:00"[:8] if clocks else "00:00:00"
                yield f"{one.value}T{clock}Z", one.at
        elif form == "time":
            yield from ((f"{one.value}:00"[:8] + "Z", one.at) for one in clocks)
        else:
            kinds = {
                "date": offers.dates,
                "clock": clocks,
                "email": offers.emails,
                "idn-email": offers.emails,
            }
            links = offers.links if form in ("uri", "url", "iri", "link") else ()
            yield from ((one.value, one.at) for one in kinds.get(form, links))


def _formed(one: Offer, role: str, parts: frozenset[str], *, alone: bool) -> _Found:
    """Give the part of a name that a field is about, and where that part is."""
    value = str(one.value)
    first, last = value.partition(" ")[0], value.rpartition(" ")[2]
    beyond = one.at + len(value)
    if role == "person" and parts & {"first", "given", "firstname"}:
        yield first, one.at
    elif role == "person" and parts & {"last", "family", "lastname", "surname"}:
        if last != value:
            yield last, beyond - len(last)
    elif role == "place" and parts & {"country", "state", "region"}:
        short = len(one.region) == len("CA") and one.region not in _COUNTRIES
        if one.region and ("country" not in parts or not short):
            yield one.region, beyond
        elif alone:
            yield value, one.at
    elif one.region and role == "place" and not parts & {"city", "town", "airport"}:
        yield f"{value}, {one.region}", one.at
    else:
        yield value, one.at


def string(schema: Mapping[str, Any], rng: random.Random, name: str) -> str:
    """Make a string by ``format``, else ``pattern``, else what ``name`` suggests.

    Its length counts most, up to 10,000 characters: a form that has no such length is cut or
    followed by words.
    """
    least, hi = size(schema, "minLength") or 0, size(schema, "maxLength")
    lo = min(least, _MAX_TEXT)
    hi = lo if least > lo else hi if hi is None else max(lo, hi)
    pattern = schema.get("pattern")
    make = FORMATS.get(str(schema.get("format")))
    text = sized(make, make(rng), rng, lo, hi) if make else None
    if isinstance(pattern, str) and (text is None or not patterns.found(pattern, text)):
        hinted = _hinted(rng, name, lo, hi)
        fits = len(hinted) >= lo and (hi is None or len(hinted) <= hi)
        if fits and patterns.found(pattern, hinted):
            return hinted
        text = patterns.generate(pattern, rng, lo=lo, hi=hi)
        if text is not None:
            return text
    return fitted(_hinted(rng, name, lo, hi) if text is None else text, rng, lo, hi)


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


def _hinted(rng: random.Random, name: str, lo: int, hi: int | None) -> str:
    parts = words(name)
    for candidate in ("_".join(parts), *reversed(parts)):
        make = TEXTS.get(candidate)
        if make is not None:
            return sized(make, make(rng), rng, lo, hi)
    return english(rng).sentence(nb_words=3).rstrip(".")


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
