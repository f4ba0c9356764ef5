"""OpenAI's own words for what cannot be embedded, judged or completed.

As pasted in public: a chat model asked for embeddings (infiniflow/ragflow#1835), an
embedding model asked to chat (many reports of "sample from this model"), shapes that are
none (embeddings-benchmark/mteb#1200), an input that is too long in the words of 2026
(HKUDS/DeepTutor#521), and too many tokens in all (assafelovic/gpt-researcher#1524). ASSUMED:
that a token there is not is refused as a shape is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockdock.dialects.openai.failed import INVALID, Told
from mockdock.reply import Failure, FailureKind

__all__ = ["EMBEDDING_WORDS"]


_NOT_TEXT = (
    "This is a chat model and not supported in the v1/completions endpoint. Did you mean to use "
    "v1/chat/completions?"
)
_NOT_CHAT = (
    "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you "
    "mean to use v1/completions?"
)


def _wrong_model(failure: Failure) -> Told:
    if failure.what in ("completions", "chat/completions"):
        message = _NOT_TEXT if failure.what == "completions" else _NOT_CHAT
        return Told(404, message, INVALID, "model", None)
    doing = "generate embeddings" if failure.what == "embeddings" else "sample"
    return Told(403, f"You are not allowed to {doing} from this model", INVALID, None, None)


def _bad_input(failure: Failure) -> Told:
    return Told(
        400,
        f"'$.{failure.what or 'input'}' is invalid. Please check the API reference: "
        "https://platform.openai.com/docs/api-reference.",
        INVALID,
        None,
        None,
    )


def _input_too_long(failure: Failure) -> Told:
    message = f"Invalid 'input[{failure.what}]': maximum input length is {failure.limit} tokens."
    return Told(400, message, INVALID, None, None)


def _inputs_too_long(failure: Failure) -> Told:
    kind = "max_tokens_per_request"
    message = f"Requested {failure.used} tokens, max {failure.limit} tokens per request"
    return Told(400, message, kind, None, kind)


EMBEDDING_WORDS: Mapping[FailureKind, Callable[[Failure], Told]] = {
    "wrong_model": _wrong_model,
    "bad_input": _bad_input,
    "input_too_long": _input_too_long,
    "inputs_too_long": _inputs_too_long,
}
