"""The models a scenario knows: those it lists, else the whole catalogue; and a gateway its own."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from mockdock.content import catalogue
from mockdock.content.catalogue import Catalogue, Model
from mockdock.content.presets import langdock_models, with_embeddings, with_langdock_names
from mockdock.engine.accounting import own_facts
from mockdock.ledger import Accounts
from mockdock.request import DialectName, Request, Traits
from mockdock.scenario import ModelSpec, Scenario

__all__ = ["Models", "catalogue_of"]


class _Offer(Struct, frozen=True):
    """What is known of models, which of them are listed, and whether there are no others."""

    known: Catalogue
    listed: Catalogue
    closed: bool


class Models:
    """The models of a scenario, as each dialect has them."""

    def __init__(self, scenario: Scenario) -> None:
        self.catalogue = catalogue_of(scenario)
        self._usual = _Offer(self.catalogue, self.catalogue, scenario.models is not None)
        self._own: dict[DialectName, _Offer] = {}
        preset = None if scenario.langdock is None else scenario.langdock.models
        if preset is not None:
            named = langdock_models(preset)
            self._own["langdock"] = _Offer(with_embeddings(named), named, closed=True)
        elif scenario.models is None:
            usual = langdock_models("chat-openapi")
            self._own["langdock"] = _Offer(with_langdock_names(), usual, closed=False)
        if virtual := scenario.gateways.langdb.virtual_models:
            saved = [
                replace(self.catalogue.resolve(each.model), id=f"langdb/{name}")
                for name, each in virtual.items()
            ]
            listed = Catalogue([*self.catalogue.all(), *saved])
            self._own["langdb"] = replace(self._usual, listed=listed)

    def known(self, dialect: DialectName) -> Catalogue:
        """Give what is known of models, by whatever name a dialect has for them."""
        return self._own.get(dialect, self._usual).known

    def of(self, request: Request, books: Accounts, now: float = 0) -> Model:
        """Give what is known of a request's model, by the books of its account as well.

        ``now`` is in seconds since 1970.
        """
        model = self._own.get(request.dialect, self._usual).known.resolve(request.model)
        account = request.account
        if account is None or account.question is not None:
            return model
        return own_facts(request, account, model, books, now)

    def listed(self, dialect: DialectName) -> Catalogue:
        """Give the models that a dialect shows."""
        return self._own.get(dialect, self._usual).listed

    def traits(self, model: str, dialect: DialectName) -> Traits | None:
        """Tell what a dialect must know of a model, None when it does not exist there."""
        offer = self._own.get(dialect, self._usual)
        if offer.closed and offer.known.get(model) is None:
            return None
        return offer.known.resolve(model).traits


def catalogue_of(scenario: Scenario) -> Catalogue:
    """Give the catalogue of a scenario; what it does not say of a model is looked up."""
    known = catalogue.load()
    if scenario.models is None:
        return known
    return Catalogue([_model(spec, known) for spec in scenario.models])


def _model(spec: ModelSpec, known: Catalogue) -> Model:
    model = replace(known.resolve(spec.id), id=spec.id)
    given = {name: value for name, value in spec if value is not None}
    if spec.dimensions is not None:
        given["kind"] = "embedding"
    assumed = tuple(name for name in model.assumed if name not in given)
    return replace(model, **given, assumed=assumed)
