"""What the tests of the audit share: records in a few words, and clients that are simulated."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mockdock.observe.audit import Audit, audit
from mockdock.policy import Policy

__all__ = ["EPOCH", "Client", "Reply", "only", "openai_wait", "record", "records", "verdicts"]

EPOCH = 1_700_000_000.0

Asked = dict[str, Any]


def record(
    number: int,
    at: float,
    status: int = 200,
    *,
    user: str = "hello",
    length: float = 0.0,
    headers: dict[str, str] | None = None,
    reply: dict[str, str] | None = None,
    code: str | None = None,
    ending: str = "completed",
    stream: bool = False,
    sent: int = 100,
    tokens: int = 0,
    **fields: Any,
) -> Asked:
    """Make a record of a chat request that arrived at ``at`` and took ``length`` seconds."""
    messages = fields.pop("messages", [{"role": "user", "content": user}])
    model = fields.pop("model", "gpt-4o")
    body = {"model": model, "messages": messages, **fields.pop("body", {})}
    error = None if status < 400 else {"message": "no", "type": "some_error", "code": code}
    usage = {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}
    return {
        "number": number,
        "session": "",
        "started": EPOCH + at,
        "duration": length,
        "method": "POST",
        "path": "/v1/chat/completions",
        "status": status,
        "attempt": 1,
        "model": model,
        "stream": stream,
        "request": {"headers": headers or {}, "body": json.dumps(body)},
        "reply": {
            "headers": reply or {},
            "chunks": [json.dumps({"error": error})] if error else ["data"],
            "retry_after": None,
        },
        "usage": usage if tokens else None,
        "outcome": {"ending": ending, "frames": 1, "bytes": sent},
        **fields,
    }


def records(*rows: tuple[float, int], **fields: Any) -> list[Asked]:
    """Make a record for each (moment, status)."""
    return [record(number, at, status, **fields) for number, (at, status) in enumerate(rows, 1)]


def verdicts(given: Sequence[Asked], policy: Policy) -> dict[str, str]:
    """Give the verdict by line."""
    return {line.name: line.verdict for line in audit(given, policy).lines}


def only(found: Audit, name: str) -> Any:
    """Give a line by its name."""
    return next(line for line in found.lines if line.name == name)


@dataclass
class Reply:
    """What a simulated server answers."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    code: str | None = None


@dataclass
class Client:
    """A client on its own: tries until it is answered, ``most`` times, as ``wait`` says.

    ``wait`` gets the reply and how many tries there were, and gives seconds, or
    None to stop.
    """

    wait: Callable[[Reply, int], float | None]
    most: int
    counts: bool = False
    session: str = ""

    def run(
        self,
        start: float,
        answer: Callable[[float, int], Reply],
        numbers: itertools.count[int],
        user: str = "hello",
    ) -> list[Asked]:
        """Give the records of one call."""
        made: list[Asked] = []
        at = start
        for tried in range(1, self.most + 1):
            reply = answer(at, tried)
            counted = {"x-stainless-retry-count": str(tried - 1)} if self.counts else {}
            made.append(
                record(
                    next(numbers),
                    at,
                    reply.status,
                    user=user,
                    code=reply.code,
                    reply=reply.headers,
                    headers={"user-agent": "OpenAI/Python 3.54.0", **counted},
                    session=self.session,
                )
            )
            wait = self.wait(reply, tried)
            if reply.status < 400 or wait is None:
                break
            at += wait
        return made


def openai_wait(rng: Random) -> Callable[[Reply, int], float | None]:
    """Wait as openai-python 3.54 does: its documented rules, written down once more."""

    def wait(reply: Reply, tried: int) -> float | None:
        told = reply.headers
        demanded = None
        if "retry-after-ms" in told:
            demanded = float(told["retry-after-ms"]) / 1000
        elif "retry-after" in told:
            demanded = float(told["retry-after"])
        if demanded is not None and demanded > 120:
            return None
        should = told.get("x-should-retry")
        retryable = reply.status in (408, 409, 429) or reply.status >= 500
        if should == "false" or (should != "true" and not retryable):
            return None
        if demanded is not None and demanded > 0:
            return demanded
        return min(0.5 * 2.0 ** (tried - 1), 8.0) * (1 - 0.25 * rng.random())

    return wait
