"""What each exchange adds to the numbers, where one process serves."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from mockdock.frames import Head
from mockdock.observe import Metrics
from mockdock.reply import Failure
from tests.observe.helpers import exchange
from tests.observe.metrics.helpers import samples, worth_counting

PLAIN = "text/plain"
OPEN = "application/openmetrics-text; version=1.0.0"


@pytest.mark.parametrize("accept", [PLAIN, OPEN])
def test_exchanges_are_counted_by_dialect_and_rule(accept: str) -> None:
    metrics = Metrics()
    for each in worth_counting():
        metrics.count(each)
    told = samples(metrics.expose(3, accept))
    expected = {
        ("mockdock_requests_total", "openai", "greet", "200"): 4,
        ("mockdock_requests_total", "azure", "greet", "200"): 1,
        ("mockdock_requests_total", "langdb", "greet", "200"): 1,
        ("mockdock_requests_total", "openai", "", "429"): 2,
        ("mockdock_requests_total", "langdock", "", "429"): 1,
        ("mockdock_requests_total", "openai", "", "404"): 1,
        ("mockdock_failed_total", "openai", ""): 3,
        ("mockdock_failed_total", "openai", "greet"): 0,
        ("mockdock_missed_total", "openai", ""): 1,
        ("mockdock_broken_total", "openai", "greet"): 1,
        ("mockdock_faults_total", "openai", "truncate", "greet"): 1,
        ("mockdock_faults_total", "openai", "stall", "greet"): 1,
        ("mockdock_limited_total", "openai", "rate_limit", "limits[1]"): 1,
        ("mockdock_limited_total", "langdock", "rate_limit", "langdock.limits[0]"): 1,
        ("mockdock_prompt_tokens_total", "openai", "greet"): 48,
        ("mockdock_completion_tokens_total", "openai", "greet"): 136,
        ("mockdock_completion_tokens_total", "openai", ""): 0,
        ("mockdock_open_sessions",): 3,
    }
    assert {name: told[name] for name in expected} == expected
    limited = [name for name in told if name[0] == "mockdock_limited_total"]
    assert len(limited) == 2


def test_durations_are_real_and_fall_into_buckets() -> None:
    """The third of three exchanges began its stream after 20 ms; all took 100 ms and more."""
    metrics = Metrics()
    for each in list(worth_counting())[:3]:
        metrics.count(each)
    told = samples(metrics.expose(0))
    took, first = "mockdock_reply_duration_seconds", "mockdock_time_to_first_token_seconds"
    row = ("openai", "greet")
    assert told[f"{took}_count", *row] == 2
    assert 0.2 <= told[f"{took}_sum", *row] < 20
    assert told[f"{took}_bucket", "openai", "0.05", "greet"] == 0
    assert told[f"{took}_bucket", "openai", "60.0", "greet"] == 2
    assert told[f"{took}_bucket", "openai", "+Inf", "greet"] == 2
    assert told[f"{first}_count", *row] == 1
    assert told[f"{first}_sum", *row] == pytest.approx(0.02)
    assert told[f"{first}_bucket", "openai", "0.01", "greet"] == 0
    assert told[f"{first}_bucket", "openai", "0.025", "greet"] == 1


def test_a_stream_that_left_at_once_began_when_it_ended() -> None:
    """One of which nothing left never began."""
    metrics = Metrics()
    for each in worth_counting():
        metrics.count(each)
    told = samples(metrics.expose(0))
    first, took = "mockdock_time_to_first_token_seconds_sum", "mockdock_reply_duration_seconds_sum"
    assert told[first, "azure", "greet"] == told[took, "azure", "greet"] >= 0.1
    assert (first, "langdb", "greet") not in told
    assert (took, "langdb", "greet") in told


def test_streams_are_open_until_they_end() -> None:
    metrics = Metrics()
    ends = [metrics.begin("openai", "greet"), metrics.begin("openai", "greet")]
    other = metrics.begin("azure", None)
    for end in (ends[0], other):
        end()
    told = samples(metrics.expose(0))
    assert told["mockdock_open_streams", "openai", "greet"] == 1
    assert told["mockdock_open_streams", "azure", ""] == 0


def test_rules_beyond_a_thousand_are_counted_as_other() -> None:
    metrics = Metrics()
    for number in range(1500):
        metrics.count(exchange(rule=f"rule +{number}"))
    for rule in ("rule +0", "rule +1499"):
        metrics.count(exchange(rule=rule))
    told = samples(metrics.expose(0))
    rules = {name[2] for name in told if name[0] == "mockdock_requests_total"}
    assert len(rules) == 1001
    assert told["mockdock_requests_total", "openai", "other", "200"] == 501
    assert told["mockdock_requests_total", "openai", "rule +0", "200"] == 2


def test_limits_beyond_a_thousand_are_counted_as_other() -> None:
    metrics = Metrics()
    refusal = Failure("tokens_limit")
    for number in range(1200):
        trouble = f"limits[{number}]"
        metrics.count(exchange(reply=refusal, head=Head(429, ()), rule=None, trouble=trouble))
    told = samples(metrics.expose(0))
    limits = [name for name in told if name[0] == "mockdock_limited_total"]
    assert len(limits) == 1001
    assert told["mockdock_limited_total", "openai", "tokens_limit", "other"] == 200


@pytest.mark.parametrize("rule", ['a "quoted" \\ rule\nin two lines', "ünïcode ✓", "lone \ud800"])
@pytest.mark.parametrize("accept", [PLAIN, OPEN])
def test_any_name_of_a_rule_can_be_told(rule: str, accept: str) -> None:
    metrics = Metrics()
    for _ in range(2):
        metrics.count(exchange(rule=rule))
    told = samples(metrics.expose(0, accept))
    name = rule.replace("\ud800", "?")
    assert told["mockdock_requests_total", "openai", name, "200"] == 2


def test_a_name_is_told_up_to_200_letters() -> None:
    metrics = Metrics()
    for end in ("one", "two"):
        metrics.count(exchange(rule="x" * 200 + end))
    assert samples(metrics.expose(0))["mockdock_requests_total", "openai", "x" * 200, "200"] == 2


def test_threads_lose_no_count() -> None:
    metrics = Metrics()

    def count() -> None:
        for _ in range(2000):
            metrics.count(exchange())

    threads = [threading.Thread(target=count) for _ in range(4)]
    for each in threads:
        each.start()
    for _ in range(20):
        metrics.expose(0)
    for each in threads:
        each.join()
    told = samples(metrics.expose(0))
    assert told["mockdock_requests_total", "openai", "greet", "200"] == 8000
    assert told["mockdock_prompt_tokens_total", "openai", "greet"] == 8000 * 12


def test_two_servers_of_a_process_share_no_numbers() -> None:
    first, second = Metrics(), Metrics()
    first.count(exchange())
    assert ("mockdock_requests_total", "openai", "greet", "200") in samples(first.expose(0))
    assert samples(second.expose(0)) == {("mockdock_open_sessions",): 0}


def test_nothing_is_counted_once_closed() -> None:
    metrics = Metrics()
    end = metrics.begin("openai", "greet")
    metrics.close()
    metrics.count(exchange())
    end()
    told = samples(metrics.expose(0))
    assert ("mockdock_requests_total", "openai", "greet", "200") not in told


def test_counting_imports_no_client() -> None:
    """A server starts without prometheus_client, and needs it when it is first asked."""
    code = """
import sys
import mockdock.server
from mockdock.observe import Metrics
assert "prometheus_client" not in sys.modules
Metrics().expose(0)
assert "prometheus_client" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
