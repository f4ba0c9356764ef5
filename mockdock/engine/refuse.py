"""What is refused before any rule is asked: it does not fit, or its model is not there."""

from __future__ import annotations

import hmac
import math
from collections.abc import Iterable
from itertools import pairwise

from mockdock.completing import ToComplete
from mockdock.content.catalogue import Catalogue, Model
from mockdock.content.counting import Prompt
from mockdock.content.tokens import tokenizer
from mockdock.embedding import ToEmbed
from mockdock.reply import Failure
from mockdock.request import Caller, Request

__all__ = ["beyond_all", "refused", "room_of", "unauthorized"]


def unauthorized(caller: Caller, keys: Iterable[bytes] | None) -> Failure | None:
    """Refuse a caller without a key, or with none of these; None accepts any key."""
    if not caller.key:
        return Failure("missing_key")
    key = caller.key.encode("utf-8", "surrogatepass")
    if keys is None or any(hmac.compare_digest(key, known) for known in keys):
        return None
    return Failure("auth", key=caller.key)


def refused(request: Request, model: Model, catalogue: Catalogue, prompt: Prompt) -> Failure | None:
    """Refuse a model that is not there, and a request that is too long for its model."""
    if request.api == "models":
        return _no_model(request, catalogue) if request.model else None
    if request.embedding is not None:
        return _beyond(request, request.embedding, model, prompt)
    if request.completing is not None:
        return _beyond_window(request, request.completing, model, prompt)
    return _too_long(request, model, prompt)


def _no_model(request: Request, catalogue: Catalogue) -> Failure | None:
    """Refuse a model that is not there, and to delete one that is not a fine-tune."""
    if catalogue.get(request.model) is None:
        return Failure("model_not_found", request.model)
    if request.removes and not request.model.startswith("ft:"):
        return Failure("not_a_fine_tune", request.model)
    return None


_MOST_TOKENS = 300_000
"""Of all inputs of an embeddings request together."""


def _beyond(request: Request, wanted: ToEmbed, model: Model, prompt: Prompt) -> Failure | None:
    """Refuse tokens there are not, an input that is too long, and too much in all."""
    lists = [each for each in wanted.inputs if not isinstance(each, str)]
    vocabulary = tokenizer(model.encoding).vocabulary if lists else 0
    if any(token >= vocabulary for tokens in lists for token in tokens):
        return Failure("bad_input", request.model)
    window = model.context_window
    lengths = [end - start for start, end in pairwise((0, *prompt.ends))]
    if "context_window" not in model.assumed and max(lengths) > window:
        which = next(at for at, length in enumerate(lengths) if length > window)
        return Failure(
            "input_too_long", request.model, what=str(which), limit=window, used=lengths[which]
        )
    return beyond_all(request, prompt)


def beyond_all(request: Request, prompt: Prompt) -> Failure | None:
    """Refuse more to embed than anybody embeds at once, however lenient: it takes too long."""
    if request.embedding is None or prompt.tokens <= _MOST_TOKENS:
        return None
    return Failure("inputs_too_long", request.model, limit=_MOST_TOKENS, used=prompt.tokens)


def _beyond_window(
    request: Request, wanted: ToComplete, model: Model, prompt: Prompt
) -> Failure | None:
    """Refuse tokens there are not, and a prompt that leaves no room for its completion."""
    lists = [each for each in wanted.inputs if not isinstance(each, str)]
    vocabulary = tokenizer(model.encoding).vocabulary if lists else 0
    if any(token >= vocabulary for tokens in lists for token in tokens):
        return Failure("bad_input", request.model, what="prompt")
    completion, window = request.max_tokens or 0, model.context_window
    longest = max(end - start for start, end in pairwise((0, *prompt.ends)))
    if "context_window" in model.assumed or longest + completion <= window:
        return None
    return Failure(
        "context_length",
        request.model,
        limit=window,
        used=longest + completion,
        shares={"prompt": longest, "completion": completion},
    )


def _too_long(request: Request, model: Model, prompt: Prompt) -> Failure | None:
    """Refuse what does not fit the context window; one that is only assumed refuses nothing."""
    if prompt.tokens <= room_of(request, model):
        return None
    completion, window = request.max_tokens or 0, model.context_window
    shares = {
        "messages": prompt.tokens - prompt.tools,
        "functions": prompt.tools,
        "completion": completion,
    }
    return Failure(
        "context_length",
        request.model,
        limit=window,
        used=prompt.tokens + completion,
        shares={name: tokens for name, tokens in shares.items() if tokens},
    )


def room_of(request: Request, model: Model) -> float:
    """Give the most tokens that the prompt of a chat request may have."""
    if "context_window" in model.assumed:
        return math.inf
    return model.context_window - (request.max_tokens or 0)
