"""Completions kept by ``store: true``: the shelf they stand on, and what is answered from it.

A shelf holds frozen nouns and changes in single calls, so that another kind of
shelf (several processes, one truth) can have the very same semantics.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from hashlib import blake2b
from itertools import chain
from typing import Any, ClassVar, Protocol

from msgspec import Struct, structs

from mockdock.content.catalogue import Catalogue, Model
from mockdock.engine.chance import Entropy, fingerprint
from mockdock.engine.compose import Context, complete
from mockdock.reply import (
    Choice,
    Deleted,
    Failure,
    MessagePage,
    StoredCompletion,
    StoredPage,
    StoredReply,
)
from mockdock.request import Message, Request, StoredOperation, TextPart

__all__ = ["MemoryShelf", "Shelf", "identify", "invent", "look_up", "missing"]


class Shelf(Protocol):
    """Where sessions keep their completions; every call is atomic.

    One that several processes share ``waits`` where it changes or removes something: then
    that is to be done in a thread.
    """

    waits: ClassVar[bool]

    def current(self) -> Awaitable[None] | None:
        """Learn what other processes have done up to now; None where there are none."""
        ...

    def keep(self, session: str, stored: StoredCompletion) -> Awaitable[None] | None:
        """Put a completion there, in the place of one with the same id."""
        ...

    def find(self, session: str, which: str) -> StoredCompletion | None:
        """Give the completion with this id, None when it is not there."""
        ...

    def page(self, session: str, wanted: StoredOperation) -> StoredPage | None:
        """Give the completions a list asks for, None when its ``after`` is not known.

        They come in the order they were created. The id of one that was
        removed still tells a place.
        """
        ...

    def update(
        self, session: str, which: str, metadata: Mapping[str, str]
    ) -> StoredCompletion | None:
        """Set the metadata of a completion, and give it as it is then."""
        ...

    def remove(self, session: str, which: str) -> bool:
        """Forget a completion, and tell whether it was there."""
        ...

    def reset(self, session: str | None = None) -> None:
        """Forget those of one session, or all."""
        ...


_MOST_KEPT = 10_000
_MOST_CHARACTERS = 64 * 1024 * 1024
_EACH = 40
"""What a value or a token takes beside its text, about."""
_Place = tuple[int, int]


class _Kept(Struct, frozen=True):
    """``place`` is when it was created and, within the second, when it was kept."""

    stored: StoredCompletion
    place: _Place
    weight: int


class MemoryShelf:
    """The shelf of one process.

    Bounded: beyond 10,000 completions, or 64 million characters of requests and
    answers, in all sessions together, those kept first are forgotten. Beside its
    text every value and token counts as 40, bytes of audio as characters.
    """

    waits: ClassVar[bool] = False

    def __init__(self, most: int = _MOST_KEPT, most_characters: int = _MOST_CHARACTERS) -> None:
        self._lock = threading.Lock()
        self._most = most
        self._most_characters = most_characters
        self._clear()

    def _clear(self) -> None:
        self._serials = itertools.count(1)
        self._sessions: dict[str, dict[str, _Kept]] = {}
        self._in_order: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._gone: OrderedDict[tuple[str, str], _Place] = OrderedDict()
        self._weight = 0

    def current(self) -> None:
        """Learn nothing: there are no other processes."""

    def keep(self, session: str, stored: StoredCompletion) -> None:
        """Put a completion there, in the place of one with the same id."""
        which = stored.completion.id
        weight = _weight(stored)
        with self._lock:
            self._drop(session, which)
            place = (stored.completion.created, next(self._serials))
            self._sessions.setdefault(session, {})[which] = _Kept(stored, place, weight)
            self._in_order[session, which] = None
            self._weight += weight
            while len(self._in_order) > 1 and (
                len(self._in_order) > self._most or self._weight > self._most_characters
            ):
                self._drop(*next(iter(self._in_order)))

    def find(self, session: str, which: str) -> StoredCompletion | None:
        """Give the completion with this id, None when it is not there."""
        with self._lock:
            kept = self._sessions.get(session, {}).get(which)
        return None if kept is None else kept.stored

    def page(self, session: str, wanted: StoredOperation) -> StoredPage | None:
        """Give the completions a list asks for, None when its ``after`` is not known."""
        with self._lock:
            start = None if wanted.after is None else self._place(session, wanted.after)
            held = list(self._sessions.get(session, {}).values())
        if wanted.after is not None and start is None:
            return None
        descending = wanted.order == "desc"
        found = [
            kept
            for kept in held
            if _fits(kept.stored, wanted)
            and (start is None or (kept.place < start if descending else kept.place > start))
        ]
        found.sort(key=lambda kept: kept.place, reverse=descending)
        shown = found[: wanted.limit]
        return StoredPage(tuple(kept.stored for kept in shown), more=len(found) > len(shown))

    def update(
        self, session: str, which: str, metadata: Mapping[str, str]
    ) -> StoredCompletion | None:
        """Set the metadata of a completion, and give it as it is then."""
        with self._lock:
            mine = self._sessions.get(session, {})
            kept = mine.get(which)
            if kept is None:
                return None
            stored = structs.replace(kept.stored, metadata=metadata)
            mine[which] = structs.replace(kept, stored=stored)
            return stored

    def remove(self, session: str, which: str) -> bool:
        """Forget a completion, and tell whether it was there."""
        with self._lock:
            return self._drop(session, which)

    def reset(self, session: str | None = None) -> None:
        """Forget those of one session, or all."""
        with self._lock:
            if session is None:
                self._clear()
                return
            for which in list(self._sessions.get(session, ())):
                self._drop(session, which)
            for key in [key for key in self._gone if key[0] == session]:
                del self._gone[key]

    def _drop(self, session: str, which: str) -> bool:
        """Take a completion away; its place is remembered for lists under way."""
        mine = self._sessions.get(session, {})
        kept = mine.pop(which, None)
        if kept is None:
            return False
        if not mine:
            del self._sessions[session]
        del self._in_order[session, which]
        self._weight -= kept.weight
        self._gone[session, which] = kept.place
        self._gone.move_to_end((session, which))
        if len(self._gone) > self._most:
            self._gone.popitem(last=False)
        return True

    def _place(self, session: str, which: str) -> _Place | None:
        kept = self._sessions.get(session, {}).get(which)
        return self._gone.get((session, which)) if kept is None else kept.place


def _weight(stored: StoredCompletion) -> int:
    """Tell about how much memory a completion takes, without writing it."""
    weight, values = 0, [stored.asked.body]
    while values:
        value: Any = values.pop()
        weight += _EACH
        if isinstance(value, str):
            weight += len(value)
        elif isinstance(value, Mapping):
            values.extend(value)
            values.extend(value.values())
        elif isinstance(value, list):
            values.extend(value)
    return weight + sum(_choice_weight(choice) for choice in stored.completion.choices)


def _choice_weight(choice: Choice) -> int:
    spoken = choice.spoken
    said = () if spoken is None else spoken.transcript
    runs = (choice.content or (), choice.refusal or (), said, *(c.pieces for c in choice.calls))
    weight = 0 if spoken is None else len(spoken.data)
    for piece in chain.from_iterable(runs):
        weight += _EACH + len(piece.text)
        weight += sum(_EACH * (1 + len(each.top)) for each in piece.logprobs)
    return weight


def _fits(stored: StoredCompletion, wanted: StoredOperation) -> bool:
    """Tell whether a list is to show it: by the snapshot or the name asked for, and metadata."""
    return wanted.model in ("", stored.completion.model, stored.asked.model) and all(
        stored.metadata.get(name) == value for name, value in wanted.metadata.items()
    )


def look_up(
    shelf: Shelf, session: str, wanted: StoredOperation, *, strict: bool
) -> StoredReply | Failure | None:
    """Do what is asked of a shelf; unless ``strict``, None where an answer has to be invented."""
    answer: StoredReply | None
    match wanted.kind:
        case "list":
            answer = shelf.page(session, wanted)
        case "update":
            answer = shelf.update(session, wanted.id, wanted.metadata)
        case "delete":
            answer = Deleted(wanted.id) if shelf.remove(session, wanted.id) else None
        case "retrieve" | "messages":
            answer = shelf.find(session, wanted.id)
    if isinstance(answer, StoredCompletion) and wanted.kind == "messages":
        return _messages(answer, wanted, strict=strict)
    if answer is not None:
        return answer
    if wanted.kind == "list":
        if strict:
            return Failure("no_such_cursor", what=wanted.kind)
        return shelf.page(session, structs.replace(wanted, after=None))
    return Failure("no_stored", what=wanted.named) if strict else None


def missing(failure: Failure, wanted: StoredOperation) -> Failure:
    """Say of a scripted failure what is not found: a completion, where a model usually is."""
    if failure.kind != "not_found":
        return failure
    return replace(failure, kind="no_stored", what=wanted.named)


def _messages(
    stored: StoredCompletion, wanted: StoredOperation, *, strict: bool
) -> MessagePage | Failure:
    """Give a page of the messages that were sent; the answer is not among them."""
    numbers = list(range(len(stored.asked.messages)))
    if wanted.order == "desc":
        numbers.reverse()
    if wanted.after is not None:
        places = {f"{stored.completion.id}-{number}": at for at, number in enumerate(numbers, 1)}
        start = places.get(wanted.after)
        if start is None and strict:
            return Failure("no_such_cursor", what=wanted.kind)
        numbers = numbers[start or 0 :]
    shown = numbers[: wanted.limit]
    return MessagePage(stored, tuple(shown), more=len(numbers) > len(shown))


def invent(
    request: Request, wanted: StoredOperation, catalogue: Catalogue, context: Context
) -> StoredReply:
    """Answer for a completion that nobody made: the same id, the same answer.

    Its one message is the assistant's: the specification knows no other kind.
    """
    if wanted.kind == "delete":
        return Deleted(wanted.id)
    chats = (model for model in catalogue.all() if model.kind == "chat")
    model: Model = next(chats, context.model)
    asked = Request(request.dialect, "chat", model.id, store=True, metadata=wanted.metadata)
    # Chance goes by what is asked; a completion looks the same through all operations.
    entropy = Entropy("stored", wanted.named)
    chance = {"entropy": entropy, "words": entropy}
    context = structs.replace(context, model=model, seen=1, compiled=None, **chance)
    completion = complete(asked, "lorem", context, model.created)
    said = Message("assistant", (TextPart(completion.choices[0].text or ""),))
    stored = StoredCompletion(
        completion,
        replace(asked, messages=(said,)),
        entropy.digest("request").hex()[:32],
        wanted.metadata,
    )
    if wanted.kind == "messages":
        return MessagePage(stored, (0,) if wanted.after is None else (), more=False)
    return stored


def identify(request: Request) -> str:
    """Identify the logical request, as ``fingerprint`` does; of an operation all counts."""
    logical = fingerprint(request)
    if request.stored is None:
        return logical
    return blake2b(f"{logical}/{request.stored!r}".encode("utf-8", "surrogatepass")).hexdigest()[
        :24
    ]
