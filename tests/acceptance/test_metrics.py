"""Numbers for Prometheus, scraped over a socket from servers under real clients."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from openai import OpenAI

from mockdock import Server
from tests.acceptance.conftest import Process, Serve, process
from tests.acceptance.test_process import chat
from tests.observe.metrics.helpers import samples

OPEN = "application/openmetrics-text; version=1.0.0"
STREAMS = ("mockdock_open_streams", "openai", "slow")
NIGHT = {
    "mockdock": 1,
    "limits": [{"rpd": 6}],
    "otherwise": "fail",
    "rules": [
        {
            "name": "slow",
            "when": {"user": "slow"},
            "reply": {"text": "one two three", "pacing": {"ttft": "60ms", "itl": "20ms"}},
        },
        {
            "name": "cut",
            "when": {"user": "cut"},
            "reply": {"text": "never whole", "faults": [{"type": "connection_reset"}]},
        },
        {
            "name": "twice",
            "when": {"user": "twice"},
            "per": "request",
            "replies": [{"error": 503}, "Here."],
        },
    ],
}
HELD = {
    "mockdock": 1,
    "rules": [
        {
            "name": "slow",
            "when": {"user": "slow"},
            "reply": {"text": "one two", "pacing": {"itl": "60s"}},
        },
        {"name": "quick", "reply": "At once."},
    ],
}


def scraped(url: str, accept: str = OPEN) -> dict[tuple[str, ...], float]:
    """Scrape a server, as Prometheus does."""
    request = Request(f"{url}/__mockdock/metrics", headers={"accept": accept})
    with urlopen(request) as answer:
        return dict(samples(answer.read().decode()))


def say(client: OpenAI, text: str) -> None:
    """Ask, and read the whole stream of what is answered, be it broken as it may."""
    with (
        contextlib.suppress(Exception),
        client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": text}], stream=True
        ) as stream,
    ):
        for _ in stream:
            pass


@pytest.mark.parametrize("accept", [OPEN, "*/*"])
def test_a_scrape_tells_what_clients_met(
    serve: Serve, client_of: Callable[..., OpenAI], accept: str
) -> None:
    """A slow stream, a cut one, a retry, a miss and a refusal by a limit."""
    server = serve(NIGHT, time_scale=1)
    client = client_of(server)
    for text in ("slow", "cut", "what?"):
        say(client, text)
    say(client_of(server, max_retries=1), "twice")
    for _ in range(2):
        say(client, "slow")
    told = scraped(server.url, accept)
    expected = {
        ("mockdock_requests_total", "openai", "slow", "200"): 2,
        ("mockdock_requests_total", "openai", "cut", "200"): 1,
        ("mockdock_requests_total", "openai", "twice", "503"): 1,
        ("mockdock_requests_total", "openai", "twice", "200"): 1,
        ("mockdock_requests_total", "openai", "", "404"): 1,
        ("mockdock_requests_total", "openai", "", "429"): 1,
        ("mockdock_missed_total", "openai", ""): 1,
        ("mockdock_failed_total", "openai", ""): 2,
        ("mockdock_failed_total", "openai", "twice"): 1,
        ("mockdock_broken_total", "openai", "cut"): 1,
        ("mockdock_faults_total", "openai", "connection_reset", "cut"): 1,
        ("mockdock_limited_total", "openai", "rate_limit", "limits[0]"): 1,
        ("mockdock_completion_tokens_total", "openai", "slow"): 6,
        ("mockdock_open_streams", "openai", "slow"): 0,
        ("mockdock_time_to_first_token_seconds_count", "openai", "slow"): 2,
        ("mockdock_reply_duration_seconds_count", "openai", "slow"): 2,
    }
    assert {name: told.get(name) for name in expected} == expected
    first = told["mockdock_time_to_first_token_seconds_sum", "openai", "slow"] / 2
    took = told["mockdock_reply_duration_seconds_sum", "openai", "slow"] / 2
    assert took >= 0.1
    assert 0.06 <= first < took


def test_durations_are_real_seconds_at_any_time_scale(
    serve: Serve, client_of: Callable[..., OpenAI]
) -> None:
    """100 ms of the scenario are 1 ms."""
    server = serve(NIGHT, time_scale=0.01)
    began = time.monotonic()
    say(client_of(server), "slow")
    took = time.monotonic() - began
    told = scraped(server.url)
    assert 0.001 <= told["mockdock_reply_duration_seconds_sum", "openai", "slow"] <= took


def test_what_is_forgotten_stays_counted(serve: Serve) -> None:
    """Counters never go back, or rates would be wrong."""
    server = serve("quickstart")
    chat(server.base_url)
    server.verbs.reset(None)
    assert server.verbs.counts(None).requests == 0
    told = samples(server.verbs.metrics())
    assert told["mockdock_requests_total", "openai", "greeting", "200"] == 1


def test_a_stream_is_open_until_its_client_leaves(
    serve: Serve, client_of: Callable[..., OpenAI]
) -> None:
    server = serve(HELD, time_scale=1)
    with client_of(server) as client, held(client):
        wait_for(lambda: scraped(server.url)[STREAMS] == 1)
    wait_for(lambda: scraped(server.url)[STREAMS] == 0)


def test_two_servers_of_a_process_share_no_numbers() -> None:
    with Server("quickstart") as first, Server("quickstart") as second:
        chat(first.base_url)
        assert ("mockdock_requests_total", "openai", "greeting", "200") in scraped(first.url)
        assert scraped(second.url) == {("mockdock_open_sessions",): 0}


def test_processes_that_share_a_directory_are_told_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever is asked; one that is killed leaves its counts, and no streams."""
    shared = tmp_path / "shared"
    shared.mkdir()
    (tmp_path / "held.yaml").write_text(json.dumps(HELD))
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(shared))
    command = ("serve", "held.yaml", "--port", "0")
    quick = ("mockdock_requests_total", "openai", "quick", "200")
    with process(*command, cwd=tmp_path) as first, process(*command, cwd=tmp_path) as second:
        urls = [url_of(each) for each in (first, second)]
        for url in (*urls, urls[0]):
            assert chat(f"{url}/v1") == "At once."
        with (
            OpenAI(base_url=f"{urls[0]}/v1", api_key="test", max_retries=0) as one,
            OpenAI(base_url=f"{urls[1]}/v1", api_key="test", max_retries=0) as other,
            held(one),
            held(other),
        ):
            for url in urls:
                wait_for(lambda url=url: scraped(url).get(STREAMS) == 2)  # type: ignore[misc]
                assert scraped(url)[quick] == 3
            second.popen.kill()
            second.ended()
            wait_for(lambda: scraped(urls[0])[STREAMS] == 1)
            assert scraped(urls[0])[quick] == 3
        assert first.stop() == 0
    assert list(shared.glob("gauge_*")) == []
    assert len(list(shared.glob("counter_*"))) == 2


def test_a_directory_that_is_none_is_told_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "nowhere"))
    with process("serve", "quickstart", "--port", "0") as server:
        assert server.ended() == 2
        server.wait_for("PROMETHEUS_MULTIPROC_DIR: ", errors=True)
        server.wait_for("nowhere is no directory", errors=True)


def url_of(server: Process) -> str:
    return server.base_url.removesuffix("/v1")


@contextlib.contextmanager
def held(client: OpenAI) -> Iterator[None]:
    """Hold a stream that never ends, from its first chunk on."""
    with client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "slow"}], stream=True
    ) as stream:
        next(iter(stream))
        yield


def wait_for(holds: Callable[[], bool]) -> None:
    """Wait until something holds that a client's doing leads to."""
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        threading.Event().wait(0.01)
