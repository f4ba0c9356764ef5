"""From what a scenario says of an account's past to what the books are seeded with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from hashlib import blake2b
from typing import TypeVar
from uuid import UUID

from mockdock.content.catalogue import Catalogue
from mockdock.content.providers import provider_of
from mockdock.content.schema import json_text
from mockdock.ledger import (
    Entry,
    NewModel,
    PastModel,
    PastPrices,
    PastThread,
    PastUser,
    Price,
    Said,
    Seeds,
    history,
)
from mockdock.request import ToolCall
from mockdock.scenario.base import Part
from mockdock.scenario.langdb import LangDBSpec
from mockdock.scenario.seeds import (
    HistorySpec,
    MadeModelSpec,
    MessageSpec,
    PriceSpec,
    ThreadSpec,
    UsedSpec,
    UserSpec,
)

__all__ = ["makers"]

_MICRO = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_US = 365 * 24 * 3600 * _MICRO
_FAILED = 400
_FREE = Price(0.0, 0.0)

T = TypeVar("T", bound=Part)


def makers(
    said: LangDBSpec, catalogue: Catalogue, seed: int
) -> tuple[str, Mapping[str, Callable[[int], Seeds]]]:
    """Give what makes each part at a moment in microseconds, by names that tell what is in them.

    Before them comes the name of all together.
    """
    made = dict(_Maker(said, catalogue, seed).parts())
    return _digest("", *made).hex(), made


class _Maker:
    """Makes seeds of what a scenario says."""

    def __init__(self, said: LangDBSpec, catalogue: Catalogue, seed: int) -> None:
        self._said = said
        self._catalogue = catalogue
        self._seed = seed

    def parts(self) -> Iterator[tuple[str, Callable[[int], Seeds]]]:
        said = self._said
        for thread, digest in _told(said, said.threads):
            usual = str(UUID(bytes=digest[:16], version=4))
            yield f"thread/{digest.hex()}", partial(self._thread, thread, usual)
        for model, digest in _told(said, said.models):
            yield f"model/{digest.hex()}", partial(self._model, model)
        for project, prices in said.prices.items():
            for name, price in prices.items():
                key = _digest(project, name, _text(price)).hex()
                yield f"price/{key}", partial(self._prices, project, name, price)
        for used, digest in _told(said, said.usage):
            yield f"usage/{digest.hex()}", partial(self._used, used)
        if said.history is not None:
            for project in said.history.projects or (said.usual_project,):
                key = _digest(project, f"{self._seed}", _text(said.history)).hex()
                yield f"history/{key}", partial(self._history, said.history, project)

    def _thread(self, said: ThreadSpec, usual: str, now_us: int) -> Seeds:
        name = said.id or usual
        thread = PastThread(
            project=self._project(said.project_id),
            id=name,
            model_name=said.model_name,
            created_us=_at(said.ago, said.created_at, now_us, now_us),
            title=said.title,
            user_id=said.user_id,
            user_name=said.user_name,
            score=said.score,
            public=said.public,
            messages=tuple(_said(each, f"{name}/{at}") for at, each in enumerate(said.messages)),
        )
        return Seeds(threads=(thread,))

    def _model(self, said: MadeModelSpec, now_us: int) -> Seeds:
        own = {"ago", "created_at", "project_id"}
        fields = {name: value for name, value in said if name not in own}
        new = NewModel(**fields, project_id=self._project(said.project_id))
        return Seeds(models=((new, _made_us(said, now_us)),))

    def _prices(self, project: str, name: str, said: PriceSpec, now_us: int) -> Seeds:
        price = Price(said.per_input_token, said.per_output_token, _since_us(said, now_us))
        return Seeds(prices=(PastPrices(project, {name: price}),))

    def _used(self, said: UsedSpec, now_us: int) -> Seeds:
        project = self._project(said.project_id)
        provider, model = self._named(project, said.model)
        started_us = _at(said.ago, said.started_at, now_us, now_us)
        price = self._price(project, provider, model, started_us, now_us)
        cost = said.input_tokens * price.per_input_token
        cost += said.output_tokens * price.per_output_token
        return Seeds(
            entries=(
                Entry(
                    project=project,
                    provider=provider,
                    model=model,
                    started_us=started_us,
                    api=said.api,
                    thread=said.thread_id,
                    run=said.run_id,
                    label=said.label,
                    tags=tuple(said.tags.items()),
                    user_id=said.user.id if said.user else None,
                    user_name=said.user.name if said.user else None,
                    duration_ms=said.duration * 1000,
                    ttft_ms=None if said.ttft is None else said.ttft * 1000,
                    input_tokens=said.input_tokens,
                    output_tokens=said.output_tokens,
                    cost=cost / 1e6 if said.cost is None else said.cost,
                    error=said.status >= _FAILED,
                    status=said.status,
                ),
            )
        )

    def _history(self, said: HistorySpec, project: str, now_us: int) -> Seeds:
        models = []
        for each in said.models:
            provider, name = self._named(project, each.model)
            price = self._price(project, provider, name, now_us, now_us)
            ttft_ms = each.ttft * 1000
            models.append(PastModel(provider, name, price, each.share, ttft_ms, each.tps))
        return Seeds(
            entries=history(
                project,
                now_us=now_us,
                models=models,
                seed=self._seed,
                days=said.days,
                per_day=said.per_day,
                users=[_user(each) for each in said.users],
                tags=[tuple(each.items()) for each in said.tags],
                labels=said.labels,
                error_rate=said.error_rate,
            )
        )

    def _project(self, own: str | None) -> str:
        return own or self._said.usual_project

    def _named(self, project: str, name: str) -> tuple[str, str]:
        """Give the provider and the model that a name means."""
        provider, slash, model = name.partition("/")
        if slash:
            return provider, model
        made = next((each for each in self._made(project) if each.model_name == name), None)
        return (provider_of(name) if made is None else made.owner_name), name

    def _made(self, project: str) -> Iterator[MadeModelSpec]:
        """Give the models that a project sees."""
        models = self._said.models
        return (each for each in models if each.public or self._project(each.project_id) == project)

    def _price(self, project: str, provider: str, model: str, at_us: int, now_us: int) -> Price:
        """Give the price at a moment, as the ledger would, else that of the catalogue."""
        own = self._said.prices.get(project, {})
        for name in (f"{provider}/{model}", model):
            said = own.get(name)
            if said is not None and _since_us(said, now_us) <= at_us:
                return Price(said.per_input_token, said.per_output_token)
        for made in self._made(project):
            same = (made.owner_name, made.model_name) == (provider, model)
            given = (made.input_token_price, made.output_token_price)
            if same and given != (None, None) and _made_us(made, now_us) <= at_us:
                per_input, per_output = (float(Decimal(f"{each or 0}") * _MICRO) for each in given)
                return Price(per_input, per_output)
        known = self._catalogue.resolve(f"{provider}/{model}").prices
        return _FREE if known is None else Price(float(known.input), float(known.output))


def _text(part: Part) -> str:
    """Write what a part says: the same in every version that knows its keys."""
    return json.dumps(part.model_dump(exclude_defaults=True), default=str, sort_keys=True)


def _digest(*texts: str) -> bytes:
    digest = blake2b(digest_size=16)
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(b"%d:%b" % (len(data), data))
    return digest.digest()


def _told(whole: LangDBSpec, parts: Sequence[T]) -> Iterator[tuple[T, bytes]]:
    """Give parts with digests of what they say; the same part again is another one."""
    seen: Counter[str] = Counter()
    for part in parts:
        text = _text(part)
        yield part, _digest(whole.usual_project, text, f"{seen[text]}")
        seen[text] += 1


def _at(ago: float | None, moment: datetime | None, now_us: int, usual_us: int) -> int:
    """Give a moment in microseconds since 1970."""
    if moment is not None:
        return (moment - _EPOCH) // timedelta(microseconds=1)
    return usual_us if ago is None else max(0, now_us - round(ago * _MICRO))


def _made_us(said: MadeModelSpec, now_us: int) -> int:
    return _at(said.ago, said.created_at, now_us, max(0, now_us - _YEAR_US))


def _since_us(said: PriceSpec, now_us: int) -> int:
    return _at(said.ago, said.valid_from, now_us, 0)


def _said(said: MessageSpec, place: str) -> Said:
    calls = (
        ToolCall(
            each.id or f"call_{_digest(place, f'{at}').hex()[:24]}",
            each.name,
            arguments if isinstance(arguments := each.arguments, str) else json_text(arguments),
        )
        for at, each in enumerate(said.tool_calls)
    )
    return Said(said.type, said.content, (), said.tool_call_id, tuple(calls))


def _user(said: UserSpec) -> PastUser:
    return PastUser(said.id, said.name or said.id)
