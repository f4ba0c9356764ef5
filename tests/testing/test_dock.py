"""A dock: where it is, how it lives and ends, and what is refused."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import subprocess
import sys
import textwrap
import threading
import time
import unittest
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from openai import NotFoundError, OpenAI

from mockdock import MockDock, ScenarioError, StartError, UsageError, VerificationError
from mockdock.resources import scenarios
from mockdock.scenario import load
from mockdock.testing import DockServer
from mockdock.testing.sources import mapping
from tests.testing.helpers import ask, loose, said, streamed

_PATIENCE = 30.0
HELLO = {"mockdock": 1, "rules": [{"name": "hello", "reply": "Hello!"}]}
_QUESTION = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi!"}]}


# -- where it is --------------------------------------------------------------------------------


def test_every_address_leads_to_the_dock(dock: MockDock) -> None:
    dock.reply("Here.")
    assert dock.base_url == dock.url_for("openai") == f"{dock.url}/v1"
    assert dock.openai == {"base_url": dock.base_url, "api_key": dock.api_key}
    assert re.fullmatch(r"sk-mockdock-[0-9a-f]{24}", dock.api_key)
    by_header = OpenAI(base_url=dock.base_url, api_key="any", default_headers=dock.headers)
    by_env = OpenAI(base_url=dock.env["OPENAI_BASE_URL"], api_key=dock.env["OPENAI_API_KEY"])
    for client in (by_header, by_env):
        with client:
            client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": "x"}]
            )
    assert dock.calls.count == 2


def test_docks_on_one_server_never_see_each_other(dock_server: DockServer) -> None:
    with loose(dock_server, HELLO) as one, loose(dock_server, time_scale="manual") as two:
        one.set_state(mine=True)
        two.when(user="a").reply("two")
        assert one.url == two.url
        assert (said(one, "a"), said(two, "a")) == ("Hello!", "two")
        two.clock.advance(5)
        assert (one.calls.count, two.calls.count) == (1, 1)
        assert two.state == {}
        assert two.clock.now() == 5
        one.reset()
        assert (one.calls.count, two.calls.count) == (0, 1)


def test_an_application_is_asked_without_a_socket() -> None:
    async def main(dock: MockDock) -> str:
        transport = httpx2.ASGITransport(app=dock.asgi)
        async with httpx2.AsyncClient(transport=transport, headers=dock.headers) as client:
            answer = await client.post("http://mockdock/v1/chat/completions", json=_QUESTION)
        told: str = answer.json()["choices"][0]["message"]["content"]
        return told

    server = DockServer()
    with MockDock(HELLO, server=server) as dock:
        assert asyncio.run(main(dock)) == "Hello!"
        assert dock.calls.last.reply.text == "Hello!"
    assert not server.started


# -- its life -----------------------------------------------------------------------------------


def test_a_server_starts_when_its_address_is_asked_and_ends_with_its_dock() -> None:
    before = set(threading.enumerate())
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        with MockDock(HELLO) as dock:
            dock.set_state(a=1)
            assert set(threading.enumerate()) == before, "nothing runs, nothing listens"
            port = int(dock.url.rsplit(":", 1)[1])
            assert {thread.name for thread in set(threading.enumerate()) - before} == {"mockdock"}
            assert said(dock) == "Hello!"
        assert set(threading.enumerate()) == before
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"http://127.0.0.1:{port}")


def test_a_server_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async def startup(*_: object) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr("uvicorn.Server.startup", startup)
    with MockDock(strict=False) as dock, pytest.raises(StartError, match="no room"):
        _ = dock.base_url


def test_a_dock_is_used_between_start_and_close() -> None:
    dock = MockDock(HELLO)
    uses: list[Callable[[], object]] = [
        lambda: dock.url,
        lambda: dock.asgi,
        lambda: dock.calls,
        lambda: dock.unmatched,
        lambda: dock.clock,
        lambda: dock.state,
        lambda: dock.reply("x"),
        lambda: dock.load(HELLO),
        dock.verify,
        dock.report,
        dock.reset,
        dock.assert_all_called,
    ]
    for _ in range(2):
        for use in uses:
            with pytest.raises(UsageError, match=r"not open: use it inside `with`, or call start"):
                use()
        dock.close()
    assert dock.start() is dock
    assert dock.opened
    assert repr(dock) == f"<MockDock {dock.api_key} open>"
    with pytest.raises(UsageError, match="open already"):
        dock.start()
    assert said(dock) == "Hello!"
    dock.close()
    assert repr(dock).endswith(" closed>")
    dock.start()
    assert dock.calls.count == 0, "another life begins anew"
    assert said(dock) == "Hello!"
    dock.close()


def test_a_strict_dock_verifies_when_it_is_left(dock_server: DockServer) -> None:
    with (
        pytest.raises(VerificationError, match="never answered"),
        MockDock(server=dock_server) as dock,
    ):
        dock.reply("x")
    assert not dock.opened
    with pytest.raises(VerificationError, match="no rule"), MockDock(server=dock_server) as dock:  # noqa: PT012 - leaving raises
        with pytest.raises(NotFoundError):
            ask(dock)
        assert dock.unmatched.count == 1
    assert issubclass(VerificationError, AssertionError)


def test_what_a_test_raises_is_not_covered_up(dock_server: DockServer) -> None:
    with pytest.raises(ZeroDivisionError), MockDock(server=dock_server) as dock:  # noqa: PT012 - leaving raises
        dock.reply("never")
        assert 1 / 0
    assert not dock.opened


def test_strictness_may_end(dock_server: DockServer) -> None:
    with MockDock(server=dock_server) as dock:
        dock.reply("never")
        assert not dock.verdict().ok
        dock.strict = False
    with MockDock(server=dock_server) as dock:
        dock.reply("never")
        dock.close()
    assert not dock.opened


def test_rules_answer_in_the_order_that_was_asked(dock: MockDock) -> None:
    with dock.in_order():
        dock.when(name="plan", user="plan").reply("1")
        dock.when(name="act", user="act").reply("2")
        with pytest.raises(UsageError, match="nested"), dock.in_order():
            pass
    ask(dock, "plan")
    ask(dock, "act")
    dock.verify()
    ask(dock, "plan")
    with pytest.raises(VerificationError, match="act answered before plan"):
        dock.verify()


def test_a_reset_leaves_the_scenario_and_nothing_else(dock: MockDock) -> None:
    dock.load(HELLO)
    dock.when(user="a").reply("A")
    dock.set_state(a=1)
    ask(dock, "a")
    dock.reset()
    assert (dock.calls.count, dock.state, said(dock, "a")) == (0, {}, "Hello!")
    dock.verify()


# -- scenarios, states, time, chance ------------------------------------------------------------


def test_a_scenario_is_a_mapping_a_name_a_path_or_was_loaded(
    dock: MockDock, tmp_path: Path
) -> None:
    file = tmp_path / "hello.yaml"
    file.write_text("mockdock: 1\nrules: [{reply: From a file.}]\n")
    for source, told in (
        (HELLO, "Hello!"),
        (file, "From a file."),
        (str(file), "From a file."),
        (load(HELLO).scenario, "Hello!"),
    ):
        dock.load(source)
        assert said(dock) == told
    dock.load("echo")
    assert said(dock, "Say this.") == "Say this."
    dock.load({"mockdock": 1, "rules": [{"when": {"user": "a"}, "reply": "A"}]}, file, HELLO)
    assert [said(dock, "a"), said(dock, "b")] == ["A", "From a file."]
    with loose(DockServer(), HELLO, file) as both:
        assert list(both.calls) == []


@pytest.mark.parametrize("path", sorted(scenarios().glob("*.yaml")), ids=lambda path: path.stem)
def test_a_scenario_is_the_same_after_its_way_as_a_mapping(path: Path) -> None:
    loaded = load(path).scenario
    again = load(mapping([path])).scenario
    assert json.loads(json.dumps(mapping([path]))) == mapping([path])
    assert again.model_dump(exclude={"include"}) == loaded.model_dump(exclude={"include"})


def test_states_are_set_and_asked(dock: MockDock) -> None:
    dock.when(state={"on": True}).reply("on")
    dock.when(state={"a.b": "x"}).reply("x")
    dock.set_state(on=True)
    assert said(dock) == "on"
    dock.set_state({"a.b": "x"}, on=None)
    assert dock.state == {"a.b": "x"}
    assert said(dock) == "x"


def test_time_is_advanced(dock_server: DockServer) -> None:
    with loose(dock_server) as dock:
        before = dock.clock.now(), dock.clock.time()
        dock.clock.advance(20)
        assert dock.clock.now() - before[0] >= 20
        assert dock.clock.time() - before[1] >= 20
    with loose(dock_server, time_scale="manual") as dock:
        dock.reply("Late.", pacing={"ttft": "20s"})
        assert dock.clock.now() == 0
        base_url = dock.base_url
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(streamed, dock)
            end = time.monotonic() + _PATIENCE
            while not asked.done() and time.monotonic() < end:
                dock.clock.advance(10)
                wait([asked], 0.01)
            assert asked.result(0) == "Late."
        assert base_url
        assert dock.calls.last.duration >= 20
    with loose(dock_server, time_scale=0.5) as dock:
        with pytest.raises(UsageError, match="time runs by itself"):
            dock.clock.advance(1)
        for wrong in (-1, "1", True, float("nan")):
            with pytest.raises(UsageError, match="seconds="):
                dock.clock.advance(wrong)  # type: ignore[arg-type]


_BYTES = """
import hashlib
from mockdock import MockDock
import httpx2
question = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi!"}], "stream": True}
def body(**settings):
    with MockDock(otherwise="auto", time_scale="manual", **settings) as dock:
        url = f"{dock.base_url}/chat/completions"
        return httpx2.post(url, json=question, headers=dock.headers).content
"""


def _bodies() -> Callable[..., bytes]:
    names: dict[str, Any] = {}
    exec(_BYTES, names)  # the same code here and in another process
    body: Callable[..., bytes] = names["body"]
    return body


def test_the_same_name_and_seed_give_the_same_bytes_everywhere() -> None:
    body = _bodies()
    mine = body(called="a test", seed=7)
    assert body(called="a test", seed=7) == mine
    assert body() == body()
    assert body(called="another", seed=7) != mine
    assert body(called="a test", seed=8) != mine
    code = f"{_BYTES}\nprint(hashlib.sha256(body(called='a test', seed=7)).hexdigest())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hashlib.sha256(mine).hexdigest()


def test_what_answers_where_no_rule_does_is_a_setting(dock_server: DockServer) -> None:
    with loose(dock_server, otherwise="echo") as dock:
        assert said(dock, "Say this.") == "Say this."
    with loose(dock_server, {"mockdock": 1, "otherwise": {"text": "Always."}}) as dock:
        assert said(dock) == "Always."
    with loose(dock_server) as dock, pytest.raises(NotFoundError):
        ask(dock)


# -- outside of pytest --------------------------------------------------------------------------


def test_a_unittest_case_enters_a_dock() -> None:
    class Greets(unittest.TestCase):
        def setUp(self) -> None:
            self.dock = self.enterContext(MockDock())

        def test_passes(self) -> None:
            self.dock.reply("Hello!")
            self.assertEqual(said(self.dock), "Hello!")  # noqa: PT009 - it is unittest

        def test_fails(self) -> None:
            self.dock.reply("never")

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Greets).run(result)
    assert result.testsRun == 2
    assert [case.id().rsplit(".", 1)[1] for case, _ in result.failures] == ["test_fails"]
    assert "never answered" in result.failures[0][1]
    assert result.errors == []


def test_async_with_opens_verifies_and_closes() -> None:
    async def main() -> None:
        async with MockDock(HELLO) as dock:
            assert await asyncio.to_thread(said, dock) == "Hello!"
        assert not dock.opened
        with pytest.raises(VerificationError, match="never answered"):
            async with MockDock() as dock:
                dock.reply("never")
        assert not dock.opened

    asyncio.run(main())


def test_async_with_closes_what_is_cancelled() -> None:
    docks: list[MockDock] = []

    async def main() -> None:
        with anyio.CancelScope() as scope:
            async with MockDock() as dock:
                docks.append(dock)
                assert dock.url
                scope.cancel()
                await anyio.sleep_forever()

    before = set(threading.enumerate())
    anyio.run(main)
    assert not docks[0].opened
    assert not {
        thread for thread in set(threading.enumerate()) - before if thread.name == "mockdock"
    }


def test_a_subprocess_finds_the_dock_in_its_environment(dock: MockDock) -> None:
    dock.reply("From afar.")
    code = textwrap.dedent(
        """
        from openai import OpenAI
        question = [{"role": "user", "content": "Hi!"}]
        answer = OpenAI().chat.completions.create(model="gpt-4o", messages=question)
        print(answer.choices[0].message.content)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **dock.env},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "From afar.\n"
    assert dock.calls.count == 1


def test_nothing_is_printed_and_nothing_is_left_behind() -> None:
    code = textwrap.dedent(
        """
        import threading
        from mockdock import MockDock
        dock = MockDock().start()
        dock.reply("x")
        dock.url
        dock.close()
        # Ranks that are being loaded hold up nobody; that ends by itself.
        for thread in threading.enumerate():
            if thread.name == "mockdock ranks":
                thread.join()
        assert threading.enumerate() == [threading.main_thread()], threading.enumerate()
        """
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# -- wrong arguments ----------------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"time_scale": -1}, 'time_scale=-1: write a number from 0 on, or "manual"'),
    ({"time_scale": "fast"}, "time_scale='fast'"),
    ({"time_scale": True}, "time_scale=True"),
    ({"time_scale": float("inf")}, "time_scale=inf"),
    ({"otherwise": "nope"}, "otherwise='nope': write auto, fail, echo or lorem"),
    ({"seed": "7"}, "seed='7': write a whole number"),
    ({"called": 7}, "called=7: write a text"),
    ({"seed": "x", "otherwise": "y"}, "seed='x'.*; otherwise='y'"),
    ({"server": "http://127.0.0.1:1"}, "give a DockServer, or its address as url="),
    ({"server": DockServer(), "url": "http://127.0.0.1:1"}, "not both"),
    ({"server": DockServer(), "token": "t"}, "not both"),
    ({"token": "t"}, "give its url, too"),
]


@pytest.mark.parametrize(("wrong", "told"), WRONG)
def test_wrong_settings_are_told(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        MockDock(**wrong)


@pytest.mark.parametrize(
    ("scenario", "error", "told"),
    [
        (5, UsageError, "5 is no scenario: give a name, a path, a mapping or a Scenario"),
        (["echo"], UsageError, "is no scenario"),
        ("ecko", ScenarioError, "did you mean 'echo'"),
        ({1: 2}, UsageError, "its keys are texts"),
        (Path("nowhere.yaml"), ScenarioError, "no such file"),
    ],
)
def test_a_wrong_scenario_is_told(scenario: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        MockDock(scenario)


def test_a_scenario_that_is_not_valid_is_told_when_it_is_opened(dock: MockDock) -> None:
    with pytest.raises(ScenarioError, match="rulez"):
        MockDock({"mockdock": 1, "rulez": []}).start()
    with pytest.raises(ScenarioError, match="mockdock"):
        dock.load({"rules": []})


WRONG_USE: list[tuple[Callable[[Any], Any], str]] = [
    (lambda d: d.url_for("opnai"), "there is no dialect 'opnai'; there are: openai"),
    (lambda d: d.set_state("x"), "set_state"),
    (lambda d: d.set_state(x=[1]), r"the state 'x'=\[1\]: write a text"),
    (lambda d: d.set_state({1: 2}), "the state 1=2"),
]


@pytest.mark.parametrize(("wrong", "told"), WRONG_USE)
def test_wrong_use_is_told(dock: MockDock, wrong: Callable[[Any], Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        wrong(dock)
