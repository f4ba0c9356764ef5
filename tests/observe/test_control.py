"""The control API: what it answers, and what it says to mistakes."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import re
import threading
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

import pytest

from mockdock import Server
from mockdock.dialects import DIALECTS
from mockdock.observe.control import app as control_app
from mockdock.observe.control import reading
from mockdock.observe.control.routes import OPERATIONS
from mockdock.observe.verbs import Opening, Verbs
from tests.conformance.asgi import post
from tests.observe.control import Control

SECRET = "sk-proj-abcdefghijklmnopqrstuvwx"


@pytest.fixture
def control() -> Control:
    return Control()


def chat(control: Control, text: str = "hi", session: str = "", **headers: str) -> int:
    """Send a chat request to the application, and give the status."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
    named = {"x-mockdock-session": session} if session else {}
    return post(control.app, "/v1/chat/completions", body, {**named, **headers}).status


def records(control: Control, **more: Any) -> list[Any]:
    return list(control.ask("GET", "/journal", **more).json["records"])


def test_every_verb_is_an_operation() -> None:
    verbs = {name for name in vars(Verbs) if not name.startswith("_")}
    assert verbs - {"url", "about"} <= {operation.name for operation in OPERATIONS}
    assert "version" in {operation.name for operation in OPERATIONS}


def test_no_provider_has_a_path_of_the_control_api() -> None:
    paths = [route.path for dialect in DIALECTS for route in dialect.routes]
    assert not [path for path in paths if path.startswith("/__mockdock")]


@pytest.mark.parametrize("path", ["", "/", "/health", "/nothing", "/health/", "//health", "/v1"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_asked_of_the_control_api_is_in_no_journal(
    control: Control, method: str, path: str
) -> None:
    """Nor does it count as a request that no rule answered."""
    answer = control.ask(method, path)
    assert answer.headers["content-type"] == "application/json"
    assert control.verbs.counts(None).requests == 0
    assert control.verbs.verify("", unused="none").ok


def test_other_paths_stay_with_the_provider(control: Control) -> None:
    assert chat(control) == 200
    assert post(control.app, "/__mockdocks", {}).status == 404
    assert control.verbs.counts(None).requests == 2


def test_the_versions_and_the_schema(control: Control) -> None:
    version = control.ask("GET", "/version").json
    assert version["mockdock"] == "server"
    assert version["language"] == 1
    assert version["version"].count(".") == 2
    assert "rules" in control.ask("GET", "/schema").json["properties"]


def test_rules_are_added_replaced_and_removed(control: Control) -> None:
    added = control.ask("POST", "/rules", {"reply": "one"})
    assert (added.status, added.json) == (201, {"key": "+1"})
    assert control.ask("POST", "/rules", {"reply": "two"}, query=b"first=true").json["key"] == "+2"
    assert [card["key"] for card in control.ask("GET", "/rules").json["rules"]][:2] == ["+2", "+1"]
    replaced = control.ask("PUT", "/rules/+2", {"name": "better", "reply": "three"})
    assert (replaced.status, replaced.raw) == (204, b"")
    assert chat(control) == 200
    unused = control.ask("GET", "/rules/unused").json["rules"]
    assert [card["name"] for card in unused] == ["rule +1", "hello"]
    assert control.ask("DELETE", "/rules/+2").status == 204
    assert [c["key"] for c in control.ask("GET", "/rules").json["rules"]] == ["+1", "hello"]


def test_an_added_rule_that_is_not_there_is_404(control: Control) -> None:
    control.ask("POST", "/rules", {"reply": "one"})
    for answer in (
        control.ask("DELETE", "/rules/+9"),
        control.ask("PUT", "/rules/+9", {"reply": "x"}),
    ):
        assert answer.status == 404
        assert answer.error["kind"] == "usage"
        assert answer.error["message"] == "no added rule has the key '+9'; there are: +1"


def test_a_bad_rule_is_told_with_place_and_hint(control: Control) -> None:
    answer = control.ask("POST", "/rules", {"when": {"usr": "x"}, "reply": "one"})
    assert answer.status == 400
    assert answer.error["kind"] == "scenario"
    (problem,) = answer.error["problems"]
    assert problem["path"] == "when.usr"
    assert "did you mean 'user'" in problem["hint"]
    assert control.verbs.rules("")[0].key == "hello"


def test_the_scenario_is_given_and_replaced(control: Control) -> None:
    assert control.ask("GET", "/scenario").json["rules"][0]["name"] == "hello"
    fresh = {"mockdock": 1, "rules": [{"name": "fresh", "reply": "new"}]}
    assert control.ask("PUT", "/scenario", fresh).status == 204
    assert control.ask("GET", "/scenario").json["rules"][0]["name"] == "fresh"


@pytest.mark.parametrize(
    "scenario",
    [
        {"mockdock": 1, "include": ["secrets.yaml"]},
        {"mockdock": 1, "rules": [{"reply": {"file": "/etc/hostname"}}]},
        {"mockdock": 1, "rules": [{"reply": {"file": "README.md"}}]},
        {"mockdock": 1, "rules": [{"reply": {"file": "../pyproject.toml"}}]},
    ],
)
def test_no_file_of_the_server_is_read_for_a_client(control: Control, scenario: Any) -> None:
    for answer in (
        control.ask("PUT", "/scenario", scenario),
        control.ask("PUT", "/sessions/s", {"scenario": scenario}),
    ):
        assert answer.status == 400
        assert answer.error["kind"] == "scenario"
    assert control.ask("GET", "/sessions").json == {"sessions": []}


def test_the_journal_hides_secrets_and_counts_on(control: Control) -> None:
    chat(control, SECRET, authorization=f"Bearer {SECRET}")
    chat(control)
    first, second = records(control)
    assert SECRET not in json.dumps(first)
    assert "[redacted]" in first["request"]["headers"]["authorization"]
    assert records(control, query=b"after=1") == [second]
    assert records(control, query=b"limit=1") == [first]
    assert control.ask("GET", "/counts").json["requests"] == 2
    assert control.ask("DELETE", "/journal").status == 204
    assert records(control) == []


def test_unmatched_requests_are_given(control: Control) -> None:
    control.ask("PUT", "/scenario", {"mockdock": 1, "otherwise": "fail"})
    assert chat(control) == 404
    (record,) = control.ask("GET", "/unmatched").json["records"]
    assert record["missed"] is True
    assert json.loads(record["request"]["body"])["model"] == "gpt-4o"


def test_a_session_is_chosen_by_query_or_header(control: Control) -> None:
    control.ask("PUT", "/sessions/one")
    control.ask("POST", "/rules", {"reply": "mine"}, query=b"session=one")
    header = [("host", "localhost"), ("x-mockdock-session", "one")]
    assert len(control.ask("GET", "/rules", headers=header).json["rules"]) == 2
    assert len(control.ask("GET", "/rules", headers=header, query=b"session=").json["rules"]) == 1
    assert len(control.ask("GET", "/rules").json["rules"]) == 1
    chat(control, session="one")
    chat(control)
    assert [one["session"] for one in records(control, query=b"session=one")] == ["one"]
    assert [one["session"] for one in records(control, query=b"session=*")] == ["one", ""]
    assert control.ask("GET", "/counts", query=b"session=*").json["requests"] == 2
    assert control.ask("POST", "/reset", query=b"session=*").status == 204
    assert records(control, query=b"session=*") == []
    assert len(control.ask("GET", "/rules", query=b"session=one").json["rules"]) == 1


def test_what_is_for_one_session_is_not_done_to_all(control: Control) -> None:
    answer = control.ask("GET", "/rules", query=b"session=*")
    assert answer.status == 400
    assert "name one session" in answer.error["message"]


def test_sessions_are_opened_looked_at_and_closed(control: Control) -> None:
    opened = control.ask("PUT", "/sessions/a%2Fb c", {"seed": 5, "time_scale": 2})
    assert opened.json == control.ask("GET", "/sessions/a%2Fb c").json
    assert (opened.json["seed"], opened.json["opened"]) == (5, True)
    control.ask("PUT", "/sessions/a/b")
    assert control.ask("GET", "/sessions").json["sessions"] == ["a%2Fb c", "a/b"]
    assert control.ask("DELETE", "/sessions/a/b").status == 204
    assert control.ask("DELETE", "/sessions/a/b").status == 204
    missing = control.ask("GET", "/sessions/a/b")
    assert (missing.status, missing.error["kind"]) == (404, "usage")


@pytest.mark.parametrize("key", ["", "*", "x" * 1001])
def test_what_cannot_be_a_key_is_told(control: Control, key: str) -> None:
    answer = control.ask("PUT", f"/sessions/{key}")
    assert answer.status == 400
    assert "1 to 1000 characters" in answer.error["message"]


def test_what_cannot_be_done_now_is_a_conflict(control: Control) -> None:
    answer = control.ask("PATCH", "/settings", {"seed": 1}, query=b"session=closed")
    assert (answer.status, answer.error["kind"]) == (409, "usage")
    assert "open it first" in answer.error["message"]


def test_states_settings_and_the_clock(control: Control) -> None:
    assert control.ask("PUT", "/state", {"step": "two", "n": 3}).status == 204
    assert control.ask("PUT", "/state", {"n": None}).status == 204
    assert control.ask("GET", "/state").json == {"step": "two"}
    changed = control.ask("PATCH", "/settings", {"seed": 9, "time_scale": "manual"}).json
    assert changed == control.ask("GET", "/settings").json
    assert (changed["seed"], changed["time_scale"]) == (9, "manual")
    before = control.ask("GET", "/clock").json
    after = control.ask("POST", "/clock", {"seconds": 2.5}).json
    assert after["now"] - before["now"] == after["time"] - before["time"] == 2.5


def test_a_session_is_judged_and_a_request_explained(control: Control) -> None:
    control.ask("POST", "/rules", {"when": {"user": "b"}, "reply": "one"})
    control.ask("POST", "/rules", {"when": {"user": "a"}, "reply": "two"})
    assert control.ask("GET", "/verify", query=b"unused=none").json["ok"] is True
    assert len(control.ask("GET", "/verify").json["problems"]) == 2
    chat(control, "a")
    chat(control, "b")
    judged = control.ask("POST", "/verify", {"order": [["+1", "+2"]]}).json
    assert [problem["kind"] for problem in judged["problems"]] == ["order"]
    request = {"model": "gpt-4o", "messages": [{"role": "user", "content": "a"}]}
    told = control.ask("POST", "/explain", {"request": request}).json
    assert told["rule"] == "rule +2"
    assert [verdict["key"] for verdict in told["verdicts"]] == ["+1", "+2", "hello"]


def test_metrics_are_text(control: Control) -> None:
    chat(control)
    control.ask("PUT", "/sessions/one")
    answer = control.ask("GET", "/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["vary"] == "accept"
    lines = answer.raw.decode().splitlines()
    assert 'mockdock_requests_total{dialect="openai",rule="hello",status="200"} 1.0' in lines
    assert "mockdock_open_sessions 1.0" in lines


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=1.x", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
        ),
    ],
)
def test_metrics_have_the_form_that_is_asked_for(
    control: Control, accept: str, media_type: str
) -> None:
    chat(control)
    headers = [("host", "127.0.0.1:8080"), ("accept", accept)]
    answer = control.ask("GET", "/metrics", headers=headers)
    assert answer.headers["content-type"] == media_type
    assert answer.raw.endswith(b"# EOF\n") == media_type.startswith("application/openmetrics")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (b"sesion=x", "did you mean 'session'? there are: after, last, limit, session, wait"),
        (b"limit=0", "limit"),
        (b"limit=many", "limit"),
        (b"after=-1", "after"),
        (b"wait=nan", "wait"),
        (b"limit=1&limit=2", "'limit' is given twice"),
        (b"session=%ff", "UTF-8"),
        (b"\xff", "UTF-8"),
        (b"session", "name=value"),
        (b"&".join(b"a%d=1" % number for number in range(60)), "name=value"),
    ],
)
def test_a_wrong_query_string_is_told(control: Control, query: bytes, told: str) -> None:
    answer = control.ask("GET", "/journal", query=query)
    assert (answer.status, answer.error["kind"]) == (400, "request")
    assert told in answer.error["message"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b'{"seed": NaN}', "not JSON"),
        (b"[" * 400 + b"]" * 400, "nested too deep"),
        (b"[]", "the body is wrong"),
        (b'{"sed": 1}', "sed: unknown (did you mean 'seed'? there are: otherwise, seed,"),
        (b'{"seed": 1.5}', "seed"),
        (b'{"otherwise": "no"}', "otherwise"),
        (b'{"time_scale": -1}', "time_scale"),
        (b'{"time_scale": 1e-300}', "a time scale is 0, or from 1e-06 to 1e+06"),
    ],
)
def test_a_wrong_body_is_told(control: Control, body: bytes, told: str) -> None:
    answer = control.ask("PATCH", "/settings", body)
    assert (answer.status, answer.error["kind"]) == (400, "request")
    assert told in answer.error["message"]


def test_what_is_missing_is_told(control: Control) -> None:
    answer = control.ask("POST", "/clock", {})
    assert answer.error["message"] == "the body is wrong: seconds: missing"
    answer = control.ask("GET", "/wait")
    assert answer.error["message"] == "the query string is wrong: count: missing"


def test_parameters_and_bodies_are_refused_where_there_are_none(control: Control) -> None:
    assert "there are none" in control.ask("GET", "/health", query=b"x=1").error["message"]
    answer = control.ask("POST", "/reset", {"session": "*"})
    assert (answer.status, answer.error["message"]) == (400, "POST /reset takes no body; send none")


@pytest.mark.parametrize("announced", [False, True])
def test_large_bodies_are_refused(
    control: Control, monkeypatch: pytest.MonkeyPatch, announced: bool
) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 1_000_000)
    size = [("content-length", "1000001")] if announced else []
    headers = [("host", "localhost"), *size]
    answer = control.ask("PUT", "/state", b"x" * 1_000_001, headers=headers, chunk=65536)
    assert answer.status == 413
    assert answer.headers["connection"] == "close"
    assert answer.error["message"] == "the body is larger than 1 MB"


def test_an_absurd_length_is_refused(control: Control) -> None:
    headers = [("host", "localhost"), ("content-length", "9" * 5000)]
    assert control.ask("PUT", "/state", b"{}", headers=headers).status == 413


def test_a_method_that_is_not_there_is_told(control: Control) -> None:
    answer = control.ask("DELETE", "/rules")
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert control.ask("PATCH", "/reset").headers["allow"] == "POST"


def test_head_is_get_without_its_body(control: Control) -> None:
    assert control.ask("HEAD", "/health").status == 200


def test_an_unknown_resource_names_those_there_are(control: Control) -> None:
    answer = control.ask("GET", "/helth")
    assert answer.status == 404
    assert "health, version, openapi.json" in answer.error["message"]


def test_a_defect_is_told_without_a_trace(
    control: Control, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(control.verbs, "sessions", fail)
    with caplog.at_level(logging.ERROR, "mockdock"):
        answer = control.ask("GET", "/sessions")
    assert (answer.status, answer.error["kind"]) == (500, "defect")
    assert b"secret detail" not in answer.raw
    assert "the control API failed at GET" in caplog.text


def test_a_client_that_leaves_before_its_body_is_complete_gets_nothing(control: Control) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "PUT", "path": "/__mockdock/state", "scheme": "http",
        "headers": [(b"host", b"localhost")], "query_string": b"", "client": ("127.0.0.1", 1),
    }  # fmt: skip
    asyncio.run(control.app(scope, receive, send))
    assert sent == []


def test_a_websocket_is_closed(control: Control) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/__mockdock/journal", "headers": []}
    asyncio.run(control.app(scope, receive, send))
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_a_wait_is_capped(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_app, "_LONGEST_WAIT", 0.0)
    assert records(control, query=b"wait=1e300") == []
    assert control.ask("GET", "/wait", query=b"count=1&wait=1e300").json == {"reached": False}
    chat(control)
    assert control.ask("GET", "/wait", query=b"count=1").json == {"reached": True}


def test_a_wait_lets_go_of_its_thread_again_and_again(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a server that stops need not wait for it, nor others for a thread."""
    waits: list[float] = []
    real = control.verbs.wait

    def wait(session: str, count: int, timeout: float) -> bool:
        waits.append(timeout)
        return len(waits) > 3 or real(session, count, 0)

    monkeypatch.setattr(control.verbs, "wait", wait)
    answer = control.ask("GET", "/wait", query=b"count=1&wait=30", stays=True)
    assert answer.json == {"reached": True}
    assert waits == [control_app._SLICE] * 4


def test_nobody_waits_for_a_client_that_left(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The helper hangs up after its request; 30 seconds would be too long for this test."""
    monkeypatch.setattr(control_app, "_SLICE", 0.001)
    assert records(control, query=b"wait=30") == []


def follow(server: Server, found: list[Any]) -> None:
    with urllib.request.urlopen(f"{server.url}/__mockdock/journal?wait=30", timeout=60) as answer:
        found.extend(json.load(answer)["records"])


def test_a_long_poll_ends_with_the_exchange_it_waits_for() -> None:
    """Meanwhile the same event loop answers others."""
    found: list[Any] = []
    with Server({"mockdock": 1}) as server:
        server.verbs.open("other", Opening())
        follower = threading.Thread(target=follow, args=(server, found))
        follower.start()
        with urllib.request.urlopen(f"{server.base_url}/models/gpt-4o", timeout=10) as answer:
            assert answer.status == 200
        follower.join(20)
    assert [record["path"] for record in found] == ["/v1/models/gpt-4o"]


@pytest.mark.parametrize(("grace", "expected"), [(0.0, [503]), (600.0, [])])
def test_a_server_stops_while_somebody_waits(
    monkeypatch: pytest.MonkeyPatch, grace: float, expected: list[int]
) -> None:
    """Who waits need not be waited for: with time to end, it is given what there is."""
    waits = threading.Event()
    statuses: list[int] = []
    monkeypatch.setattr(control_app, "_SLICE", 0.2 if grace else 1.0)
    with Server({"mockdock": 1}, grace=grace) as server:
        real = server.app.journal.wait_after

        def wait_after(*arguments: Any, **more: Any) -> Any:
            waits.set()
            return real(*arguments, **more)

        monkeypatch.setattr(server.app.journal, "wait_after", wait_after)

        def poll() -> None:
            try:
                follow(server, [])
            except urllib.error.HTTPError as error:
                statuses.append(error.code)
                error.close()

        poller = threading.Thread(target=poll)
        poller.start()
        assert waits.wait(10)
        server.stop()
        poller.join(20)
        assert not poller.is_alive()
    assert statuses == expected


def test_no_more_than_so_many_wait(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks without waiting is answered all the same, and places become free again."""
    answers: list[Any] = []

    def wait(session: str, count: int, timeout: float) -> bool:
        if timeout and not answers:
            answers.append(control.ask("GET", "/wait", query=b"count=1&wait=30"))
            answers.append(control.ask("GET", "/wait", query=b"count=1"))
        return True

    monkeypatch.setattr(control_app, "_MOST_WAITING", 1)
    monkeypatch.setattr(control.verbs, "wait", wait)
    for _ in range(2):
        answer = control.ask("GET", "/wait", query=b"count=1&wait=30")
        assert (answer.status, answer.json) == (200, {"reached": True})
    refused, asked = answers
    assert (refused.status, refused.error["kind"]) == (503, "usage")
    assert refused.error["message"] == "1 requests wait already; ask later, or without wait"
    assert asked.json == {"reached": True}


def test_an_error_over_the_socket_leaves_the_connection_usable() -> None:
    """A refused body is not taken for the next request."""
    with Server({"mockdock": 1}) as server:
        host, port = server.url.removeprefix("http://").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        try:
            for _ in range(2):
                connection.request("POST", "/__mockdock/nothing", b"x" * 100_000)
                assert connection.getresponse().read()
                connection.request("GET", "/__mockdock/health")
                assert json.loads(connection.getresponse().read()) == {"status": "ok"}
        finally:
            connection.close()


def test_all_errors_have_one_shape(control: Control) -> None:
    for answer in (
        control.ask("GET", "/nothing"),
        control.ask("POST", "/rules", b"{"),
        control.ask("POST", "/rules", {}),
        control.ask("DELETE", "/rules/x"),
        control.ask("GET", "/rules", headers=[]),
        control.ask("PUT", "/health"),
    ):
        assert answer.error["status"] >= 400


def test_many_problems_are_counted_and_their_texts_cut(control: Control) -> None:
    wrong: dict[str, Any] = {"x" * 100_000 + str(at): [] for at in range(20)}
    for answer, most in (
        (control.ask("PUT", "/state", wrong), 50_000),
        (control.ask("PUT", "/scenario", {"mockdock": 1, "rules": [{"wrong": 1}] * 3000}), 50_000),
    ):
        assert answer.status == 400
        assert len(answer.raw) < most
        problems = answer.error["problems"]
        assert len(problems) == 21
        assert re.fullmatch(r"and \d+ more", problems[-1]["message"])
        assert problems[-1]["message"] in answer.error["message"]


def test_too_many_states_or_fields_are_one_problem(control: Control) -> None:
    answer = control.ask("PUT", "/state", {f"a{at}": [] for at in range(100_000)})
    (problem,) = answer.error["problems"]
    assert "at most 1000 states can be set at once" in problem["message"]
    answer = control.ask("PATCH", "/settings", {f"a{at}": 1 for at in range(100_000)})
    assert answer.status == 400
    assert answer.error["message"].startswith("the body has 100000 fields; there are: otherwise,")
    answer = control.ask("POST", "/verify", {"order": [list(range(100_000))]})
    assert len(answer.error["problems"]) == 1
    assert control.ask("PUT", "/state", {f"a{at}": 1 for at in range(1000)}).status == 204


@pytest.mark.parametrize("seconds", [True, "1", "1_0"])
def test_only_numbers_are_numbers_in_bodies(control: Control, seconds: object) -> None:
    assert control.ask("POST", "/clock", {"seconds": seconds}).status == 400
    asked = {"request": {}, "attempt": seconds}
    assert control.ask("POST", "/explain", asked).status == 400


@pytest.mark.parametrize("text", ["1_0", "%2B1", "%201", "1.0", "true", "%D9%A1"])
def test_only_digits_are_whole_numbers_in_queries(control: Control, text: str) -> None:
    for name in ("limit", "after"):
        answer = control.ask("GET", "/journal", query=f"{name}={text}".encode())
        assert answer.status == 400
        assert "in digits" in answer.error["message"]


@pytest.mark.parametrize("text", ["1_0", "nan", "true", "-1", "1."])
def test_only_numbers_are_seconds_in_queries(control: Control, text: str) -> None:
    answer = control.ask("GET", "/journal", query=f"wait={text}".encode())
    assert answer.status == 400
    assert "a number of seconds is wanted" in answer.error["message"]


@pytest.mark.parametrize("key", ["a\n", "a\rb", "\x00", "a\x7f"])
def test_keys_with_control_characters_are_refused(control: Control, key: str) -> None:
    control.ask("PUT", "/sessions/a", {})
    for method in ("GET", "PUT", "DELETE"):
        answer = control.ask(method, f"/sessions/{key}")
        assert answer.status == 400
        assert "control characters" in answer.error["message"]
    answer = control.ask("GET", "/settings", query=f"session={quote(key)}".encode())
    assert (answer.status, "control characters" in answer.error["message"]) == (400, True)
    assert control.verbs.sessions() == ["a"]


YAML = (("host", "127.0.0.1"), ("content-type", "application/yaml; charset=utf-8"))


def test_a_scenario_may_be_yaml_and_its_lines_are_told(control: Control) -> None:
    text = b"mockdock: 1\nrules:\n- when: {user: never}\n  reply: Hall\xc3\xb6chen!\n"
    answer = control.ask("PUT", "/scenario", text, headers=YAML)
    assert (answer.status, answer.raw) == (204, b"")
    assert control.ask("GET", "/scenario").json["rules"][0]["reply"]["text"] == "Hall\u00f6chen!"
    wrong = control.ask("PUT", "/scenario", b"mockdock: 1\nrules:\n- repl: x\n", headers=YAML)
    told = [(each["file"], each["line"], each["path"]) for each in wrong.error["problems"]]
    assert (wrong.status, told[0]) == (400, ("scenario.yaml", 3, "rules[0].repl"))
    for raw in (b"", b"- 1", b"mockdock: [", b"\xff", b"include: [a.yaml]\nmockdock: 1"):
        refused = control.ask("PUT", "/scenario", raw, headers=YAML)
        assert (refused.status, refused.error["kind"] in ("scenario", "request")) == (400, True)
    assert control.verbs.rules("")[0].when == {"user": {"contains": ["never"]}}
    assert control.ask("POST", "/rules", b"reply: x", headers=YAML).status == 400


def test_a_scenario_as_text_in_json_has_the_name_of_its_file(control: Control) -> None:
    text = {"yaml": "mockdock: 1\nrules: [{reply: x}]\n", "name": "greet.yaml"}
    assert control.ask("PUT", "/scenario", text).status == 204
    assert len(control.verbs.rules("")) == 1
    assert control.ask("PUT", "/sessions/mine", {"scenario": text}).status == 200
    bad = control.ask("PUT", "/scenario", {**text, "yaml": "mockdock: 1\nrule: []\n"})
    (problem,) = bad.error["problems"]
    assert (problem["file"], problem["line"], problem["path"]) == ("greet.yaml", 2, "rule")
    for wrong in ({"yaml": 1}, {"yaml": "x", "name": 1}, {"yaml": "x", "rules": []}):
        refused = control.ask("PUT", "/scenario", wrong)
        assert "a scenario as text is {yaml: TEXT}" in refused.error["message"]


def test_all_sessions_are_judged_at_once(control: Control) -> None:
    control.ask("PUT", "/sessions/mine", {"otherwise": "fail", "scenario": {"mockdock": 1}})
    chat(control, session="mine")
    told = control.ask("GET", "/verify", query=b"session=*").json
    assert [each["message"] for each in told["problems"]] == [
        "session 'mine': POST /v1/chat/completions was answered by no rule"
    ]
    assert control.ask("POST", "/verify", {"unused": "none"}, query=b"session=*").json == told
    found = control.ask("GET", "/unmatched", query=b"session=*").json["records"]
    assert [each["session"] for each in found] == ["mine"]
    refused = control.ask("POST", "/verify", {"order": [["hello"]]}, query=b"session=*")
    assert refused.error["message"] == "an order is that of one session; name it"


def test_the_last_of_a_journal_and_one_rule_alone(control: Control) -> None:
    for _ in range(3):
        chat(control)
    last = records(control, query=b"last=2")
    assert [each["number"] for each in last] == [2, 3]
    assert [each["number"] for each in records(control, query=b"last=2&limit=1")] == [2]
    (card,) = control.ask("GET", "/rules", query=b"key=hello").json["rules"]
    assert (card["key"], card["used"]) == ("hello", 3)
    assert control.ask("GET", "/rules", query=b"key=x").json["rules"] == []


def test_a_session_nobody_knows_cannot_be_judged(control: Control) -> None:
    """A key with a mistake in it would always do well."""
    asks: tuple[tuple[str, str, Any], ...] = (
        ("GET", "/verify", b""),
        ("POST", "/verify", {}),
        ("GET", "/unmatched", b""),
    )
    for method, path, body in asks:
        answer = control.ask(method, path, body, query=b"session=mine")
        assert (answer.status, answer.error["kind"]) == (404, "usage")
        assert answer.error["message"] == "the session 'mine' is not open, and had no requests"
    chat(control, session="mine")
    for method, path, body in asks:
        assert control.ask(method, path, body, query=b"session=mine").status == 200
    control.ask("PUT", "/sessions/open", {})
    for method, path, body in asks:
        assert control.ask(method, path, body, query=b"session=open").status == 200


def test_trouble_is_set_and_told(control: Control) -> None:
    assert control.ask("PUT", "/limits", {"limits": [{"rpm": 3}]}).status == 204
    assert control.ask("PUT", "/faults", {"faults": ["slicer"], "chaos": {"rate": 0}}).status == 204
    (card,) = control.ask("GET", "/limits").json["limits"]
    assert (card["measure"], card["limit"], card["remaining"], card["of"]) == ("rpm", 3, 3, {})
    trouble = control.ask("GET", "/faults").json
    assert (trouble["faults"], trouble["limits"]) == ([{"type": "slicer"}], [{"rpm": 3}])
    assert control.ask("PUT", "/faults", {"faults": None}).status == 204
    left = control.ask("GET", "/faults").json
    assert (left["faults"], left["limits"], left["chaos"]["rate"]) == ([], [{"rpm": 3}], 0)
    assert control.ask("PUT", "/limits", {"limits": None}).status == 204
    assert control.ask("GET", "/limits").json == {"limits": []}


def test_limits_tell_no_keys(control: Control) -> None:
    control.ask("PUT", "/limits", {"limits": [{"per": "key", "rpm": 3}]})
    chat(control, authorization=f"Bearer {SECRET}")
    chat(control, authorization="Bearer sk-mockdock-mine", session="")
    cards = control.ask("GET", "/limits").json["limits"]
    assert cards[0]["of"] == {"key": "[redacted]"}
    assert SECRET not in json.dumps(cards)


def test_wrong_trouble_is_refused_with_its_place(control: Control) -> None:
    wrong = control.ask("PUT", "/faults", {"faults": [{"type": "truncat"}]})
    assert (wrong.status, wrong.error["kind"]) == (400, "scenario")
    assert wrong.error["problems"][0]["path"] == "faults[0].type"
    assert "did you mean 'truncate'" in wrong.error["problems"][0]["hint"]
    unknown = control.ask("PUT", "/faults", {"fault": []})
    assert (unknown.status, unknown.error["kind"]) == (400, "request")
    assert control.ask("PUT", "/limits", {}).status == 400
    closed = control.ask("PUT", "/faults", {"faults": []}, query=b"session=closed")
    assert (closed.status, closed.error["kind"]) == (409, "usage")


def test_clients_are_judged(control: Control) -> None:
    for _ in range(2):
        chat(control)
    judged = control.ask("GET", "/audit", query=b"policy=openai-python").json
    assert (judged["ok"], judged["policy"]["name"]) == (True, "openai-python")
    assert judged["figures"]["attempts"] == 2
    mine = control.ask("POST", "/audit", {"policy": {"max_attempts": 1}}, query=b"session=*").json
    assert mine["policy"]["name"] == "default, changed"
    wrong = control.ask("GET", "/audit", query=b"policy=openai")
    assert (wrong.status, wrong.error["kind"]) == (400, "scenario")
    assert control.ask("GET", "/audit", query=b"session=nobody").status == 404
