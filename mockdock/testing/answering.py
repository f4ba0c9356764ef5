"""The verbs that say what is answered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mockdock.errors import UsageError
from mockdock.scenario import placeholders
from mockdock.testing.checks import seconds, short, whole
from mockdock.testing.spec import Answer, Function

if TYPE_CHECKING:
    from mockdock.limit import RetryHeader
    from mockdock.reply import ErrorKind, Finish
    from mockdock.testing.rules import RuleHandle

__all__ = ["Answering", "Duration"]

Duration = str | float | timedelta
"""A time: in seconds, or as the language writes it."""

_ABSENT: Any = object()
_MOST_ATTEMPTS = 10_000


class Answering(ABC):
    """The verbs that say what is answered.

    >>> dock.reply("Hello!").then.fail("overloaded")
    """

    @abstractmethod
    def _answer(
        self, answers: Sequence[Answer | Function], *, attempts: bool = False
    ) -> RuleHandle:
        """Let a rule give these answers; with ``attempts`` the last is not repeated."""

    def reply(
        self,
        text: str | None = None,
        *,
        file: str | Path | None = None,
        refusal: str | None = None,
        generate: Mapping[str, Any] | None = None,
        reasoning: int | str | None = None,
        tool_calls: Sequence[Mapping[str, Any]] | None = None,
        choices: Sequence[Answer] | None = None,
        embedding: Sequence[float] | Literal["auto"] | None = None,
        embeddings: Sequence[Sequence[float]] | None = None,
        flagged: Sequence[str] | Mapping[str, float] | Literal["auto"] | None = None,
        flagged_each: Sequence[Sequence[str] | Mapping[str, float]] | None = None,
        finish: Finish | None = None,
        logprobs: Mapping[str, float] | None = None,
        usage: Mapping[str, int] | None = None,
        headers: Mapping[str, str] | None = None,
        pacing: Mapping[str, Any] | None = None,
        faults: Sequence[str | Mapping[str, Any]] | None = None,
        json: Any = _ABSENT,
    ) -> RuleHandle:
        """Answer with a reply, in the words of the scenario language.

        That goes for ``${...}`` in its texts, too: ``$${`` is a literal ``${``.
        ``faults`` are what breaks of it. Raises ScenarioError for what the language
        does not allow.

        >>> dock.when(user="weather").reply("Sunny.", usage={"prompt_tokens": 7})
        >>> dock.reply(json={"city": "Paris"})
        >>> dock.when(user="story").reply("Once upon a time", faults=["truncate"])
        >>> dock.when(api="embeddings").reply(embedding=[0.6, 0.8])
        >>> dock.when(api="moderations").reply(flagged=["violence"])
        """
        given = {
            "text": text,
            "file": None if file is None else str(file),
            "refusal": refusal,
            "generate": generate,
            "reasoning": reasoning,
            "tool_calls": tool_calls,
            "choices": choices,
            "embedding": embedding,
            "embeddings": embeddings,
            "flagged": flagged,
            "flagged_each": flagged_each,
            "finish": finish,
            "logprobs": logprobs,
            "usage": usage,
            "headers": headers,
            "pacing": pacing,
            "faults": faults,
        }
        spoken = {name: value for name, value in given.items() if value is not None}
        if json is not _ABSENT:
            spoken["json"] = json
        return self._answer([spoken])

    def replies(self, *answers: Answer | Function) -> RuleHandle:
        """Answer with one after the other; the last is repeated, unless ``after_last`` says more.

        An answer is a text, a reply or an error in the words of the language,
        or a function as for :meth:`respond_with`.

        >>> dock.replies("one", {"error": "rate_limit"}, "two")
        """
        if not answers:
            raise UsageError("replies() needs at least one answer")
        return self._answer(answers)

    def call_tool(self, name: str, /, **arguments: Any) -> RuleHandle:
        """Call a tool with these arguments, whatever their names; texts are taken as they are.

        >>> dock.when(user="weather").call_tool("get_weather", city="Paris")
        """
        return self._answer([{"tool_calls": [{"name": name, "arguments": _literal(arguments)}]}])

    def call_tools(self, *calls: str | tuple[str, Mapping[str, Any] | str]) -> RuleHandle:
        """Call several tools at once: names, or pairs of name and arguments.

        Arguments that are a text go out as they are, be they JSON or not.

        >>> dock.call_tools(("get_weather", {"city": "Paris"}), "get_time")
        """
        if not calls:
            raise UsageError("call_tools() needs at least one call")
        return self._answer([{"tool_calls": [_call(each) for each in calls]}])

    def refuse(self, text: str = "I'm sorry, I can't help with that.") -> RuleHandle:
        """Refuse, as a model does, in these words.

        >>> dock.when(user="secret").refuse()
        """
        return self._answer([{"refusal": _literal(text)}])

    def fail(
        self,
        error: ErrorKind | int = "server_error",
        *,
        attempts: int | None = None,
        retry_after: Duration | None = None,
        message: str | None = None,
        type: str | None = None,  # noqa: A002 - the name of the field
        param: str | None = None,
        code: str | None = None,
        header: RetryHeader | None = None,
        should_retry: bool | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RuleHandle:
        """Fail with an error of the API: its kind, or an HTTP status.

        With ``attempts`` only so many attempts fail (of each conversation, where the
        rule began with ``when(per="request")``, as clients that tell their retries count);
        what comes after is answered by ``.then``, or by the rules behind.
        ``retry_after`` is in seconds, or a duration such as "2s"; like all
        time it is scaled, so that no test really waits for it. ``header`` is the form
        in which it is told: both, seconds, ms, date, none or lies.

        >>> dock.fail("rate_limit", attempts=2, retry_after=20).then.reply("At last.")
        """
        count = 1 if attempts is None else whole("attempts", attempts, 1, _MOST_ATTEMPTS)
        given = {
            "error": error,
            "message": message,
            "type": type,
            "param": param,
            "code": code,
            "retry_after": None if retry_after is None else _duration(retry_after),
            "header": header,
            "should_retry": should_retry,
            "headers": headers,
        }
        spoken = {name: value for name, value in given.items() if value is not None}
        return self._answer([spoken] * count, attempts=attempts is not None)

    def respond_with(self, function: Function) -> RuleHandle:
        """Ask a function, plain or async, for the answer to each request.

        It gets a :class:`CallRequest` and gives a text, taken as it is, or a
        reply or an error in the words of the language. A plain function runs
        in a thread of its own, an async one in the server's event loop, where it
        must not block. What it raises makes the test fail; the client gets a
        500 it does not retry.

        >>> dock.respond_with(lambda request: request.user.upper())
        >>> dock.respond_with(lambda request: {"error": 503} if request.attempt < 2 else "Yes.")
        """
        if not callable(function):
            raise UsageError(f"respond_with() takes a function, got {short(function)}")
        return self._answer([function])


def _call(given: Any) -> Any:
    """Write a tool call in the words of the language. Raises UsageError."""
    match given:
        case str() as name:
            return {"name": name}
        case (str() as name, Mapping() | str() as arguments):
            return {"name": name, "arguments": _literal(arguments)}
    raise UsageError(
        f"call_tools() takes names, and pairs of name and arguments; got {short(given)}"
    )


def _literal(value: Any) -> Any:
    """Keep ``${`` in values that Python made: they are no templates."""
    if isinstance(value, str):
        return placeholders.escape(value)
    if isinstance(value, Mapping):
        return {key: _literal(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_literal(inner) for inner in value]
    return value


def _duration(given: Duration) -> str:
    """Write a time as the language does. Raises UsageError for what is none."""
    if isinstance(given, str):
        return given
    length = given.total_seconds() if isinstance(given, timedelta) else given
    return f"{seconds('retry_after', length):f}s"
