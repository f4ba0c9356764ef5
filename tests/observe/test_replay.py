"""Exchanges that were recorded answer again, as a scenario."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockdock.app import App
from mockdock.delivery import ScaledClock
from mockdock.engine import Engine
from mockdock.observe import record
from mockdock.observe.replay import replay
from mockdock.scenario import load
from tests.conformance.asgi import Answer, app_of, ask, post
from tests.effort import examples
from tests.observe.helpers import kept_here, unchecked

CHAT = "/v1/chat/completions"
KEY = "sk-abcdefghijklmnopqrstuvwxyz"
LOOK_UP = {
    "type": "function",
    "function": {
        "name": "look_up",
        "parameters": {"type": "object", "properties": {"what": {"type": "string"}}},
    },
}

Body = dict[str, Any]


def user(text: str, *before: Mapping[str, Any], **fields: Any) -> Body:
    """Ask for something, after what was said before."""
    messages = [*before, {"role": "user", "content": text}]
    return {"model": "gpt-4o", "messages": messages, **fields}


def records(app: App, *, secrets: bool = True) -> list[dict[str, Any]]:
    return [record(entry, secrets=secrets) for entry in kept_here(app.journal.entries())]


def written(app: App) -> dict[str, Any]:
    """Replay what an application heard, and read the YAML as any reader would."""
    made: dict[str, Any] = yaml.safe_load(replay(records(app)))
    return made


def again(app: App, folder: Path) -> App:
    """Serve what was recorded, from a file."""
    path = folder / "replay.yaml"
    path.write_text(replay(records(app)), encoding="utf-8")
    return App(Engine(load(path).scenario), clock=ScaledClock(0))


def told(answer: Answer) -> tuple[int, Any]:
    """Give what an answer says, without ids and times."""
    body = answer.json()
    if "error" in body:
        return answer.status, (body["error"], answer.headers.get("x-should-retry"))
    choices = [
        {
            "text": choice["message"]["content"],
            "refusal": choice["message"]["refusal"],
            "calls": [
                (call["function"]["name"], call["function"]["arguments"])
                for call in choice["message"].get("tool_calls", ())
            ],
            "finish": choice["finish_reason"],
        }
        for choice in body["choices"]
    ]
    return answer.status, (choices, body["usage"])


def check(app: App, asked: Sequence[tuple[Body, int]], folder: Path) -> None:
    """Ask twice, the second time what was recorded, and get the same."""

    def heard(server: App) -> list[tuple[int, Any]]:
        retries = [{"x-stainless-retry-count": str(attempt - 1)} for _, attempt in asked]
        pairs = zip(asked, retries, strict=True)
        return [told(post(server, CHAT, body, headers)) for (body, _), headers in pairs]

    first = heard(app)
    assert heard(again(app, folder)) == first


def test_a_plain_answer_is_written_as_a_person_would() -> None:
    app = app_of({"reply": "Hello ${user}"})
    post(app, CHAT, user("you"))
    assert replay(records(app), name="mine") == (
        "# Replays 1 exchange that mockdock recorded.\n"
        "# This is a scenario: mockdock serve FILE answers the same requests the same way,\n"
        "# and so does a test with @pytest.mark.mockdock(scenario=FILE).\n"
        "mockdock: 1\n"
        "name: mine\n"
        "rules:\n"
        "- name: exchange 1\n"
        "  when:\n"
        "    model: gpt-4o\n"
        "    user:\n"
        "      equals: you\n"
        "  reply: Hello you\n"
        "otherwise: fail\n"
    )


def test_lines_of_a_text_stay_lines() -> None:
    app = app_of({"reply": "one\ntwo\n"})
    post(app, CHAT, user("count"))
    assert "  reply: |\n    one\n    two\n" in replay(records(app))


def test_nothing_recorded_is_a_scenario_too(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text(replay([]))
    assert load(path).scenario.rules == ()


def test_what_no_rule_answered_and_what_is_no_chat_is_left_out() -> None:
    app = app_of({"when": {"user": "fine"}, "reply": "ok"}, otherwise="fail")
    post(app, CHAT, user("fine"))
    post(app, CHAT, user("nobody knows"))
    ask(app, "POST", CHAT, b"{not json")
    ask(app, "GET", "/v1/models")
    ask(app, "POST", CHAT, b"\xff\xfe")
    post(app, CHAT, {"model": "gpt-4o", "messages": "no list"})
    text = replay(records(app))
    assert "# Left out, answered by no rule: 2\n" in text
    assert "# Left out, no valid request: 3, 4, 5, 6\n" in text
    assert [rule["name"] for rule in yaml.safe_load(text)["rules"]] == ["exchange 1"]


def test_a_stored_completion_is_left_out() -> None:
    app = app_of({"reply": "kept"})
    made = post(app, CHAT, user("keep", store=True)).json()
    post(app, f"{CHAT}/{made['id']}", {"metadata": {"a": "b"}, "model": "m", "messages": []})
    ask(app, "GET", f"{CHAT}/{made['id']}")
    ask(app, "GET", "/v1/models/gpt-4o", json.dumps(user("a body that nobody reads")).encode())
    text = replay(records(app))
    assert len(yaml.safe_load(text)["rules"]) == 1
    assert "# Left out, no valid request: 2, 3\n" in text
    assert "# Left out, not what a model makes, or not sent whole: 4\n" in text


def test_many_numbers_are_counted() -> None:
    app = app_of(otherwise="fail")
    for _ in range(22):
        post(app, CHAT, user("x"))
    assert "18, 19, 20 and 2 more\n" in replay(records(app))


def test_attempts_of_one_request_are_answered_by_attempt(tmp_path: Path) -> None:
    app = app_of(
        {
            "per": "request",
            "replies": [
                {"error": "rate_limit", "retry_after": "1.5s", "should_retry": True},
                {"error": 503, "message": "costs ${user} $${x}", "type": "t", "param": "p"},
                "at last",
            ],
        }
    )
    check(app, [(user("a"), 1), (user("a"), 2), (user("a"), 3)], tmp_path)
    (rule,) = written(app)["rules"]
    assert rule["name"] == "exchanges 1, 2, 3"
    assert rule["per"] == "request"
    assert rule["replies"][0]["error"] == "rate_limit"
    assert rule["replies"][0]["retry_after"] == "1500ms"
    assert rule["replies"][0]["should_retry"] is True
    assert rule["replies"][1] == {
        "error": 503,
        "message": "costs a $${x}",
        "type": "t",
        "param": "p",
    }
    assert rule["replies"][2] == "at last"


def test_attempts_that_do_not_tell_keep_the_order(tmp_path: Path) -> None:
    app = app_of({"replies": [{"error": "overloaded"}, "one", "two", "two"]})
    check(app, [(user("a"), 1), (user("a"), 2), (user("a"), 1), (user("a"), 1)], tmp_path)
    (rule,) = written(app)["rules"]
    assert "per" not in rule
    assert rule["replies"][1:] == ["one", "two"]


def test_attempts_with_a_gap_keep_the_order(tmp_path: Path) -> None:
    app = app_of({"replies": ["one", "two"]})
    check(app, [(user("a"), 1), (user("a"), 3)], tmp_path)
    assert "per" not in written(app)["rules"][0]


def test_an_error_that_no_scenario_may_name_goes_by_its_status(tmp_path: Path) -> None:
    app = app_of({"reply": "ok"}, models=[{"id": "small", "context_window": 5}])
    asked = {**user("far too long for so small a model"), "model": "small"}
    check(app, [(asked, 1)], tmp_path)
    assert written(app)["rules"][0]["reply"]["error"] == "context_length"


def test_an_error_of_which_little_was_sent_is_still_one() -> None:
    app = app_of({"reply": {"error": "quota"}})
    post(app, CHAT, user("a"))
    (made,) = records(app)
    for chunks in ([], ['{"error": "odd"}'], [{"base64": "/w=="}]):
        made["reply"]["chunks"] = chunks
        (rule,) = yaml.safe_load(replay([made]))["rules"]
        assert rule["reply"] == {"error": "quota"}


def test_an_agent_loop_replays(tmp_path: Path) -> None:
    """Turns, tool results and system messages tell requests with the same words apart."""
    app = app_of(
        {"when": {"after_tool": "look_up"}, "reply": {"text": "It is ${tool.result}."}},
        {"when": {"turn": 2}, "reply": "Again?"},
        {"when": {"system": "brief"}, "reply": "No."},
        {
            "when": {"offers_tool": True},
            "reply": {
                "text": "One moment",
                "tool_calls": [
                    {"name": "look_up", "arguments": {"what": "$${x}", "n": [1, 2.5, None, True]}},
                    {"name": "look_up", "arguments": '{"odd"'},
                ],
            },
        },
        {"reply": "Plain"},
    )
    first = user("weather?", tools=[LOOK_UP])
    called = {
        "role": "assistant",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
        ],
    }
    result = {"role": "tool", "tool_call_id": "c1", "content": "sunny"}
    after = {**first, "messages": [*first["messages"], called, result]}
    turn = user(
        "weather?", {"role": "user", "content": "hi"}, {"role": "assistant", "content": "x"}
    )
    brief = user("weather?", {"role": "system", "content": "be brief"})
    parts = {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "weather?"}]}],
    }
    check(app, [(each, 1) for each in (first, after, turn, brief, parts)], tmp_path)
    rules = written(app)["rules"]
    calls = rules[0]["replies"][0]["tool_calls"]
    assert calls[0]["arguments"]["what"] == "$${x}"
    assert calls[1]["arguments"] == '{"odd"'
    assert rules[1]["when"]["after_tool"] == "look_up"


def results(*names: str) -> Body:
    """Bring results of tools, in the new form, and one in the old."""
    calls: list[dict[str, Any]] = [
        {"id": f"c{at}", "type": "function", "function": {"name": name, "arguments": "{}"}}
        for at, name in enumerate(names)
    ]
    told = [
        {"role": "tool", "tool_call_id": call["id"], "content": call["function"]["name"]}
        for call in calls
    ]
    asked = user("go")
    made = [{"role": "assistant", "tool_calls": calls}, *told]
    return {**asked, "messages": [*asked["messages"], *made]}


@pytest.mark.parametrize(
    ("asked", "conditions"),
    [
        ([("a",), ("b",)], ["a", "b"]),
        ([("a",), ()], ["a", False]),
        ([("a", "b"), ("c",)], ["a", "c"]),
        ([("a", "b"), ("a",)], [None]),
        ([("a", "b"), ("a",), ()], [True, False]),
    ],
)
def test_results_of_tools_are_wanted_where_one_name_tells(
    asked: list[tuple[str, ...]], conditions: list[Any], tmp_path: Path
) -> None:
    """Sets of tools that share a name are told from none at all only."""
    app = app_of({"replies": [f"answer {at}" for at in range(len(asked))]})
    bodies = [results(*names) if names else user("go") for names in asked]
    check(app, [(body, 1) for body in bodies], tmp_path)
    wanted = [rule["when"].get("after_tool") for rule in written(app)["rules"]]
    assert wanted == conditions


def test_a_result_in_the_old_form_is_one(tmp_path: Path) -> None:
    app = app_of({"replies": ["first", "second"]})
    asked = user("go")
    old: list[dict[str, Any]] = [
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "done"},
    ]
    bodies = [asked, {**asked, "messages": [*asked["messages"], *old]}]
    check(app, [(body, 1) for body in bodies], tmp_path)
    assert [rule["when"]["after_tool"] for rule in written(app)["rules"]] == [False, "f"]


def test_odd_names_are_no_globs(tmp_path: Path) -> None:
    app = app_of({"replies": ["first", "second"]})
    one, other = {**user("a"), "model": "m[1]*"}, {**user("a"), "model": "m1x"}
    check(app, [(one, 1), (other, 1)], tmp_path)
    assert written(app)["rules"][0]["when"]["model"] == "m[[]1][*]"


def test_choices_and_odd_ends_are_kept(tmp_path: Path) -> None:
    app = app_of(
        {
            "when": {"user": "two"},
            "reply": {"choices": [{"text": "a"}, {"refusal": "no ${user}", "finish": "stop"}]},
        },
        {"when": {"user": "cut"}, "reply": "one two three four"},
        {"when": {"user": "filtered"}, "reply": {"text": "bad", "finish": "content_filter"}},
        {"when": {"user": "silent"}, "reply": ""},
    )
    asked = [user("two", n=2), user("cut", max_tokens=2), user("filtered"), user("silent")]
    check(app, [(body, 1) for body in asked], tmp_path)
    replies = [rule["reply"] for rule in written(app)["rules"]]
    assert replies[0] == {"choices": ["a", {"refusal": "no two"}]}
    assert replies[1]["finish"] == "length"
    assert replies[2] == {"text": "bad", "finish": "content_filter"}
    assert replies[3] == ""


def test_secrets_are_hidden_wherever_they_stand(tmp_path: Path) -> None:
    """A message with a secret is known by the rest of it; one that is all secret by nothing."""
    app = app_of({"reply": "I got ${user} from ${headers.authorization}"})
    own = {"authorization": "Bearer my-very-own-secret"}
    for text in (f"my key is {KEY}, really", KEY, "use my-very-own-secret"):
        post(app, CHAT, user(text), own)
    text = replay(records(app))
    assert KEY not in text
    assert "my-very-own-secret" not in text
    rules = yaml.safe_load(text)["rules"]
    assert rules[0]["when"]["user"] == {"contains": ["my key is ", ", really"]}
    assert "user" not in rules[1]["when"]
    assert rules[2]["when"]["user"] == {"contains": ["use "]}
    served = again(app, tmp_path)
    answer = post(served, CHAT, user(f"my key is {KEY}, really"))
    said = answer.json()["choices"][0]["message"]["content"]
    assert said == "I got my key is [redacted], really from [redacted]"


def test_deep_or_large_arguments_stay_texts(tmp_path: Path) -> None:
    deep = '{"a":' * 30 + "1" + "}" * 30
    large = '{"n":9007199254740993}'
    spaced = '{"a": 1}'
    listed = "[1]"
    app = app_of(
        {
            "reply": {
                "tool_calls": [
                    {"name": "look_up", "arguments": each} for each in (deep, large, spaced, listed)
                ]
            }
        }
    )
    check(app, [(user("go", tools=[LOOK_UP]), 1)], tmp_path)
    calls = written(app)["rules"][0]["reply"]["tool_calls"]
    assert [call["arguments"] for call in calls] == [deep, large, spaced, listed]


TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.text(st.sampled_from("${}ab \n\t:#-|>'\"\\\x85\u2028\x1b\ufeff"), max_size=12),
    st.sampled_from(
        [
            "yes",
            "1",
            "null",
            "~",
            "2020-01-01",
            "<<",
            "=",
            "$${",
            "a\n\n",
            " \n b",
            "0E0",
            "0o7",
            "+.5",
        ]
    ),
)
ARGUMENTS = st.dictionaries(
    TEXTS,
    st.recursive(
        TEXTS | st.integers(-(2**60), 2**60) | st.booleans() | st.none() | st.floats(-1e9, 1e9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=5,
    ),
    max_size=3,
)


def literal(value: Any) -> Any:
    """Write a value so that nothing in it is a name."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, dict):
        return {key: literal(inner) for key, inner in value.items()}
    return [literal(inner) for inner in value] if isinstance(value, list) else value


REPLIES = st.one_of(
    TEXTS.map(lambda text: {"text": literal(text)}),
    TEXTS.filter(bool).map(lambda text: {"refusal": literal(text)}),
    ARGUMENTS.map(lambda value: {"tool_calls": [{"name": "look_up", "arguments": literal(value)}]}),
    TEXTS.map(
        lambda text: {"tool_calls": [{"name": "look_up", "arguments": literal(text)}]},
    ),
    st.builds(
        lambda kind, text: {"error": kind, "message": literal(text)},
        st.sampled_from(["rate_limit", "quota", "auth", "bad_request", 418, 503]),
        TEXTS.filter(bool),
    ),
)
ASKED = st.lists(
    st.tuples(TEXTS, st.sampled_from([1, 1, 1, 2]), st.sampled_from(["gpt-4o", "gpt-[4]*"])),
    min_size=1,
    max_size=6,
)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(asked=ASKED, replies=st.lists(REPLIES, min_size=1, max_size=4))
def test_whatever_was_said_is_said_again(
    asked: list[tuple[str, int, str]],
    replies: list[Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The same client calls get the same texts, calls, errors and tokens, in the same order."""
    app = app_of({"replies": replies, "after_last": "cycle"})
    bodies = [
        ({**user(text, tools=[LOOK_UP]), "model": model}, attempt) for text, attempt, model in asked
    ]
    check(app, bodies, tmp_path_factory.mktemp("replay"))


def test_records_from_json_are_as_good(tmp_path: Path) -> None:
    """What the journal file holds replays as well."""
    app = app_of({"reply": "Hello"})
    post(app, CHAT, user("hi"))
    kept = json.loads(json.dumps(records(app, secrets=False)))
    path = tmp_path / "replay.yaml"
    path.write_text(replay(kept))
    served = App(Engine(load(path).scenario), clock=ScaledClock(0))
    assert told(post(served, CHAT, user("hi")))[1][0][0]["text"] == "Hello"


BROKEN: list[Any] = [
    {"type": "html_error", "status": 504},
    {"type": "wrong_content_type", "content_type": "text/plain"},
    {"type": "invalid_json", "after": {"bytes": 9}},
    "empty_body",
    "wrong_model",
    "missing_usage",
    "empty_choices",
    "finish_without_content",
    "cut_arguments",
    "broken_tool_call",
    "hallucinated_tool",
]


@pytest.mark.parametrize("fault", BROKEN, ids=str)
@pytest.mark.parametrize("stream", [False, True])
def test_what_broke_breaks_again(fault: Any, stream: bool, tmp_path: Path) -> None:
    """Status and body are the same, but for ids and times."""
    tool = {"tool_calls": [{"name": "look_up", "arguments": {"what": "a longer word"}}]}
    calls = isinstance(fault, str) and ("tool" in fault or "arguments" in fault)
    reply = {**(tool if calls else {"text": "Hello, you."}), "faults": [fault]}
    asked = user("you", stream=stream, **({"tools": [LOOK_UP]} if calls else {}))
    app = app_of({"reply": reply})
    first = unchecked(app, asked)
    second = unchecked(again(app, tmp_path), asked)
    assert second.status_code == first.status_code
    assert second.headers.get("content-type") == first.headers.get("content-type")
    assert _plain(second.content) == _plain(first.content)


def _plain(body: bytes) -> str:
    """Leave out what is made anew."""
    text = body.decode("utf-8", "replace")
    for name in ("id", "system_fingerprint", "obfuscation"):
        text = re.sub(rf'"{name}": ?"[^"]*"', f'"{name}":""', text)
    return re.sub(r'"created": ?[0-9]+', '"created":0', text)


def test_faults_are_written_with_their_options_and_without_chance() -> None:
    faults = [{"type": "slicer", "probability": 1.0, "times": 3}, {"type": "split", "when": {}}]
    app = app_of({"reply": {"text": "x", "faults": faults}})
    post(app, CHAT, user("you", stream=True))
    (rule,) = written(app)["rules"]
    assert rule["reply"] == {"text": "x", "faults": ["slicer", "split"]}


def test_errors_that_broke_are_told() -> None:
    app = app_of({"reply": {"error": 500}}, faults=[{"type": "html_error", "status": 502}])
    unchecked(app, user("you"))
    text = replay(records(app))
    assert "# Errors that broke on the wire, and do not here: 1\n" in text
    assert "faults" not in yaml.safe_load(text)["rules"][0]["reply"]
