"""Which model answers a request that a router sent on its way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from msgspec import Struct, structs

from mockdock.accounts import micros
from mockdock.content.catalogue import Catalogue
from mockdock.engine.accounting import answered_by, own_facts, qualified
from mockdock.engine.decision import Decision
from mockdock.engine.models import Models
from mockdock.engine.trouble import WISHED
from mockdock.ledger import Accounts
from mockdock.question import Account, ListModels
from mockdock.reply import Failure
from mockdock.request import Request
from mockdock.routing import Metric, Metrics, Pool, holds
from mockdock.scenario import ErrorSpec
from mockdock.statements import OwnPrices

__all__ = ["answered", "astray", "further", "resolves_long"]

_MOST_TARGETS = 9
"""So many are tried for a request, as the source of LangDB's gateway does."""
_UNMEASURED = Metrics()


def answered(request: Request, models: Models, books: Accounts, now: float) -> Request:
    """Give a request on an account with who answers it; ``now`` is in seconds since 1970.

    May take a while where its router has to ask for it.
    """
    if request.account is None:
        return request
    request, account = _resolved(request, request.account, models, books, now)
    return request.but(account=answered_by(request, account, books))


def resolves_long(request: Request) -> bool:
    """Tell whether :func:`answered` may take a while."""
    routed = None if request.account is None else request.account.routed
    return routed is not None and routed.pool is not None and routed.pool.asks


def _resolved(
    request: Request, account: Account, models: Models, books: Accounts, now: float
) -> tuple[Request, Account]:
    """Give a request with the model that answers it, and an account with those that come next.

    Where a pool has several, the others come next should it fail. Of those that sort alike
    the first by name is taken; where no model passes all filters, none is left out. Models
    without the metric come last; but a model without any traffic has all metrics at 0, so
    that it gets some (as the source of LangDB's gateway does). A pool without any model there
    is stays one.
    """
    if account.routed is None or account.routed.pool is None:
        return request, account
    pool = account.routed.pool
    shop = _Shop(request, account, models.known(request.dialect), books, now)
    metrics: Mapping[tuple[str, str], Metrics] = {}
    if pool.metrics - {"price"}:
        metrics = books.metrics(request.caller.session, account.project)
    names = [
        name
        for name in _named(pool, shop, metrics)
        if _exists(name, request, account, models, books)
    ]

    def value(metric: Metric, name: str) -> float | None:
        if metric == "price":
            return shop.price(name)
        measured = metrics.get(shop.key(name), _UNMEASURED)
        return float(measured.requests) if metric == "requests" else getattr(measured, metric)

    passing = [name for name in names if _passes(pool, name, value)]
    first, *left = _sorted(pool, passing or names, value)[:_MOST_TARGETS] or [""]
    if not first:
        return request, account
    routed = structs.replace(account.routed, pool=None, left=tuple(left))
    return replace(request, model=first), structs.replace(account, routed=routed)


def astray(request: Request, models: Models, books: Accounts) -> Failure | None:
    """Refuse a request on an account whose model is not there, for the router or at all."""
    account = request.account
    if account is None or account.question is not None:
        return None
    if account.routed is not None and account.routed.pool is not None:
        return Failure("model_not_found", account.routed.pool.models[0])
    if _exists(request.model, request, account, models, books):
        return None
    return Failure("model_not_found", request.model)


def _exists(name: str, request: Request, account: Account, models: Models, books: Accounts) -> bool:
    """Tell whether a scenario lists a model, or users made it."""
    if models.traits(name, request.dialect) is not None:
        return True
    found = answered_by(replace(request, model=name), account, books)
    session, project = request.caller.session, account.project
    return books.model(session, project, found.model, found.provider) is not None


def further(request: Request, decision: Decision) -> Request | None:
    """Give a request for the model that comes next, None where the answer stands.

    A model fails when its answer is an error that a scenario scripts, or it is too small
    for the request. What limits, guards and the client itself bring about is not its fault.
    """
    account = request.account
    routed = None if account is None else account.routed
    if account is None or routed is None or not routed.left or not _failed(decision):
        return None
    model, *left = routed.left
    tried = structs.replace(
        routed, left=tuple(left), failed=(*routed.failed, (account.provider, account.model))
    )
    return replace(request, model=model, account=structs.replace(account, routed=tried))


def _failed(decision: Decision) -> bool:
    answer = decision.answer
    if isinstance(answer, Failure):
        return answer.kind == "context_length"
    return isinstance(answer, ErrorSpec) and decision.trouble != WISHED


class _Shop(Struct, frozen=True):
    """What there is, and what it costs, to an account."""

    request: Request
    account: Account
    known: Catalogue
    books: Accounts
    now: float

    def key(self, name: str) -> tuple[str, str]:
        """Give the provider and the name that a model is kept under."""
        return self._named(name)[1]

    def price(self, name: str) -> float:
        """Give what a million tokens of input cost, infinity where that is not known."""
        account, _ = self._named(name)
        request = replace(self.request, model=name)
        model = own_facts(request, account, self.known.resolve(name), self.books, self.now)
        return math.inf if model.prices is None else float(model.prices.input)

    def all(self) -> Iterator[str]:
        """Give the full names of all models that chat."""
        yield from (qualified(each.id) for each in self.known.all() if each.kind == "chat")
        session, project = self.request.caller.session, self.account.project
        told = self.books.ask(session, project, ListModels(), micros(self.now))
        own = told.models if isinstance(told, OwnPrices) else ()
        yield from (
            f"{each.owner_name}/{each.model_name}" for each in own if "embed" not in each.model_type
        )

    def _named(self, name: str) -> tuple[Account, tuple[str, str]]:
        account = answered_by(replace(self.request, model=name), self.account, self.books)
        return account, (account.provider, account.model)


def _named(pool: Pool, shop: _Shop, metrics: Mapping[tuple[str, str], Metrics]) -> tuple[str, ...]:
    """Name the models of a pool; of those behind a star the ones with traffic, if any has."""
    every = tuple(shop.all()) if any("*" in name for name in pool.models) else ()
    found: dict[str, None] = {}
    for name in pool.models:
        fitting = tuple(each for each in every if _fits(each, name)) if "*" in name else (name,)
        measured = [each for each in fitting if shop.key(each) in metrics]
        found |= dict.fromkeys(measured or fitting)
    return tuple(found)


def _fits(name: str, glob: str) -> bool:
    return fnmatchcase(name if "/" in glob else name.partition("/")[2], glob)


def _passes(pool: Pool, name: str, value: Callable[[Metric, str], float | None]) -> bool:
    """Tell whether a model passes all filters; an error rate that is not known does."""
    for metric, operator, wanted in pool.filters:
        measured = value(metric, name)
        if measured is None and metric != "error_rate":
            return False
        if measured is not None and not holds(operator, wanted, measured):
            return False
    return True


def _sorted(
    pool: Pool, names: list[str], value: Callable[[Metric, str], float | None]
) -> list[str]:
    metric = pool.sort_by
    if metric is None:
        return names
    values = {name: value(metric, name) for name in names}
    known = {name: each for name, each in values.items() if each is not None}
    sign = -1 if pool.largest else 1
    ranked = sorted(known, key=lambda name: (sign * known[name], name))
    return [*ranked, *(name for name in names if name not in known)]
