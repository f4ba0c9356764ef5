"""The stateless conditions of a rule, each able to hold and to tell."""

from __future__ import annotations

import fnmatch
import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mockdock.reply import Unmet
from mockdock.request import Request
from mockdock.scenario import CountCondition, TextCondition, When

__all__ = ["Condition", "bounds", "conditions", "shown", "text_test", "told_bounds"]

_SHOWN = 80
_LONGEST = 20_000
"""Letters of a text that are kept for a comparison."""


class Condition(Struct, frozen=True):
    """One stateless condition of a rule, by its name in the language.

    ``wanted`` and ``found`` give both sides in full where they are texts. ``needle`` is what
    the text of the user has to hold for it, and ``enough`` tells that nothing else matters.
    """

    name: str
    holds: Callable[[Request], bool]
    told: Callable[[Request], str]
    wanted: str | None = None
    found: Callable[[Request], str] | None = None
    needle: str = ""
    enough: bool = False

    def unmet(self, request: Request) -> Unmet:
        """Say why it does not hold."""
        if self.wanted is None or self.found is None:
            return Unmet(self.name, self.told(request))
        return Unmet(self.name, self.told(request), self.wanted, self.found(request)[:_LONGEST])


def bounds(count: CountCondition) -> tuple[int, int | None]:
    """Give both ends of a count, None for no upper end."""
    return count.at_least or 0, count.at_most


def told_bounds(low: int, high: int | None) -> str:
    """Write both ends of a count."""
    if high is None:
        return f"{low} or more"
    return f"{low}" if low == high else f"{low} to {high}"


def shown(value: object) -> str:
    """Write a value for a message: short, and as JSON where it is no text."""
    if isinstance(value, str):
        text = repr(value[:_SHOWN])
        return text if len(value) <= _SHOWN else f"{text}..."
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def conditions(when: When) -> Iterator[Condition]:
    """Give the stateless conditions of a rule, cheap ones first."""
    yield _api(when.api)
    for field, build in _BUILDERS:
        wanted = getattr(when, field)
        if wanted is not None:
            yield build(wanted)
    for name, wanted in (when.headers or {}).items():
        yield _header(name, wanted)
    if when.body is not None:
        yield _body(when.body)


def _api(api: str | None) -> Condition:
    """Match the api named; all but chat must be named outright."""
    if api is None:
        return Condition(
            "api", lambda r: r.api == "chat", lambda r: f"wanted a chat request, was {r.api}"
        )
    return _equal("api", api, lambda request: request.api)


def _equal(name: str, wanted: object, get: Callable[[Request], object]) -> Condition:
    return Condition(
        name,
        lambda request: get(request) == wanted,
        lambda request: f"wanted {shown(wanted)}, was {shown(get(request))}",
    )


def _model(globs: tuple[str, ...]) -> Condition:
    fits = _glob(globs)
    return Condition(
        "model",
        lambda request: fits(request.model) is not None,
        lambda request: f"wanted {' or '.join(globs)}, was {shown(request.model)}",
    )


def _glob(globs: Iterable[str]) -> Callable[[str], re.Match[str] | None]:
    return re.compile("|".join(fnmatch.translate(glob) for glob in globs)).match


def _turn(count: CountCondition) -> Condition:
    low, high = bounds(count)
    return Condition(
        "turn",
        lambda request: low <= request.turn and (high is None or request.turn <= high),
        lambda request: f"wanted {told_bounds(low, high)}, was {request.turn}",
    )


def _after_tool(wanted: bool | str) -> Condition:
    return _tools(
        "after_tool", wanted, lambda request: [result.name for result in request.tool_results]
    )


def _offers_tool(wanted: bool | str) -> Condition:
    return _tools("offers_tool", wanted, lambda request: [tool.name for tool in request.tools])


def _tools(name: str, wanted: bool | str, get: Callable[[Request], list[str]]) -> Condition:
    if isinstance(wanted, bool):
        return Condition(
            name,
            lambda request: bool(get(request)) is wanted,
            lambda request: f"wanted {'one' if wanted else 'none'}, was {_all(get(request))}",
        )
    fits = _glob((wanted,))
    return Condition(
        name,
        lambda request: any(fits(tool) for tool in get(request)),
        lambda request: f"wanted {wanted}, was {_all(get(request))}",
    )


def _all(names: list[str]) -> str:
    return shown(names) if names else "none"


def _text(name: str, wanted: TextCondition, get: Callable[[Request], str]) -> Condition:
    fits = text_test(wanted)
    return Condition(
        name,
        lambda request: fits(get(request)),
        lambda request: f"wanted {_text_told(wanted)}, was {shown(get(request))}",
        _whole(wanted),
        get,
    )


def _of_user(wanted: TextCondition) -> Condition:
    condition = _text("user", wanted, lambda request: request.user_text)
    needles = (wanted.equals, *(wanted.contains or ()))
    needle = next((each for each in needles if each), "")
    others = (wanted.equals, wanted.pattern, wanted.not_)
    alone = len(wanted.contains or ()) == 1 and all(each is None for each in others)
    return replace(condition, needle=needle, enough=alone and bool(needle))


def _whole(wanted: TextCondition) -> str | None:
    """Give the text to compare with, where one is wanted."""
    if wanted.equals is not None:
        return wanted.equals
    return wanted.contains[0] if wanted.contains and len(wanted.contains) == 1 else None


def text_test(wanted: TextCondition) -> Callable[[str], bool]:
    """Give what tells whether a text fits."""
    tests: list[Callable[[str], bool]] = []
    if (equals := wanted.equals) is not None:
        tests.append(lambda text: text == equals)
    tests.extend(functools.partial(_contains, part) for part in wanted.contains or ())
    if (pattern := wanted.pattern) is not None:
        tests.append(lambda text: pattern.search(text) is not None)
    if wanted.not_ is not None:
        inner = text_test(wanted.not_)
        tests.append(lambda text: not inner(text))
    if len(tests) == 1:
        return tests[0]
    return lambda text: all(test(text) for test in tests)


def _contains(part: str, text: str) -> bool:
    return part in text


def _text_told(wanted: TextCondition) -> str:
    parts = []
    if wanted.equals is not None:
        parts.append(f"exactly {shown(wanted.equals)}")
    if wanted.contains is not None:
        parts.append(f"a text with {' and '.join(map(shown, wanted.contains))}")
    if wanted.matches is not None:
        parts.append(f"a match of /{wanted.matches}/")
    if wanted.not_ is not None:
        parts.append(f"not {_text_told(wanted.not_)}")
    return ", ".join(parts)


def _header(name: str, wanted: bool | TextCondition) -> Condition:
    label = f"headers.{name}"
    if isinstance(wanted, bool):
        return Condition(
            label,
            lambda request: (name in request.headers) is wanted,
            lambda _: "wanted, but absent" if wanted else "present, but not wanted",
        )
    fits = text_test(wanted)
    return Condition(
        label,
        lambda request: name in request.headers and fits(request.headers[name]),
        lambda request: f"wanted {_text_told(wanted)}, was {_header_told(request, name)}",
    )


def _header_told(request: Request, name: str) -> str:
    return shown(request.headers[name]) if name in request.headers else "absent"


def _body(wanted: Mapping[str, Any]) -> Condition:
    return Condition(
        "body",
        lambda request: next(_differences(wanted, request.body, ""), None) is None,
        lambda request: "; ".join(_differences(wanted, request.body, "")),
    )


def _differences(wanted: Any, found: Any, path: str) -> Iterator[str]:
    """Say where ``found`` lacks what is wanted; mappings may hold more, lists not."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key, value in wanted.items():
            inner = f"{path}.{key}" if path else str(key)
            if key in found:
                yield from _differences(value, found[key], inner)
            else:
                yield f"{inner}: wanted {shown(value)}, but absent"
    elif isinstance(wanted, list | tuple) and isinstance(found, list):
        if len(wanted) != len(found):
            yield f"{path}: wanted {len(wanted)} items, were {len(found)}"
        for index, (want, have) in enumerate(zip(wanted, found, strict=False)):
            yield from _differences(want, have, f"{path}[{index}]")
    elif wanted != found or isinstance(wanted, bool) != isinstance(found, bool):
        yield f"{path}: wanted {shown(wanted)}, was {shown(found)}"


_BUILDERS: tuple[tuple[str, Callable[[Any], Condition]], ...] = (
    ("dialect", lambda wanted: _equal("dialect", wanted, lambda request: request.dialect)),
    ("stream", lambda wanted: _equal("stream", wanted, lambda request: request.stream)),
    ("model", _model),
    ("turn", _turn),
    ("after_tool", _after_tool),
    ("offers_tool", _offers_tool),
    ("user", _of_user),
    ("system", lambda wanted: _text("system", wanted, lambda request: request.system_text)),
)
