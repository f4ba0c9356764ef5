"""Trails: the way of requests that differ from others before them in their words alone.

What of an answer depends on the parameters only is worked out once, by answering the usual
way; what depends on words, counts and time is worked out for each by the same functions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from msgspec import Struct

from mockdock.content.catalogue import Model
from mockdock.content.prefix import LEAST
from mockdock.content.tokens import tokenizer
from mockdock.engine.admission import Admission
from mockdock.engine.chance import Entropy, Spoken, entropy_of, fingerprint_of
from mockdock.engine.compose import usage_of
from mockdock.engine.decision import Decision
from mockdock.engine.limits import estimate
from mockdock.engine.match import Compiled, Index
from mockdock.engine.meters import Charge
from mockdock.engine.prompts import prompt_of
from mockdock.engine.refuse import room_of
from mockdock.engine.store import OwnStore, Pick, Store
from mockdock.engine.threshold import Threshold
from mockdock.frames import Frame
from mockdock.reply import Completion, Reply
from mockdock.request import Caller, Message, Request, Role
from mockdock.scenario import ReplySpec

__all__ = ["Lane", "Said", "Trail", "Trails", "Walk"]

Said = Sequence[tuple[Role, str]]
"""Messages that are a role and a text."""

V = TypeVar("V")

_OFTEN = 4
"""So many requests go the usual way before a trail is made of it."""
_MOST_TRAILS, _MOST_SEEN, _MOST_BILLS = 16, 64, 512
_LONGEST_KEY = 200
_ROLES: tuple[Role, ...] = ("user", "assistant", "system", "developer")


class Lane(Struct, eq=False):
    """What a rule answers on a trail: ``reply`` is what it once said, and says again.

    ``told`` renders that, once somebody has said how.
    """

    compiled: Compiled
    reply: Completion
    told: Callable[[Completion], Frame] | None = None


class _Bill(NamedTuple):
    """What a request is charged, by how much each of it is too high, and what it really costs."""

    charges: Sequence[Charge]
    surpluses: Sequence[float]
    costs: Sequence[Charge]


class Walk(Struct, eq=False):
    """A request that went a trail up to its step; ``admission`` is what limits made of it.

    It is charged what its whole reply costs: where that is not given, it is to be taken back.
    """

    trail: Trail
    lane: Lane
    caller: Caller
    tokens: int
    admission: Admission | None
    pick: Pick
    entropy: Entropy

    def take_back(self, age: float) -> Awaitable[None] | None:
        """Give back the tokens of a reply that cannot be given, as ``Threshold`` does."""
        admission, trail = self.admission, self.trail
        if admission is None:
            return None
        return admission.settle(trail.store, self.caller.session, None, trail.model, 0, age)

    def reply(self, created: int) -> Completion:
        """Say what the rule always says."""
        said = self.lane.reply
        usage = said.usage
        return Completion(
            self.entropy.completion_id(self.pick.seen),
            created,
            said.model,
            said.choices,
            usage_of(self.tokens, usage.completion_tokens, usage.reasoning_tokens, 0, 0),
            said.system_fingerprint,
            said.service_tier,
            said.reasoning_model,
            shared=True,
        )


class Trail:
    """One trail: a ``request`` without its words, and what each word and rule makes of it.

    What ``reads`` a request that went it, and ``tells`` its reply again, off whatever is kept
    of them, is for others to say.
    """

    def __init__(self, trails: Trails, store: OwnStore, request: Request, model: Model) -> None:
        bare = request.but(messages=(), caller=Caller(), headers={}, body={}, raw=b"")
        self.request = bare
        self.model = model
        self.store = store
        self.reads: Callable[[Any], Request] | None = None
        self.tells: Callable[[Any], Iterator[Any]] | None = None
        self.lanes: dict[int, Lane] = {}
        self._trails = trails
        self._tools = [tool.name for tool in bare.tools]
        self._count = tokenizer(model.encoding).count
        self._start = prompt_of(bare, model).tokens
        self._roles = dict(self._costs(bare, model))
        self._most = min(LEAST - 1, room_of(bare, model))
        self._bills: dict[tuple[str, int, int], _Bill] = {}

    def _costs(self, bare: Request, model: Model) -> Iterable[tuple[Role, int]]:
        """Give what a message without words costs, but of a role that changes what others do."""
        sections = bare.tools or bare.response_format.kind == "json_schema"
        for role in _ROLES[:2] if sections else _ROLES:
            once = prompt_of(bare.but(messages=(Message(role),)), model).tokens
            yield role, once - self._start

    def walk(
        self, said: Said, caller: Caller, whole: Callable[[], Request], age: float
    ) -> Walk | None:
        """Go this way up to the step, or nowhere where a request has to go the usual one.

        ``whole`` reads all of the request, for rules that look at more than the user's words.
        """
        trails = self._trails
        tokens, asked = self.tokens(said)
        if not 0 <= tokens <= self._most:
            return None
        fitting = trails.index.among("chat", asked, whole)
        lane = self.lanes.get(fitting[0].index) if len(fitting) == 1 else None
        if lane is None:
            return None
        bare, compiled, session = self.request, lane.compiled, caller.session
        bill = self._bills.get((caller.key, tokens, compiled.index))
        if bill is None:
            bill = self._bill(caller, tokens, lane)
        charges, surpluses, costs = bill
        identity = fingerprint_of("chat", bare.model, self._tools, list(map(_spoken, said)))
        pick = self.store.decide_known(
            session, identity, caller.attempt, compiled.candidate, charges, surpluses, age
        )
        called = session if trails.called is None else trails.called
        entropy = entropy_of(bare, identity, trails.seed, called, compiled.chance)
        admission = trails.threshold.admission(bare, costs, pick, age) if costs else None
        return Walk(self, lane, caller, tokens, admission, pick, entropy)

    def tokens(self, said: Said) -> tuple[int, str]:
        """Count the tokens of a prompt, and give what its user said last.

        They are -1 where they are counted the usual way only.
        """
        total, count, roles = self._start, self._count, self._roles
        asked = ""
        for role, text in said:
            if role not in roles:
                return -1, ""
            if role == "user":
                asked = text
            total += roles[role] + count(text)
        return total, asked

    def _bill(self, caller: Caller, tokens: int, lane: Lane) -> _Bill:
        request = self.request.but(caller=caller)
        charged = estimate(request, tokens)
        threshold = self._trails.threshold
        charges = threshold.charges(request, self.model, charged)
        real = tokens + lane.reply.usage.completion_tokens
        costs = threshold.charges(request, self.model, real)
        pairs = zip(charges, costs, strict=True)
        over = [one.cost - other.cost for one, other in pairs]
        bill = _Bill(charges, over, costs)
        if len(caller.key) <= _LONGEST_KEY:
            if len(self._bills) >= _MOST_BILLS:
                self._bills.clear()
            self._bills[caller.key, tokens, lane.compiled.index] = bill
        return bill


class Trails:
    """The trails of an engine; none where trouble may be met, or where others decide.

    16 are kept, and of 64 sets of parameters how often they were seen; the oldest go first.
    """

    def __init__(
        self, index: Index, threshold: Threshold, store: Store | None, seed: int, called: str | None
    ) -> None:
        self.index = index
        self.threshold = threshold
        self.seed = seed
        self.called = called
        self._store = None if store is None else store.own
        self._open = not threshold.eventful
        self._known: dict[object, Trail] = {}
        self._seen: dict[object, int] = {}

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._known)

    def of(self, mark: object) -> Trail | None:
        """Give the trail of requests that share their parameters; see ``Request.recurs``."""
        return self._known.get(mark)

    def note(self, request: Request, decision: Decision, reply: Reply) -> None:
        """Learn from an answer that was given the usual way."""
        mark, compiled = request.recurs, decision.context.compiled
        if mark is None or not self._open or compiled is None or self._store is None:
            return
        if not isinstance(reply, Completion) or request.dialect in self.threshold.metered:
            return
        if not _is_alike(request, decision, compiled, reply):
            return
        known = self._known.get(mark)
        if known is None:
            seen = self._seen.pop(mark, 0) + 1
            if seen < _OFTEN:
                _put(self._seen, mark, seen, _MOST_SEEN)
                return
            known = Trail(self, self._store, request, decision.context.model)
            _put(self._known, mark, known, _MOST_TRAILS)
        said = [(message.role, message.text) for message in request.messages]
        if known.tokens(said)[0] == decision.context.prompt.tokens:
            known.lanes[compiled.index] = Lane(compiled, reply)


def _put(table: dict[object, V], mark: object, value: V, most: int) -> None:
    if len(table) >= most:
        del table[next(iter(table))]
    table[mark] = value


def _is_alike(request: Request, decision: Decision, compiled: Compiled, reply: Completion) -> bool:
    """Tell whether a rule answers each request with these parameters with the same words."""
    answer, usage = decision.answer, reply.usage
    if not (compiled.sure and compiled.candidate.plain and reply.shared):
        return False
    if request.api != "chat" or request.stream or request.store or request.account is not None:
        return False
    if not isinstance(answer, ReplySpec) or answer.faults or answer.usage is not None:
        return False
    if decision.encounter is not None or decision.trouble:
        return False
    known = usage_of(usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens, 0, 0)
    bare = replace(reply, warnings=(), headers={}, pacing=None, obfuscation=None, tells_usage=True)
    return reply == bare and usage == known


def _spoken(said: tuple[Role, str]) -> Spoken:
    role, text = said
    return role, None, [("text", text)], []
