"""Counts for Prometheus."""

from __future__ import annotations

import re

from mockdock.observe.metrics import metrics
from mockdock.observe.verbs import Counts

COUNTS = Counts(requests=7, missed=1, failed=2, broken=5, prompt_tokens=30, completion_tokens=40)
_LINE = re.compile(r"(# (HELP|TYPE) )?mockdock_[a-z_]+ .+")


def test_every_count_has_a_help_a_type_and_a_value() -> None:
    lines = metrics(COUNTS, 3).splitlines()
    assert all(_LINE.fullmatch(line) for line in lines)
    values = dict(line.split(" ") for line in lines if not line.startswith("#"))
    assert values == {
        "mockdock_requests_total": "7",
        "mockdock_missed_total": "1",
        "mockdock_failed_total": "2",
        "mockdock_broken_total": "5",
        "mockdock_prompt_tokens_total": "30",
        "mockdock_completion_tokens_total": "40",
        "mockdock_open_sessions": "3",
    }
    types = dict(line.split(" ")[2:] for line in lines if line.startswith("# TYPE"))
    assert {name for name, kind in types.items() if kind == "counter"} == {
        name for name in values if name.endswith("_total")
    }
    assert types["mockdock_open_sessions"] == "gauge"


def test_the_text_ends_with_a_line_break() -> None:
    """A scraper refuses the last line without one."""
    assert metrics(COUNTS, 0).endswith("\n")
