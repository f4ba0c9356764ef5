"""Field names and formats: what values look like."""

from __future__ import annotations

import random
import re
from datetime import date, datetime, time
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import pytest

from mockdock.content.forms import FORMATS
from mockdock.content.hints import NUMBERS, TEXTS
from mockdock.content.schema import instance


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("email", r"^\S+@example\.com$"),
        ("customerEmail", r"^\S+@example\.com$"),
        ("website_url", r"^https://"),
        ("startDate", r"^\d{4}-\d\d-\d\d$"),
        ("created_at", r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"),
        ("order-id", r"^[0-9a-f]{12}$"),
        ("country_code", r"^[A-Z]{2}$"),
        ("question", r"\?$"),
        ("full name", r"^[A-Z]\S+ \S+"),
    ],
)
def test_field_name_decides_what_a_string_looks_like(name: str, pattern: str) -> None:
    for seed in range(10):
        assert re.search(pattern, instance({"type": "string"}, random.Random(seed), name=name))


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("age", 18, 80), ("totalPrice", 5, 500), ("latitude", -60, 60), ("year", 1990, 2025)],
)
def test_field_name_decides_the_size_of_a_number(name: str, low: int, high: int) -> None:
    for kind in ("integer", "number"):
        assert low <= instance({"type": kind}, random.Random(3), name=name) <= high


@pytest.mark.parametrize("name", TEXTS)
def test_every_known_name_makes_one_line_of_text(name: str) -> None:
    made = TEXTS[name](random.Random(2))
    assert made == TEXTS[name](random.Random(2))
    assert made.strip() == made != ""
    assert "\n" not in made


@pytest.mark.parametrize("name", NUMBERS)
def test_every_known_range_has_whole_numbers(name: str) -> None:
    assert isinstance(instance({"type": "integer"}, random.Random(2), name=name), int)


@pytest.mark.parametrize("form", FORMATS)
def test_format_is_met(form: str) -> None:
    made = instance({"type": "string", "format": form}, random.Random(4))
    readers: dict[str, Any] = {
        "date": date.fromisoformat,
        "time": time.fromisoformat,
        "date-time": datetime.fromisoformat,
        "uuid": UUID,
        "ipv4": ip_address,
        "ipv6": ip_address,
        "regex": re.compile,
    }
    shapes = {
        "duration": r"^P\d+DT\d+H$",
        "email": r"^[a-z.]+@example\.com$",
        "hostname": r"^[a-z]+(\.[a-z]+)+$",
        "uri": r"^https://[a-z./]+$",
        "json-pointer": r"^/",
        "relative-json-pointer": r"^\d/",
    }
    assert re.search(shapes.get(form, "."), made)
    assert form not in readers or readers[form](made)
