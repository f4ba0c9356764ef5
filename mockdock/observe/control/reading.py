"""Requests to the control API: their query strings and bodies, or what is wrong with them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import orjson
from anyio import to_thread
from pydantic import BaseModel, RootModel, ValidationError
from starlette.requests import Request

from mockdock.errors import Problem
from mockdock.observe.control.bodies import Everyone, OneSession
from mockdock.observe.control.operation import Asked, Operation, Query
from mockdock.observe.control.refused import Refused, told
from mockdock.observe.verbs import ALL_SESSIONS

__all__ = ["MOST_BYTES", "check_path", "understand"]

MOST_BYTES = 20_000_000
"""The largest body, in bytes: as large as a scenario file may be."""

_MOST_PARAMETERS = 50
_LONGEST_KEY = 1000
_DIGITS = 18
_SESSION = "x-mockdock-session"
_MOST_FIELDS = 100
_YAML = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


async def understand(operation: Operation, request: Request) -> Asked:
    """Read a request. Raises Refused for one that has mistakes."""
    query = _query(operation.query, request.scope["query_string"])
    # A large body takes a while; who asks for a completion need not wait for it.
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_text = operation.text and kind in _YAML
    body = await to_thread.run_sync(_body, operation, await _content(request), is_text)
    key = request.path_params.get("key")
    if key is not None:
        _check_key(key)
    accept = ", ".join(request.headers.getlist("accept"))
    wait = getattr(query, "wait", 0.0)
    return Asked(_session(query, request), query, body, key or "", wait, accept)


def check_path(path: str) -> None:
    """Raise Refused for a path that no route reads as it was meant."""
    if _CONTROL.search(path):
        message = "a path has no control characters such as line breaks, and neither has a key"
        raise Refused(400, "request", message)


def _query(model: type[Query], raw: bytes) -> Query:
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:  # undecodable ones too
        raise Refused(
            400, "request", "the query string is not of the form name=value&name=value, in UTF-8"
        ) from None
    given = dict(pairs)
    if len(given) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Refused(400, "request", f"the query parameter {twice!r} is given twice")
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _invalid("the query string is wrong", error, model) from None


async def _content(request: Request) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > _DIGITS or int(announced) > MOST_BYTES):
        raise _too_large()
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            raise _too_large()
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large() -> Refused:
    message = f"the body is larger than {MOST_BYTES // 1_000_000} MB"
    # What is left of it is not worth reading.
    return Refused(413, "request", message, headers={"connection": "close"})


def _body(operation: Operation, raw: bytes, is_text: bool) -> BaseModel | None:
    model = operation.body
    if model is None:
        if raw.strip():
            where = f"{operation.method} {operation.path}"
            raise Refused(400, "request", f"{where} takes no body; send none")
        return None
    if is_text:
        return model.model_validate({"yaml": _text(raw)})
    value = _json(raw) if raw.strip() else {}
    if isinstance(value, dict) and len(value) > _MOST_FIELDS and not issubclass(model, RootModel):
        known = _are(sorted(model.model_fields))
        raise Refused(400, "request", f"the body has {len(value)} fields; there {known}")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _invalid("the body is wrong", error, model) from None


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"the body is not UTF-8: the byte at {error.start} is wrong"
        raise Refused(400, "request", message) from None


def _json(raw: bytes) -> Any:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise Refused(400, "request", f"the body is not JSON: {error.msg}, {at}") from None
    try:
        orjson.dumps(value)  # it writes less deep than it reads, and so do those behind us
    except TypeError:
        raise Refused(400, "request", "the body is nested too deep") from None
    return value


def _session(query: Query, request: Request) -> str | None:
    """Tell which session is meant, None for all."""
    if not isinstance(query, OneSession | Everyone):
        return ""
    header = request.headers.get(_SESSION, "")
    key = query.session if "session" in query.model_fields_set else header
    if _CONTROL.search(key):
        raise Refused(400, "request", "the key of a session has no control characters")
    if key != ALL_SESSIONS:
        return key
    if isinstance(query, Everyone):
        return None
    hint = "name one session"
    raise Refused(400, "request", f"this cannot be done to all sessions at once; {hint}")


def _check_key(key: str) -> None:
    if not key or key == ALL_SESSIONS or len(key) > _LONGEST_KEY:
        message = f"a key is a text of 1 to {_LONGEST_KEY} characters, and not {ALL_SESSIONS!r}"
        raise Refused(400, "request", message)


def _invalid(what: str, error: ValidationError, model: type[BaseModel]) -> Refused:
    problems = list(_problems(error, model))
    return Refused(400, "request", f"{what}: {told(problems, '; ')}", problems)


def _problems(error: ValidationError, model: type[BaseModel]) -> Iterator[Problem]:
    known = sorted(model.model_fields)
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        place = detail["loc"]
        path = ".".join(str(part) for part in place)
        if detail["type"] == "extra_forbidden":
            yield Problem("unknown", path=path, hint=_known(str(place[-1]), known))
        elif detail["type"] == "missing":
            yield Problem("missing", path=path)
        else:
            message = detail["msg"]
            yield Problem(message[:1].lower() + message[1:], path=path)


def _known(word: str, known: Iterable[str]) -> str:
    names = list(known)
    found = difflib.get_close_matches(word, names, n=1)
    near = f"did you mean {found[0]!r}? " if found else ""
    return f"{near}there {_are(names)}"


def _are(names: list[str]) -> str:
    return f"are: {', '.join(names)}" if names else "are none"
