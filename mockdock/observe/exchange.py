"""One exchange: what was asked, what was said, how it ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field

from mockdock.fault import Fault
from mockdock.frames import Cut, Frame, Head, Outcome, Raw
from mockdock.gateways import USUAL, Gateways
from mockdock.question import Account
from mockdock.reply import Failure, Reply
from mockdock.request import DialectName, Request

__all__ = ["Exchange", "Observer"]

Timed = tuple[float, Frame | Raw | Cut]


@dataclass(slots=True)  # not frozen: made for every request, which takes half as long
class Exchange:
    """A request and its answer, once it is about to be complete.

    ``headers`` of the request have lower-case names; ``body`` is as it came,
    empty when it was not read. ``asked`` is the request, None when it could not be
    parsed, or what reads it off the rest if somebody looks at it: a plain one then, that is
    no stream and on no account. ``rule`` is the name of the rule that answered, ``rule_key`` what
    it is counted by. ``started`` is in seconds since 1970, ``duration`` in
    scenario seconds, both by the session's clock. ``late`` tells that its session
    began anew meanwhile, or was closed. ``told`` makes anew what was to leave; ``outcome``
    tells how many frames of it were sent. ``at`` is when the request
    arrived, in scenario seconds since the session began; a scenario second took
    ``time_scale`` real ones. ``era`` is another one whenever a session begins anew, in this
    run of a server or another. ``faults`` are what was broken on purpose;
    ``trouble`` names what else than the rule had a hand in the answer, as "limits[0]".
    ``dialect`` is the one it came in by, ``gateways`` what the scenario said of each.
    ``came`` is when the request arrived in real time, by ``time.monotonic()``. ``uncounted``
    tells that it ended as soon as its rule was chosen, whose use is not counted yet. ``weight`` is
    about how many bytes it takes, once a journal has weighed it.
    """

    method: str
    path: str
    session: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    asked: Request | Callable[[Exchange], Request] | None
    reply: Reply
    rule: str | None
    rule_key: str | None
    attempt: int
    head: Head
    outcome: Outcome
    started: float
    duration: float
    told: Callable[[Exchange], Iterator[Timed]] = field(repr=False)
    late: bool = False
    at: float = 0.0
    time_scale: float = 1.0
    era: int = 0
    faults: tuple[Fault, ...] = ()
    trouble: str = ""
    dialect: DialectName = "openai"
    gateways: Gateways = USUAL
    came: float | None = None
    uncounted: bool = False
    weight: int = field(default=0, init=False, repr=False, compare=False)

    def timed(self) -> Iterator[Timed]:
        """Make anew what was to leave, broken as it was.

        Each with its moment in scenario seconds after the request arrived.
        """
        return self.told(self)

    def rendered(self) -> Iterator[Frame | Raw]:
        """Make anew the frames that were to leave."""
        return (item for _, item in self.timed() if not isinstance(item, Cut))

    @property
    def request(self) -> Request | None:
        """The request, None when it could not be parsed."""
        if callable(self.asked):
            self.asked = self.asked(self)
        return self.asked

    @property
    def account(self) -> Account | None:
        """Whose traffic a gateway keeps it as, None where it is nobody's."""
        return self.asked.account if isinstance(self.asked, Request) else None

    @property
    def streamed(self) -> bool:
        """Whether a stream was asked for."""
        return isinstance(self.asked, Request) and self.asked.stream

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.head.status

    @property
    def missed(self) -> bool:
        """Whether it went past every rule, or past every path there is."""
        return isinstance(self.reply, Failure) and self.reply.kind in _MISSES


_MISSES = frozenset({"no_match", "exhausted", "unknown_url", "invalid_url", "wrong_method"})

Observer = Callable[[Exchange], Awaitable[None] | None]
"""Gets every exchange before its last byte leaves; must be quick and not raise.

Where it gives something to await, the last byte waits for that. It is called in a context of
its request's own, in the loop of the server, but maybe in none of its tasks.
"""
