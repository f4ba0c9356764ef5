"""Past traffic made up, for a dashboard under development."""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from mockdock.accounts import Said
from mockdock.errors import UsageError
from mockdock.ledger.entry import Entry
from mockdock.question import Price

if TYPE_CHECKING:
    from faker import Faker

__all__ = ["PastModel", "PastUser", "history"]

_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_RHYTHM = (2, 1, 1, 1, 1, 2, 4, 8, 14, 18, 20, 19, 15, 17, 20, 19, 17, 14, 10, 8, 7, 6, 5, 3)
"""How busy each hour of a day is (UTC)."""
_WEEK = (1.0, 1.1, 1.1, 1.05, 0.9, 0.35, 0.3)
_TURNS = (5, 4, 3, 2, 1, 1)
_FAILURES = (429, 429, 429, 500, 503)
_LIMITED = 429
_SAID = 4
"""Tokens that a message has beside its text."""
_LETTERS = 4
"""Letters of a token, about."""


class PastModel(NamedTuple):
    """A model that was used: its price, and what share of the use it has.

    ``ttft_ms`` and ``tps`` (tokens per second after the first one) are medians.
    """

    provider: str
    model: str
    price: Price
    share: float = 1.0
    ttft_ms: float = 400.0
    tps: float = 60.0


class PastUser(NamedTuple):
    """A user, with an id and a name."""

    id: str
    name: str


def history(
    project: str,
    *,
    now_us: int,
    models: Sequence[PastModel],
    seed: int = 0,
    days: int = 30,
    per_day: int = 100,
    users: Sequence[PastUser] = (),
    tags: Sequence[tuple[tuple[str, str], ...]] = (),
    labels: Sequence[str] = (),
    error_rate: float = 0.02,
) -> Iterator[Entry]:
    """Give what ``days`` days before ``now_us`` were like, ordered by day and hour of its threads.

    About ``per_day`` exchanges come on a usual day, fewer on weekends and at night
    (UTC). They are conversations of one to six turns with one model, one user, one
    set of ``tags`` and one of the ``labels``; some 70 % stream and so have a TTFT,
    a share of ``error_rate`` fails. None begins at ``now_us`` or later, or more
    than ``days`` days before. A day is the same whenever it is looked back at, with
    the same other arguments and the same version of Faker. Raises UsageError where
    there is no model, or a number is out of range.
    """
    _check(models, now_us, days, per_day, error_rate)
    return _days(
        _Maker(project, seed, users, tags, labels, error_rate),
        now_us,
        days,
        per_day,
        models,
    )


def _check(
    models: Sequence[PastModel], now_us: int, days: int, per_day: int, error_rate: float
) -> None:
    if not models:
        raise UsageError("a history needs a model")
    if any(each.tps <= 0 or each.ttft_ms < 0 or each.share <= 0 for each in models):
        raise UsageError("a model of a history has share and tps above 0, and ttft_ms not below 0")
    if days < 0 or per_day < 0:
        raise UsageError("a history has 0 days or more, and 0 exchanges a day or more")
    if now_us < days * _DAY_US:
        raise UsageError("a history does not begin before 1970")
    if not 0 <= error_rate <= 1:
        raise UsageError("the error_rate of a history is between 0 and 1")


def _days(
    maker: _Maker, now_us: int, days: int, per_day: int, models: Sequence[PastModel]
) -> Iterator[Entry]:
    shares = list(accumulate(model.share for model in models))
    busy = list(accumulate(_RHYTHM))
    first_us = now_us - days * _DAY_US
    mean = sum(n * weight for n, weight in enumerate(_TURNS, 1)) / sum(_TURNS)
    for day in range(days + 1):
        midnight = (first_us // _DAY_US + day) * _DAY_US
        rng = maker.begin(midnight)
        weekday = datetime.fromtimestamp(midnight // 1_000_000, UTC).weekday()
        count = round(per_day / mean * _WEEK[weekday] * rng.uniform(0.85, 1.15))
        starts = sorted(
            midnight + bisect(busy, rng.random() * busy[-1]) * _HOUR_US + rng.randrange(_HOUR_US)
            for _ in range(count)
        )
        for start in starts:
            model = models[bisect(shares, rng.random() * shares[-1])]
            for entry in maker.conversation(model, start):
                if first_us <= entry.started_us < now_us:
                    yield entry


class _Maker:
    """Makes conversations of a project."""

    def __init__(
        self,
        project: str,
        seed: int,
        users: Sequence[PastUser],
        tags: Sequence[tuple[tuple[str, str], ...]],
        labels: Sequence[str],
        error_rate: float,
    ) -> None:
        self._rng = random.Random()
        self._project = project
        self._seed = seed
        self._users = users
        self._tags = tags
        self._labels = labels
        self._error_rate = error_rate
        self._faker = _faker()

    def begin(self, midnight: int) -> random.Random:
        """Begin a day, and give its chances."""
        self._rng.seed(f"{self._project}/{midnight}/{self._seed}")
        self._faker.seed_instance(self._rng.getrandbits(64))
        return self._rng

    def conversation(self, model: PastModel, start_us: int) -> Iterator[Entry]:
        """Give the exchanges of a thread; a turn that failed is asked again."""
        rng = self._rng
        user = rng.choice(self._users) if self._users else None
        usual = Entry(
            project=self._project,
            provider=model.provider,
            model=model.model,
            started_us=start_us,
            thread=self._uuid(),
            run=self._uuid(),
            label=rng.choice(self._labels) if self._labels else None,
            tags=rng.choice(self._tags) if self._tags else (),
            user_id=user.id if user else None,
            user_name=user.name if user else None,
            title=self._faker.sentence(nb_words=4).rstrip("."),
        )
        said: tuple[Said, ...] = (Said("system", "You are a helpful assistant."),)
        at_us = start_us
        for _ in range(rng.choices(range(1, len(_TURNS) + 1), _TURNS)[0]):
            said = (*said, Said("human", self._faker.sentence(nb_words=rng.randint(4, 18))))
            while True:
                entry = self._exchange(usual._replace(started_us=at_us, messages=said), model)
                yield entry
                at_us = entry.ended_us + round(rng.lognormvariate(2.7, 0.8) * 1_000_000)
                if not entry.error:
                    break
                if rng.random() < self._error_rate:
                    return  # given up
            said = (*said, *entry.replies)

    def _exchange(self, entry: Entry, model: PastModel) -> Entry:
        rng = self._rng
        if rng.random() < self._error_rate:
            status = rng.choice(_FAILURES)
            took = rng.uniform(5, 40) if status == _LIMITED else rng.lognormvariate(7, 0.6)
            return entry._replace(error=True, status=status, duration_ms=round(took, 3))
        reply = Said("ai", self._faker.paragraph(nb_sentences=rng.randint(1, 8)))
        outputs = _tokens(reply)
        inputs = sum(map(_tokens, entry.messages))
        ttft = model.ttft_ms * rng.lognormvariate(0, 0.35) * (1 + inputs / 20_000)
        spoken = outputs * 1000 / model.tps * rng.lognormvariate(0, 0.2)
        streamed = rng.random() < 0.7  # noqa: PLR2004 - the docstring tells
        cost = (inputs * model.price.per_input_token + outputs * model.price.per_output_token) / 1e6
        return entry._replace(
            duration_ms=round(ttft + spoken, 3),
            ttft_ms=round(ttft, 3) if streamed else None,
            input_tokens=inputs,
            output_tokens=outputs,
            cost=cost,
            replies=(reply,),
        )

    def _uuid(self) -> str:
        return str(UUID(int=self._rng.getrandbits(128), version=4))


def _faker() -> Faker:
    """Give a generator of sentences that shares nothing."""
    from faker import Faker  # noqa: PLC0415  # slow to import, and most runs need none

    return Faker("en_US")


def _tokens(said: Said) -> int:
    return _SAID + len(said.content) // _LETTERS
