"""What the tests of numbers share: how they are read, and exchanges worth counting."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from mockdock.fault import Fault
from mockdock.frames import Head, Outcome
from mockdock.observe import Exchange
from mockdock.observe.metrics import Exposition
from mockdock.reply import Failure
from mockdock.request import Request
from tests.observe.helpers import exchange

__all__ = ["samples", "worth_counting"]

Samples = Mapping[tuple[str, ...], float]


def samples(told: Exposition | str) -> Samples:
    """Give every number by its name and the values of its labels, in their order of names."""
    text = told if isinstance(told, str) else told.body.decode()
    parse = (
        openmetrics.text_string_to_metric_families
        if text.endswith("# EOF\n")
        else text_string_to_metric_families
    )
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def worth_counting() -> Iterator[Exchange]:
    """Give exchanges of every kind; those with times began 20 ms ago, and took 100 ms."""
    now = time.monotonic()
    stream = Request("openai", "chat", "gpt-4o", stream=True)
    yield exchange()
    yield exchange(came=now - 0.1)
    began = Outcome("completed", 9, 100, began=now - 0.08)
    yield exchange(came=now - 0.1, asked=stream, outcome=began)
    yield exchange(came=now - 0.1, asked=stream, dialect="azure")
    gone = Outcome("client_left", 0, 0, headless=True)
    yield exchange(came=now - 0.1, asked=stream, outcome=gone, dialect="langdb")
    refused = replace(
        exchange(reply=Failure("rate_limit", "gpt-4o"), head=Head(429, ())), rule=None
    )
    yield replace(refused, trouble="limits[1]")
    yield replace(refused, trouble="langdock.limits[0], faults[2]", dialect="langdock")
    yield replace(refused, trouble="chaos")
    yield exchange(reply=Failure("no_match"), head=Head(404, ()), rule=None)
    yield exchange(faults=(Fault("truncate"), Fault("stall")))
