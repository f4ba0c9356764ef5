"""What a field name or a ``format`` suggests: tables from word to maker."""

from __future__ import annotations

import random
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from mockdock.content import fake

__all__ = ["AHEAD", "FORMATS", "NUMBERS", "ROLES", "SPECIAL", "TEXTS", "Maker", "words"]

Maker = Callable[[random.Random], str]

# Faker's own dates count from today; these stay the same on every day.
_FIRST_DAY = date(2024, 1, 1)
_DAYS = 730
_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_CURRENCIES = ("USD", "EUR", "GBP", "JPY", "CHF")
_LANGUAGES = ("en", "de", "fr", "es", "it")
_ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo")
_UNITS = ("celsius", "fahrenheit")
_COLORS = ("red", "green", "blue", "orange", "teal")
_STATES = ("active", "pending", "done")
_HEX = "0123456789abcdef"


def words(name: str) -> list[str]:
    """Split a field name such as ``customerEmail`` or ``start-date`` into lower-case words."""
    return [part.lower() for part in _BREAK.split(name) if part]


def _pick(options: tuple[str, ...]) -> Maker:
    return lambda rng: rng.choice(options)


def _fact(method: str) -> Maker:
    return lambda rng: str(getattr(fake.facts(rng), method)()).replace("\n", ", ")


def _words(count: int) -> Maker:
    return lambda rng: " ".join(fake.english(rng).words(count))


def _title(rng: random.Random) -> str:
    return _words(3)(rng).capitalize()


def _sentence(rng: random.Random) -> str:
    return str(fake.english(rng).sentence())


def _paragraph(rng: random.Random) -> str:
    return str(fake.english(rng).paragraph())


def _date(rng: random.Random) -> str:
    return (_FIRST_DAY + timedelta(days=rng.randrange(_DAYS))).isoformat()


def _clock(rng: random.Random) -> str:
    return f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"


def _time(rng: random.Random) -> str:
    return f"{_clock(rng)}Z"


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
    return f"{fake.english(rng).word()}.example.com"


def _email(rng: random.Random) -> str:
    return f"{fake.facts(rng).first_name().lower()}.{_host_user(rng)}@example.com"


def _host_user(rng: random.Random) -> str:
    return fake.facts(rng).last_name().lower().replace(" ", "")


def _path(rng: random.Random) -> str:
    return f"/{'/'.join(fake.english(rng).words(2))}"


def _uri(rng: random.Random) -> str:
    return f"https://www.example.com{_path(rng)}"


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
        "uri-template": _pick(("/items/{id}", "/users/{name}")),
        "uuid": _uuid,
        "json-pointer": _path,
        "relative-json-pointer": lambda rng: f"{rng.randint(0, 3)}{_path(rng)}",
        "regex": _pick(("^[a-z]+$", "[0-9]{4}")),
        "byte": _base64,
        "password": _id,
    }
)

TEXTS: Mapping[str, Maker] = MappingProxyType(
    {
        "address": _fact("address"),
        "at": _date_time,
        "author": _fact("name"),
        "birthday": _date,
        "body": _paragraph,
        "category": _words(1),
        "city": _fact("city"),
        "code": _id,
        "color": _pick(_COLORS),
        "colour": _pick(_COLORS),
        "comment": _sentence,
        "company": _fact("company"),
        "content": _paragraph,
        "country": _fact("country"),
        "country_code": _pick(("US", "DE", "FR", "GB", "JP")),
        "currency": _pick(_CURRENCIES),
        "customer": _fact("name"),
        "date": _date,
        "datetime": _date_time,
        "day": _date,
        "department": _pick(("Sales", "Support", "Engineering")),
        "description": _sentence,
        "domain": _host,
        "duration": _duration,
        "email": _email,
        "employer": _fact("company"),
        "file": lambda rng: f"{fake.english(rng).word()}.txt",
        "filename": lambda rng: f"{fake.english(rng).word()}.txt",
        "first_name": _fact("first_name"),
        "firstname": _fact("first_name"),
        "gender": _pick(("female", "male", "other")),
        "hash": _id,
        "host": _host,
        "hostname": _host,
        "id": _id,
        "image": lambda rng: f"{_uri(rng)}.png",
        "ip": _ipv4,
        "isbn": _fact("isbn13"),
        "job": _fact("job"),
        "key": _words(1),
        "keyword": _words(1),
        "language": _pick(_LANGUAGES),
        "last_name": _fact("last_name"),
        "lastname": _fact("last_name"),
        "link": _uri,
        "locale": _pick(("en_US", "de_DE", "fr_FR")),
        "location": _fact("city"),
        "message": _sentence,
        "name": _fact("name"),
        "note": _sentence,
        "organization": _fact("company"),
        "path": _path,
        "person": _fact("name"),
        "phone": _fact("phone_number"),
        "place": _fact("city"),
        "postcode": _fact("postcode"),
        "product": _title,
        "product_name": _title,
        "query": _words(3),
        "question": lambda rng: f"{_sentence(rng).rstrip('.')}?",
        "reason": _sentence,
        "recipient": _email,
        "role": _pick(("admin", "editor", "viewer")),
        "sku": _id,
        "state": _fact("state"),
        "status": _pick(_STATES),
        "street": _fact("street_address"),
        "subject": _title,
        "summary": _sentence,
        "surname": _fact("last_name"),
        "tag": _words(1),
        "tags": _words(1),
        "text": _paragraph,
        "time": _clock,
        "timestamp": _date_time,
        "timezone": _pick(_ZONES),
        "title": _title,
        "token": _id,
        "topic": _words(2),
        "unit": _pick(_UNITS),
        "units": _pick(_UNITS),
        "uri": _uri,
        "url": _uri,
        "user": _fact("user_name"),
        "user_name": _fact("user_name"),
        "username": _fact("user_name"),
        "uuid": _uuid,
        "version": lambda rng: f"{rng.randint(0, 4)}.{rng.randint(0, 9)}.{rng.randint(0, 9)}",
        "website": _uri,
        "word": _words(1),
        "year": lambda rng: str(rng.randint(1990, 2025)),
        "zip": _fact("postcode"),
    }
)

NUMBERS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "age": (18, 80),
        "amount": (5, 500),
        "confidence": (0.5, 1),
        "cost": (5, 500),
        "count": (1, 20),
        "day": (1, 28),
        "days": (1, 14),
        "discount": (5, 50),
        "height": (150, 200),
        "hour": (0, 23),
        "humidity": (20, 90),
        "id": (1000, 99_999),
        "lat": (-60, 60),
        "latitude": (-60, 60),
        "limit": (5, 50),
        "lng": (-180, 180),
        "lon": (-180, 180),
        "longitude": (-180, 180),
        "minute": (0, 59),
        "month": (1, 12),
        "page": (1, 10),
        "percent": (0, 100),
        "percentage": (0, 100),
        "port": (1024, 65_535),
        "price": (5, 500),
        "probability": (0, 1),
        "quantity": (1, 10),
        "rating": (1, 5),
        "score": (0, 1),
        "temperature": (-5, 30),
        "timestamp": (1_704_067_200, 1_767_139_200),
        "total": (5, 1000),
        "weight": (40, 120),
        "year": (1990, 2025),
    }
)

_WORDS_OF: Mapping[str, str] = {
    "email": "email mail",
    "link": "url uri link website homepage",
    "moment": "datetime timestamp at",
    "date": "date day birthday birthdate dob deadline due checkin checkout",
    "clock": "time",
    "language": "language lang",
    "currency": "currency",
    "own": """code guid hash host id image ip isbn locale path phone postcode sku status timezone
        token uuid version zip zone""",
    "text": """body category column comment content description event field file filename item
        keyword label message note product project query question reason subject tag task text
        title topic""",
    "place": """address airport area arrival city country departure destination from location
        origin place region state to town where""",
    "firm": "company employer hotel organisation organization restaurant shop store venue",
    "person": """assignee attendee author client contact customer employee firstname guest lastname
        owner participant passenger patient person recipient sender surname user""",
}
# Which kind of offer a word in a field's name asks for; "own" and "text" ask for none.
ROLES: Mapping[str, str] = MappingProxyType(
    {word: role for role, several in _WORDS_OF.items() for word in several.split()}
)
# The words before a value that make it one for such a field, the best first.
AHEAD: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "currency": ("to", "into", "in", "from"),
        "firm": ("at", "for", "by", "with", "named", "called"),
        "language": ("to", "into", "in", "from"),
        "person": ("named", "called", "is", "for", "with", "by", "to", "from"),
        "place": ("in", "near", "at", "to", "from", "for", "of"),
    }
)
_SPECIAL = {
    "currency": "USD EUR GBP JPY CHF CAD AUD CNY INR SEK PLN BRL",
    "language": """Arabic Chinese Dutch English French German Italian Japanese Portuguese Russian
        Spanish""",
}
# Names of something else than places and people, with their kind.
SPECIAL: Mapping[str, str] = MappingProxyType(
    {name: kind for kind, several in _SPECIAL.items() for name in several.split()}
)
