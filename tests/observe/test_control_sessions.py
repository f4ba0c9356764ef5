"""The control API over a real socket: many sessions at once, and a page of another origin."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mockdock import Server

SESSIONS = 20
QUESTIONS = 5


class Client:
    """One connection, as a client without an SDK has."""

    def __init__(self, server: Server) -> None:
        host, port = server.url.removeprefix("http://").split(":")
        self.authority = f"{host}:{port}"
        self._connection = http.client.HTTPConnection(host, int(port), timeout=30)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Give status, body and headers of an answer."""
        raw = None if body is None else json.dumps(body).encode()
        usual = {"content-type": "application/json"} if raw else {}
        self._connection.request(method, path, raw, {**usual, **(headers or {})})
        answer = self._connection.getresponse()
        content = answer.read()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, json.loads(content) if content else None, told

    def chat(self, text: str, session: str) -> str:
        """Ask the provider, and give the text it answers."""
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
        key = {"authorization": f"Bearer {session}"}
        status, answer, _ = self.ask("POST", "/v1/chat/completions", body, key)
        assert status == 200, answer
        return str(answer["choices"][0]["message"]["content"])


def test_sessions_in_parallel_never_see_each_other() -> None:
    """Each has rules, counters, states and a journal of its own, whoever runs beside it."""
    together = threading.Barrier(SESSIONS)

    def live(number: int) -> None:
        session = f"sk-mockdock-parallel{number}"
        client, at = Client(server), f"session={session}"
        try:
            together.wait(30)
            status, settings, _ = client.ask("PUT", f"/__mockdock/sessions/{session}", {})
            assert (status, settings["session"]) == (200, session)
            rule = {
                "replies": [f"{number}: {step}" for step in range(QUESTIONS)],
                "set_state": {f"of {number}": number},
            }
            _, added, _ = client.ask("POST", f"/__mockdock/rules?{at}", rule)
            assert added == {"key": "+1"}
            told = [client.chat("the same words", session) for _ in range(QUESTIONS)]
            assert told == rule["replies"]
            _, journal, _ = client.ask("GET", f"/__mockdock/journal?{at}")
            assert {record["session"] for record in journal["records"]} == {session}
            assert len(journal["records"]) == QUESTIONS
            _, rules, _ = client.ask("GET", f"/__mockdock/rules?{at}")
            assert [(card["key"], card["used"]) for card in rules["rules"]] == [("+1", QUESTIONS)]
            _, state, _ = client.ask("GET", f"/__mockdock/state?{at}")
            assert state == {f"of {number}": number}
            _, verdict, _ = client.ask("GET", f"/__mockdock/verify?{at}")
            assert (verdict["ok"], verdict["requests"]) == (True, QUESTIONS)
        finally:
            client.close()

    with Server({"mockdock": 1}, otherwise="fail") as server, ThreadPoolExecutor(SESSIONS) as pool:
        for done in [pool.submit(live, number) for number in range(SESSIONS)]:
            done.result(60)
        assert server.verbs.counts(None).requests == SESSIONS * QUESTIONS
        assert server.verbs.counts("").requests == 0
        assert server.verbs.rules("") == []


def test_rules_added_at_once_all_get_keys_of_their_own() -> None:
    """Over HTTP and in this process, which are two ways to the same rules."""
    with Server({"mockdock": 1}) as server, ThreadPoolExecutor(16) as pool:

        def over_http(_: int) -> str:
            client = Client(server)
            try:
                return str(client.ask("POST", "/__mockdock/rules", {"reply": "x"})[1]["key"])
            finally:
                client.close()

        def in_process(_: int) -> str:
            return server.verbs.add_rule("", {"reply": "y"})

        outside, inside = pool.map(over_http, range(50)), pool.map(in_process, range(50))
        keys = [*outside, *inside]
        assert sorted(keys) == sorted(f"+{number}" for number in range(1, 101))
        assert len(server.verbs.rules("")) == 100


@pytest.mark.parametrize("token", [None, "the-token"])
def test_a_page_of_another_origin_drives_nothing(token: str | None) -> None:
    """What a browser sends for it, in all the ways a page can make it send something."""
    with Server({"mockdock": 1}, control_token=token) as server:
        client = Client(server)
        known = {} if token is None else {"authorization": f"Bearer {token}"}
        page = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
        rebound = {"host": "evil.example", "origin": "http://evil.example"}
        simple = {"content-type": "text/plain", **page}
        preflight = {
            **page,
            "access-control-request-method": "PUT",
            "access-control-request-private-network": "true",
        }
        try:
            for method, path, body, headers in (
                ("OPTIONS", "/__mockdock/rules", None, preflight),
                ("POST", "/__mockdock/rules", {"reply": "owned"}, simple),
                ("POST", "/__mockdock/reset", None, page),
                ("PUT", "/__mockdock/sessions/x", {}, page),
                ("GET", "/__mockdock/journal", None, {"sec-fetch-site": "cross-site"}),
                ("POST", "/__mockdock/rules", {"reply": "owned"}, {"origin": "null"}),
                ("GET", "/__mockdock/journal", None, {**page, **known}),
            ):
                status, answer, told = client.ask(method, path, body, headers)
                assert (status, answer["error"]["kind"]) == (403, "access")
                assert not [name for name in told if name.startswith("access-control-")]
            # A page whose name was made to point here has that name for an origin.
            status, _, _ = client.ask("POST", "/__mockdock/rules", {"reply": "owned"}, rebound)
            assert status == (403 if token is None else 401)
            assert server.verbs.rules("") == []
            assert server.verbs.sessions() == []
            status, _, _ = client.ask("GET", "/__mockdock/health", None, known)
            assert status == 200
        finally:
            client.close()
