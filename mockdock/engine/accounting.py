"""What a gateway says of an account, and what it knows of a model by the books."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from uuid import UUID

from msgspec import structs

from mockdock.accounts import Model as OwnModel
from mockdock.accounts import ModelUsage, micros
from mockdock.content.catalogue import Catalogue, Model, Prices
from mockdock.content.pricing import cost
from mockdock.content.providers import provider_of
from mockdock.embedding import Embeddings
from mockdock.engine.decision import Decision
from mockdock.errors import UsageError
from mockdock.ledger import Accounts
from mockdock.question import Account, ListModels, Price
from mockdock.reply import Completion, Failure, ModelCard, ModelList, Reply
from mockdock.request import Request
from mockdock.statements import OwnPrices, PriceCard, PriceList, UsageTotal

__all__ = ["answered_by", "asks", "charged", "own_facts", "qualified", "state", "threaded"]

_MICRO = 1_000_000
_FOUND = 1_686_935_002
"""When every model was made, by LangDB's gateway."""
_FREE = Price(0.0, 0.0)
_LONGEST_OWNER = 1_000
_MOST_SLASHES = 10


def answered_by(request: Request, account: Account, books: Accounts) -> Account:
    """Give an account with who answers: a name may begin with its provider.

    A model that users made goes by its own name, and by that of its owner before it; both
    may have slashes. Where several fit, the shortest owner wins.
    """
    session, project, asked = request.caller.session, account.project, request.model
    ends = [at for at, letter in enumerate(asked[:_LONGEST_OWNER]) if letter == "/"][:_MOST_SLASHES]
    for end in ends:
        owner, name = asked[:end], asked[end + 1 :]
        if books.model(session, project, name, owner) is not None:
            return structs.replace(account, provider=owner, model=name)
    own = books.model(session, project, asked)
    if own is not None:
        return structs.replace(account, provider=own.owner_name, model=asked)
    provider, slash, name = asked.partition("/")
    if slash:
        return structs.replace(account, provider=provider, model=name)
    return structs.replace(account, provider=provider_of(asked), model=asked)


def own_facts(
    request: Request, account: Account, model: Model, books: Accounts, now: float
) -> Model:
    """Give a model with what users say of it, the price that holds for them, and a full name.

    ``now`` is in seconds since 1970.
    """
    session, project, name = request.caller.session, account.project, account.model
    own = books.model(session, project, name, account.provider)
    if own is not None:
        model = _made(own, model)
    price = books.price(session, project, account.provider, name, micros(now))
    return _priced_at(model, f"{account.provider}/{name}", price)


@lru_cache(1000)
def _priced_at(model: Model, full: str, price: Price | None) -> Model:
    """Give a model with its full name and price; the same object again, which has its traits."""
    if price is None:
        return structs.replace(model, snapshot=full)
    per_input, per_output = f"{price.per_input_token:.12g}", f"{price.per_output_token:.12g}"
    prices = Prices(per_input, None, per_output, as_of="", source="a project's own")
    return structs.replace(model, snapshot=full, prices=prices)


def threaded(request: Request, decision: Decision) -> Request:
    """Give a request with the thread it goes on, a new one where the client named none."""
    account, context = request.account, decision.context
    if account is None or account.question is not None or account.thread:
        return request
    digest = context.entropy.digest(f"thread/{context.seen}")
    made = str(UUID(bytes=digest[:16], version=4))
    return request.but(account=structs.replace(account, thread=made))


def charged(reply: Reply, model: Model) -> Reply:
    """Give a reply with what it cost."""
    if not isinstance(reply, Completion | Embeddings):
        return reply
    return replace(reply, usage=structs.replace(reply.usage, cost=cost(model, reply.usage)))


def asks(request: Request, decision: Decision) -> bool:
    """Tell whether a request is answered by the books."""
    account = request.account
    return account is not None and account.question is not None and decision.answer is None


def state(request: Request, books: Accounts, listed: Catalogue, now: float) -> Reply:
    """Answer a question about an account; may take a while. ``now`` is in seconds since 1970.

    What is more than the books keep is refused.
    """
    account = request.account
    question = None if account is None else account.question
    if account is None or question is None:
        raise TypeError("nothing is asked")
    session, project = request.caller.session, account.project
    try:
        told = books.ask(session, project, question, micros(now))
    except UsageError as error:
        return Failure("bad_request", message=f"mockdock: {error}", should_retry=False)
    match told:
        case None:
            return Failure("not_found", what="thread")
        case OwnPrices() if isinstance(question, ListModels):
            return _models(listed, told)
        case OwnPrices():
            return PriceList(tuple(_cards(listed, told)))
        case UsageTotal():
            models = tuple(_priced(each, listed) for each in told.usage.models)
            return structs.replace(told, usage=structs.replace(told.usage, models=models))
        case _:
            return told


def _made(own: OwnModel, known: Model) -> Model:
    """Give what users say of a model they made; what they do not say is as usual."""
    embeds = "embed" in own.model_type
    said = frozenset() if own.context_size is None else {"context_window"}
    return structs.replace(
        known,
        owned_by=own.owner_name,
        created=own.created_us // _MICRO,
        context_window=own.context_size or known.context_window,
        kind="embedding" if embeds else known.kind,
        prices=None,
        assumed=tuple(name for name in known.assumed if name not in said),
    )


def _models(listed: Catalogue, own: OwnPrices) -> ModelList:
    cards = {
        name: ModelCard(name, _FOUND, owner)
        for name, owner in (
            *((qualified(each.id), _owner(each.id)) for each in listed.all()),
            *((f"{each.owner_name}/{each.model_name}", each.owner_name) for each in own.models),
        )
    }
    return ModelList(tuple(cards.values()))


def _cards(listed: Catalogue, own: OwnPrices) -> list[PriceCard]:
    cards = [_card(each, own.prices) for each in listed.all()]
    known = {f"{each.provider}/{each.model}" for each in cards}
    made = {f"{each.owner_name}/{each.model_name}": each for each in own.models}
    cards = [each for each in cards if f"{each.provider}/{each.model}" not in made]
    cards += [_own_card(name, each, own.prices) for name, each in made.items()]
    known |= made.keys() | {each.model for each in cards}
    cards += [
        PriceCard(name.partition("/")[2] or name, _owner(name), _owner(name), price, "completions")
        for name, price in own.prices.items()
        if name not in known
    ]
    return cards


def _card(model: Model, own: Mapping[str, Price]) -> PriceCard:
    name, owner = model.id.rpartition("/")[2], _owner(model.id)
    embeds = model.kind == "embedding"
    return PriceCard(
        model=name,
        provider=owner,
        owner=owner,
        price=own.get(f"{owner}/{name}") or own.get(name) or _price(model),
        kind="embeddings" if embeds else "completions",
        capabilities=() if embeds else ("tools",),
        context_window=model.context_window,
    )


def _own_card(name: str, model: OwnModel, own: Mapping[str, Price]) -> PriceCard:
    given = model.per_million
    price = own.get(name) or own.get(model.model_name)
    return PriceCard(
        model=model.model_name,
        provider=model.owner_name,
        owner=model.owner_name,
        price=price or (_FREE if given is None else Price(*given)),
        kind=model.model_type,
        inputs=model.input_types,
        outputs=model.output_types,
        capabilities=model.capabilities,
        context_window=model.context_size,
        description=model.description,
        parameters=model.parameters,
    )


def _priced(used: ModelUsage, listed: Catalogue) -> ModelUsage:
    if used.price is not None:
        return used
    return structs.replace(used, price=_price(listed.resolve(used.model_name)))


def _price(model: Model) -> Price:
    prices = model.prices
    return _FREE if prices is None else Price(float(prices.input), float(prices.output))


def qualified(name: str) -> str:
    """Give the name of a model with its provider."""
    return name if "/" in name else f"{provider_of(name)}/{name}"


def _owner(name: str) -> str:
    return qualified(name).partition("/")[0]
