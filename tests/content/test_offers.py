"""What a conversation offers, and which fields take it."""

from __future__ import annotations

import random
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.content.offers import Offers, read_offers
from mockdock.content.schema import instance
from tests.effort import bounded


def values(text: str, kind: str) -> list[Any]:
    return [offer.value for offer in getattr(read_offers(text), kind)]


READ: list[tuple[str, str, list[Any]]] = [
    ("numbers", "3 days, 2.5 km and -4 or \u22124 but 10-20", [3, 2.5, -4, -4, 10, 20]),
    ("numbers", "$12.50, € 1,250 and 1,000,000.", [12.5, 1250, 1_000_000]),
    ("numbers", "50% of 5kg, 2+2, (7)", [50, 5, 2, 2, 7]),
    ("numbers", "1,2,3", [1, 2, 3]),
    ("numbers", "a table for two, three at most", [2, 3]),
    ("numbers", "v2 4th 1.2.3 1/2 x5 mp3 10:30 2025-03-03 03/04/2025 a1@b.org", []),
    ("numbers", "https://a.org/5 and 'top 10'", []),
    ("numbers", "9" * 30, []),
    ("quotes", "Say \"a\", 'b', “c”, „d“, «e», \u2018f\u2019 and `g`", list("abcdefg")),
    ("quotes", "it's John's and the dogs' bowl", []),
    ("quotes", "' ' and \" \"", []),
    ("quotes", '{"name": "Maria", "tags": ["x", "y"]}', ["Maria", "x", "y"]),
    ("dates", "2025-03-04, 2025/3/5 and 04.03.2025", ["2025-03-04", "2025-03-05", "2025-03-04"]),
    ("dates", "March 3, 2025 or 3rd of March 2025", ["2025-03-03"] * 2),
    (
        "dates",
        "Sept. 9 2025, 1 dec 2025, MAY 5th, 2025",
        ["2025-09-09", "2025-12-01", "2025-05-05"],
    ),
    ("dates", "03/14/2025, 14/03/2025, 05/05/2025", ["2025-03-14", "2025-03-14", "2025-05-05"]),
    ("dates", "03/04/2025, 2025-02-30, 32.1.2025, May 2025, tomorrow, 2025-13-01", []),
    ("moments", "2025-03-03T10:30:05+01:00", ["2025-03-03T10:30:05+01:00"]),
    (
        "moments",
        "2025-03-03 10:30 and 2025-03-03T10:30:05.123Z",
        ["2025-03-03T10:30:00Z", "2025-03-03T10:30:05Z"],
    ),
    ("moments", "2025-03-03 25:30", []),
    ("dates", "2025-03-03 10:30", ["2025-03-03"]),
    (
        "times",
        "10:30, 7pm, 7:15 a.m., 12am, 12 PM, 23:59:01",
        ["10:30", "19:00", "07:15", "00:00", "12:00", "23:59:01"],
    ),
    ("times", "24:00, 13pm, 0am, 16:9, 7", []),
    ("emails", "to a.b+c@x-y.co.uk, not a@b or @c.org", ["a.b+c@x-y.co.uk"]),
    (
        "links",
        "See https://a.org/b?c=1#d. (http://x.y/z), https://zürich.ch",
        ["https://a.org/b?c=1#d", "http://x.y/z"],
    ),
    ("names", "What is the weather in San Francisco?", ["San Francisco"]),
    ("names", "Book a table for Maria Lopez-Garcia at the Ritz", ["Maria Lopez-Garcia", "Ritz"]),
    (
        "names",
        "from Rio de Janeiro to St. Louis with Dr. O'Brien",
        ["Rio de Janeiro", "St. Louis", "Dr. O'Brien"],
    ),
    ("names", "for Maria's dog, in the United States", ["Maria", "United States"]),
    ("names", "Jason is 25. John Smith lives here. Please, Anna", ["Jason", "John Smith", "Anna"]),
    ("names", "In March we go. On Monday I ask for PLEASE or JSON in A", []),
    ("names", "Paris? London! New York", []),
    ("names", "to Zürich, Århus and Łódź", ["Zürich", "Århus", "Łódź"]),
]


@pytest.mark.parametrize(("kind", "text", "expected"), READ)
def test_values_are_read_from_text(kind: str, text: str, expected: list[Any]) -> None:
    assert values(text, kind) == expected


def test_schema_in_the_text_offers_nothing() -> None:
    schema = '{"properties": {"foo": {"title": "Foo 5"}}, "required": ["foo"]}'
    offers = read_offers(
        f"Answer about 'cats'. Follow the JSON schema in Paris: {schema}\nI am 30."
    )
    assert [offer.value for offer in offers.numbers] == [30]
    assert [offer.value for offer in offers.quotes] == ["cats"]


def test_offers_without_text_are_empty() -> None:
    assert not read_offers(" \n")
    assert not Offers()


TEXT, INT, NUM = {"type": "string"}, {"type": "integer"}, {"type": "number"}
UNITS = {"enum": ["celsius", "fahrenheit"]}
DATE = {"type": "string", "format": "date"}
MOMENT = {"type": "string", "format": "date-time"}

TAKEN: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "Weather in San Francisco, CA for 3 days in Fahrenheit?",
        {"location": TEXT, "days": INT, "unit": UNITS},
        {"location": "San Francisco, CA", "days": 3, "unit": "fahrenheit"},
    ),
    (
        "Weather in San Francisco, CA",
        {"city": TEXT, "state": TEXT},
        {"city": "San Francisco", "state": "CA"},
    ),
    ("In Lyon, France.", {"country": TEXT, "city": TEXT}, {"country": "France", "city": "Lyon"}),
    ("Holidays in Germany", {"country": TEXT}, {"country": "Germany"}),
    (
        "Rain in Paris, London and Rome?",
        {"cities": {"type": "array", "items": TEXT}},
        {"cities": ["Paris", "London", "Rome"]},
    ),
    (
        "A flight to Berlin from New York on 03/14/2025",
        {"origin": TEXT, "destination": TEXT, "departure_date": TEXT},
        {"origin": "New York", "destination": "Berlin", "departure_date": "2025-03-14"},
    ),
    (
        "Book a table for two people at Ritz in Rome for Maria at 7pm on March 3, 2025",
        {
            "restaurant": TEXT,
            "city": TEXT,
            "customer_name": TEXT,
            "party_size": INT,
            "date": DATE,
            "time": TEXT,
        },
        {
            "restaurant": "Ritz",
            "city": "Rome",
            "customer_name": "Maria",
            "party_size": 2,
            "date": "2025-03-03",
            "time": "19:00",
        },
    ),
    ("A table for Maria", {"guest": TEXT}, {"guest": "Maria"}),
    ("Jason is 25 years old", {"name": TEXT, "age": INT}, {"name": "Jason", "age": 25}),
    (
        "Meet with Anna Maria Schmidt",
        {"first_name": TEXT, "last_name": TEXT},
        {"first_name": "Anna", "last_name": "Schmidt"},
    ),
    ("I paid 5 for 20 apples", {"apples": INT, "total": NUM}, {"apples": 20, "total": 5}),
    ("2.5 and 4", {"a": INT, "b": NUM}, {"a": 4, "b": 2.5}),
    (
        "7 then 200 then 30",
        {"a": {**INT, "minimum": 10, "maximum": 99}, "b": NUM},
        {"a": 30, "b": 7},
    ),
    ("Add 2, 3 and 7.5", {"numbers": {"type": "array", "items": NUM}}, {"numbers": [2, 3, 7.5]}),
    ("Add 1, 2, 3", {"n": {"type": "array", "items": INT, "maxItems": 2}}, {"n": [1, 2]}),
    ("He is 30 years old", {"year": INT, "age": INT}, {"age": 30}),
    ("In 1985", {"latitude": NUM, "year": INT}, {"year": 1985}),
    (
        "Convert 100 USD to EUR",
        {"amount": NUM, "from_currency": TEXT, "to_currency": TEXT},
        {"amount": 100, "from_currency": "USD", "to_currency": "EUR"},
    ),
    (
        "Translate 'hello' to French",
        {"text": TEXT, "language": TEXT, "city": TEXT},
        {"text": "hello", "language": "French"},
    ),
    (
        'Mail a@x.org with subject "Hi" and body “See you”, from https://x.org',
        {"to": TEXT, "body": TEXT, "subject": TEXT, "url": {"type": "string", "format": "uri"}},
        {"to": "a@x.org", "body": "See you", "subject": "Hi", "url": "https://x.org"},
    ),
    ("'one' 'two'", {"title": TEXT, "note": TEXT, "id": TEXT}, {"title": "one", "note": "two"}),
    ('A project named "Apollo"', {"name": TEXT}, {"name": "Apollo"}),
    ("Cancel order 12345", {"order_id": TEXT}, {"order_id": "12345"}),
    ("At 2025-03-03 10:00", {"start": MOMENT}, {"start": "2025-03-03T10:00:00Z"}),
    ("On 2025-03-03 at 3pm", {"start": MOMENT}, {"start": "2025-03-03T15:00:00Z"}),
    ("On 2025-03-03", {"created_at": TEXT}, {"created_at": "2025-03-03T00:00:00Z"}),
    ("At 15:45", {"at": {"type": "string", "format": "time"}}, {"at": "15:45:00Z"}),
    (
        "Write to b@x.org",
        {"contact": {"type": "string", "format": "email"}},
        {"contact": "b@x.org"},
    ),
    (
        "It is In-Progress, HIGH",
        {"s": {"enum": ["open", "in_progress"]}, "p": {"enum": ["low", "high"]}},
        {"s": "in_progress", "p": "high"},
    ),
    (
        "celsius to fahrenheit",
        {"from_unit": UNITS, "to_unit": UNITS},
        {"from_unit": "celsius", "to_unit": "fahrenheit"},
    ),
    ("low impact, high urgency", {"urgency": {"enum": ["low", "high"]}}, {"urgency": "high"}),
    ("very high", {"p": {"enum": ["high", "very", "very high"]}}, {"p": "very high"}),
    ("size 2 please", {"size": {"enum": [1, 2, 3]}}, {"size": 2}),
    ("grade B, a good one", {"grade": {"enum": ["A", "B"]}}, {"grade": "B"}),
    (
        "red and blue",
        {"c": {"type": "array", "uniqueItems": True, "items": {"enum": ["blue", "green", "red"]}}},
        {"c": ["red", "blue"]},
    ),
    ("3 results of 50", {"limit": {**INT, "default": 10}}, {"limit": 10}),
    ("limit 50", {"limit": {**INT, "default": 10}}, {"limit": 50}),
    ("in Rome", {"city": {"type": "string", "examples": ["Oslo"]}}, {"city": "Rome"}),
    ("in Rome with 3", {"city": {"const": "Oslo"}, "n": {"const": 4}}, {"city": "Oslo", "n": 4}),
    ("for 3 nights", {"nights": {"anyOf": [INT, {"type": "null"}]}}, {"nights": 3}),
]


@pytest.mark.parametrize(("text", "fields", "expected"), TAKEN, ids=[case[0] for case in TAKEN])
def test_fields_take_what_is_offered(
    text: str, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    for seed in range(5):
        made = instance(schema, random.Random(seed), offers=read_offers(text))
        assert {name: made[name] for name in expected} == expected


NOT_TAKEN: list[tuple[str, str, Any, Any]] = [
    ("in Rome", "city", {"type": "string", "maxLength": 3}, "Rome"),
    ("in Rome", "city", {"type": "string", "pattern": "^[a-z]+$"}, "Rome"),
    ("3.5", "days", INT, 3.5),
    ("3 days", "days", {**INT, "minimum": 5}, 3),
    ("'a b'", "id", TEXT, "a b"),
    ("'a b'", "email", TEXT, "a b"),
    ("in Rome", "email", TEXT, "Rome"),
    ("to French", "city", TEXT, "French"),
    ("to Maria", "hash", {"type": "string", "format": "uuid"}, "Maria"),
    ("highest", "p", {"enum": ["high", "low"]}, "high"),
    ("25", "confidence", NUM, 25),
    ("with Anna", "last_name", TEXT, "Anna"),
    ("weather in Paris", "country", TEXT, "Paris"),
    ("for Maria", "city", TEXT, "Maria"),
    ("in Rome to Paris", "customer", TEXT, "Paris"),
]


@pytest.mark.parametrize(("text", "name", "field", "value"), NOT_TAKEN)
def test_fields_leave_what_does_not_fit(text: str, name: str, field: Any, value: Any) -> None:
    others = {"location": TEXT, "guest": TEXT} if value in ("Paris", "Maria") else {}
    schema = {"type": "object", "properties": {name: field, **others}, "required": [name]}
    made = {
        instance(schema, random.Random(seed), offers=read_offers(text))[name] for seed in range(9)
    }
    assert made != {value}


def test_each_number_is_used_once() -> None:
    schema = {"type": "object", "properties": dict.fromkeys("abc", INT)}
    made = instance(schema, random.Random(1), offers=read_offers("first 1001 then 1002"))
    assert (made["a"], made["b"]) == (1001, 1002)
    assert made["c"] not in (1001, 1002)


def test_items_of_a_list_share_what_is_offered_out() -> None:
    person = {
        "type": "object",
        "properties": {"name": TEXT, "age": INT},
        "required": ["name", "age"],
    }
    schema = {"type": "array", "items": person, "minItems": 2}
    made = instance(schema, random.Random(1), offers=read_offers("Tom is 5. Maria is 30."))
    assert made[:2] == [{"name": "Tom", "age": 5}, {"name": "Maria", "age": 30}]


def test_offer_that_breaks_the_whole_is_not_taken() -> None:
    """An offer fits its field alone, and yet the object around it forbids it."""
    schema = {
        "type": "object",
        "properties": {"a": INT},
        "required": ["a"],
        "not": {"properties": {"a": {"const": 7}}},
    }
    made = instance(schema, random.Random(1), offers=read_offers("7"))
    assert made == instance(schema, random.Random(1))


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "A ",
        "1",
        "1,",
        "1 ",
        '"',
        "'a ",
        "a.",
        "a@",
        "jan 1 ",
        "https://",
        "\n",
        "A'",
        "-",
        "1/",
    ],
)
def test_long_text_takes_bounded_effort(piece: str) -> None:
    with bounded(200):
        offers = read_offers(piece * 50_000)
    assert len(offers.numbers) <= 50
    assert len(offers.names) <= 50


PIECES = st.sampled_from(
    [
        "7 pm",
        "2025-99-99T10:00",
        "31 feb 2025",
        "€ 1,000",
        "in St. ",
        "'",
        '"',
        "A",
        "is",
        ", ",
        "@a.bc",
    ]
)


@given(st.lists(st.text(max_size=8) | PIECES).map("".join))
def test_any_text_is_read_without_error(text: str) -> None:
    offers = read_offers(text)
    assert offers == read_offers(text)
    for offer in offers.dates:
        assert date.fromisoformat(offer.value)
    for offer in offers.moments:
        assert datetime.fromisoformat(offer.value)
