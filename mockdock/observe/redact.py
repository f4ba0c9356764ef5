"""Secrets, taken out of what is shown or written."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

__all__ = ["HIDDEN", "data", "headers", "is_secret", "secrets", "text"]

HIDDEN = "[redacted]"
"""What stands in the place of a secret."""

_SHOWN_NAMES = frozenset({"idempotency-key", "sec-websocket-key"})
_NAME = re.compile(
    r"auth(orization)?$|(^|[-_]|api|access)key$|token$|secret|passw|pwd|jwt"
    r"|cookie|credential|signature"
)
"""How the names of headers with secrets look, such as ``x-amz-security-token``."""
_KEY = re.compile(
    r"(?:(?<!\w)|(?<=\\[bfnrt]))"  # JSON writes a line break as two letters
    r"(?:sk-(?!mockdock-)|pk-|rk-|gsk_|xai-|hf_|gh[opsu]_|github_pat_|AIza|AKIA|eyJ[\w-]+\.eyJ)"
    r"[\w.-]{16,}",
    re.ASCII,
)
"""What the keys of well-known services, and web tokens, look like."""
_STARTS = (
    *("sk-", "pk-", "rk-", "gsk_", "xai-", "hf_", "gho_", "ghp_", "ghs_", "ghu_"),
    *("github_pat_", "AIza", "AKIA", "eyJ"),
)
"""How these begin: nearly all texts have none of it, which is quicker to see."""
_OURS = re.compile(r"(?:Bearer )?sk-mockdock-[\w-]+", re.IGNORECASE)
_LEAST = 12
"""Letters of a secret that is looked for by itself: a shorter one may be a word."""
_SHOWN = 80
"""Letters of a value that a message may quote."""
_ESCAPE = re.compile(r"\\(?:u00([0-9a-fA-F]{2})|(.))", re.DOTALL)
_NESTED = 3
"""How often JSON is looked for within texts of JSON: arguments of a tool are such."""


def headers(given: Mapping[str, str], known: Sequence[str] = ()) -> dict[str, str]:
    """Hide the values of headers that hold secrets, and ``known`` secrets in the others.

    A key that mockdock made for a session is none.
    """
    return {name: _value(name, value, known) for name, value in given.items()}


@lru_cache(maxsize=256)
def is_secret(name: str) -> bool:
    """Tell whether a header of this name holds a secret."""
    name = name.lower()
    return name not in _SHOWN_NAMES and _NAME.search(name) is not None


def secrets(given: Mapping[str, str]) -> tuple[str, ...]:
    """Give the secrets in the headers of a request, longest first, as texts may quote them."""
    found = {
        form
        for name, value in given.items()
        if is_secret(name) and not _OURS.fullmatch(value)
        for each in _forms(name, value)
        for form in _written(each)
    }
    return tuple(sorted(found, key=lambda each: (-len(each), each)))


def text(given: str, known: Sequence[str] = ()) -> str:
    """Hide ``known`` secrets, and what looks like a key of a well-known service.

    Where one is written in escapes of JSON or in UTF-16, all of the text is hidden.
    """
    shown = _plainly(given, known)
    return HIDDEN if _lurks(shown, known) else shown


def data(given: bytes, known: Sequence[str] = ()) -> bytes:
    """Hide secrets in bytes that are no text, as :func:`text` does."""
    encoded = (each.encode().decode("latin-1") for each in known)
    letters = text(given.decode("latin-1"), tuple(dict.fromkeys((*known, *encoded))))
    return letters.encode("latin-1")


def _plainly(given: str, known: Sequence[str]) -> str:
    for each in known:
        given = given.replace(each, HIDDEN)
    for each in _STARTS:
        if each in given:
            return _KEY.sub(HIDDEN, given)
    return given


def _lurks(given: str, known: Sequence[str]) -> bool:
    """Tell whether a secret shows up when zeros are left out and escapes are read."""
    bare = given.replace("\0", "")
    if bare != given and _plainly(bare, known) != bare:
        return True
    for _ in range(_NESTED):
        # Letters of the keys of services can be written in one kind of escapes only.
        if ("\\" if known else "\\u00") not in bare:
            return False
        bare = _ESCAPE.sub(_unescaped, bare)
        if _plainly(bare, known) != bare:
            return True
    return False


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else escape[2]


def _forms(name: str, value: str) -> Iterator[str]:
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
    if name.lower() == "cookie":
        values = (each.partition("=")[2].strip() for each in value.split(";"))
        yield from (each for each in values if len(each) >= _LEAST)


def _written(secret: str) -> Iterator[str]:
    """Give a secret as it is, and as JSON writes it; headers may hold UTF-8, read as latin-1."""
    yield secret
    yield json.dumps(secret)[1:-1]
    if not secret.isascii():
        yield json.dumps(secret, ensure_ascii=False)[1:-1]
        try:
            yield secret.encode("latin-1").decode()
        except ValueError:
            return


def _password(credentials: str) -> Iterator[str]:
    try:
        word = base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return
    if len(word) >= _LEAST:
        yield word


def _value(name: str, value: str, known: Sequence[str]) -> str:
    if is_secret(name) and not _OURS.fullmatch(value):
        return HIDDEN
    return text(value, known)
