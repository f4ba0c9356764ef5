"""The models a scenario knows: those it lists, else the whole catalogue."""

from __future__ import annotations

from dataclasses import replace

from mockdock.content import catalogue
from mockdock.content.catalogue import Catalogue, Model
from mockdock.scenario import ModelSpec, Scenario

__all__ = ["catalogue_of"]


def catalogue_of(scenario: Scenario) -> Catalogue:
    """Give the catalogue of a scenario; what it does not say of a model is looked up."""
    known = catalogue.load()
    if scenario.models is None:
        return known
    return Catalogue([_model(spec, known) for spec in scenario.models])


def _model(spec: ModelSpec, known: Catalogue) -> Model:
    model = replace(known.resolve(spec.id), id=spec.id)
    given = {name: value for name, value in spec if value is not None}
    assumed = tuple(name for name in model.assumed if name not in given)
    return replace(model, **given, assumed=assumed)
