"""Which rule would answer a request, and why others do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from mockdock.dialects import DIALECTS
from mockdock.engine import Engine
from mockdock.errors import UsageError
from mockdock.local.calling import call_of
from mockdock.reply import Failure

__all__ = ["explain"]

_OPENAI = DIALECTS[0]


def explain(
    engine: Engine, session: str, request: Mapping[str, Any], attempt: int
) -> dict[str, Any]:
    """Explain the JSON body of a request, as :meth:`Verbs.explain` tells."""
    try:
        body = orjson.dumps(request)
    except TypeError as error:
        raise UsageError(f"the request is not JSON: {error}") from None
    headers = {"x-mockdock-session": session, "x-stainless-retry-count": str(attempt - 1)}
    parsed = _OPENAI.parse(call_of(engine, headers, body))
    if isinstance(parsed, Failure):
        return {"rule": None, "refused": _told(parsed), "verdicts": []}
    explained = engine.explain(engine.read(parsed))
    return {
        "rule": None if explained.chosen is None else explained.chosen.label,
        "refused": None if explained.refused is None else _told(explained.refused),
        "verdicts": [
            {
                "rule": verdict.compiled.label,
                "key": verdict.compiled.candidate.key,
                "unmet": [
                    {"name": u.name, "text": u.text, "wanted": u.wanted, "found": u.found}
                    for u in verdict.mismatches
                ],
            }
            for verdict in explained.verdicts
        ],
    }


def _told(refused: Failure) -> Any:
    """Give the body of an error as the provider writes it."""
    return orjson.loads(b"".join(frame.data for frame in _OPENAI.frames(None, refused)))
