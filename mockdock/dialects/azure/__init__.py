"""Azure OpenAI: chats, completions and embeddings by deployment, in Azure's words and form."""

from mockdock.dialects.azure.caller import caller
from mockdock.dialects.base import Dialect, Route
from mockdock.later import later

__all__ = ["azure"]

azure = Dialect(
    name="azure",
    base_path="",
    variables="export AZURE_OPENAI_ENDPOINT={url} AZURE_OPENAI_API_KEY={key}",
    below=("/openai/", "/openai/v1/", "/openai/deployments/"),
    routes=(
        Route("POST", "/openai/deployments/{deployment}/chat/completions", "chat"),
        Route("POST", "/openai/v1/chat/completions", "chat"),
        Route("POST", "/openai/deployments/{deployment}/completions", "completions"),
        Route("POST", "/openai/v1/completions", "completions"),
        Route("POST", "/openai/deployments/{deployment}/embeddings", "embeddings"),
        Route("POST", "/openai/v1/embeddings", "embeddings"),
        Route("GET", "/openai/models", "models.list"),
        Route("GET", "/openai/models/{model}", "models.retrieve"),
        Route("GET", "/openai/v1/models", "models.list"),
        Route("GET", "/openai/v1/models/{model:path}", "models.retrieve"),
    ),
    caller=caller,
    parse=later("dialects.azure.parse:parse"),
    misroute=later("dialects.azure.failures:misroute"),
    oversize=later("dialects.azure.failures:oversize"),
    head=later("dialects.azure.head:head"),
    frames=later("dialects.azure.render:frames"),
)
