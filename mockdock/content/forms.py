"""Texts of a form, such as email addresses: how they are made, and made longer or shorter."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv6Address
from types import MappingProxyType
from uuid import UUID

from mockdock.content import fake
from mockdock.content.prose import english

__all__ = ["FORMATS", "Maker", "clock", "fitted", "pick", "sized"]

Maker = Callable[[random.Random], str]

# Faker's own dates count from today; these stay the same on every day.
_FIRST_DAY = date(2024, 1, 1)
_DAYS = 730
_HEX = "0123456789abcdef"
_LONGEST_LOCAL = 64


def pick(options: tuple[str, ...]) -> Maker:
    """Give a maker that takes one of these."""
    return lambda rng: rng.choice(options)


def clock(rng: random.Random) -> str:
    """Make a time of day without a zone."""
    return f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"


def _date(rng: random.Random) -> str:
    return (_FIRST_DAY + timedelta(days=rng.randrange(_DAYS))).isoformat()


def _time(rng: random.Random) -> str:
    return f"{clock(rng)}Z"


def _date_time(rng: random.Random) -> str:
    start = datetime(_FIRST_DAY.year, 1, 1, tzinfo=UTC)
    moment = start + timedelta(days=rng.randrange(_DAYS), seconds=rng.randrange(86_400))
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def _duration(rng: random.Random) -> str:
    return f"P{rng.randint(1, 14)}DT{rng.randint(1, 12)}H"


def _uuid(rng: random.Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))


def _id(rng: random.Random) -> str:
    return "".join(rng.choices(_HEX, k=12))


def _ipv4(rng: random.Random) -> str:
    return f"192.0.2.{rng.randint(1, 254)}"


def _ipv6(rng: random.Random) -> str:
    return f"2001:db8::{rng.randint(1, 0xFFFF):x}"


def _host(rng: random.Random) -> str:
    return f"{english(rng).word()}.example.com".lower()


def _email(rng: random.Random) -> str:
    return f"{fake.facts(rng).first_name().lower()}.{_surname(rng)}@example.com"


def _surname(rng: random.Random) -> str:
    return fake.facts(rng).last_name().lower().replace(" ", "")


def _path(rng: random.Random) -> str:
    return f"/{'/'.join(english(rng).words(2))}"


def _uri(rng: random.Random) -> str:
    return f"https://www.example.com{_path(rng)}"


_template = pick(("/items/{id}", "/users/{name}"))


def _relative(rng: random.Random) -> str:
    return f"{rng.randint(0, 3)}{_path(rng)}"


def _base64(rng: random.Random) -> str:
    return b64encode(rng.randbytes(12)).decode()


FORMATS: Mapping[str, Maker] = MappingProxyType(
    {
        "date": _date,
        "time": _time,
        "date-time": _date_time,
        "duration": _duration,
        "email": _email,
        "idn-email": _email,
        "hostname": _host,
        "idn-hostname": _host,
        "ipv4": _ipv4,
        "ipv6": _ipv6,
        "uri": _uri,
        "url": _uri,
        "iri": _uri,
        "uri-reference": _path,
        "iri-reference": _path,
        "uri-template": _template,
        "uuid": _uuid,
        "json-pointer": _path,
        "relative-json-pointer": _relative,
        "regex": pick(("^[a-z]+$", "[0-9]{4}")),
        "byte": _base64,
        "password": _id,
    }
)


def sized(make: Maker, text: str, rng: random.Random, lo: int, hi: int | None) -> str:
    """Give a text that ``make`` made, or one of its form with ``lo`` to ``hi`` characters.

    The text comes back as it is where its form has no such length, as a date has
    not, or where it is of no known form.
    """
    if len(text) < lo and make in _LONGER:
        longer = _LONGER[make](text, lo - len(text), rng)
        return longer if hi is None or len(longer) <= hi else text
    if hi is not None and len(text) > hi:
        return next((short for short in _SHORT.get(make, ()) if lo <= len(short) <= hi), text)
    return text


def fitted(text: str, rng: random.Random, lo: int, hi: int | None) -> str:
    """Give a text ``lo`` to ``hi`` characters, whatever that does to its form."""
    while len(text) < lo:
        text = f"{text} {english(rng).sentence(nb_words=max(3, (lo - len(text)) // 6))}"
    if hi is None or len(text) <= hi:
        return text
    cut = text[:hi].rstrip(" ")
    return cut.ljust(lo, "a")


def _more(rng: random.Random, count: int, mark: str) -> str:
    """Make so many characters: words with a mark before each."""
    made = ""
    while len(made) < count:
        made += f"{mark}{english(rng).word()}".lower()
    made = made[:count]
    return f"{made[:-1]}a" if made.endswith(mark) else made


def _longer_email(text: str, count: int, rng: random.Random) -> str:
    """Make the local part longer, and when that may not be longer the host."""
    local, _, host = text.partition("@")
    room = min(count, _LONGEST_LOCAL - len(local))
    local += _more(rng, room, ".")
    return f"{local}@{_longer_host(host, count - room, rng)}"


def _longer_host(text: str, count: int, rng: random.Random) -> str:
    labels = _more(rng, count, ".")
    return f"{labels[1:]}.{text}" if count > 1 else f"{labels}{text}"


def _longer_path(text: str, count: int, rng: random.Random) -> str:
    return text + _more(rng, count, "/")


def _longer_moment(text: str, count: int, rng: random.Random) -> str:
    """Add a fraction of a second."""
    digits = rng.choices("0123456789", k=max(count - 1, 1))
    return f"{text[:-1]}.{''.join(digits)}Z"


def _longer_base64(text: str, count: int, rng: random.Random) -> str:
    return b64encode(rng.randbytes(-(-(len(text) + count) // 4) * 3)).decode()


_LONGER: Mapping[Maker, Callable[[str, int, random.Random], str]] = {
    _email: _longer_email,
    _host: _longer_host,
    _uri: _longer_path,
    _path: _longer_path,
    _template: _longer_path,
    _relative: _longer_path,
    _time: _longer_moment,
    _date_time: _longer_moment,
    _duration: lambda text, count, _: text.replace("T", f"T{'0' * count}"),
    _ipv6: lambda text, *_: IPv6Address(text).exploded,
    _base64: _longer_base64,
    _id: lambda text, count, rng: text + "".join(rng.choices(_HEX, k=count)),
}
# The longest first.
_SHORT: Mapping[Maker, tuple[str, ...]] = {
    _email: ("ann@example.com", "ann@a.test", "a@b.test"),
    _host: ("www.example.com", "example.com", "a.test"),
    _uri: ("https://www.example.com", "https://example.com", "http://a.test"),
}
