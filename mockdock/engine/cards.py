"""What the models API says."""

from __future__ import annotations

from mockdock.content.catalogue import Catalogue, Model
from mockdock.reply import ModelCard, ModelDeleted, ModelList
from mockdock.request import Request

__all__ = ["cards"]


def cards(
    request: Request, model: Model, catalogue: Catalogue
) -> ModelCard | ModelDeleted | ModelList:
    """Delete a model, show one, or list all."""
    if request.removes:
        return ModelDeleted(request.model)
    if request.model:
        return _card(model)
    return ModelList(tuple(_card(each) for each in catalogue.all()))


def _card(model: Model) -> ModelCard:
    return ModelCard(model.id, model.created, model.owned_by)
