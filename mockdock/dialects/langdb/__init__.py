"""LangDB: OpenAI's completions and embeddings, and what its gateway keeps of them."""

from mockdock.dialects.base import Dialect, Route
from mockdock.dialects.openai.caller import caller
from mockdock.later import later

__all__ = ["langdb"]

_BASES = ("/v1", "/{project_id:project}/v1", "")
"""Where its clients find it: the first with a header that names the project."""

langdb = Dialect(
    name="langdb",
    base_path="",
    mark="x-project-id",
    keyless=frozenset({"models", "pricing"}),
    variables="export LANGDB_API_BASE_URL={url} LANGDB_API_KEY={key} LANGDB_PROJECT_ID={project}",
    below=("/*/v1/", "/threads/", "/analytics/", "/usage/", "/pricing/", "/admin/", "/projects/"),
    routes=(
        *(Route("POST", f"{base}/chat/completions", "chat") for base in _BASES),
        *(Route("POST", f"{base}/embeddings", "embeddings") for base in _BASES),
        *(Route("GET", f"{base}/models", "models") for base in _BASES),
        Route("POST", "/threads", "threads"),
        Route("GET", "/threads/{thread_id}/messages", "messages"),
        Route("GET", "/threads/{thread_id}/cost", "cost"),
        Route("POST", "/analytics", "analytics"),
        Route("POST", "/analytics/summary", "summary"),
        Route("POST", "/usage/total", "usage"),
        Route("POST", "/usage/models", "usage.models"),
        Route("GET", "/pricing", "pricing"),
        Route("POST", "/admin/models", "admin.models"),
        Route("POST", "/projects/{project_id}/custom_prices", "custom_prices"),
    ),
    caller=caller,
    parse=later("dialects.langdb.parse:parse"),
    misroute=later("dialects.langdb.failures:misroute"),
    oversize=later("dialects.langdb.failures:oversize"),
    head=later("dialects.langdb.head:head"),
    frames=later("dialects.langdb.render:frames"),
)
