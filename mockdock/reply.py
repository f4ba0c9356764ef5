"""The reply noun: what is said, before a dialect puts it into wire JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from msgspec import Struct

from mockdock.embedding import Embeddings
from mockdock.frames import Pacing
from mockdock.limit import Measure, RetryHeader
from mockdock.moderation import Moderations
from mockdock.request import CallKind, Request
from mockdock.statements import AccountReply
from mockdock.usage import Usage

__all__ = [
    "Alternative",
    "Call",
    "Choice",
    "Completion",
    "Deleted",
    "ErrorKind",
    "Failure",
    "FailureKind",
    "Finish",
    "Made",
    "MessagePage",
    "ModelCard",
    "ModelDeleted",
    "ModelList",
    "NearRule",
    "Piece",
    "Reply",
    "Spoken",
    "StoredCompletion",
    "StoredPage",
    "StoredReply",
    "TokenLogprob",
    "Unmet",
    "Usage",
]

Finish = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]

ErrorKind = Literal[
    "rate_limit",
    "tokens_limit",
    "request_too_large",
    "quota",
    "overloaded",
    "server_error",
    "timeout",
    "auth",
    "permission",
    "not_found",
    "bad_request",
    "context_length",
    "content_filter",
]
"""What a scenario may script."""

FailureKind = Literal[
    ErrorKind,
    "model_not_found",
    "missing_key",
    "no_match",
    "exhausted",
    "no_stored",
    "no_such_cursor",
    "not_a_fine_tune",
    "unknown_url",
    "invalid_url",
    "wrong_method",
    "too_large",
    "wrong_model",
    "bad_input",
    "input_too_long",
    "inputs_too_long",
    "guard",
    "no_guard",
]


class Alternative(NamedTuple):
    """A token that could have stood in a place, and its natural log probability."""

    token: bytes
    logprob: float


class TokenLogprob(NamedTuple):
    """A token said, and the most likely ones of its place, most likely first."""

    token: bytes
    logprob: float
    top: tuple[Alternative, ...]


class Piece(Struct, frozen=True):
    """A stretch of text that streams in one chunk, and its tokens.

    ``logprobs`` has one entry per token where they were asked for.
    """

    text: str
    tokens: int
    logprobs: tuple[TokenLogprob, ...] = ()


class Call(Struct, frozen=True):
    """One tool call of a reply; its arguments join from ``pieces``."""

    id: str
    name: str
    pieces: tuple[Piece, ...]
    kind: CallKind = "function"

    @property
    def arguments(self) -> str:
        """The arguments as they go on the wire."""
        return "".join([piece.text for piece in self.pieces])


class Spoken(Struct, frozen=True):
    """A spoken answer: the audio file and what it says.

    ``expires_at`` is when the id can no longer be used, in seconds since 1970.
    """

    id: str
    data: bytes
    expires_at: int
    transcript: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """What is said."""
        return "".join([piece.text for piece in self.transcript])


class Choice(Struct, frozen=True):
    """One of the n answers. ``content``, ``refusal`` and ``spoken`` are None when absent."""

    index: int
    content: tuple[Piece, ...] | None
    refusal: tuple[Piece, ...] | None
    calls: tuple[Call, ...]
    finish: Finish
    spoken: Spoken | None = None

    @property
    def text(self) -> str | None:
        """The content as one text."""
        return None if self.content is None else "".join([p.text for p in self.content])

    @property
    def refusal_text(self) -> str | None:
        """The refusal as one text."""
        return None if self.refusal is None else "".join([p.text for p in self.refusal])


@dataclass(slots=True)  # not frozen: made for every request, which takes half as long
class Completion:
    """An answer to a chat request.

    ``id`` is 29 characters without a provider's prefix; ``created`` is in
    seconds since 1970; ``model`` is the dated snapshot that answered.
    ``obfuscation`` seeds the padding of a stream, None where there is none.
    ``warnings`` tell where a scripted reply contradicts the request.
    ``tells_usage`` is false where the usage is left out on purpose. ``shared`` tells that
    the very same choices are those of other answers too.
    """

    id: str
    created: int
    model: str
    choices: tuple[Choice, ...]
    usage: Usage
    system_fingerprint: str | None = None
    service_tier: str = "default"
    reasoning_model: bool = False
    logprobs: bool = False
    obfuscation: int | None = None
    warnings: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    pacing: Pacing | None = None
    tells_usage: bool = True
    shared: bool = field(default=False, compare=False)


class StoredCompletion(Struct, frozen=True):
    """A completion kept by ``store: true``, with the request that made it.

    ``request_id`` is that of this request, 32 hex digits. ``metadata`` is what
    is attached now, at first that of the request.
    """

    completion: Completion
    asked: Request
    request_id: str
    metadata: Mapping[str, str]


class StoredPage(Struct, frozen=True):
    """Stored completions in the order asked for; ``more`` come after them."""

    items: tuple[StoredCompletion, ...]
    more: bool


class MessagePage(Struct, frozen=True):
    """Messages of a stored completion's request, by their number; ``more`` come after them."""

    stored: StoredCompletion
    numbers: tuple[int, ...]
    more: bool


class Deleted(Struct, frozen=True):
    """A stored completion is forgotten."""

    id: str


StoredReply = StoredCompletion | StoredPage | MessagePage | Deleted


class ModelCard(Struct, frozen=True):
    """A model as the models endpoint shows it."""

    id: str
    created: int
    owned_by: str


class ModelDeleted(Struct, frozen=True):
    """A model is said to be deleted."""

    id: str


class ModelList(Struct, frozen=True):
    """The answer to a question for all models."""

    models: tuple[ModelCard, ...]


class Unmet(Struct, frozen=True):
    """A condition of a rule that did not hold, and what it found.

    ``wanted`` and ``found`` are both sides in full, where they are texts.
    """

    name: str
    text: str
    wanted: str | None = None
    found: str | None = None


class NearRule(Struct, frozen=True):
    """A rule that could have answered, and why it did not."""

    rule: str
    unmet: tuple[Unmet, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """The API says no; an HTTP error, never a broken wire.

    ``kind`` chooses the provider's own status, wording and code; what is set
    here wins over them. ``retry_after`` is in scenario seconds, None sends no
    such header, and ``retry_header`` says in which form. ``model``, ``key``,
    ``measure``, ``limit``, ``used``, ``requested`` and ``shares`` are what
    wordings speak of: the model asked for, the key given, a limit and what it
    counts, what went beyond, what was asked for, and its parts ("messages",
    "functions", "completion") in tokens.
    ``what`` is what is not there: the id of a stored completion, for a cursor
    the kind of list it is to go on in; or the api a model is not for, the input that
    is too long, or the guard that did not let it pass. ``deployment`` stood for the
    model. ``nearest`` are the rules that came closest where none matches; ``cause`` is
    what a user's function raised.
    """

    kind: FailureKind
    model: str = ""
    key: str = field(default="", repr=False)
    what: str = ""
    measure: Measure | None = None
    limit: int | None = None
    used: int | None = None
    requested: int | None = None
    shares: Mapping[str, int] = field(default_factory=dict)
    status: int | None = None
    message: str | None = None
    type: str | None = None
    param: str | None = None
    code: str | None = None
    retry_after: float | None = None
    retry_header: RetryHeader = "both"
    should_retry: bool | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    deployment: str = ""
    nearest: tuple[NearRule, ...] = ()
    cause: Exception | None = field(default=None, repr=False, compare=False)


Made = Completion | Embeddings | Moderations
"""What a model makes, at its pace."""

Reply = Made | ModelCard | ModelDeleted | ModelList | StoredReply | AccountReply | Failure
