"""Embeddings: what an input says, and the vectors that answer it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from msgspec import structs

from mockdock.content.catalogue import Model
from mockdock.content.tokens import Tokenizer, tokenizer
from mockdock.embedding import Embeddings, ToEmbed, pack
from mockdock.engine.compose import Context, filled, filler_of, recounted
from mockdock.engine.draft import Answer
from mockdock.later import later
from mockdock.reply import Usage
from mockdock.request import Request
from mockdock.scenario import ReplySpec

__all__ = ["embed", "unfit", "with_texts"]

_vector: Callable[[str, str, int], bytes] = later("content.embedding:embed")


def with_texts(request: Request, model: Model) -> Request:
    """Give a request with what its tokens say, where it is to embed or complete such.

    Tokens that there are not in the model's encoding say nothing.
    """
    embedding, completing = request.embedding, request.completing
    if embedding is not None and not embedding.texts:
        texts = _texts(embedding.inputs, model)
        return replace(request, embedding=structs.replace(embedding, texts=texts))
    if completing is not None and not completing.texts:
        texts = _texts(completing.inputs, model)
        return replace(request, completing=structs.replace(completing, texts=texts))
    return request


def _texts(inputs: Iterable[str | tuple[int, ...]], model: Model) -> tuple[str, ...]:
    counter = tokenizer(model.encoding)
    return tuple(each if isinstance(each, str) else _said(each, counter) for each in inputs)


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
        scripted=reply is not None and reply.embedding != "auto",
    )


def _vectors(wanted: ToEmbed, reply: ReplySpec | None, model: Model) -> tuple[bytes, ...]:
    if reply is not None and reply.embeddings is not None:
        return tuple(pack(each) for each in reply.embeddings)
    if reply is not None and isinstance(reply.embedding, tuple):
        return (pack(reply.embedding),) * len(wanted.inputs)
    length = wanted.dimensions or model.width
    return tuple(_vector(text, model.snapshot, length) for text in wanted.texts)


def unfit(wanted: ToEmbed | None, reply: ReplySpec) -> str:
    """Say why a scripted reply cannot answer this request, nothing where it can.

    ``wanted`` is None for a chat request.
    """
    vectors = [reply.embedding] if reply.embedding is not None else reply.embeddings
    if wanted is None:
        if reply.flagged is not None or reply.flagged_each is not None:
            return "a chat request is not answered by flags"
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
