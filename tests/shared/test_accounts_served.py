"""LangDB's accounts and stored completions, asked of several processes as of one server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.app import App
from mockdock.delivery import Clock, ScaledClock
from mockdock.engine import Engine
from mockdock.engine.surviving import SurvivingStore
from mockdock.local.together import SharedVerbs
from mockdock.observe.verbs import Opening
from mockdock.scenario import load
from mockdock.shared import Link, RedisStore, SharedAccounts, SharedTime
from tests.conformance.asgi import Answer, ask, scope_of
from tests.dialects.langdb.talk import ADMIN, HI, LeapingClock, model_body
from tests.dialects.langdb.test_truth import RULES, steps
from tests.effort import examples
from tests.stores import Redis

BEGAN = 1_738_146_300.125
CHAT = "/v1/chat/completions"
MINE = "sk-mockdock-mine"
EMBEDDED = {"model": "text-embedding-3-small", "input": ["one", "two three"]}
LANGDB = {"host": "127.0.0.1:8080", "x-project-id": "p"}
JSON = {"content-type": "application/json"}
PAST = {
    "project": "p",
    "threads": [{"title": "Old", "ago": "3d", "messages": [{"type": "human", "content": "Hi"}]}],
    "models": [{"model_name": "old", "owner_name": "acme", "input_token_price": 0.001}],
    "prices": {"p": {"gpt-4o": {"per_input_token": 1, "per_output_token": 2}}},
    "usage": [{"model": "gpt-4o", "ago": "2d", "input_tokens": 5}],
    "history": {"days": 3, "per_day": 5},
}


class Server:
    """Several processes, or one, that act as one server; each request goes to another one."""

    def __init__(self, *apps: App, run: Callable[[Any], Any] = asyncio.run) -> None:
        self.apps = apps
        self._run = run
        self._turn = 0

    def ask(
        self, method: str, path: str, body: Any = None, session: str = "", **headers: str
    ) -> Answer:
        """Ask the process whose turn it is."""
        self._turn += 1
        app = self.apps[self._turn % len(self.apps)]
        data = b"" if body is None else json.dumps(body).encode()
        told = {"host": "127.0.0.1:8080", "authorization": f"Bearer {session or 'any'}"} | headers
        return ask(app, method, path, data, told | ({} if body is None else JSON), run=self._run)

    def told(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask for what is there."""
        answer = self.ask(method, path, body, **headers)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)


class Fleet:
    """Makes processes that share a Redis."""

    def __init__(self, stack: ExitStack, redis: Redis, patience: float = 20.0) -> None:
        self.runner = stack.enter_context(asyncio.Runner())
        self.links: list[Link] = []
        self.verbs: list[SharedVerbs] = []
        self._stack, self._url, self._patience = stack, redis.url(), patience

    def process(self, scenario: Any, clock: Clock | None = None) -> App:
        """Make one; unless it has a ``clock`` of the test, it has verbs."""
        link = Link(self._url, patience=self._patience)
        accounts = SharedAccounts(link)
        self._stack.callback(lambda: self.runner.run(self._closed(accounts, link)))
        engine = Engine(
            load(scenario).scenario,
            store=SurvivingStore(RedisStore(link)),
            books=accounts.books,
            shelf=accounts.shelf,
        )
        time = SharedTime()
        app = App(engine, clock=ScaledClock(0, time) if clock is None else clock)
        if clock is None:
            self.verbs.append(SharedVerbs(app, lambda: "http://here", link, time))
            app.current = self.verbs[-1].current
        self.links.append(link)
        return app

    def server(self, scenario: Any, count: int = 2, clock: Clock | None = None) -> Server:
        """Make several processes."""
        apps = [self.process(scenario, clock) for _ in range(count)]
        return Server(*apps, run=self.runner.run)

    async def _closed(self, accounts: SharedAccounts, link: Link) -> None:
        await accounts.aclose()
        await link.aclose()


@pytest.fixture
def fleet(redis: Redis) -> Iterator[Fleet]:
    """Give what makes processes that share a Redis."""
    with ExitStack() as stack:
        yield Fleet(stack, redis)


@pytest.fixture
def doomed_fleet(doomed: Redis) -> Iterator[Fleet]:
    """Give the same, with a Redis that the test may stop."""
    with ExitStack() as stack:
        yield Fleet(stack, doomed, patience=0.5)


def scenario(*rules: Any, **more: Any) -> dict[str, Any]:
    return {"mockdock": 1, "seed": 1, "rules": list(rules) or [{"reply": "Hi"}], **more}


def chat(server: Server, text: str = "Hi", model: str = "gpt-4o", **more: Any) -> Answer:
    headers = {name: more.pop(name) for name in ("x-thread-id",) if name in more}
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return server.ask("POST", CHAT, body, **{"x-project-id": "p", **headers})


def test_a_conversation_goes_on_whoever_answers(fleet: Fleet) -> None:
    server = fleet.server(scenario(), 3)
    for _ in range(3):
        assert chat(server, **{"x-thread-id": "t"}).status == 200
    for _ in server.apps:
        (thread,) = server.told("POST", "/threads", {"limit": 9, "offset": 0}, **LANGDB)["data"]
        assert thread["id"] == "t"
        cost = server.told("GET", "/threads/t/cost", **LANGDB)
        assert cost["total_input_tokens"] == 3 * 8
        told = server.told("POST", "/usage/total", {}, **LANGDB)
        assert told["total"]["total_input_tokens"] == 3 * 8


def test_a_model_is_called_at_once_through_another_process(fleet: Fleet) -> None:
    server = fleet.server(scenario(models=["gpt-4o"]), 3)
    assert [chat(server, model="my-model").status for _ in server.apps] == [500] * 3
    made = server.told("POST", "/admin/models", model_body(), **LANGDB, **ADMIN)
    assert made["model_name"] == "my-model"
    assert [chat(server, model="my-model").status for _ in server.apps] == [200] * 3


def test_what_accounts_begin_with_is_the_same_for_all(fleet: Fleet) -> None:
    server = fleet.server(scenario(langdb=PAST), 3)
    asked = (
        ("POST", "/threads", {"limit": 9, "offset": 0}),
        ("POST", "/usage/total", {"start_time": 0}),
        ("POST", "/analytics/summary", {"groupBy": ["model"], "period": "last_year"}),
        ("GET", "/models", None),
    )
    for method, path, body in asked:
        first, *others = (server.ask(method, path, body, **LANGDB) for _ in server.apps)
        told = json.loads(first.body)
        for each in others:
            same = json.loads(each.body)
            for ends in ("end_time", "end_time_us", "start_time", "start_time_us"):
                told.pop(ends, None), same.pop(ends, None)
            for ends in ("period_end", "period_end_us"):
                told.pop(ends, None), same.pop(ends, None)
            assert same == told
    assert chat(server, model="acme/old").status == 200


def test_stored_completions_are_one_shelf(fleet: Fleet) -> None:
    server = fleet.server(scenario(), 3)
    asked = {"model": "gpt-4o", "messages": [HI], "store": True, "metadata": {"k": "1"}}
    made = [server.told("POST", CHAT, asked)["id"] for _ in range(4)]
    listed = server.told("GET", CHAT)["data"]
    assert [each["id"] for each in listed] == made
    for _ in server.apps:
        assert server.told("GET", f"{CHAT}/{made[0]}")["metadata"] == {"k": "1"}
    server.told("POST", f"{CHAT}/{made[0]}", {"metadata": {"k": "2"}})
    for _ in server.apps:
        assert server.told("GET", f"{CHAT}/{made[0]}")["metadata"] == {"k": "2"}
        told = server.told("GET", f"{CHAT}/{made[0]}/messages")["data"]
        assert [each["content"] for each in told] == ["Hi"]
    assert server.told("DELETE", f"{CHAT}/{made[0]}")["deleted"] is True
    assert [server.ask("DELETE", f"{CHAT}/{made[0]}").status for _ in server.apps] == [404] * 3
    assert [each["id"] for each in server.told("GET", CHAT)["data"]] == made[1:]


def test_an_invalid_update_of_a_completion_changes_it_nowhere(fleet: Fleet) -> None:
    server = fleet.server(scenario())
    made = server.told("POST", CHAT, {"model": "gpt-4o", "messages": [HI], "store": True})["id"]
    assert server.ask("POST", f"{CHAT}/{made}", {"metadata": {"k": 1}}).status == 400
    assert server.ask("POST", f"{CHAT}/chatcmpl-no", {"metadata": {}}).status == 404
    assert server.told("GET", f"{CHAT}/{made}")["metadata"] == {}


def test_what_a_session_did_is_forgotten_with_it(fleet: Fleet) -> None:
    server = fleet.server(scenario())
    one, two = fleet.verbs
    body = {"model": "gpt-4o", "messages": [HI]}
    one.open(MINE, Opening())
    for session in (MINE, ""):
        server.ask("POST", CHAT, body, session, **LANGDB)
        server.ask("POST", CHAT, body | {"store": True}, session)

    def counts(session: str) -> tuple[int, int]:
        found = server.ask("POST", "/threads", {"limit": 9, "offset": 0}, session, **LANGDB)
        listed = server.ask("GET", CHAT, None, session)
        return found.json()["pagination"]["total"], len(listed.json()["data"])

    assert [counts(each) for each in (MINE, "", MINE, "")] == [(1, 1)] * 4
    two.reset(MINE)
    assert [counts(each) for each in (MINE, "", MINE, "")] == [(0, 0), (1, 1)] * 2
    server.ask("POST", CHAT, body, MINE, **LANGDB)
    assert counts(MINE) == (1, 0)
    one.close(MINE)
    two.open(MINE, Opening())
    assert counts(MINE) == (0, 0)
    two.reset(None)
    assert [counts(each) for each in (MINE, "")] == [(0, 0)] * 2


def test_without_redis_accounts_answer_503_and_what_was_answered_is_booked_later(
    doomed: Redis, doomed_fleet: Fleet
) -> None:
    server = doomed_fleet.server(scenario())
    assert chat(server).status == 200
    stored = {"model": "gpt-4o", "messages": [HI], "store": True}
    made = server.told("POST", CHAT, stored)["id"]
    doomed.stop()
    refused = [
        chat(server),
        server.ask("POST", "/threads", {"limit": 9, "offset": 0}, **LANGDB),
        server.ask("POST", CHAT, stored),
        *(server.ask("GET", path) for path in (CHAT, f"{CHAT}/{made}")),
        server.ask("DELETE", f"{CHAT}/{made}"),
    ]
    assert [each.status for each in refused] == [503] * 6
    assert all("does not answer" in each.headers["x-mockdock-error"] for each in refused)
    assert server.ask("POST", CHAT, {"model": "gpt-4o", "messages": [HI]}).status == 200
    doomed.start()
    for link in doomed_fleet.links:
        link._health._again = 0.0
    assert [chat(server).status for _ in server.apps] == [200, 200]
    told = [server.told("POST", "/usage/total", {}, **LANGDB) for _ in server.apps]
    assert [each["total"]["total_input_tokens"] for each in told] == [16, 16]


@pytest.mark.parametrize("more", [{}, {"store": True}, {"stream": True}])
def test_the_last_byte_waits_until_all_processes_can_know(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    app, link = fleet.process(scenario()), fleet.links[0]
    headers = {"content-type": "application/json", **({} if more.get("store") else LANGDB)}
    body = json.dumps({"model": "gpt-4o", "messages": [HI], **more}).encode()
    sent: list[Any] = []
    asked = link.ask

    async def go() -> None:
        gate, came = asyncio.Event(), asyncio.Event()

        async def held(told: Any) -> Any:
            came.set()
            await gate.wait()
            return await told

        def ask(read: Any, verb: bytes, *payload: bytes, **other: Any) -> Any:
            told = asked(read, verb, *payload, **other)
            return held(told) if verb == b"note" else told

        async def receive() -> Any:
            if gate.is_set():
                await asyncio.Event().wait()
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        monkeypatch.setattr(link, "ask", ask)
        serving = asyncio.ensure_future(app(scope_of("POST", CHAT, headers), receive, send))
        await came.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        early = any(message.get("more_body") is False for message in sent)
        gate.set()
        await serving
        assert not early
        assert sent[-1]["more_body"] is False

    fleet.runner.run(go())


stored_steps = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just("store"), "text": st.sampled_from(["Hi", "Long", "Fail"])},
        optional={"metadata": st.just({"k": "1"})},
    ),
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["retrieve", "delete", "update", "messages"]),
            "which": st.integers(0, 5),
        }
    ),
    st.just({"kind": "list"}),
    st.fixed_dictionaries({"kind": st.just("create"), "owner": st.sampled_from(["acme", "x"])}),
)
QUESTIONS = (
    ("POST", "/threads", {"limit": 99, "offset": 0}),
    ("POST", "/analytics", {"period": "last_year"}),
    ("POST", "/analytics/summary", {"groupBy": ["model", "tag"], "tag_keys": ["env", "v"]}),
    ("POST", "/usage/total", {"start_time": 0}),
    ("POST", "/usage/models", {"start_time_us": 0, "min_unit": "hour"}),
    ("GET", "/models", None),
    ("GET", "/pricing", None),
    ("GET", "/threads/t1/cost", None),
    ("GET", "/threads/t1/messages", None),
    ("GET", CHAT, None),
)


class Asked:
    """A server that steps are taken on, and all it answered."""

    def __init__(self, server: Server, clock: LeapingClock) -> None:
        self.server = server
        self.clock = clock
        self.kept: list[str] = []

    def take(self, step: dict[str, Any]) -> tuple[int, bytes]:
        """Take a step, and give what it was answered by."""
        step = dict(step)
        kind = step.pop("kind")
        if kind == "wait":
            self.clock.advance(step["seconds"])
            return 0, b""
        answer = self._asked(kind, step)
        if kind == "store" and answer.status == 200:
            self.kept.append(answer.json()["id"])
        return answer.status, answer.body

    def _asked(self, kind: str, step: dict[str, Any]) -> Answer:
        project = {"x-project-id": step.pop("project", "p")}
        which = f"{CHAT}/{[*self.kept, *['chatcmpl-no'] * 6][step.pop('which', 0)]}"
        prices = dict(
            zip(("per_input_token", "per_output_token"), step.pop("price", ()), strict=False)
        )
        simple: dict[str, tuple[str, str, Any, dict[str, str]]] = {
            "embed": ("POST", "/v1/embeddings", EMBEDDED, project),
            "price": (
                *("POST", f"/projects/{project['x-project-id']}/custom_prices"),
                *({step.pop("name", ""): prices}, project),
            ),
            "create": (
                *("POST", "/admin/models", model_body(owner_name=step.pop("owner", ""))),
                project | ADMIN,
            ),
            "retrieve": ("GET", which, None, {}),
            "messages": ("GET", f"{which}/messages", None, {}),
            "delete": ("DELETE", which, None, {}),
            "update": ("POST", which, {"metadata": {"k": "2"}}, {}),
            "list": ("GET", CHAT, None, {}),
        }
        if kind in simple:
            method, path, body, headers = simple[kind]
            return self.server.ask(method, path, body, **headers)
        headers = {name.replace("_", "-"): step.pop(name) for name in [*step] if name[:2] == "x_"}
        chat: dict[str, Any] = {
            "model": "gpt-4o",
            "messages": [HI | {"content": step.pop("text", "")}],
        }
        if "user" in step:
            chat["extra"] = {"user": step.pop("user")}
        if kind == "store":
            return self.server.ask("POST", CHAT, chat | step | {"store": True})
        if kind == "refused":
            chat["temperature"] = 3
        return self.server.ask("POST", CHAT, chat | step, **project, **headers)


@settings(max_examples=examples(30), deadline=None)
@given(taken=st.lists(steps | stored_steps, max_size=14), past=st.booleans())
def test_several_processes_answer_as_one_does(
    redis: Redis, taken: list[dict[str, Any]], *, past: bool
) -> None:
    """To the byte, whoever is asked."""
    given = scenario(*RULES, pacing={"ttft": "300ms", "itl": "20ms"})
    if past:
        given["langdb"] = PAST
    clocks = LeapingClock(BEGAN), LeapingClock(BEGAN)
    with ExitStack() as stack:
        alone = App(Engine(load(given).scenario), clock=clocks[0])
        stack.callback(alone.engine.books.close)
        runner = stack.enter_context(asyncio.Runner())
        one = Asked(Server(alone, run=runner.run), clocks[0])
        three = Asked(Fleet(stack, redis).server(given, 3, clocks[1]), clocks[1])
        for step in taken:
            assert three.take(step) == one.take(step)
        for method, path, body in QUESTIONS:
            wanted = one.server.ask(method, path, body, **LANGDB)
            for _ in range(3):
                found = three.server.ask(method, path, body, **LANGDB)
                assert (found.status, found.body) == (wanted.status, wanted.body)
