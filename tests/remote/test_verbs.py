"""The verbs of a server elsewhere are those of a server in this process."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from openai import OpenAI
from starlette.applications import Starlette
from starlette.routing import Mount

from mockdock import MockdockError, ScenarioError, Server, StartError, resources
from mockdock.app import App
from mockdock.errors import Problem, UsageError
from mockdock.host import Host
from mockdock.local.verbs import LocalVerbs
from mockdock.observe.verbs import Changes, InPython, Opening, Verbs
from mockdock.remote import RemoteVerbs, asking
from mockdock.remote import verbs as remote
from mockdock.remote.connections import Connections
from mockdock.remote.portable import portable_rule, portable_scenario
from mockdock.request import Request
from mockdock.scenario import load
from mockdock.sockets import bind

SESSION = "sk-mockdock-remote"
BASE = {"mockdock": 1, "rules": [{"name": "base", "when": {"user": "base"}, "reply": "base"}]}
MANUAL = Opening(scenario=BASE, time_scale="manual", otherwise="fail", seed=7, called="it")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(BASE, otherwise="fail") as running:
        yield running


@pytest.fixture(params=["local", "remote"])
def verbs(request: pytest.FixtureRequest, server: Server) -> Verbs:
    """Ask the same server in this process and over HTTP."""
    server.verbs.reset(None)
    for key in server.verbs.sessions():
        server.verbs.close(key)
    local = LocalVerbs(server.app, lambda: server.url, files=False, secrets=False)
    return local if request.param == "local" else RemoteVerbs(server.url)


def chat(server: Server, text: str, session: str = SESSION) -> str:
    client = OpenAI(base_url=server.base_url, api_key=session or "sk-test", max_retries=0)
    with client, contextlib.suppress(Exception):
        answer = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": text}]
        )
        return answer.choices[0].message.content or ""
    return "error"


def test_the_url_is_where_clients_go(server: Server, verbs: Verbs) -> None:
    assert verbs.url == server.url


def test_what_the_server_is(verbs: Verbs) -> None:
    assert verbs.about().language == 1
    assert "rules" in verbs.schema()["properties"]


def test_sessions_open_and_close(verbs: Verbs) -> None:
    verbs.open(SESSION, MANUAL)
    verbs.open("a/b c+ü%2F", Opening())
    assert verbs.sessions() == [SESSION, "a/b c+ü%2F"]
    verbs.close(SESSION)
    verbs.close(SESSION)
    assert verbs.sessions() == ["a/b c+ü%2F"]
    with pytest.raises(UsageError):
        verbs.open("", Opening())


def test_a_session_has_settings_of_its_own(verbs: Verbs) -> None:
    verbs.open(SESSION, MANUAL)
    before = verbs.settings(SESSION)
    assert (before.session, before.opened, before.seed) == (SESSION, True, 7)
    assert (before.otherwise, before.time_scale) == ("fail", "manual")
    verbs.change(SESSION, Changes(seed=8, otherwise="echo", time_scale=0))
    after = verbs.settings(SESSION)
    assert (after.seed, after.otherwise, after.time_scale) == (8, "echo", 0)
    assert verbs.settings("").opened is False
    with pytest.raises(UsageError, match="open it first"):
        verbs.change("closed", Changes(seed=1))


def test_scenarios_are_loaded_and_given(server: Server, verbs: Verbs) -> None:
    verbs.open(SESSION, MANUAL)
    verbs.load(SESSION, {"mockdock": 1, "rules": [{"name": "new", "reply": "${user} $${user}"}]})
    assert verbs.scenario(SESSION)["rules"] == [
        {"name": "new", "reply": {"text": "${user} $${user}"}}
    ]
    assert chat(server, "hey") == "hey ${user}"
    assert chat(server, "base", "") == "base"


def test_rules_are_added_changed_and_removed(server: Server, verbs: Verbs) -> None:
    verbs.open(SESSION, MANUAL)
    one = verbs.add_rule(SESSION, {"reply": "one"})
    two = verbs.add_rule(SESSION, {"when": {"user": "b"}, "reply": "two"}, first=True)
    assert (one, two) == ("+1", "+2")
    assert chat(server, "b") == "two"
    verbs.replace_rule(SESSION, two, {"name": "better", "reply": "three"})
    assert chat(server, "b") == "three"
    cards = verbs.rules(SESSION)
    assert [(c.key, c.name, c.added, c.used) for c in cards] == [
        ("+2", "better", True, 2),
        ("+1", "rule +1", True, 0),
        ("base", "base", False, 0),
    ]
    assert cards[2].when == {"user": {"contains": ["base"]}}
    assert [verbs.rules(SESSION, key=card.key) for card in cards] == [[card] for card in cards]
    assert verbs.rules(SESSION, key="+9") == []
    verbs.remove_rule(SESSION, two)
    assert chat(server, "b") == "one"
    with pytest.raises(UsageError, match=r"no added rule has the key '\+2'; there are: \+1"):
        verbs.remove_rule(SESSION, two)


def test_a_bad_rule_is_told_with_its_problems(verbs: Verbs) -> None:
    with pytest.raises(ScenarioError) as told:
        verbs.add_rule("", {"when": {"usr": "x"}, "reply": {"text": "a", "json": 1}})
    assert [(one.path, one.hint) for one in told.value.problems] == [
        ("when.usr", "did you mean 'user'?"),
        ("reply.json", ""),
    ]
    assert verbs.rules("")[0].key == "base"


def test_the_journal_counts_and_verdicts(server: Server, verbs: Verbs) -> None:
    verbs.open(SESSION, MANUAL)
    key = verbs.add_rule(SESSION, {"when": {"user": "never"}, "reply": "x"})
    chat(server, "base")
    chat(server, "nobody answers this")
    records = verbs.journal(SESSION)
    assert [(one["status"], one["missed"]) for one in records] == [(200, False), (404, True)]
    assert verbs.journal(SESSION, after=records[0]["number"]) == records[1:]
    assert verbs.journal(SESSION, limit=1) == records[:1]
    assert verbs.journal(None) == records
    assert verbs.journal(SESSION, last=1) == records[1:]
    assert verbs.journal(SESSION, last=9, limit=1) == records[:1]
    assert verbs.journal(SESSION, after=records[0]["number"], last=2) == records[1:]
    assert verbs.journal(SESSION, last=0) == []
    counts = verbs.counts(SESSION)
    assert (counts.requests, counts.missed, counts.failed) == (2, 1, 1)
    assert counts == verbs.counts(None).model_copy(update={"era": counts.era})
    verdict = verbs.verify(SESSION)
    assert [one.kind for one in verdict.problems] == ["unmatched", "unused"]
    assert verdict.problems[0].record == records[1]
    assert [one.kind for one in verbs.verify(SESSION, unused="none").problems] == ["unmatched"]
    verbs.remove_rule(SESSION, key)
    first = verbs.add_rule(SESSION, {"when": {"user": "first"}, "reply": "x"})
    chat(server, "base")
    chat(server, "first")
    wrong = verbs.verify(SESSION, order=[(first, "base")])
    assert [one.message for one in wrong.problems if one.kind == "order"] == [
        "base answered before rule +2 was done"
    ]


def test_waiting_for_requests(server: Server, verbs: Verbs) -> None:
    verbs.open(SESSION, MANUAL)
    assert verbs.wait(SESSION, 1, 0) is False
    chat(server, "base")
    assert verbs.wait(SESSION, 1, 30) is True
    assert len(verbs.journal(SESSION, wait=30)) == 1
    assert verbs.journal(SESSION, after=verbs.journal(SESSION)[-1]["number"]) == []


def test_explaining(verbs: Verbs) -> None:
    verbs.open(SESSION, MANUAL)
    verbs.add_rule(SESSION, {"when": {"user": "later", "attempt": 2}, "reply": "x"})
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "base"}]}
    told = verbs.explain(SESSION, body)
    assert (told["rule"], told["refused"]) == ("base", None)
    assert [one["name"] for one in told["verdicts"][0]["unmet"]] == ["user", "attempt"]
    again = verbs.explain(SESSION, body, attempt=2)
    assert [one["name"] for one in again["verdicts"][0]["unmet"]] == ["user"]
    assert verbs.explain(SESSION, {})["refused"]["error"]["type"] == "invalid_request_error"
    with pytest.raises(UsageError, match="JSON"):
        verbs.explain(SESSION, {"messages": {1, 2}})


def test_states_and_time(verbs: Verbs) -> None:
    verbs.open(SESSION, MANUAL)
    states: dict[str, str | int | float | bool | None] = {
        "text": "ä",
        "int": 1,
        "float": 1.5,
        "yes": True,
        "gone": 1,
    }
    verbs.set_state(SESSION, states)
    verbs.set_state(SESSION, {"gone": None})
    found = verbs.state(SESSION)
    assert found == {"text": "ä", "int": 1, "float": 1.5, "yes": True}
    assert [type(value) for value in found.values()] == [str, int, float, bool]
    before = verbs.clock(SESSION)
    verbs.advance(SESSION, 20)
    after = verbs.clock(SESSION)
    assert {name: after[name] - before[name] for name in after} == {"now": 20, "time": 20}
    verbs.change(SESSION, Changes(time_scale=1))
    with pytest.raises(UsageError, match="time runs by itself"):
        verbs.advance(SESSION, 1)


def test_resetting_one_session_and_all(server: Server, verbs: Verbs) -> None:
    verbs.open(SESSION, MANUAL)
    verbs.add_rule(SESSION, {"reply": "x"})
    verbs.add_rule("", {"reply": "x"})
    chat(server, "base")
    chat(server, "base", "")
    verbs.reset(SESSION)
    assert (verbs.counts(SESSION).requests, verbs.counts("").requests) == (0, 1)
    assert (len(verbs.rules(SESSION)), len(verbs.rules(""))) == (1, 2)
    verbs.reset(None)
    assert (verbs.counts(None).requests, len(verbs.rules(""))) == (0, 1)


TROUBLE: dict[str, Any] = {
    "limits": [{"per": ["model", "key"], "rpm": 2, "token_budget": 100}, {"concurrent": 3}],
    "workspaces": {"blue": ["sk-blue"]},
    "faults": [{"type": "slicer", "times": 1}],
    "chaos": {"rate": 0.0, "mix": {"429": 1.0}},
    "timeline": [{"at": "30s", "error": {"error": 503}}],
    "audit": {"policy": "openai-node", "max_attempts": 2},
}


def test_trouble_is_set_given_and_taken_away(server: Server, verbs: Verbs) -> None:
    verbs.open(SESSION, MANUAL)
    nothing = verbs.trouble(SESSION)
    assert nothing == {
        "limits": [],
        "faults": [],
        "timeline": [],
        "workspaces": {},
        "chaos": None,
        "audit": None,
    }
    verbs.set_trouble(SESSION, TROUBLE)
    read = verbs.trouble(SESSION)
    assert read["limits"][0]["rpm"] == 2
    assert read["faults"] == [{"type": "slicer", "times": 1}]
    assert (read["chaos"]["rate"], read["timeline"][0]["error"]["error"]) == (0.0, 503)
    assert (read["audit"]["max_attempts"], read["workspaces"]) == (2, {"blue": ["sk-blue"]})
    verbs.set_trouble(SESSION, {"faults": [], "chaos": None, "audit": None})
    assert verbs.trouble(SESSION)["limits"] == read["limits"]
    verbs.set_trouble(SESSION, dict.fromkeys(TROUBLE))
    assert verbs.trouble(SESSION) == nothing
    assert verbs.trouble("") == nothing


def test_limits_tell_how_they_stand_for_each_they_count(server: Server, verbs: Verbs) -> None:
    verbs.open(SESSION, MANUAL)
    verbs.set_trouble(SESSION, {"limits": TROUBLE["limits"]})
    fresh = verbs.limits(SESSION)
    assert [(each.measure, each.of, each.used, each.wait) for each in fresh] == [
        ("rpm", {}, 0, 0),
        ("token_budget", {}, 0, 0),
        ("concurrent", {}, 0, 0),
    ]
    assert [each.window for each in fresh] == [60, None, None]
    for _ in range(3):
        chat(server, "base")
    rpm, budget, running = verbs.limits(SESSION)
    assert (rpm.counts, rpm.limit, rpm.per) == ("requests", 2, ("model", "key"))
    assert rpm.of == {"model": "gpt-4o", "key": SESSION}
    assert (rpm.used, rpm.remaining, rpm.reset, rpm.wait) == (2, 0, 60, 30)
    assert (budget.counts, budget.remaining, budget.reset) == ("spent", 100 - budget.used, None)
    assert 0 < budget.used < 100
    assert (running.used, running.wait) == (0, 0)
    verbs.advance(SESSION, 30)
    assert verbs.limits(SESSION)[0].remaining == 1


def test_trouble_lets_rules_go_on_counting_and_counts_faults_anew(
    server: Server, verbs: Verbs
) -> None:
    verbs.open(SESSION, MANUAL)
    verbs.load(SESSION, {"mockdock": 1, "rules": [{"name": "r", "replies": ["a", "b", "c", "d"]}]})
    once = {"faults": [{"type": "comments", "times": 1}, {"type": "slicer", "times": 1}]}
    verbs.set_trouble(SESSION, once)
    assert [chat(server, "x") for _ in range(2)] == ["a", "b"]
    verbs.set_trouble(SESSION, once)
    assert [chat(server, "x") for _ in range(2)] == ["c", "d"]
    faults = [each["faults"] for each in verbs.journal(SESSION)]
    assert faults == [["slicer"], [], ["slicer"], []]
    assert [(card.key, card.used) for card in verbs.rules(SESSION)] == [("1/r", 4)]
    assert verbs.counts(SESSION).broken == 2
    assert verbs.verify(SESSION).broken == 2


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"limits": [{"rpm": 0}]}, "limits[0].rpm"),
        ({"faults": ["truncat"]}, "faults[0].type"),
        ({"chaos": {"rate": 2}}, "chaos.rate"),
        ({"audit": "openai"}, "audit"),
    ],
)
def test_wrong_trouble_is_told_with_its_place(verbs: Verbs, wrong: Any, place: str) -> None:
    verbs.open(SESSION, MANUAL)
    with pytest.raises(ScenarioError) as error:
        verbs.set_trouble(SESSION, wrong)
    assert error.value.problems[0].path.startswith(place.partition(".")[0])


def test_what_is_no_trouble_cannot_be_set(verbs: Verbs) -> None:
    verbs.open(SESSION, MANUAL)
    with pytest.raises(UsageError, match=r"fault.*limits, workspaces|'faults'"):
        verbs.set_trouble(SESSION, {"fault": []})
    with pytest.raises(UsageError, match="open it first"):
        verbs.set_trouble("closed", {"faults": []})


def test_clients_are_judged_by_a_policy(server: Server, verbs: Verbs) -> None:
    verbs.open(SESSION, MANUAL)
    verbs.load(SESSION, {"mockdock": 1, "rules": [{"reply": {"error": 400}}]})
    chat(server, "x")
    chat(server, "x")
    default, node = verbs.audit(SESSION), verbs.audit(SESSION, "openai-node")
    assert (default["policy"]["name"], node["policy"]["name"]) == ("default", "openai-node")
    assert default["figures"]["calls"] >= 1
    verbs.set_trouble(SESSION, {"audit": {"max_attempts": 1}})
    assert verbs.audit(SESSION)["policy"]["name"] == "default, changed"
    assert verbs.audit(None)["policy"]["name"] == "default"
    assert verbs.audit(SESSION, {"policy": "langchain"})["policy"]["name"] == "langchain"
    with pytest.raises(ScenarioError):
        verbs.audit(SESSION, "openai")


READ: Mapping[str, Callable[[Verbs], object]] = {
    "url": lambda verbs: verbs.url,
    "about": lambda verbs: verbs.about(),
    "schema": lambda verbs: verbs.schema(),
    "sessions": lambda verbs: verbs.sessions(),
    "scenario": lambda verbs: verbs.scenario(SESSION),
    "rules": lambda verbs: verbs.rules(SESSION),
    "trouble": lambda verbs: verbs.trouble(SESSION),
    "limits": lambda verbs: [
        each.model_copy(update={"used": 0, "reset": 0, "wait": 0}) for each in verbs.limits(SESSION)
    ],
    "audit": lambda verbs: verbs.audit(SESSION, "openai-python"),
    "journal": lambda verbs: verbs.journal(SESSION),
    "counts": lambda verbs: verbs.counts(SESSION),
    "metrics": lambda verbs: verbs.metrics("application/openmetrics-text; version=1.0.0"),
    "verify": lambda verbs: verbs.verify(SESSION, unused="all"),
    "state": lambda verbs: verbs.state(SESSION),
    "settings": lambda verbs: verbs.settings(SESSION),
    "clock": lambda verbs: verbs.clock(SESSION),
    "explain": lambda verbs: verbs.explain(SESSION, {"model": "m", "messages": []}),
    "wait": lambda verbs: verbs.wait(SESSION, 1, 0),
}


@pytest.mark.parametrize("read", READ)
def test_what_is_read_elsewhere_is_the_same(server: Server, read: str) -> None:
    """Plain JSON goes in and out, so nothing may be lost on the way."""
    local = LocalVerbs(server.app, lambda: server.url, files=False, secrets=False)
    local.open(SESSION, MANUAL)
    local.load(SESSION, load("weather-agent").scenario.model_dump(mode="json", by_alias=True,
                                                                  exclude_unset=True))  # fmt: skip
    local.set_state(SESSION, {"a": 1})
    local.set_trouble(SESSION, {"limits": [{"rpm": 9, "per": ["key", "model"]}]})
    chat(server, "weather in Rome", SESSION)
    chat(server, "something else: sk-proj-abcdefghijklmnopqrstuvwx", SESSION)
    far = READ[read](RemoteVerbs(server.url))
    near = READ[read](local)
    assert far == near
    assert near not in ([], {}) or read == "sessions"


def test_every_verb_that_reads_is_compared() -> None:
    does = {"open", "close", "load", "add_rule", "replace_rule", "remove_rule", "set_state",
            "set_trouble", "change", "advance", "reset"}  # fmt: skip
    verbs = {name for name in vars(Verbs) if not name.startswith("_")}
    assert READ.keys() == verbs - does


def test_functions_of_python_stay_in_their_process(server: Server) -> None:
    async def answer(_: Request, __: int) -> str:
        return "x"

    verbs = RemoteVerbs(server.url)
    for more in (InPython(functions={0: answer}), InPython(where=[("odd", bool)])):
        with pytest.raises(UsageError, match="Python functions need a server in this process"):
            verbs.add_rule("", {"reply": "x"}, more)
        with pytest.raises(UsageError, match="Python functions need a server in this process"):
            verbs.replace_rule("", "+1", {"reply": "x"}, more)
    assert verbs.add_rule("", {"reply": "x"}, InPython()).startswith("+")


def test_a_name_that_means_all_is_no_session(server: Server) -> None:
    """Else a slip would reset every session of a shared server."""
    with pytest.raises(UsageError, match="no session has that key"):
        RemoteVerbs(server.url).reset("*")


@pytest.mark.parametrize("path", sorted(resources.scenarios().glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_scenarios_survive_the_way(server: Server, path: Path) -> None:
    """What is dumped, sent as JSON and loaded again is the same scenario."""
    scenario = load(path).scenario
    dumped = scenario.model_dump(mode="json", by_alias=True, exclude_unset=True)
    again = load(json.loads(json.dumps(dumped)), files=False).scenario
    assert again.model_dump() == scenario.model_dump()
    verbs = RemoteVerbs(server.url)
    verbs.open(SESSION, Opening(scenario=dumped))
    assert verbs.scenario(SESSION) == dumped


def test_files_are_read_on_this_machine(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server gets their words, with what looks like a placeholder left as it is."""
    text = 'A price: ${user} and $${user}, 100 %, "quoted".'
    (tmp_path / "answer.txt").write_text(text)
    (tmp_path / "more.yaml").write_text("mockdock: 1\nrules: [{name: more, reply: included}]\n")
    monkeypatch.chdir(tmp_path)
    verbs = RemoteVerbs(server.url)
    verbs.open(SESSION, Opening(scenario={"mockdock": 1, "include": ["more.yaml"]}))
    assert chat(server, "x") == "included"
    verbs.add_rule(SESSION, {"when": {"user": "price"}, "reply": {"file": "answer.txt"}})
    assert chat(server, "the price?") == text
    with pytest.raises(ScenarioError, match=r"no file 'absent\.txt'") as told:
        verbs.add_rule(SESSION, {"replies": ["a", {"file": "absent.txt"}]})
    assert told.value.problems[0].path == "replies[1].file"
    with pytest.raises(ScenarioError, match=r"no file 'absent\.yaml'"):
        verbs.load(SESSION, {"mockdock": 1, "include": "absent.yaml"})


@pytest.mark.parametrize(
    "reply", [{"json": {1: "x"}}, {"json": float("inf")}, {"json": {"a": [object()]}}]
)
def test_what_is_no_json_is_judged_here(reply: Mapping[str, Any]) -> None:
    with pytest.raises(ScenarioError, match=r"^reply\.json"):
        portable_rule({"reply": reply})


def test_what_names_no_file_is_sent_as_it_is() -> None:
    rule = {"replies": [{"json": [1, 2.5, None, True]}, "text"], "when": {"model": ("a", "b")}}
    assert portable_rule(rule) == rule
    assert portable_scenario({"mockdock": 1, "rules": [rule]})["rules"] == [rule]


def test_a_long_journal_comes_in_pages(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_PAGE", 2)
    verbs = RemoteVerbs(server.url)
    verbs.open(SESSION, MANUAL)
    for _ in range(4):
        chat(server, "base")
    whole = verbs.journal(SESSION)
    assert [one["number"] for one in whole] == sorted({one["number"] for one in whole})
    assert len(whole) == 4
    assert verbs.journal(SESSION, limit=3) == whole[:3]
    assert verbs.journal(SESSION, limit=4) == whole
    assert verbs.journal(SESSION, limit=0) == []
    assert verbs.journal(SESSION, last=3) == whole[1:]
    assert verbs.journal(SESSION, last=9) == whole
    assert verbs.journal(SESSION, last=4, limit=3) == whole[:3]


def test_a_scenario_may_be_a_text_with_lines(verbs: Verbs) -> None:
    text = {"yaml": "mockdock: 1\nrules:\n- reply: x\n", "name": "greet.yaml"}
    verbs.open(SESSION, Opening(scenario=text))
    verbs.load(SESSION, {**text, "yaml": f"{text['yaml']}- reply: y\n"})
    assert [rule["reply"]["text"] for rule in verbs.scenario(SESSION)["rules"]] == ["x", "y"]
    with pytest.raises(ScenarioError) as told:
        verbs.load(SESSION, {**text, "yaml": "mockdock: 1\nrule: 1\n"})
    (problem,) = told.value.problems
    assert (problem.file, problem.line, problem.path) == ("greet.yaml", 2, "rule")


def test_all_sessions_are_judged(server: Server, verbs: Verbs) -> None:
    verbs.open(SESSION, MANUAL)
    chat(server, "base", "")
    chat(server, "nobody answers this")
    told = verbs.verify(None, unused="all")
    number = verbs.journal(SESSION)[0]["number"]
    assert (told.ok, told.requests) == (False, 2)
    assert [each.message for each in told.problems] == [
        f"session '{SESSION}': POST /v1/chat/completions was answered by no rule",
        (
            f"session '{SESSION}': base never answered: nearest is request #{number}, "
            "user wanted a text with 'base', was 'nobody answers this'"
        ),
    ]
    with pytest.raises(UsageError, match="an order is that of one session"):
        verbs.verify(None, order=[("base",)])


def test_a_long_wait_is_several_short_ones(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_LONGEST_WAIT", 0.001)
    verbs = RemoteVerbs(server.url)
    verbs.open(SESSION, MANUAL)
    assert verbs.journal(SESSION, wait=0.01) == []
    asked = threading.Event()
    real = verbs._connections.ask
    times = 0

    def ask(*arguments: Any, **more: Any) -> tuple[int, bytes, str]:
        nonlocal times
        times += 1
        if times == 3:
            asked.set()
        return real(*arguments, **more)

    monkeypatch.setattr(verbs._connections, "ask", ask)
    client = threading.Thread(target=lambda: (asked.wait(10), chat(server, "base")))
    client.start()
    assert verbs.wait(SESSION, 1, 30)
    client.join(10)
    assert times >= 3
    assert verbs.wait(SESSION, 2, -1) is False


def test_what_cannot_be_sent_is_told(server: Server) -> None:
    with pytest.raises(UsageError, match="cannot be sent as JSON"):
        RemoteVerbs(server.url).set_state("", {"x": float("nan")})


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8080", "127.0.0.1:8080", "ftp://x", "http://", "http://x:port", "http://x:0",
     "http://x:99999", "http://[::1", "http://x?a=b", "http://x#y", "http://me:pw@x", "http://a b",
     "http://x/\r\ny", "http://ü"],
)  # fmt: skip
def test_what_is_no_url_is_told(url: str) -> None:
    with pytest.raises(UsageError, match="is not the URL of a server; write one such as http://"):
        RemoteVerbs(url)


@pytest.mark.parametrize("token", ["", " ", "a\nb", "ü"])
def test_what_is_no_token_is_told(token: str) -> None:
    with pytest.raises(UsageError, match="visible ASCII"):
        RemoteVerbs("http://127.0.0.1:1", token)


def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(StartError, match=f"no mockdock server at http://127.0.0.1:{port}: Conn"):
        RemoteVerbs(f"http://127.0.0.1:{port}/")


def test_a_server_that_says_nothing_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(StartError, match=r"no answer within 0\.05 s"):
            RemoteVerbs(url, timeout=0.05)


@contextlib.contextmanager
def answering(*answers: tuple[int, bytes], drop: bool = False) -> Iterator[tuple[str, list[str]]]:
    """Serve canned answers in turn, the last one for ever; give the URL and what was asked.

    With ``drop`` each connection is closed after its first answer without a word.
    """
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            status, body = answers[min(len(asked), len(answers) - 1)]
            asked.append(f"{self.command} {self.path}")
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = drop

        do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as fake:
        fake.daemon_threads = True
        thread = threading.Thread(target=fake.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{fake.server_port}", asked
        finally:
            fake.shutdown()
            thread.join(10)


ABOUT = (200, b'{"mockdock": "server", "version": "9.9", "language": 1}')


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((404, b"<h1>Not found</h1>"), "was answered with 404"),
        ((404, b'{"error": {"message": "Unknown"}}'), "was answered with 404"),
        ((404, b'{"error": "no"}'), "was answered with 404"),
        ((404, b"[]"), "was answered with 404"),
        ((301, b""), "was answered with 301"),
        ((200, b"hello"), "was answered with 200"),
        ((200, b"[" * 100_000), "was answered with 200"),
        ((200, b""), "or one of another version"),
        ((200, b'{"version": "1"}'), "or one of another version"),
    ],
)
def test_another_server_is_told(answer: tuple[int, bytes], told: str) -> None:
    with answering(answer) as (url, _), pytest.raises(StartError) as error:
        RemoteVerbs(url)
    assert str(error.value).startswith(f"{url} is not a mockdock server")
    assert told in str(error.value)


def test_what_does_not_speak_http_is_told() -> None:
    def greet() -> None:
        client, _ = listener.accept()
        with client:
            client.recv(1000)
            client.sendall(b"220 smtp.example ESMTP\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        greeter = threading.Thread(target=greet)
        greeter.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(StartError, match="does not speak HTTP"):
            RemoteVerbs(url)
        greeter.join(10)


def test_the_base_url_of_clients_is_told(server: Server) -> None:
    with pytest.raises(StartError, match="write it without /v1"):
        RemoteVerbs(server.base_url)


def test_another_language_is_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "VERSION", 2)
    with pytest.raises(StartError, match="speaks version 1 of the scenario language, and this"):
        RemoteVerbs(server.url)


def test_a_defect_elsewhere_is_told() -> None:
    error = {"status": 500, "kind": "defect", "message": "mockdock failed", "problems": []}
    with answering(ABOUT, (500, json.dumps({"error": error}).encode())) as (url, _):
        verbs = RemoteVerbs(url)
        with pytest.raises(MockdockError, match=r"^mockdock failed$") as told:
            verbs.sessions()
        assert type(told.value) is MockdockError


def test_problems_of_a_newer_server_are_read() -> None:
    problem = {"message": "wrong", "path": "rules", "hint": "right", "severity": "new"}
    error = {"status": 400, "kind": "scenario", "message": "x", "problems": [problem]}
    with answering(ABOUT, (400, json.dumps({"error": error}).encode())) as (url, _):
        verbs = RemoteVerbs(url)
        with pytest.raises(ScenarioError) as told:
            verbs.scenario("")
    assert told.value.problems == (Problem("wrong", path="rules", hint="right"),)


def test_a_connection_that_died_is_replaced() -> None:
    """What may be done twice is asked again on a new connection, once."""
    with answering(ABOUT, (200, b'{"sessions": []}'), drop=True) as (url, asked):
        verbs = RemoteVerbs(url)
        for _ in range(3):
            assert verbs.sessions() == []
    assert asked == ["GET /__mockdock/version", *["GET /__mockdock/sessions"] * 3]


def test_what_may_not_be_done_twice_is_sent_once() -> None:
    """A server that goes away in the middle is told, not asked again."""
    with answering(ABOUT, (200, b'{"key": "+1"}')) as (url, asked):
        verbs = RemoteVerbs(url)
        assert verbs.add_rule("", {"reply": "x"}) == "+1"

        def die(*_: object) -> None:
            raise ConnectionResetError(104, "Connection reset by peer")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("http.client.HTTPConnection.getresponse", die)
            with pytest.raises(StartError, match="Connection reset by peer"):
                verbs.add_rule("", {"reply": "y"})
    assert [one for one in asked if one.startswith("POST")] in (
        ["POST /__mockdock/rules"],
        ["POST /__mockdock/rules"] * 2,
    )


def test_a_slow_answer_on_a_kept_connection_is_not_asked_again() -> None:
    calls = 0

    def slow(*_: object) -> None:
        nonlocal calls
        calls += 1
        raise TimeoutError("timed out")

    with answering(ABOUT) as (url, _):
        verbs = RemoteVerbs(url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("http.client.HTTPConnection.getresponse", slow)
            with pytest.raises(StartError, match="no answer within 10 s"):
                verbs.sessions()
    assert calls == 1


def test_connections_are_kept_and_old_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(ABOUT) as (url, _):
        connections = Connections(url, 10)
        for _ in range(2):
            connections.ask("GET", "/", None, {}, again=True)
        ((kept, _),) = connections._idle
        monkeypatch.setattr("mockdock.remote.connections._LONGEST_IDLE", 0.0)
        connections.ask("GET", "/", None, {}, again=True)
        ((fresh, _),) = connections._idle
        assert fresh is not kept
        assert kept.sock is None


def test_many_threads_share_a_bounded_number_of_idle_connections(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockdock.remote.connections._MOST_IDLE", 1)
    verbs = RemoteVerbs(server.url)
    together = threading.Barrier(4)
    real = Connections._keep

    def keep(self: Connections, connection: Any) -> None:
        together.wait(10)
        real(self, connection)

    monkeypatch.setattr(Connections, "_keep", keep)
    threads = [threading.Thread(target=verbs.sessions) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(verbs._connections._idle) == 1


def test_a_token_is_sent(server: Server) -> None:
    with Server(control_token="secret") as guarded:
        assert RemoteVerbs(guarded.url, "secret").sessions() == []
        for token in (None, "wrong"):
            with pytest.raises(UsageError, match="Authorization: Bearer TOKEN"):
                RemoteVerbs(guarded.url, token)


@contextlib.contextmanager
def serving(app: object, **options: Any) -> Iterator[int]:
    """Serve an application in a thread, and give the port."""
    listener = bind("127.0.0.1", 0)
    running = Host(cast("App", app), 0.0, **options)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert running.ready.wait(10)
        yield listener.getsockname()[1]
    finally:
        running.stop()
        thread.join(10)
        listener.close()


def test_a_server_behind_a_path() -> None:
    behind = Starlette(routes=[Mount("/team/mock", Server(BASE).app)])
    with serving(behind) as port:
        verbs = RemoteVerbs(f"http://127.0.0.1:{port}/team/mock/")
        assert verbs.url == f"http://127.0.0.1:{port}/team/mock"
        verbs.open(SESSION, Opening())
        assert verbs.sessions() == [SESSION]


def test_https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that is not trusted is told; one that is serves."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subprocess.run([*made, *files, *names], check=True, capture_output=True)
    with serving(Server(BASE).app, ssl_certfile=certificate, ssl_keyfile=key) as port:
        url = f"https://127.0.0.1:{port}"
        with pytest.raises(StartError, match="certificate verify failed"):
            RemoteVerbs(url)
        monkeypatch.setenv(ssl.get_default_verify_paths().openssl_cafile_env, str(certificate))
        verbs = RemoteVerbs(url)
        assert verbs.url == url
        assert verbs.rules("")[0].key == "base"
        verbs.hang_up()
        assert verbs.about().language == 1
        verbs.hang_up()


def test_nothing_heavy_is_imported() -> None:
    """A test run against a server elsewhere needs no server here."""
    heavy = ("starlette", "uvicorn", "tiktoken", "faker", "anyio")
    code = (
        f"import sys, mockdock.remote; print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
