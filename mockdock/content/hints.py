"""What a field name suggests: tables from word to maker."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from types import MappingProxyType

from mockdock.content import fake
from mockdock.content.forms import FORMATS, Maker, clock, pick
from mockdock.content.prose import english

__all__ = ["AHEAD", "NUMBERS", "ROLES", "SPECIAL", "TEXTS", "words"]

_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_CURRENCIES = ("USD", "EUR", "GBP", "JPY", "CHF")
_LANGUAGES = ("en", "de", "fr", "es", "it")
_ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo")
_UNITS = ("celsius", "fahrenheit")
_COLORS = ("red", "green", "blue", "orange", "teal")
_STATES = ("active", "pending", "done")


def words(name: str) -> list[str]:
    """Split a field name such as ``customerEmail`` or ``start-date`` into lower-case words."""
    return [part.lower() for part in _BREAK.split(name) if part]


def _fact(method: str) -> Maker:
    return lambda rng: str(getattr(fake.facts(rng), method)()).replace("\n", ", ")


def _words(count: int) -> Maker:
    return lambda rng: " ".join(english(rng).words(count))


def _title(rng: random.Random) -> str:
    return _words(3)(rng).capitalize()


def _sentence(rng: random.Random) -> str:
    return english(rng).sentence()


def _paragraph(rng: random.Random) -> str:
    return english(rng).paragraph()


_date, _moment, _duration = FORMATS["date"], FORMATS["date-time"], FORMATS["duration"]
_email, _uri, _path = FORMATS["email"], FORMATS["uri"], FORMATS["uri-reference"]
_host, _ipv4, _uuid, _id = (FORMATS[form] for form in ("hostname", "ipv4", "uuid", "password"))

TEXTS: Mapping[str, Maker] = MappingProxyType(
    {
        "address": _fact("address"),
        "at": _moment,
        "author": _fact("name"),
        "birthday": _date,
        "body": _paragraph,
        "category": _words(1),
        "city": _fact("city"),
        "code": _id,
        "color": pick(_COLORS),
        "colour": pick(_COLORS),
        "comment": _sentence,
        "company": _fact("company"),
        "content": _paragraph,
        "country": _fact("country"),
        "country_code": pick(("US", "DE", "FR", "GB", "JP")),
        "currency": pick(_CURRENCIES),
        "customer": _fact("name"),
        "date": _date,
        "datetime": _moment,
        "day": _date,
        "department": pick(("Sales", "Support", "Engineering")),
        "description": _sentence,
        "domain": _host,
        "duration": _duration,
        "email": _email,
        "employer": _fact("company"),
        "file": lambda rng: f"{english(rng).word()}.txt",
        "filename": lambda rng: f"{english(rng).word()}.txt",
        "first_name": _fact("first_name"),
        "firstname": _fact("first_name"),
        "gender": pick(("female", "male", "other")),
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
        "language": pick(_LANGUAGES),
        "last_name": _fact("last_name"),
        "lastname": _fact("last_name"),
        "link": _uri,
        "locale": pick(("en_US", "de_DE", "fr_FR")),
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
        "role": pick(("admin", "editor", "viewer")),
        "sku": _id,
        "state": _fact("state"),
        "status": pick(_STATES),
        "street": _fact("street_address"),
        "subject": _title,
        "summary": _sentence,
        "surname": _fact("last_name"),
        "tag": _words(1),
        "tags": _words(1),
        "text": _paragraph,
        "time": clock,
        "timestamp": _moment,
        "timezone": pick(_ZONES),
        "title": _title,
        "token": _id,
        "topic": _words(2),
        "unit": pick(_UNITS),
        "units": pick(_UNITS),
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
