"""Trouble a request asks for itself: by a header, a query, or the name of the model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from mockdock.errors import UsageError
from mockdock.request import Request
from mockdock.scenario import MOST_WISHES, Wish, wishes
from mockdock.scenario.base import shown

__all__ = ["WISH_HEADER", "plain", "unwished", "wished"]

WISH_HEADER = "x-mockdock-fault"
_QUERY = "mockdock-fault"
_SUFFIX = ":mock-"


def plain(model: str, triggers: Collection[str]) -> str:
    """Give the name of a model without what is wished for behind it."""
    return model.partition(_SUFFIX)[0] if "model" in triggers else model


def unwished(request: Request, triggers: Collection[str]) -> Request:
    """Give a request without what its names wish for, understood or not."""
    model, deployment = plain(request.model, triggers), plain(request.deployment, triggers)
    return replace(request, model=model, deployment=deployment)


def wished(
    request: Request, query: Sequence[tuple[str, str]], triggers: Collection[str]
) -> tuple[Request, tuple[Wish, ...]]:
    """Give a request without its wishes, and the wishes.

    Raises UsageError when a wish cannot be understood, or there are too many.
    """
    found: list[Wish] = []
    if "header" in triggers and WISH_HEADER in request.headers:
        found += wishes(request.headers[WISH_HEADER])
    if "query" in triggers and query:
        for name, value in query:
            if name == _QUERY:
                found += wishes(value)
    if "model" in triggers and _SUFFIX in request.model:
        model, _, wish = request.model.partition(_SUFFIX)
        if not (mine := wishes(wish)):
            message = f"the model {shown(request.model)} wishes for nothing after {_SUFFIX!r}"
            raise UsageError(f"{message}: write such as {model}{_SUFFIX}429")
        found += mine
        deployment = request.deployment.removesuffix(f"{_SUFFIX}{wish}")
        request = replace(request, model=model, deployment=deployment)
    if len(found) > MOST_WISHES:
        raise UsageError(f"a request has at most {MOST_WISHES} wishes, and this one {len(found)}")
    return request, tuple(found)
