"""What the tests of the engine share: requests in a few words, engines from rules."""

from __future__ import annotations

import asyncio
from typing import Any

from mockdock.engine import Decision, Engine
from mockdock.reply import Choice, Completion, Failure
from mockdock.request import Message, Request, Role, TextPart, Tool, ToolCall
from mockdock.scenario import Scenario

__all__ = [
    "CREATED",
    "after_tool",
    "ask",
    "completion",
    "engine",
    "failure",
    "only",
    "say",
    "scenario",
    "settled",
    "tools",
]

CREATED = 1_700_000_000


def say(role: Role, text: str, *calls: ToolCall, **fields: Any) -> Message:
    """Make a message of one text."""
    return Message(role, (TextPart(text),), tool_calls=calls, **fields)


def ask(text: str = "Hello", *before: Message, **fields: Any) -> Request:
    """Make a chat request that ends with a user's text."""
    given: dict[str, Any] = {"model": "gpt-4o", **fields}
    return Request("openai", "chat", messages=(*before, say("user", text)), **given)


def after_tool(result: str, arguments: str = "{}", name: str = "search", **fields: Any) -> Request:
    """Make a chat request that ends with the result of a tool."""
    given: dict[str, Any] = {"model": "gpt-4o", **fields}
    messages = (
        say("user", "Look it up"),
        Message("assistant", tool_calls=(ToolCall("call_1", name, arguments),)),
        say("tool", result, tool_call_id="call_1"),
    )
    return Request("openai", "chat", messages=messages, **given)


def tools(*names: str, **fields: Any) -> tuple[Tool, ...]:
    """Offer tools without parameters."""
    return tuple(Tool(name, **fields) for name in names)


def scenario(*rules: Any, **settings: Any) -> Scenario:
    """Make a scenario; a rule may be given as its reply alone."""
    spelled = [
        rule if isinstance(rule, dict) and ("reply" in rule or "replies" in rule) else reply(rule)
        for rule in rules
    ]
    return Scenario.model_validate({"mockdock": 1, "rules": spelled, **settings})


def reply(answer: Any) -> dict[str, Any]:
    """Make a rule that always answers."""
    return {"reply": answer}


def engine(*rules: Any, **settings: Any) -> Engine:
    """Make an engine from rules and settings of a scenario."""
    return Engine(scenario(*rules, **settings))


def settled(asked: Engine, request: Request) -> Decision:
    """Decide, and ask whom the decision still needs."""
    decision = asked.decide(request)
    return decision if decision.settled else asyncio.run(asked.consult(request, decision))


def completion(asked: Engine, request: Request) -> Completion:
    """Decide and compose; the answer must be a completion."""
    made = asked.compose(request, settled(asked, request), CREATED)
    assert isinstance(made, Completion), made
    return made


def failure(asked: Engine, request: Request) -> Failure:
    """Decide and compose; the answer must be a failure."""
    made = asked.compose(request, settled(asked, request), CREATED)
    assert isinstance(made, Failure), made
    return made


def only(made: Completion) -> Choice:
    """Give the one choice there is."""
    (choice,) = made.choices
    return choice
