"""OpenAI Chat Completions, and what stands beside it."""

from mockdock.dialects.base import Brief, Dialect, Route
from mockdock.dialects.openai.caller import caller
from mockdock.dialects.openai.completion import told_like
from mockdock.dialects.openai.failures import misroute, oversize
from mockdock.dialects.openai.glance import glance, words
from mockdock.dialects.openai.head import head, plain_head
from mockdock.dialects.openai.parse import parse
from mockdock.dialects.openai.render import frames, together

__all__ = ["openai"]

openai = Dialect(
    name="openai",
    base_path="/v1",
    below=("/", "/v1/"),
    routes=(
        Route("POST", "/v1/chat/completions", "chat"),
        Route("GET", "/v1/chat/completions", "stored.list"),
        Route("GET", "/v1/chat/completions/{completion_id}", "stored.retrieve"),
        Route("POST", "/v1/chat/completions/{completion_id}", "stored.update"),
        Route("DELETE", "/v1/chat/completions/{completion_id}", "stored.delete"),
        Route("GET", "/v1/chat/completions/{completion_id}/messages", "stored.messages"),
        Route("POST", "/v1/completions", "completions"),
        Route("POST", "/v1/embeddings", "embeddings"),
        Route("POST", "/v1/moderations", "moderations"),
        Route("GET", "/v1/models", "models.list"),
        Route("GET", "/v1/models/{model:path}", "models.retrieve"),
        Route("DELETE", "/v1/models/{model:path}", "models.delete"),
    ),
    caller=caller,
    parse=parse,
    misroute=misroute,
    oversize=oversize,
    head=head,
    frames=frames,
    together=together,
    brief=Brief(glance, words, told_like, plain_head),
)
