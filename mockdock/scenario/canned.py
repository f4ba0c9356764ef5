"""Canned replies: the content of a file takes the place of its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from mockdock import resources
from mockdock.errors import Problem, ScenarioError
from mockdock.scenario import placeholders
from mockdock.scenario.base import Path as Place
from mockdock.scenario.base import nearest
from mockdock.scenario.documents import written
from mockdock.scenario.files import content, real
from mockdock.scenario.models import Rule, Scenario
from mockdock.scenario.problems import complaints
from mockdock.scenario.replies import ErrorSpec, ReplySpec

__all__ = ["Cans"]

LARGEST = 10_000_000


class Cans:
    """Canned files of the scenarios in one folder.

    ``files`` and ``problems`` collect what was read and what was wrong, each
    problem with its place in the scenario.
    """

    def __init__(self, folder: Path) -> None:
        self.files: list[Path] = []
        self.problems: list[tuple[Place, Problem]] = []
        self._folders = (folder, folder / "fixtures", resources.fixtures())
        self._limits = (folder, folder, resources.fixtures())

    def open(self, scenario: Scenario) -> Scenario:
        """Give the scenario with the content of all files in its replies."""
        rules = tuple(self._rule(rule, ("rules", at)) for at, rule in enumerate(scenario.rules))
        update: dict[str, Any] = {}
        if any(new is not old for new, old in zip(rules, scenario.rules, strict=True)):
            update["rules"] = rules
        if isinstance(scenario.otherwise, ReplySpec):
            update["otherwise"] = self._reply(scenario.otherwise, ("otherwise",))
        return scenario.model_copy(update=update) if update else scenario

    def _rule(self, rule: Rule, at: Place) -> Rule:
        if rule.reply is not None:
            reply = self._answer(rule.reply, (*at, "reply"))
            return rule if reply is rule.reply else rule.model_copy(update={"reply": reply})
        answers = rule.answers
        opened = tuple(self._answer(one, (*at, "replies", i)) for i, one in enumerate(answers))
        if all(new is old for new, old in zip(opened, answers, strict=True)):
            return rule
        return rule.model_copy(update={"replies": opened})

    def _answer(self, answer: ReplySpec | ErrorSpec, at: Place) -> ReplySpec | ErrorSpec:
        return self._reply(answer, at) if isinstance(answer, ReplySpec) else answer

    def _reply(self, reply: ReplySpec, at: Place, *, choice: bool = False) -> ReplySpec:
        if reply.choices is not None:
            pairs = enumerate(reply.choices)
            choices = tuple(self._reply(c, (*at, "choices", i), choice=True) for i, c in pairs)
            same = all(new is old for new, old in zip(choices, reply.choices, strict=True))
            return reply if same else reply.model_copy(update={"choices": choices})
        if reply.file is None:
            return reply
        place = (*at, "file")
        try:
            return _with_content(reply, self._load(reply.file), choice=choice)
        except ScenarioError as error:
            self.problems += [(place, problem) for problem in error.problems]
        except ValidationError as error:
            for inner, wrong in complaints(error):
                message = f"{reply.file!r} does not fit here: {written(inner)}: {wrong.message}"
                self.problems.append((place, Problem(message, hint=wrong.hint)))
        return reply

    def _load(self, name: str) -> Mapping[str, Any]:
        path = self._find(name)
        raw = content(path, LARGEST, name)
        self.files.append(path)
        if path.suffix.lower() != ".json":
            return {"text": placeholders.escape(_text(raw, name))}
        try:
            data = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            at = f"line {error.lineno}, column {error.colno}"
            raise ScenarioError([Problem(f"{name!r} is not JSON: {error.msg}, {at}")]) from None
        if isinstance(data, dict) and data.get("object") == "chat.completion":
            return _completion(data, name)
        return {"text": placeholders.escape(raw.decode())}

    def _find(self, name: str) -> Path:
        for folder, limit in zip(self._folders, self._limits, strict=True):
            path = real(folder / name)
            if path is None or not path.is_file():
                continue
            inside = real(limit)
            if Path(name).is_absolute() or inside is None or not path.is_relative_to(inside):
                hint = "copy it into the folder, or into its 'fixtures'"
                message = f"the file {name!r} is outside of the scenario's folder"
                raise ScenarioError([Problem(message, hint=hint)])
            return path
        known = {str(path) for folder in self._folders for path in _files(folder, name)}
        places = "the scenario's folder, its 'fixtures' and the shipped ones"
        hint = nearest(name, sorted(known)) or f"looked into {places}"
        raise ScenarioError([Problem(f"no file {name!r}", hint=hint)])


def _files(folder: Path, name: str) -> Iterator[Path]:
    near = (folder / name).parent
    try:
        if near.is_relative_to(folder) and ".." not in near.parts:
            yield from (path.relative_to(folder) for path in near.iterdir() if path.is_file())
    except (OSError, ValueError):
        return


def _text(raw: bytes, name: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        message = f"{name!r} is not UTF-8 text: byte {error.start} is wrong"
        raise ScenarioError([Problem(message)]) from None


def _with_content(reply: ReplySpec, loaded: Mapping[str, Any], *, choice: bool) -> ReplySpec:
    own = {name: value for name, value in reply if name in reply.model_fields_set}
    del own["file"]
    data = {**loaded, **own}
    if reply.usage is not None and "usage" in loaded:
        given = {name: value for name, value in reply.usage if value is not None}
        data["usage"] = {**loaded["usage"], **given}
    if choice and "usage" in loaded:
        del data["usage"]
    return ReplySpec.model_validate(data)


def _completion(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    try:
        choices = [_choice(choice) for choice in data["choices"]]
        usage = _usage(data.get("usage") or {})
    except (AttributeError, KeyError, TypeError):
        choices = []
    if not choices:
        raise ScenarioError([Problem(f"{name!r} is not a whole chat completion")])
    reply = choices[0] if len(choices) == 1 else {"choices": choices}
    return {**reply, "usage": usage} if usage else reply


def _choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    message = choice["message"]
    calls = [_call(call) for call in message.get("tool_calls") or ()]
    if legacy := message.get("function_call"):
        calls.append(_call({"function": legacy}))
    reply: dict[str, Any] = {}
    if message.get("refusal") is not None:
        reply["refusal"] = placeholders.escape(message["refusal"])
    elif message.get("content") is not None or not calls:
        reply["text"] = placeholders.escape(message.get("content") or "")
    if calls:
        reply["tool_calls"] = calls
    if choice.get("finish_reason") is not None:
        reply["finish"] = choice["finish_reason"]
    return reply


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function") or call["custom"]
    arguments = function["arguments"] if "arguments" in function else function["input"]
    known = {"name": function["name"], "arguments": placeholders.escape(arguments)}
    return {**known, "id": call["id"]} if call.get("id") else known


_DETAILS = {
    "prompt_tokens_details": {
        "cached_tokens": "cached_tokens",
        "audio_tokens": "prompt_audio_tokens",
    },
    "completion_tokens_details": {
        "reasoning_tokens": "reasoning_tokens",
        "audio_tokens": "completion_audio_tokens",
        "accepted_prediction_tokens": "accepted_prediction_tokens",
        "rejected_prediction_tokens": "rejected_prediction_tokens",
    },
}


def _usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        key: usage[key]
        for key in ("prompt_tokens", "completion_tokens", "total_tokens")
        if usage.get(key) is not None
    }
    for group, names in _DETAILS.items():
        details: Mapping[str, Any] = usage.get(group) or {}
        found |= {
            ours: details[theirs]
            for theirs, ours in names.items()
            if details.get(theirs) is not None
        }
    return found
