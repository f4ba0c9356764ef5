"""What became of a request's charges: how a refusal is told, and what it really cost."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Sequence
from dataclasses import replace

from msgspec import Struct, structs

from mockdock.content.catalogue import Model
from mockdock.content.pricing import cost
from mockdock.embedding import Embeddings
from mockdock.engine.limits import Meter, Tariff
from mockdock.engine.meters import Charge, Reading, left
from mockdock.engine.spending import corrected
from mockdock.engine.store import Pick, Store
from mockdock.limit import Standing, Standings
from mockdock.reply import Completion, Failure, Reply

__all__ = ["Admission"]

_CLOSE = 1e-6
_DONE = (Completion, Embeddings)
_MADE = tuple.__new__  # a named tuple is made by it in half the time
_REFUSED_BY = {"rate_limit": "requests", "tokens_limit": "tokens"}


class Admission(Struct, frozen=True):
    """What was charged to a request, and how the meters stood afterwards.

    Where the ``pick`` tells of refusers, which had no room, nothing but tolls was charged.
    ``at`` is when it was charged.
    """

    tariff: Tariff
    charges: Sequence[Charge]
    pick: Pick
    at: float

    @property
    def refused(self) -> bool:
        """Whether one of the meters had no room."""
        return bool(self.pick.refusers)

    def standings(self, reply: Reply, *, streamed: bool) -> Standings:
        """Tell of requests and tokens, each by the meter that has the least left.

        They tell how it will be when all of the reply has been sent. But while
        a stream lasts, all that was charged for it is held.
        """
        requests: Standing | None = None
        tokens: Standing | None = None
        charges, pick = self.charges, self.pick
        levels, refused, real = pick.levels, pick.refusers, 0
        if isinstance(reply, _DONE):
            real = reply.usage.prompt_tokens + reply.usage.completion_tokens
        for place, meter in self.tariff.told:
            charge, level = charges[place], levels[place]
            if meter.counts != "requests":
                surplus = 0.0 if refused else charge.cost - real
                if surplus and not (streamed and surplus > 0):
                    level = corrected(charge, level, surplus)
            used, _, reset = level
            standing = _MADE(Standing, (meter.whole, left(charge, used), reset, meter.window))
            if meter.counts == "requests":
                requests = standing if requests is None else min(requests, standing, key=_room)
            else:
                tokens = standing if tokens is None else min(tokens, standing, key=_room)
        return _MADE(Standings, (requests, tokens))

    def _rows(self) -> zip[tuple[Meter, Charge, Reading]]:
        return zip(self.tariff.meters, self.charges, self.pick.readings, strict=True)

    def failure(self, model: str) -> Failure | None:
        """Tell in which words a request is refused; None when it was let through.

        Of several meters that had no room, the one that makes it wait longest is
        told. The wait is that until all of them let it through, and those that
        have none left now.
        """
        if not self.refused:
            return None
        meter, charge, reading = self._refuser()
        if meter.counts == "spent":
            return Failure("quota", model)
        requested = math.ceil(charge.cost)
        if math.isinf(reading.wait):
            return Failure(
                "request_too_large",
                model,
                measure=meter.measure,
                limit=int(charge.limit),
                used=requested,
            )
        return Failure(
            "tokens_limit" if meter.counts == "tokens" else "rate_limit",
            model,
            measure=meter.measure,
            limit=int(charge.limit),
            used=math.ceil(reading.used - _CLOSE),
            requested=requested,
            retry_after=max(each.wait for each in self.pick.readings),
            retry_header=meter.header,
        )

    def numbered(self, failure: Failure) -> Failure:
        """Let a refusal that is made up tell the numbers of a limit there is, as if it were full.

        Without such a limit, or with numbers of its own, it stays as it is.
        """
        counted = _REFUSED_BY.get(failure.kind)
        if counted is None or failure.limit is not None:
            return failure
        rows = [row for row in self._rows() if row[0].counts == counted]
        if not rows:
            return failure
        meter, charge, _ = min(rows, key=lambda row: row[1].limit)
        limit = int(charge.limit)
        return replace(
            failure,
            measure=meter.measure,
            limit=limit,
            used=limit,
            requested=max(1, math.ceil(charge.cost)),
        )

    @property
    def origin(self) -> str:
        """Name the limit whose refusal is told."""
        return self._refuser()[0].place

    def _refuser(self) -> tuple[Meter, Charge, Reading]:
        rows = list(self._rows())
        return max((rows[place] for place in self.pick.refusers), key=lambda row: row[2].wait)

    def settle(
        self,
        store: Store,
        session: str,
        done: Completion | Embeddings | None,
        model: Model,
        said: int,
        age: float,
    ) -> Awaitable[None] | None:
        """Correct charges that were too high, once it is known what was ``done``.

        ``said`` are the completion tokens that left for the client.
        """
        pick = self.pick
        if pick.refusers:
            return None
        spoken = real = 0
        if done is not None:
            usage = done.usage
            spoken = min(said, usage.completion_tokens)
            real = usage.prompt_tokens + spoken
        amounts: list[tuple[Charge, float]] = []
        charges = self.charges
        for place, meter in self.tariff.settled:
            charge = charges[place]
            if meter.counts == "running":
                amounts.append((charge, 1.0))
            elif done is not None and meter.measure == "cost_budget":
                spent = cost(model, structs.replace(done.usage, completion_tokens=spoken))
                amounts.append((charge, -spent))
            elif charge.cost != real:
                amounts.append((charge, charge.cost - real))
        if not amounts:
            return None
        return store.settle(session, pick.serial, amounts, taken=self.at, now=age)


def _room(standing: Standing) -> tuple[int, float]:
    """Order meters: the one with the least left comes first, then the one that lasts longest."""
    return standing.remaining, -standing.reset
