"""What gateways answered, and what is no chat, answers again as a scenario."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from mockdock.app import App
from mockdock.delivery import ScaledClock
from mockdock.engine import Engine
from mockdock.observe import record
from mockdock.observe.replay import replay
from mockdock.scenario import load
from tests.conformance.asgi import Answer, app_of, ask
from tests.dialects.langdock.talk import exchange
from tests.observe.helpers import kept_here, unchecked

HI = [{"role": "user", "content": "Hi"}]
CHAT: dict[str, Any] = {"messages": HI}
INSTRUCT = "gpt-3.5-turbo-instruct"
KEY = "sk-abcdefghijklmnopqrstuvwxyz"

Asked = tuple[str, Mapping[str, Any]]


def send(
    app: App, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Answer:
    """Post a body; Azure's dated paths get an api-version."""
    usual = {"content-type": "application/json", "authorization": "Bearer k", **(headers or {})}
    query = {"query_string": b"api-version=2024-10-21"} if "/deployments/" in path else {}
    return ask(app, "POST", path, json.dumps(body).encode(), usual, **query)


def records(app: App, *, secrets: bool = True) -> list[dict[str, Any]]:
    """Give what was recorded, as it comes out of a file."""
    kept = [record(entry, secrets=secrets) for entry in kept_here(app.journal.entries())]
    read_back: list[dict[str, Any]] = json.loads(json.dumps(kept))
    return read_back


def plain(answer: Answer) -> tuple[int, str, str | None]:
    """Give what an answer says, without what is made anew."""
    text = re.sub(r'"(id|system_fingerprint)": ?"[^"]*"', "", answer.body.decode())
    text = re.sub(r'"created": ?[0-9]+', "", text)
    return answer.status, text, answer.headers.get("x-ms-region")


def again(kept: Sequence[Mapping[str, Any]], folder: Path) -> tuple[App, dict[str, Any]]:
    """Serve what was recorded, and give the scenario as any reader reads it."""
    path = folder / "replay.yaml"
    path.write_text(replay(kept), encoding="utf-8")
    app = App(Engine(load(path).scenario), clock=ScaledClock(0))
    return app, yaml.safe_load(path.read_text(encoding="utf-8"))


def check(
    app: App, asked: Sequence[Asked], folder: Path, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Ask twice, the second time what was recorded, and get the same; give the scenario."""
    first = [plain(send(app, *each, headers)) for each in asked]
    served, scenario = again(records(app), folder)
    assert [plain(send(served, *each, headers)) for each in asked] == first
    return scenario


# -- gateways -----------------------------------------------------------------------------------

DEPLOYMENTS = {"chat": "gpt-4o", "texts": INSTRUCT, "vectors": "text-embedding-3-small"}
OLDER = "/openai/deployments/{}/{}"


def test_deployments_stand_for_their_models_again(tmp_path: Path) -> None:
    """In both forms of path, for every operation, and for errors."""
    app = app_of(
        {"when": {"user": "limited"}, "reply": {"error": "rate_limit", "retry_after": "9s"}},
        {"when": {"user": "filtered"}, "reply": {"error": "content_filter"}},
        {"reply": "Hello."},
        {"when": {"api": "completions"}, "reply": "Ha."},
        {"when": {"api": "embeddings"}, "reply": {"embedding": [0.6, 0.8]}},
        azure={"deployments": DEPLOYMENTS, "region": "West Europe"},
    )
    asked: list[Asked] = [
        (OLDER.format("chat", "chat/completions"), CHAT),
        ("/openai/v1/chat/completions", {**CHAT, "model": "chat", "stream": True}),
        (OLDER.format("texts", "completions"), {"prompt": "joke"}),
        (OLDER.format("vectors", "embeddings"), {"input": "cat"}),
        *(
            (OLDER.format("chat", "chat/completions"),
             {"messages": [{"role": "user", "content": text}]})
            for text in ("limited", "filtered")
        ),
    ]  # fmt: skip
    scenario = check(app, asked, tmp_path)
    assert scenario["azure"] == {"deployments": DEPLOYMENTS, "region": "West Europe"}
    assert "langdock" not in scenario


def test_names_that_stand_for_themselves_are_not_declared(tmp_path: Path) -> None:
    app = app_of({"reply": "Hello."})
    scenario = check(app, [(OLDER.format("gpt-4o", "chat/completions"), CHAT)], tmp_path)
    assert "azure" not in scenario


def test_a_file_of_an_older_version_tells_deployments_by_its_headers(tmp_path: Path) -> None:
    app = app_of({"reply": "Hello."}, azure={"deployments": {"my chat": "gpt-4o"}, "region": "X"})
    body = {**CHAT, "model": "my chat"}
    first = send(app, "/openai/v1/chat/completions", body)
    kept = records(app)
    for each in kept:
        del each["dialect"], each["gateway"]
    served, scenario = again(kept, tmp_path)
    assert scenario["azure"] == {"deployments": {"my chat": "gpt-4o"}, "region": "X"}
    assert plain(send(served, "/openai/v1/chat/completions", body)) == plain(first)


def test_a_deployment_that_changed_its_model_is_left_out(tmp_path: Path) -> None:
    kept = []
    for number, model in enumerate(("gpt-4o", "gpt-4", "gpt-4o"), 1):
        app = app_of({"reply": "Hello."}, azure={"deployments": {"chat": model}})
        send(app, OLDER.format("chat", "chat/completions"), CHAT)
        kept += [{**each, "number": number} for each in records(app)]
    _, scenario = again(kept, tmp_path)
    assert scenario["azure"] == {"deployments": {"chat": "gpt-4o"}}
    assert [rule["name"] for rule in scenario["rules"]] == ["exchanges 1, 3"]
    left = "# Left out, asked of a deployment that stood for another model before: 2\n"
    assert left in (tmp_path / "replay.yaml").read_text()


LANGDOCK = "/openai/eu/v1/chat/completions"


@pytest.mark.parametrize(
    ("settings", "more", "headers"),
    [
        ({}, {"n": 2}, {}),
        ({"errors": "openai"}, {}, {}),
        ({"browsers": "allowed"}, {}, {"origin": "https://app.example.com"}),
        ({"requests": "openai"}, {"response_format": {"type": "json_schema", "json_schema":
          {"name": "x", "schema": {"type": "object"}}}}, {}),
        ({"unsupported": "reject"}, {}, {}),
    ],
    ids=str,
)  # fmt: skip
def test_langdock_speaks_by_the_same_settings_again(
    settings: dict[str, Any], more: dict[str, Any], headers: dict[str, str], tmp_path: Path
) -> None:
    """Its default limits are off: what they refused is among the answers."""
    app = app_of(
        {"when": {"user": "hiccup"}, "reply": {"error": "server_error", "message": "Oh."}},
        {"reply": '{"a": 1}'},
        langdock={**settings, "limits": [{"rpm": 2}]},
    )
    hiccup = {"messages": [{"role": "user", "content": "hiccup"}]}
    asked: list[Asked] = [
        (LANGDOCK, {"model": "gpt-4o-mini", **CHAT, **more}),
        (LANGDOCK, {"model": "gpt-4o-mini", **hiccup, **more}),
        (LANGDOCK, {"model": "gpt-4o-mini", **CHAT, **more}),
    ]
    scenario = check(app, asked, tmp_path, headers)
    assert scenario["langdock"] == {**settings, "limits": []}
    assert scenario["rules"][0]["replies"][1]["error"] == "rate_limit"


def test_langdock_answers_as_azure_again(tmp_path: Path) -> None:
    app = app_of({"reply": "Hello."}, langdock={"replies": "azure"})
    body = json.dumps({"model": "gpt-4o-mini", **CHAT}).encode()
    headers = {"content-type": "application/json"}
    first = exchange(app, "POST", LANGDOCK, body, headers)
    assert b"prompt_filter_results" in first.body
    served, _ = again(records(app), tmp_path)
    assert plain(exchange(served, "POST", LANGDOCK, body, headers)) == plain(first)


def test_other_settings_than_the_first_are_left_out(tmp_path: Path) -> None:
    kept = []
    for number, errors in enumerate(("flat", "openai"), 1):
        app = app_of({"reply": "Hello."}, langdock={"errors": errors})
        send(app, LANGDOCK, {"model": "gpt-4o", **CHAT})
        kept += [{**each, "number": number} for each in records(app)]
    _, scenario = again(kept, tmp_path)
    assert scenario["langdock"] == {"limits": []}
    text = (tmp_path / "replay.yaml").read_text()
    assert "# Left out, spoken by other settings of langdock: 2\n" in text


def test_dialects_are_told_apart_where_they_were_answered_apart(tmp_path: Path) -> None:
    app = app_of({"when": {"dialect": "azure"}, "reply": "Blue."}, {"reply": "Plain."})
    body = {"model": "gpt-4o", **CHAT}
    asked: list[Asked] = [
        ("/v1/chat/completions", body),
        ("/openai/v1/chat/completions", body),
    ]
    scenario = check(app, asked, tmp_path)
    assert [rule["when"].get("dialect") for rule in scenario["rules"]] == ["openai", "azure"]


# -- embeddings ---------------------------------------------------------------------------------

SMALL = "text-embedding-3-small"
TOKENS = [15339, 1917]


def test_vectors_that_were_made_of_texts_are_made_again(tmp_path: Path) -> None:
    """They need no numbers in the file, whatever is asked for."""
    bodies: list[dict[str, Any]] = [
        {"input": "a cat"},
        {"input": ["a cat", "two"], "dimensions": 5},
        {"input": TOKENS},
        {"input": [TOKENS, [1]], "encoding_format": "base64"},
    ]
    app = app_of({"when": {"api": "embeddings", "user": "two"}, "reply": {"embedding": "auto"}})
    asked: list[Asked] = [("/v1/embeddings", {"model": SMALL, **body}) for body in bodies]
    scenario = check(app, asked, tmp_path)
    assert [rule["reply"] for rule in scenario["rules"]] == [{"embedding": "auto"}] * 4
    whens = [rule["when"] for rule in scenario["rules"]]
    assert whens[0] == {"api": "embeddings", "model": SMALL, "user": {"equals": "a cat"}}
    assert whens[2] == {"api": "embeddings", "model": SMALL, "body": {"input": TOKENS}}


@pytest.mark.parametrize("form", ["float", "base64"])
def test_scripted_vectors_are_written_out(form: str, tmp_path: Path) -> None:
    each = [[0.6, 0.8], [1, 0]]
    app = app_of(
        {"when": {"api": "embeddings", "user": "two"}, "reply": {"embeddings": each}},
        {"when": {"api": "embeddings"}, "reply": {"embedding": [0.1, 0.2, 1e-7]}},
    )
    asked: list[Asked] = [
        ("/v1/embeddings", {"model": SMALL, "input": given, "encoding_format": form})
        for given in (["one", "two"], "cat", ["a", "b"])
    ]
    scenario = check(app, asked, tmp_path)
    assert [rule["reply"] for rule in scenario["rules"]] == [
        {"embeddings": each},
        {"embedding": [0.1, 0.2, 1e-7]},
        {"embedding": [0.1, 0.2, 1e-7]},
    ]
    text = (tmp_path / "replay.yaml").read_text()
    assert "[0.6, 0.8]" in text, "numbers stand side by side"


def test_errors_of_embeddings_come_again_by_attempt(tmp_path: Path) -> None:
    limited = {"error": "rate_limit", "retry_after": "2s"}
    rule = {
        "per": "request",
        "when": {"api": "embeddings"},
        "replies": [limited, {"embedding": [1]}],
    }
    app = app_of(rule)
    body = {"model": SMALL, "input": "cat"}
    first = [
        plain(send(app, "/v1/embeddings", body, {"x-stainless-retry-count": retries}))
        for retries in "01"
    ]
    served, _ = again(records(app), tmp_path)
    assert [
        plain(send(served, "/v1/embeddings", body, {"x-stainless-retry-count": retries}))
        for retries in "01"
    ] == first


def test_vectors_of_an_older_file_are_taken_as_they_were_sent(tmp_path: Path) -> None:
    app = app_of()
    body = {"model": SMALL, "input": "a cat", "dimensions": 4}
    first = send(app, "/v1/embeddings", body)
    kept = records(app)
    del kept[0]["reply"]["embeddings"]["scripted"]
    served, scenario = again(kept, tmp_path)
    assert len(scenario["rules"][0]["reply"]["embedding"]) == 4
    assert plain(send(served, "/v1/embeddings", body)) == plain(first)


def test_vectors_that_were_not_sent_whole_are_left_out(tmp_path: Path) -> None:
    app = app_of({"when": {"api": "embeddings"}, "reply": {"embedding": [1, 0]}})
    send(app, "/v1/embeddings", {"model": SMALL, "input": "cat"})
    kept = records(app)
    for chunks in ([], ['{"data": [{"embedding": "x"}]}'], ['{"data": 5}'], [{"base64": "/w=="}]):
        kept[0]["reply"]["chunks"] = chunks
        text = replay(kept)
        assert "# Left out, not what a model makes, or not sent whole: 1\n" in text


def test_what_broke_of_vectors_breaks_again(tmp_path: Path) -> None:
    reply = {"embedding": "auto", "faults": [{"type": "html_error", "status": 504}]}
    app = app_of({"when": {"api": "embeddings"}, "reply": reply})
    body = {"model": SMALL, "input": "cat"}
    first = unchecked(app, body, "/v1/embeddings")
    served, scenario = again(records(app), tmp_path)
    assert scenario["rules"][0]["reply"] == reply
    assert unchecked(served, body, "/v1/embeddings").content == first.content


def test_inputs_with_a_secret_are_known_by_the_rest() -> None:
    app = app_of({"when": {"api": "moderations"}, "reply": {"flagged": []}})
    image = {"type": "image_url", "image_url": {"url": f"https://x.example/?key={KEY}"}}
    for given in ([image], f"my key is {KEY}"):
        send(app, "/v1/moderations", {"input": given})
    text = replay(records(app))
    assert KEY not in text
    whens = [rule["when"] for rule in yaml.safe_load(text)["rules"]]
    assert whens[0] == {"api": "moderations", "model": "omni-moderation-latest"}
    assert whens[1]["user"] == {"contains": ["my key is "]}


# -- moderations and legacy completions ---------------------------------------------------------


def test_verdicts_come_again(tmp_path: Path) -> None:
    app = app_of(
        {"when": {"api": "moderations", "user": "one"}, "reply": {"flagged": {"violence": 0.25}}},
        {
            "when": {"api": "moderations", "user": "two"},
            "reply": {"flagged_each": [["hate"], {"sexual": 0.75}]},
        },
    )
    image = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
    asked: list[Asked] = [
        ("/v1/moderations", {"input": given})
        for given in ("one", ["two", "b"], "I will kill you", [image])
    ]
    scenario = check(app, asked, tmp_path)
    one, two, _, parts = scenario["rules"]
    assert one["reply"]["flagged"]["violence"] == 0.25
    assert [each["sexual"] for each in two["reply"]["flagged_each"]][1] == 0.75
    assert parts["when"]["body"] == {"input": [image]}


@pytest.mark.parametrize("stream", [False, True])
def test_texts_go_on_again(tmp_path: Path, stream: bool) -> None:
    """An echo is of the request; what was cut ends as it did."""
    app = app_of(
        {"when": {"api": "completions", "user": "two"}, "reply": {"choices": ["Ha.", "Ho."]}},
        {"when": {"api": "completions"}, "reply": "One two three four."},
    )
    bodies: list[dict[str, Any]] = [
        {"prompt": "joke", "echo": True},
        {"prompt": "two", "n": 2},
        {"prompt": "cut", "max_tokens": 2},
        {"prompt": ["a", "b"], "echo": True},
        {"prompt": TOKENS},
        {},
    ]
    asked: list[Asked] = [
        ("/v1/completions", {"model": INSTRUCT, "stream": stream, **body}) for body in bodies
    ]
    scenario = check(app, asked, tmp_path)
    assert [rule["reply"] for rule in scenario["rules"]] == [
        "One two three four.",
        {"choices": ["Ha.", "Ho."]},
        {"text": "One two", "finish": "length"},
        "One two three four.",
        "One two three four.",
        "One two three four.",
    ]


@pytest.mark.parametrize("prompt", [0, False, 1.5, {"a": 1}, [1.5], [[]], []], ids=str)
def test_odd_prompts_that_leniency_takes_harm_nothing(prompt: Any) -> None:
    app = app_of({"when": {"api": "completions"}, "reply": "Ha."}, validation="lenient")
    send(app, "/v1/completions", {"model": INSTRUCT, "prompt": prompt})
    assert yaml.safe_load(replay(records(app)))["otherwise"] == "fail"


def test_texts_of_several_prompts_that_differ_are_left_out() -> None:
    """One reply is for all prompts; and what tokens say is not known here."""
    app = app_of({"when": {"api": "completions"}, "reply": "Ha ${user}"})
    send(app, "/v1/completions", {"model": INSTRUCT, "prompt": TOKENS, "echo": True})
    send(app, "/v1/completions", {"model": INSTRUCT, "prompt": ["a", "b"]})
    kept = records(app)
    kept[1]["reply"]["choices"][0]["text"] = "Other"
    text = replay(kept)
    why = "several prompts with texts of their own, or an echo of tokens"
    assert f"# Left out, {why}: 1, 2\n" in text
