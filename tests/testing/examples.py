"""What people write, with every argument there is: checked by mypy, and run by a test.

A line with ``type: ignore`` is wrong use that mypy must find: where it did not,
the ignore would be unused, which is an error too.
"""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path

from mockdock import MockDock
from mockdock.scenario import load
from mockdock.testing import (
    Call,
    CallReply,
    CallRequest,
    Calls,
    ClientAudit,
    DockServer,
    Explained,
    Judged,
    LimitCard,
    Matching,
    RuleHandle,
    ToolCalled,
    Unmet,
    environment,
)
from tests.testing.helpers import ask

__all__ = ["EXAMPLES"]


def docks(server: DockServer) -> None:
    """Make docks in every way."""
    assert str(Path("a.yaml"))
    with (
        MockDock("echo", {"mockdock": 1}, load().scenario) as first,
        MockDock(
            seed=7, otherwise="echo", time_scale="manual", strict=False, called="me", server=server
        ) as second,
        MockDock("quickstart", server=server) as third,
    ):
        urls: list[str] = [first.url, second.base_url, third.url_for(dialect="openai")]
        keys: list[str] = [first.api_key, second.openai["api_key"], second.openai["base_url"]]
        env: dict[str, str] = {**first.env, **first.headers, **environment(url="", api_key="")}
        assert all([*urls, *keys, env, first.opened, first.asgi])
    MockDock(url="http://127.0.0.1:1", token="secret")
    DockServer(url="http://127.0.0.1:1", token="secret").stop()
    DockServer(
        host="127.0.0.1", port=0, max_body=1000, journal_size=100, journal_bytes=10**6
    ).stop()
    MockDock(time_scale="manual").close()


def rules(dock: MockDock) -> None:
    """Make rules with every condition and every answer."""
    matching: Matching = dock.when(
        dialect="openai",
        api="chat",
        model=["gpt-4o", "gpt-4*"],
        user=re.compile("weather"),
        system={"contains": "kind"},
        turn={"at_least": 1},
        attempt=1,
        after_tool="get_*",
        offers_tool=True,
        stream=False,
        headers={"x-team": "blue", "x-none": False, "x-some": re.compile("x")},
        body={"temperature": 0.5},
        state={"on": True},
        where=lambda request: request.model == "gpt-4o",
        name="all",
        per="session",
        after_last="repeat",
        times=2,
        set_state={"off": None},
        first=True,
    )
    rule: RuleHandle = matching.reply(
        text="Hello!",
        finish="stop",
        reasoning=3,
        logprobs={"mean": -0.1},
        usage={"prompt_tokens": 7},
        headers={"x-more": "yes"},
        pacing={"ttft": "20ms"},
        faults=["slicer", {"type": "truncate", "after": {"tokens": 5}}],
    )
    rule.times(count=3).then.refuse(text="No.").then.respond_with(function=lambda _: "x")
    dock.when(user="a").reply(refusal="No.")
    dock.when(user="b").reply(generate={"kind": "lorem"})
    dock.when(user="c").reply(tool_calls=[{"name": "f"}])
    dock.when(user="d").reply(choices=["x", {"text": "y"}])
    dock.when(user="e").reply(json=[1, None])
    dock.when(api="embeddings", user="v").reply(embedding=[0.6, 0.8])
    dock.when(api="embeddings").reply(embeddings=[[1.0, 0.0], [0.0, 1.0]])
    dock.when(api="moderations", user="v").reply(flagged=["violence"])
    dock.when(api="moderations").reply(flagged_each=[{"hate": 0.9}, []])
    dock.when(user="e2").reply(file=Path("openai/canned/markdown.json"))
    dock.when(user="f").replies("x", {"error": 503}, lambda request: request.user)
    dock.when(user="g").call_tool("f", name="x", city="Paris")
    dock.when(user="h").call_tools("f", ("g", {"a": 1}), ("h", "{"))
    for wait in (20, 0.5, "2s", timedelta(seconds=2)):
        dock.when(user="i").fail("rate_limit", attempts=2, retry_after=wait).then.reply("x")
    dock.when(user="j").fail(
        error=418,
        message="m",
        type="t",
        param="p",
        code="c",
        header="ms",
        should_retry=False,
        headers={"x-more": "yes"},
    )

    async def later(request: CallRequest) -> dict[str, int]:
        return {"error": 500 + request.attempt}

    dock.when(user="k").respond_with(later)
    with dock.in_order():
        dock.reply("Hello!").remove()
    dock.load("echo", {"mockdock": 1})
    dock.set_state({"a.b": 1}, on=True)
    dock.set_state(on=None)
    dock.clock.advance(seconds=20)
    now: float = dock.clock.now() + dock.clock.time()
    assert (now > 0, dock.state) == (True, {"a.b": 1})


def watching(dock: MockDock) -> None:
    """Look at calls in every way."""
    rule = dock.reply("Hello!")
    ask(dock)
    calls: Calls = dock.wait_for(count=1, timeout=30)
    again: Calls = asyncio.run(dock.wait_for_async(count=1, timeout=30))
    call: Call = again.last
    request: CallRequest = call.request
    reply: CallReply = call.reply
    tools: tuple[ToolCalled, ...] = reply.tool_calls
    assert (request.model, tools, calls[0], calls[:1]) == ("gpt-4o", (), calls.first, calls)
    assert call.usage is not None
    chosen = calls.filter(
        where=lambda call: call.status == 200,
        model="gpt-4*",
        user=re.compile("Hi"),
        system="",
        rule="*",
        path="/v1/*",
        status=200,
        attempt=1,
        stream=False,
        missed=False,
    )
    assert chosen.texts == ["Hello!"]
    dock.assert_called(times=1, where=lambda call: call.status == 200, user="Hi")
    dock.assert_called_once(where=lambda call: call.status == 200, user="Hi")
    dock.assert_not_called(where=lambda call: call.status == 404, user="Hi")
    rule.assert_called(times=1)
    rule.assert_called_once()
    dock.assert_all_called()
    explained: Explained = dock.explain(request={"model": "gpt-4o"}, attempt=1)
    judged: list[Judged] = explained["verdicts"]
    unmet: list[Unmet] = [each for one in judged for each in one["unmet"]]
    assert (unmet, explained["rule"], dock.scenario["mockdock"]) == ([], None, 1)
    assert [(card.used, card.times) for card in dock.rules] == [(1, None)]
    assert (dock.settings.time_scale, dock.raised, dock.strays.count) == (0, (), 0)
    dock.verify()
    verdict, records, report = dock.verdict(), dock.records(), dock.report()
    assert (verdict.ok, len(records), bool(report)) == (True, 1, True)
    assert (dock.unmatched.count, rule.called, rule.count, rule.calls.count) == (0, True, 1, 1)
    dock.reset()


def trouble(dock: MockDock) -> None:
    """Set trouble in every way, and judge who met it."""
    dock.limits({"per": "key", "rpm": 3}, workspaces={"blue": ["sk-blue"]})
    dock.faults("slicer", {"type": "comments", "probability": 0.5})
    dock.chaos(
        rate=0.5, mix={429: 3, "reset": 1}, burst={"every": "60s", "for": "5s"}, when={"user": "x"}
    )
    dock.timeline({"at": "30s", "for": "60s", "error": 503})
    dock.reply("Hello!")
    ask(dock)
    meters: list[LimitCard] = dock.meters
    assert [(meter.measure, meter.remaining, meter.of) for meter in meters] == [
        ("rpm", 2, {"key": dock.api_key})
    ]
    assert dock.trouble["chaos"]["rate"] == 0.5
    assert dock.calls.last.faults[:1] == ("slicer",)
    audit: ClientAudit = dock.audit(policy="openai-python")
    assert (audit.ok, audit.figures.calls, len(audit.calls)) == (True, 1, 1)
    audit.assert_ok()


def wrong(dock: MockDock) -> None:
    """Use it wrongly; never run."""
    dock.when(usr="x")  # type: ignore[call-arg]
    dock.when(model=4)  # type: ignore[arg-type]
    dock.when(per="sesion")  # type: ignore[arg-type]
    dock.when("weather")  # type: ignore[call-arg, arg-type]
    dock.reply(5)  # type: ignore[arg-type]
    dock.reply("x").reply("y")  # type: ignore[attr-defined]
    dock.fail("rate_limt")  # type: ignore[arg-type]
    dock.fail(attempts="2")  # type: ignore[arg-type]
    dock.call_tools(5)  # type: ignore[arg-type]
    dock.respond_with(lambda request: request.usr)  # type: ignore[attr-defined]
    dock.respond_with("x")  # type: ignore[arg-type]
    dock.calls.filter(modle="x")  # type: ignore[call-arg]
    dock.assert_called(status="200")  # type: ignore[arg-type]
    dock.explain("x")  # type: ignore[arg-type]
    dock.url_for("opnai")  # type: ignore[arg-type]
    dock.faults(5)  # type: ignore[arg-type]
    dock.chaos("often")  # type: ignore[arg-type]
    dock.fail(header="sec")  # type: ignore[arg-type]
    dock.audit(5)  # type: ignore[arg-type]
    dock.set_state(x=[1])  # type: ignore[arg-type]
    _ = dock.calls.last.reply.txt  # type: ignore[attr-defined]
    MockDock(time_scale="fast")  # type: ignore[arg-type]
    MockDock(otherwise="nope")  # type: ignore[arg-type]
    DockServer(prt=5)  # type: ignore[call-arg]


EXAMPLES = (rules, trouble, watching)
"""Those that take a dock."""
