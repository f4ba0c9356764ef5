"""The calls of a session, counted and searched."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypedDict, Unpack, overload

from mockdock.errors import UsageError
from mockdock.testing.call import Call
from mockdock.testing.checks import short

__all__ = ["Calls", "Filters"]


class Filters(TypedDict, total=False):
    """What calls are chosen by.

    ``model``, ``rule`` and ``path`` may be globs; ``user`` and ``system``
    contain the text, or match the pattern. ``missed``: no rule answered.

    >>> failed: Filters = {"model": "gpt-4*", "status": 429}
    >>> dock.assert_not_called(**failed)
    """

    model: str
    user: str | re.Pattern[str]
    system: str | re.Pattern[str]
    rule: str
    path: str
    status: int
    attempt: int
    stream: bool
    missed: bool


def _holds(text: str, wanted: str | re.Pattern[str]) -> bool:
    return wanted in text if isinstance(wanted, str) else wanted.search(text) is not None


_Test = tuple[Callable[[Any], bool], str, Callable[[Call, Any], bool]]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _text_or_pattern(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, re.Pattern) and isinstance(value.pattern, str)
    )


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _yes_or_no(value: Any) -> bool:
    return isinstance(value, bool)


_TESTS: Mapping[str, _Test] = {
    "model": (_text, "a text", lambda call, wanted: fnmatchcase(call.request.model, wanted)),
    "user": (_text_or_pattern, "a text", lambda call, wanted: _holds(call.request.user, wanted)),
    "system": (
        _text_or_pattern,
        "a text",
        lambda call, wanted: _holds(call.request.system, wanted),
    ),
    "rule": (_text, "a text", lambda call, wanted: fnmatchcase(call.rule or "", wanted)),
    "path": (_text, "a text", lambda call, wanted: fnmatchcase(call.path, wanted)),
    "status": (_number, "a whole number", lambda call, wanted: call.status == wanted),
    "attempt": (_number, "a whole number", lambda call, wanted: call.attempt == wanted),
    "stream": (_yes_or_no, "True or False", lambda call, wanted: call.request.stream is wanted),
    "missed": (_yes_or_no, "True or False", lambda call, wanted: call.missed is wanted),
}
"""Of each filter what is right, that in words, and whether a call meets it."""


def _tests(filters: Mapping[str, Any]) -> list[Callable[[Call], bool]]:
    """Read filters. Raises UsageError for an unknown or a wrong one."""
    return [_test(name, wanted) for name, wanted in filters.items()]


def _test(name: str, wanted: Any) -> Callable[[Call], bool]:
    if name not in _TESTS:
        near = difflib.get_close_matches(name, _TESTS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(_TESTS)}"
        raise UsageError(f"there is no filter {name!r}; {hint}")
    right, words, meets = _TESTS[name]
    if not right(wanted):
        raise UsageError(f"{name}={short(wanted)}: write {words}")
    return lambda call: meets(call, wanted)


class Calls:
    """The calls of a session, oldest first, as they were when asked for.

    ``count`` counts all of them, also those the journal no longer keeps;
    ``len()`` and iteration are about those it keeps. ``calls[0]`` is the first
    ever, ``calls[-1]`` the last.

    >>> dock.calls.count
    2
    >>> dock.calls.filter(user="weather").last.reply.text
    'Sunny.'
    """

    def __init__(self, kept: Sequence[Call], count: int | None = None) -> None:
        self._kept = tuple(kept)
        self.count = len(self._kept) if count is None else count

    @property
    def first(self) -> Call:
        """The first call. Raises UsageError when it is not there.

        >>> dock.calls.first.request.user
        'How is the weather?'
        """
        return self[0]

    @property
    def last(self) -> Call:
        """The last call. Raises UsageError when there is none.

        >>> dock.calls.last.reply.text
        'Hello!'
        """
        return self[-1]

    @property
    def texts(self) -> list[str | None]:
        """What was answered, in order.

        >>> dock.calls.texts
        ['Sunny.', 'Hello!']
        """
        return [call.reply.text for call in self._kept]

    def filter(
        self, where: Callable[[Call], object] | None = None, **conditions: Unpack[Filters]
    ) -> Calls:
        """Give the kept calls for which all that is given holds.

        >>> dock.calls.filter(model="gpt-4*", user="weather").count
        1
        >>> dock.calls.filter(lambda call: len(call.request.messages) > 1).count
        0
        """
        if where is not None and not callable(where):
            raise UsageError(f"where={short(where)}: write a function of a call")
        tests = _tests(conditions)
        return Calls(
            [
                call
                for call in self._kept
                if all(test(call) for test in tests) and (where is None or where(call))
            ]
        )

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._kept)

    def __contains__(self, call: object) -> bool:
        return call in self._kept

    @overload
    def __getitem__(self, at: int) -> Call: ...

    @overload
    def __getitem__(self, at: slice) -> Calls: ...

    def __getitem__(self, at: int | slice) -> Call | Calls:
        if isinstance(at, slice):
            return Calls([self._at(place) for place in range(self.count)[at]])
        if isinstance(at, bool) or not isinstance(at, int):
            raise UsageError(f"calls[{short(at)}]: write a whole number or a slice")
        place = at + self.count if at < 0 else at
        if not 0 <= place < self.count:
            raise UsageError(f"there is no call {at}: {_so_many(self.count)}")
        return self._at(place)

    def _at(self, place: int) -> Call:
        gone = self.count - len(self._kept)
        if place < gone:
            raise UsageError(
                f"call {place} is no longer kept: the journal holds the last {len(self._kept)} "
                f"of {self.count}"
            )
        return self._kept[place - gone]

    def __reversed__(self) -> Iterator[Call]:
        return reversed(self._kept)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Calls):
            return self._kept == other._kept
        if isinstance(other, list | tuple):
            return self._kept == tuple(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Calls {self.count}: {list(self._kept)!r}>"


def _so_many(count: int) -> str:
    return f"there {'was' if count == 1 else 'were'} {count or 'none'}"
