"""Embeddings: what an input says, and the vectors that answer it."""

from __future__ import annotations

from dataclasses import replace

from mockdock.content.catalogue import Model
from mockdock.content.embedding import embed as vector
from mockdock.content.tokens import Tokenizer, tokenizer
from mockdock.embedding import Embeddings, ToEmbed, pack
from mockdock.engine.compose import Context, filled, filler_of, recounted
from mockdock.engine.draft import Answer
from mockdock.errors import UsageError
from mockdock.reply import Failure, Usage
from mockdock.request import Request
from mockdock.scenario import ReplySpec

__all__ = ["embed", "unfit", "with_texts"]


def with_texts(request: Request, model: Model) -> Request:
    """Give an embeddings request with what its tokens say; any other as it is.

    Tokens that there are not in the model's encoding say nothing.
    """
    wanted = request.embedding
    if wanted is None or wanted.texts:
        return request
    counter = tokenizer(model.encoding)
    texts = tuple(each if isinstance(each, str) else _said(each, counter) for each in wanted.inputs)
    return replace(request, embedding=replace(wanted, texts=texts))


def _said(tokens: tuple[int, ...], counter: Tokenizer) -> str:
    known = [token for token in tokens if token < counter.vocabulary]
    return b"".join(counter.spelled(known)).decode("utf-8", "replace")


def embed(request: Request, wanted: ToEmbed, answer: Answer, context: Context) -> Embeddings:
    """Compose the vectors: those of a scripted reply, else made of the texts."""
    reply = answer if isinstance(answer, ReplySpec) else None
    model, tokens = context.model, context.prompt.tokens
    usage = Usage(tokens, 0, tokens)
    return Embeddings(
        vectors=_vectors(wanted, reply, model),
        model=model.snapshot,
        usage=usage if reply is None else recounted(usage, reply),
        headers={} if reply is None else filled(reply.headers, filler_of(request, context)),
        pacing=context.pace.pacing,
    )


def _vectors(wanted: ToEmbed, reply: ReplySpec | None, model: Model) -> tuple[bytes, ...]:
    if reply is not None and reply.embeddings is not None:
        return tuple(pack(each) for each in reply.embeddings)
    if reply is not None and isinstance(reply.embedding, tuple):
        return (pack(reply.embedding),) * len(wanted.inputs)
    length = wanted.dimensions or model.width
    return tuple(vector(text, model.snapshot, length) for text in wanted.texts)


def unfit(request: Request, answer: Answer, rule: str | None) -> Failure | None:
    """Refuse to give a scripted reply that cannot answer this request."""
    wrong = _unfit(request.embedding, answer) if isinstance(answer, ReplySpec) else ""
    if not wrong:
        return None
    message = f"{rule or 'otherwise'}: {wrong}"
    return Failure(
        "server_error",
        message=f"mockdock: {message}",
        should_retry=False,
        cause=UsageError(message),
    )


def _unfit(wanted: ToEmbed | None, reply: ReplySpec) -> str:
    vectors = [reply.embedding] if reply.embedding is not None else reply.embeddings
    if wanted is None:
        return "" if vectors is None else "a chat request is not answered by embeddings"
    if vectors is None:
        return "an embeddings request is answered by embedding, embeddings or an error"
    count = len(wanted.inputs)
    if reply.embeddings is not None and len(reply.embeddings) != count:
        scripted = len(reply.embeddings)
        return f"{count} input(s) to embed, but {scripted} vector(s) in 'embeddings'"
    length = wanted.dimensions
    if vectors[0] != "auto" and length is not None and len(vectors[0]) != length:
        return f"dimensions is {length}, but the scripted vector has {len(vectors[0])} numbers"
    return ""
