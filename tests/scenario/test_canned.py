"""Canned replies: files in the place of their names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mockdock import resources
from mockdock.errors import ScenarioError
from mockdock.scenario import ReplySpec, UsageSpec, canned, load
from mockdock.scenario.placeholders import split

COMPLETION: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hi ${x}", "refusal": None},
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 9,
        "completion_tokens": 3,
        "total_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 1, "audio_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": None},
    },
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the working directory; shipped fixtures are beside it."""
    (tmp_path / "shipped").mkdir()
    (tmp_path / "shipped" / "shipped.txt").write_text("from the package")
    monkeypatch.setattr(resources, "fixtures", lambda: tmp_path / "shipped")
    work = tmp_path / "work"
    (work / "fixtures" / "deep").mkdir(parents=True)
    (work / "beside.txt").write_text("beside ${not} $${a} name")
    (work / "fixtures" / "inside.txt").write_text("inside")
    (work / "fixtures" / "beside.txt").write_text("never seen")
    (work / "fixtures" / "deep" / "plain.json").write_text('{\n "a": 1}\n')
    (work / "completion.json").write_text(json.dumps(COMPLETION))
    monkeypatch.chdir(work)
    return work


def opened(reply: Any, **more: Any) -> ReplySpec:
    """Load a scenario of one rule with this reply."""
    answer = load({"mockdock": 1, "rules": [{"reply": reply, **more}]}).scenario.rules[0].reply
    assert isinstance(answer, ReplySpec)
    assert answer.file is None
    return answer


def wrong(reply: Any) -> str:
    """Load a scenario with this reply, which is wrong in one way."""
    with pytest.raises(ScenarioError) as caught:
        load({"mockdock": 1, "rules": [{"reply": reply}]})
    (problem,) = caught.value.problems
    return str(problem)


@pytest.mark.usefixtures("folder")
def test_text_is_answered_as_it_is() -> None:
    """What looks like a name in a file is no name."""
    text = opened({"file": "beside.txt"}).text
    assert text is not None
    assert split(text) == ("beside ${not} $${a} name",)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("inside.txt", "inside"),
        ("fixtures/inside.txt", "inside"),
        ("deep/plain.json", '{\n "a": 1}\n'),
        ("shipped.txt", "from the package"),
    ],
)
def test_file_is_searched_in_three_folders(name: str, text: str) -> None:
    assert opened({"file": name}).text == text


@pytest.mark.usefixtures("folder")
def test_completion_becomes_the_reply_it_holds() -> None:
    reply = opened({"file": "completion.json", "headers": {"a": "b"}, "pacing": {"tps": 5}})
    assert reply == ReplySpec(
        text="Hi $${x}",
        finish="stop",
        usage=UsageSpec(
            prompt_tokens=9,
            completion_tokens=3,
            total_tokens=12,
            cached_tokens=1,
            prompt_audio_tokens=2,
            reasoning_tokens=4,
        ),
        headers={"a": "b"},
        pacing={"tps": 5},
    )


@pytest.mark.usefixtures("folder")
def test_what_is_given_beside_a_file_wins() -> None:
    reply = opened({"file": "completion.json", "usage": {"total_tokens": 1}, "finish": "length"})
    assert reply.usage is not None
    assert (reply.usage.total_tokens, reply.usage.prompt_tokens) == (1, 9)
    assert reply.finish == "length"


def test_calls_refusals_and_choices_are_kept(folder: Path) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    custom = {"type": "custom", "custom": {"name": "c", "input": "free ${text}"}}
    messages = [
        {"content": None, "tool_calls": [call, custom]},
        {"content": "old", "function_call": {"name": "g", "arguments": "{}"}},
        {"content": None, "refusal": "no"},
        {"content": None},
    ]
    choices = [{"message": message} for message in messages]
    data = {"object": "chat.completion", "choices": choices}
    (folder / "many.json").write_text(json.dumps(data))
    assert opened({"file": "many.json"}) == ReplySpec.model_validate(
        {
            "choices": [
                {
                    "tool_calls": [
                        {"id": "call_1", "name": "f", "arguments": "{}"},
                        {"name": "c", "arguments": "free $${text}"},
                    ]
                },
                {"text": "old", "tool_calls": [{"name": "g", "arguments": "{}"}]},
                {"refusal": "no"},
                {"text": ""},
            ]
        }
    )


@pytest.mark.usefixtures("folder")
def test_files_are_opened_wherever_replies_are() -> None:
    loaded = load(
        {
            "mockdock": 1,
            "rules": [
                {"reply": {"choices": [{"file": "completion.json"}, "x"]}},
                {"replies": ["y", {"file": "inside.txt"}, {"error": 500}]},
                {"replies": ["z"]},
                {"reply": {"choices": ["z"]}},
            ],
            "otherwise": {"file": "inside.txt"},
        }
    )
    first, second, *_ = loaded.scenario.rules
    assert first.reply == ReplySpec.model_validate(
        {"choices": [{"text": "Hi $${x}", "finish": "stop"}, "x"]}
    )
    assert second.answers[1] == ReplySpec(text="inside")
    assert loaded.scenario.otherwise == ReplySpec(text="inside")
    assert [path.name for path in loaded.files] == ["completion.json", "inside.txt"]


def test_place_of_the_rule_is_kept(folder: Path) -> None:
    (folder / "a.yaml").write_text("mockdock: 1\nrules:\n- reply: {file: inside.txt}\n")
    loaded = load("a.yaml")
    assert loaded.scenario.rules[0].location == "a.yaml:3"
    assert [path.name for path in loaded.files] == ["a.yaml", "inside.txt"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("insid.txt", "no file 'insid.txt' (did you mean 'inside.txt'?)"),
        ("deep/plan.json", "no file 'deep/plan.json' (did you mean 'deep/plain.json'?)"),
        ("../../x", "no file '../../x'"),
        ("a\0b", "no file 'a\\x00b'"),
        ("../out.txt", "the file '../out.txt' is outside of the scenario's folder"),
        ("link.txt", "the file 'link.txt' is outside of the scenario's folder"),
        ("away/out.txt", "the file 'away/out.txt' is outside of the scenario's folder"),
        ("bytes.txt", "'bytes.txt' is not UTF-8 text: byte 1 is wrong"),
        ("broken.json", "'broken.json' is not JSON: "),
        ("none.json", "'none.json' is not a whole chat completion"),
        ("odd.json", "'odd.json' is not a whole chat completion"),
        ("wrong.json", "'wrong.json' does not fit here: finish: unknown value 'x', one of: stop"),
        ("large.txt", "'large.txt' is larger than 0 MB"),
    ],
)
def test_wrong_file_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.setattr(canned, "LARGEST", 100)
    (folder.parent / "out.txt").write_text("out")
    (folder / "link.txt").symlink_to(folder.parent / "out.txt")
    (folder / "fixtures" / "away").symlink_to(folder.parent)
    (folder / "bytes.txt").write_bytes(b"a\xff")
    (folder / "broken.json").write_text('{"a": }')
    (folder / "none.json").write_text('{"object": "chat.completion", "choices": []}')
    (folder / "odd.json").write_text('{"object": "chat.completion", "choices": [{"message": 3}]}')
    (folder / "large.txt").write_text("x" * 101)
    (folder / "wrong.json").write_text(
        '{"object":"chat.completion","choices":[{"message":{},"finish_reason":"x"}]}'
    )
    text = wrong({"file": name})
    assert text.startswith(f"rules[0].reply.file: {message}")


def test_absolute_path_is_refused(folder: Path) -> None:
    assert "is outside of the scenario's folder" in wrong({"file": str(folder / "beside.txt")})


def test_folder_that_cannot_be_listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert folder.is_dir()
    assert wrong({"file": "insid.txt"}) == (
        "rules[0].reply.file: no file 'insid.txt' "
        "(looked into the scenario's folder, its 'fixtures' and the shipped ones)"
    )
