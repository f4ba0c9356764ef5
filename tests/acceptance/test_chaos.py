"""Trouble over a real socket: wishes, incidents and queues, as the SDK and a test see them."""

from __future__ import annotations

import http.client
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.parse import urlencode, urlsplit

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion

from mockdock import MockDock, Server
from mockdock.delivery import ManualClock
from mockdock.observe import Exchange, line
from mockdock.observe.verbs import Changes, Opening
from tests.acceptance.conftest import Serve

ASKED: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
PLAIN: Any = {"mockdock": 1, "rules": [{"reply": "Hello"}]}
_PATIENCE = 20.0


def eventually(holds: Callable[[], bool]) -> bool:
    """Wait until something holds, and tell whether it does."""
    until = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.002)
    return True


def waiting(clock: ManualClock, count: int) -> bool:
    """Wait until so many wait for a clock, or in a queue."""
    return eventually(lambda: clock.waiting() == count)


def begun(clock: ManualClock, count: int, queued: int) -> bool:
    """Wait until so many wait for a moment, and so many more for their turn."""
    return eventually(
        lambda: (
            sorted(due == math.inf for due, _, timer in list(clock._timers) if not timer.cancelled)
            == [False] * count + [True] * queued
        )
    )


def recorded(exchanges: list[Exchange], count: int) -> bool:
    """Wait until so many exchanges are over."""
    return eventually(lambda: len(exchanges) == count)


def sent(
    server: Server,
    path: str,
    headers: dict[str, str] | None = None,
    method: str = "POST",
    **fields: Any,
) -> tuple[int, Any, Any]:
    """Send one request as it is; give status, headers and JSON."""
    where = urlsplit(server.base_url)
    assert where.hostname is not None
    with closing(http.client.HTTPConnection(where.hostname, where.port, timeout=20)) as connection:
        body = json.dumps({**ASKED, **fields}) if method == "POST" else None
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())


# --- wishes


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(PLAIN, time_scale=1) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.base_url, api_key="test", max_retries=0) as made:
        yield made


@pytest.mark.parametrize("stream", [False, True])
def test_a_header_asks_for_an_error_with_its_options(client: OpenAI, stream: bool) -> None:
    headers = {"X-Mockdock-Fault": "429;retry_after=20s;code=slow_down;message=Not now"}
    with pytest.raises(openai.RateLimitError, match="Not now") as caught:
        client.chat.completions.create(**ASKED, stream=stream, extra_headers=headers)
    assert caught.value.response.headers["retry-after"] == "20"
    assert caught.value.code == "slow_down"


def test_the_name_of_a_model_asks_for_trouble_and_is_answered_as_without(client: OpenAI) -> None:
    asked = {**ASKED, "model": "gpt-4o:mock-503"}
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(**asked)
    asked["model"] = "gpt-4o:mock-bandwidth;rate=1MB/s"
    assert client.chat.completions.create(**asked).model == "gpt-4o-2024-08-06"
    assert client.models.retrieve("gpt-4o:mock-slicer").id == "gpt-4o"
    with pytest.raises(openai.RateLimitError):
        client.models.retrieve("gpt-4o:mock-429")


def test_a_model_with_a_wish_is_judged_by_its_own_name(serve: Serve) -> None:
    """What a dialect must know of a model goes by the name without the wish."""
    server = serve({**PLAIN, "models": ["o3-mini"]})
    status, _, told = sent(server, "/v1/chat/completions", model="o3-mini:mock-429", temperature=0)
    assert (status, told["error"]["param"]) == (400, "temperature")
    status, _, _ = sent(server, "/v1/chat/completions", model="o3-mini:mock-429")
    assert status == 429
    status, _, told = sent(server, "/v1/chat/completions", model="o4:mock-429")
    assert (status, told["error"]["code"]) == (404, "model_not_found")


WISHES = ["reset", "429;retry_after=1s,crlf", "wrong_content_type;content_type=text/html"]


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("more", ["", "&a=b/c"])
@pytest.mark.parametrize("wish", WISHES)
def test_the_base_url_of_the_sdk_asks_for_trouble(
    serve: Serve, exchanges: list[Exchange], wish: str, more: str, slash: str
) -> None:
    """It puts its paths, and the queries of some, behind the query of the base URL."""
    server = serve(PLAIN)
    base_url = f"{server.base_url}{slash}?mockdock-fault={wish}{more}"

    def outcome(call: Callable[[], object]) -> str:
        try:
            call()
        except openai.APIError as error:
            return type(error).__name__
        return ""

    with OpenAI(base_url=base_url, api_key="test", max_retries=0) as client:
        met = [
            outcome(lambda: client.chat.completions.create(**ASKED)),
            outcome(lambda: client.chat.completions.create(**ASKED, extra_query={"x": "1"})),
            outcome(client.models.list),
            outcome(lambda: client.models.retrieve("gpt-4o")),
            outcome(lambda: client.chat.completions.list(limit=3)),
        ]
    name = {"reset": "APIConnectionError", WISHES[1]: "RateLimitError"}.get(wish, "")
    assert met == [name] * 5
    chat, models = "/v1/chat/completions", "/v1/models"
    assert recorded(exchanges, 5)
    assert [each.path.partition("?")[0] for each in exchanges] == [
        chat, chat, models, f"{models}/gpt-4o", chat,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/chat/completions?mockdock-fault=429", 429),
        ("/v1/chat/completions?a=b&mockdock-fault=500,reset;probability=0", 500),
        ("/v1/chat/completions?mockdock-fault=wrong_content_type;content_type=text/html", 200),
        ("/v1?mockdock-fault=429/chat/completions", 429),
        ("/v1?mockdock-fault=429%2Fchat%2Fcompletions&a=b", 429),
        ("/v1/?mockdock-fault=429chat/completions", 429),
        ("/v1/?mockdock-fault=chat/completions", 200),
        ("/v1/?mockdock-fault=429responses", 404),
        ("/v1/?mockdock-fault=" + "chat/completion" * 300, 404),
        ("/v1/chat/completions?mockdock-fault=", 200),
        ("/v1/chat/completions?mockdock_fault=429", 200),
        ("/v1/chat/completions?mockdock-fault=%00%ff", 400),
        ("/v1/chat/completions?mockdock-fault=" + "9" * 5000, 400),
    ],
)
def test_a_query_asks_for_trouble(server: Server, path: str, status: int) -> None:
    assert sent(server, path)[0] == status


NONSENSE = [
    "rest",
    "stall;fro=5s",
    "stall;after=5;tokens=3",
    "429;times=1",
    "x" * 201,
    "\xe9;=",
]


@pytest.mark.parametrize("wish", NONSENSE)
@pytest.mark.parametrize("place", ["header", "query", "model"])
def test_nonsense_is_a_bad_request_that_says_why_and_is_not_retried(
    server: Server, place: str, wish: str
) -> None:
    path, headers, fields = "/v1/chat/completions", {}, {}
    match place:
        case "header":
            headers = {"x-mockdock-fault": wish}
        case "query":
            path += "?" + urlencode({"mockdock-fault": wish})
        case _:
            fields = {"model": f"gpt-4o:mock-{wish}"}
    status, answered, told = sent(server, path, headers, **fields)
    assert status == 400
    assert answered["x-should-retry"] == "false"
    assert told["error"]["type"] == "invalid_request_error"
    message = told["error"]["message"]
    assert message.startswith("mockdock: ")
    assert message.isprintable()
    assert len(message) < 500


@pytest.mark.parametrize(
    ("triggers", "statuses"),
    [
        (["header"], [401, 200, 200]),
        (["query"], [200, 402, 200]),
        ("model", [200, 200, 403]),
        ([], [200, 200, 200]),
    ],
)
def test_each_place_can_be_switched_off(serve: Serve, triggers: Any, statuses: list[int]) -> None:
    server = serve({**PLAIN, "triggers": triggers})
    path = "/v1/chat/completions"
    assert [
        sent(server, path, {"x-mockdock-fault": "401"})[0],
        sent(server, "/v1/?mockdock-fault=402chat/completions")[0],
        sent(server, path, model="gpt-4o:mock-403")[0],
    ] == statuses


def test_an_error_that_was_wished_for_is_no_request_without_a_rule(serve: Serve) -> None:
    server = serve({"mockdock": 1, "otherwise": "fail"})
    assert sent(server, "/v1/chat/completions", {"x-mockdock-fault": "503"})[0] == 503
    assert server.verbs.counts(None).missed == 0
    assert sent(server, "/v1/chat/completions")[0] == 404
    assert server.verbs.counts(None).missed == 1


# --- incidents

INCIDENT: Any = {
    "mockdock": 1,
    "rules": [{"reply": "Hello"}],
    "timeline": [
        {"name": "outage", "at": "20m", "for": "10m", "error": 503},
        {"name": "brown-out", "at": "30m", "for": "20m", "chaos": {"rate": 0.5, "mix": {429: 1}}},
    ],
}


def minute(client: OpenAI, text: str) -> int:
    """Ask, and give the status."""
    asked = {**ASKED, "messages": [{"role": "user", "content": text}]}
    try:
        client.chat.completions.create(**asked)
    except openai.APIStatusError as error:
        return error.status_code
    return 200


@pytest.mark.parametrize("time_scale", ["manual", 0])
def test_an_hour_of_an_incident_is_played_without_waiting(serve: Serve, time_scale: Any) -> None:
    server = serve(INCIDENT)
    server.verbs.open("sk-mockdock-hour", Opening(time_scale=time_scale))
    started = time.monotonic()
    statuses = []
    with OpenAI(base_url=server.base_url, api_key="sk-mockdock-hour", max_retries=0) as client:
        for number in range(60):
            statuses.append(minute(client, f"minute {number}"))
            server.verbs.advance("sk-mockdock-hour", 60)
        assert time.monotonic() - started < 30
        assert statuses[:20] == [200] * 20
        assert statuses[20:30] == [503] * 10
        assert set(statuses[30:50]) == {200, 429}
        assert statuses[50:] == [200] * 10
        server.verbs.reset("sk-mockdock-hour")
        assert minute(client, "afresh") == 200
        server.verbs.advance("sk-mockdock-hour", 25 * 60)
        assert minute(client, "out again") == 503
        server.verbs.change("sk-mockdock-hour", Changes(time_scale="manual"))
        assert minute(client, "on another clock") == 503, "the session is as old as it was"
        server.verbs.advance("sk-mockdock-hour", 30 * 60)
        assert minute(client, "recovered") == 200


def test_the_sdk_outlives_an_outage_where_time_does_not_run(serve: Serve) -> None:
    """At time scale 0 who comes back as told has waited as long."""
    error = {"error": 503, "retry_after": "20s"}
    outage = {"at": "0s", "for": "30s", "error": error}
    server = serve({**PLAIN, "timeline": [outage]}, time_scale=0)
    started = time.monotonic()
    with OpenAI(base_url=server.base_url, api_key="test", max_retries=2) as client:
        assert client.chat.completions.create(**ASKED).choices[0].message.content == "Hello"
    assert time.monotonic() - started < 10
    assert server.verbs.counts(None).requests == 3


def test_a_scaled_clock_plays_an_incident_in_a_fraction_of_its_time(serve: Serve) -> None:
    phases = [
        {"at": "0s", "for": "100s", "error": 503},
        {"at": "100s", "for": "100s", "error": 429},
    ]
    server = serve({**PLAIN, "timeline": phases}, time_scale=0.002)
    seen: list[int] = []
    with OpenAI(base_url=server.base_url, api_key="test", max_retries=0) as client:
        until = time.monotonic() + _PATIENCE
        while 200 not in seen:
            assert time.monotonic() < until
            seen.append(minute(client, "on and on"))
    order = list(dict.fromkeys(seen))
    assert order == sorted(order, reverse=True)
    assert order[-1] == 200


# --- chaos


def test_the_same_seed_means_the_same_trouble_for_any_number_of_workers(serve: Serve) -> None:
    chaos = {"rate": 0.5, "mix": {429: 2, 503: 1, "truncate;tokens=0": 1}}

    def outcomes(workers: int, order: Sequence[int]) -> dict[int, str]:
        server = serve({**PLAIN, "seed": 7, "chaos": chaos}, time_scale=0)
        with OpenAI(base_url=server.base_url, api_key="test", max_retries=0) as client:

            def outcome(number: int) -> str:
                try:
                    return str(minute(client, f"request {number}"))
                except openai.APIConnectionError:
                    return "truncated"

            with ThreadPoolExecutor(workers) as pool:
                return dict(zip(order, pool.map(outcome, order), strict=True))

    alone = outcomes(1, range(60))
    assert set(alone.values()) == {"200", "429", "503", "truncated"}
    assert outcomes(8, range(60)) == alone
    assert outcomes(3, range(59, -1, -1)) == alone


def test_retries_of_the_sdk_meet_new_luck_and_recover(serve: Serve) -> None:
    error = "503;retry_after=1s"
    server = serve({**PLAIN, "chaos": {"rate": 0.6, "mix": {error: 1}}}, time_scale=0)
    with OpenAI(base_url=server.base_url, api_key="test", max_retries=8) as client:
        assert Counter(minute(client, f"request {n}") for n in range(20))[200] >= 18
    assert server.verbs.counts(None).requests > 30


# --- latency


def test_more_than_concurrent_queue_and_each_gets_his_own_answer(
    serve: Serve, exchanges: list[Exchange]
) -> None:
    rule = {"reply": {"text": "${user}", "pacing": {"ttft": "10s", "concurrent": 2}}}
    clock = ManualClock()
    server = serve({"mockdock": 1, "rules": [rule]}, clock=clock)
    texts = [f"request {number}" for number in range(6)]
    with OpenAI(base_url=server.base_url, api_key="test", max_retries=0) as client:

        def said(text: str) -> str | None:
            asked = {**ASKED, "messages": [{"role": "user", "content": text}]}
            answer: ChatCompletion = client.chat.completions.create(**asked)
            return answer.choices[0].message.content

        with ThreadPoolExecutor(6) as pool:
            answers = []
            for number, text in enumerate(texts):
                answers.append(pool.submit(said, text))
                assert waiting(clock, number + 1)
            for queued in (4, 2, 0):
                assert begun(clock, 2, queued)
                server.verbs.advance("", 10)
            assert recorded(exchanges, 6)
            assert [each.result() for each in answers] == texts
    assert [each.duration for each in exchanges] == [10, 10, 20, 20, 30, 30]


def test_at_time_scale_zero_a_queue_takes_no_time(serve: Serve) -> None:
    pacing = {"ttft": "10s", "tps": 1, "concurrent": 1, "capacity": 1, "jitter": 1, "prefill": 1}
    server = serve({**PLAIN, "pacing": pacing}, time_scale=0)
    with (
        OpenAI(base_url=server.base_url, api_key="test", max_retries=0) as client,
        ThreadPoolExecutor(10) as pool,
    ):
        assert list(pool.map(lambda n: minute(client, f"{n}"), range(40))) == [200] * 40
    assert server.app.sessions.base.traffic.open == 0


def test_a_client_that_leaves_the_queue_makes_room_and_is_on_record(
    serve: Serve, exchanges: list[Exchange]
) -> None:
    clock = ManualClock()
    server = serve({**PLAIN, "pacing": {"ttft": "10s", "concurrent": 1}}, clock=clock)
    with (
        OpenAI(base_url=server.base_url, api_key="test", max_retries=0) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        first = pool.submit(minute, client, "first")
        assert begun(clock, 1, queued=0)
        with pytest.raises(openai.APITimeoutError):
            client.chat.completions.create(**ASKED, timeout=openai.Timeout(20, read=0.1))
        assert recorded(exchanges, 1)
        assert begun(clock, 1, queued=0), "nobody queues any more"
        assert (exchanges[0].outcome.ending, exchanges[0].outcome.sent) == ("client_left", 0)
        third = pool.submit(minute, client, "third")
        assert begun(clock, 1, queued=1)
        server.verbs.advance("", 10)
        assert first.result() == 200
        assert begun(clock, 1, queued=0)
        server.verbs.advance("", 10)
        assert third.result() == 200
    assert server.app.sessions.base.traffic.open == 0


def test_a_server_that_stops_turns_its_queue_away() -> None:
    clock = ManualClock()
    pacing = {"ttft": "1h", "concurrent": 1}
    found: list[str] = []
    with Server({**PLAIN, "pacing": pacing}, clock=clock) as server:
        traffic = server.app.sessions.base.traffic

        def ask() -> None:
            with OpenAI(base_url=server.base_url, api_key="test", max_retries=0) as client:
                found.append(str(minute(client, "Hi")))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for number, thread in enumerate(threads, 1):
            thread.start()
            assert waiting(clock, number)
        assert traffic.open == 1
        started = time.monotonic()
    for thread in threads:
        thread.join(_PATIENCE)
    assert time.monotonic() - started < 10
    assert found == ["503"] * 4
    assert traffic.open == 0


# --- where trouble comes from


def test_what_a_client_meets_is_told_with_its_origin(
    serve: Serve, exchanges: list[Exchange]
) -> None:
    phases = [{"name": "Störung", "at": "0s", "error": 503, "when": {"user": "one"}}]
    limits = [{"rpm": 1000}, {"rpm": 3}]
    server = serve({**PLAIN, "timeline": phases, "limits": limits}, time_scale=0)
    with MockDock(url=server.url) as dock, OpenAI(**dock.openai, max_retries=0) as client:
        dock.load({**PLAIN, "timeline": phases, "limits": limits})
        assert [minute(client, text) for text in ("one", "two", "three", "four")] == [
            *(503, 200, 200, 429)
        ]
        assert [call.trouble for call in dock.calls] == ["Störung", "", "", "limits[1]"]
        told = [call.reply.headers.get("x-mockdock-trouble") for call in dock.calls]
        assert told == ["St%C3%B6rung", None, None, "limits[1]"]
    shown = [line(each) for each in exchanges]
    assert " 503 gpt-4o             Störung " in shown[0]
    assert " 429 gpt-4o             limits[1] " in shown[-1]
