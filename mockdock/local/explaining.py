"""Which rule would answer a request, and why others do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from mockdock.dialects import DIALECTS, Call
from mockdock.engine import Engine
from mockdock.errors import UsageError
from mockdock.reply import Failure

__all__ = ["chat_call", "explain"]

_CHAT = DIALECTS[0]


def explain(
    engine: Engine, session: str, request: Mapping[str, Any], attempt: int
) -> dict[str, Any]:
    """Explain the JSON body of a chat request, as :meth:`Verbs.explain` tells."""
    try:
        body = orjson.dumps(request)
    except TypeError as error:
        raise UsageError(f"the request is not JSON: {error}") from None
    headers = {"x-mockdock-session": session, "x-stainless-retry-count": str(attempt - 1)}
    parsed = _CHAT.parse(chat_call(engine, headers, body))
    if isinstance(parsed, Failure):
        return {"rule": None, "refused": _told(parsed), "verdicts": []}
    explained = engine.explain(parsed)
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


def chat_call(engine: Engine, headers: Mapping[str, str], body: bytes) -> Call:
    """Make the call of a chat request, as it would arrive; header names are lower-case."""
    return Call(
        operation="chat",
        method="POST",
        path=f"{_CHAT.base_path}/chat/completions",
        headers=headers,
        params={},
        body=body,
        base_url="",
        caller=_CHAT.caller(headers),
        lenient=engine.scenario.validation == "lenient",
        traits=engine.traits,
    )


def _told(refused: Failure) -> Any:
    """Give the body of an error as the provider writes it."""
    return orjson.loads(b"".join(frame.data for frame in _CHAT.frames(None, refused)))
