"""The audit: how a client took it when things went wrong, by the records of a journal."""

from __future__ import annotations

from mockdock.observe.audit.call import Call, Gap
from mockdock.observe.audit.figures import Figures, Price
from mockdock.observe.audit.junit import junit
from mockdock.observe.audit.line import Example, Line
from mockdock.observe.audit.page import page
from mockdock.observe.audit.reading import records
from mockdock.observe.audit.text import (
    clock_words,
    examples,
    failure_text,
    figure_words,
    gap_words,
    record_words,
)
from mockdock.observe.audit.verdict import Audit, audit

__all__ = [
    "Audit",
    "Call",
    "Example",
    "Figures",
    "Gap",
    "Line",
    "Price",
    "audit",
    "clock_words",
    "examples",
    "failure_text",
    "figure_words",
    "gap_words",
    "junit",
    "page",
    "record_words",
    "records",
]
