"""What guards make of a request and of its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockdock.engine.conditions import text_test
from mockdock.reply import Completion, Failure, Reply
from mockdock.request import Request
from mockdock.scenario import GuardSpec

__all__ = ["Guards"]


class Guards:
    """The guards of a scenario, by id; where it has none, any id is one that lets all pass."""

    def __init__(self, specs: Mapping[str, GuardSpec] | None) -> None:
        self._specs = specs or {}
        self._fails: dict[str, Callable[[str], bool]] = {
            name: text_test(spec) if spec.verdict is None else _always(spec.verdict == "fail")
            for name, spec in self._specs.items()
        }

    def before(self, request: Request) -> Failure | None:
        """Refuse a request by the last message of its user; of several guards the first tells.

        So is one that names a guard there is not, and one for a stream that a guard of
        answers would have to read first.
        """
        asked = self._asked(request)
        for name in asked:
            spec = self._specs.get(name)
            if spec is None:
                return Failure("no_guard", request.model, what=name)
            if spec.stage == "output" and request.stream:
                message = "Output guardrails not supported in streaming"
                return Failure("bad_request", request.model, message=message)
        return self._stopped(request, "input", (request.user_text,))

    def after(self, request: Request, reply: Reply) -> Reply:
        """Give a failure for an answer that a guard does not let pass, else the answer."""
        if not isinstance(reply, Completion) or not self._asked(request):
            return reply
        texts = tuple(each.text or each.refusal_text or "" for each in reply.choices)
        return self._stopped(request, "output", texts) or reply

    def _asked(self, request: Request) -> tuple[str, ...]:
        account = request.account
        return () if account is None or not self._specs else account.guards

    def _stopped(self, request: Request, stage: str, texts: tuple[str, ...]) -> Failure | None:
        for name in self._asked(request):
            if self._specs[name].stage == stage and any(map(self._fails[name], texts)):
                return Failure("guard", request.model, what=name)
        return None


def _always(verdict: bool) -> Callable[[str], bool]:
    return lambda _: verdict
