"""Langdock: OpenAI's Chat Completions and embeddings by region, less what it does not support."""

from mockdock.dialects.base import Dialect, Route
from mockdock.dialects.langdock.caller import caller
from mockdock.dialects.langdock.regions import REGIONS
from mockdock.later import later

__all__ = ["langdock"]

_BASES = tuple(f"{prefix}/openai/{each}/v1" for prefix in ("", "/api/public") for each in REGIONS)

langdock = Dialect(
    name="langdock",
    base_path=_BASES[0],
    variables="export LANGDOCK_API_KEY={key}  # and base_url={base_url}",
    below=("/openai/*/v1/", "/openai/eu/", "/openai/us/", "/api/public/"),
    routes=tuple(
        route
        for base in _BASES
        for route in (
            Route("POST", f"{base}/chat/completions", "chat"),
            Route("POST", f"{base}/embeddings", "embeddings"),
            Route("GET", f"{base}/models", "models.list"),
        )
    ),
    caller=caller,
    parse=later("dialects.langdock.parse:parse"),
    misroute=later("dialects.langdock.failures:misroute"),
    oversize=later("dialects.langdock.failures:oversize"),
    head=later("dialects.langdock.head:head"),
    frames=later("dialects.langdock.render:frames"),
)
