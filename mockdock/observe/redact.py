"""Secrets, taken out of what is shown or written."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping

__all__ = ["HIDDEN", "headers", "is_secret", "secrets", "text"]

HIDDEN = "[redacted]"
"""What stands in the place of a secret."""

_NAMED = frozenset({"ocp-apim-subscription-key", "x-admin-key", "x-functions-key"})
_NAME = re.compile(r"auth(orization)?$|api-?key$|secret|passw|token$|cookie|credential|signature")
"""How the names of headers with secrets look, such as ``x-amz-security-token``."""
_KEY = re.compile(
    r"\b(?:sk-(?!mockdock-)|pk-|rk-|gsk_|xai-|hf_|gh[opsu]_|github_pat_|AIza|AKIA|eyJ[\w-]+\.eyJ)"
    r"[\w.-]{16,}"
)
"""What the keys of well-known services, and web tokens, look like."""
_OURS = re.compile(r"(?:Bearer )?sk-mockdock-[\w-]+", re.IGNORECASE)
_LEAST = 12
"""Letters of a secret that is looked for by itself: a shorter one may be a word."""
_SHOWN = 80
"""Letters of a value that a message may quote."""


def headers(given: Mapping[str, str]) -> dict[str, str]:
    """Hide the values of headers that hold secrets; the names are lower-case.

    A key that mockdock made for a session is none.
    """
    return {name: _value(name, value) for name, value in given.items()}


def is_secret(name: str) -> bool:
    """Tell whether a header of this name, in lower case, holds a secret."""
    return name in _NAMED or _NAME.search(name) is not None


def secrets(given: Mapping[str, str]) -> tuple[str, ...]:
    """Give the secrets in the headers of a request, longest first, as texts may quote them."""
    found = {
        each
        for name, value in given.items()
        if is_secret(name) and not _OURS.fullmatch(value)
        for each in _forms(value)
    }
    return tuple(sorted(found, key=lambda each: (-len(each), each)))


def text(given: str, known: Iterable[str] = ()) -> str:
    """Hide ``known`` secrets, and what looks like a key of a well-known service."""
    for each in known:
        given = given.replace(each, HIDDEN)
    return _KEY.sub(HIDDEN, given)


def _forms(value: str) -> Iterator[str]:
    """Give a header's value whole, cut as in messages, and what of it is the secret itself."""
    scheme, _, rest = value.strip().partition(" ")
    rest = rest.strip()
    if rest or len(value) >= _LEAST:
        yield value
        yield value[:_SHOWN]
    if len(rest) >= _LEAST:
        yield rest
        if scheme.lower() == "basic":
            yield from _password(rest)


def _password(credentials: str) -> Iterator[str]:
    try:
        word = base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return
    if len(word) >= _LEAST:
        yield word


def _value(name: str, value: str) -> str:
    if is_secret(name) and not _OURS.fullmatch(value):
        return HIDDEN
    return text(value)
