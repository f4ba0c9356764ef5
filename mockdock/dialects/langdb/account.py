"""Whose account a call is on: what its headers and its body say of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from mockdock.dialects.base import Call
from mockdock.dialects.langdb.failures import bad_request, missing_project
from mockdock.question import Account
from mockdock.reply import Failure

__all__ = ["account_of", "project_of"]

_LONGEST = 1000
_MOST_TAGS = 100
_TRUE = frozenset({"1", "true"})


def account_of(call: Call, body: Mapping[str, Any]) -> Account | Failure:
    """Read what a call for a model says of its account.

    The project is in the path or in a header. A text is cut at 1,000 characters. Tags come
    from a header, a query string of them; ``extra.user`` of the body is the user, whose
    tags count as one by the name of "user_tags".
    """
    project = project_of(call)
    if isinstance(project, Failure):
        return project
    user = _user(body)
    if isinstance(user, Failure):
        return user
    public = call.headers.get("x-thread-public")
    return Account(
        project=project,
        thread=_text(call, "x-thread-id") or "",
        run=_text(call, "x-run-id"),
        label=_text(call, "x-label"),
        tags=(*_tags(call), *_user_tags(user)),
        user_id=_named(user, "id"),
        user_name=_named(user, "name"),
        title=_text(call, "x-thread-title"),
        public=None if public is None else public.strip().lower() in _TRUE,
    )


def project_of(call: Call) -> str | Failure:
    """Give the project a call is for."""
    settings = call.gateways.langdb
    project = call.params.get("project_id") or _text(call, "x-project-id") or settings.project
    if not project and not call.lenient:
        return missing_project(call)
    if settings.projects is not None and project not in settings.projects:
        return Failure("permission", message=f"Project {project} not found")
    return project


def _text(call: Call, header: str) -> str | None:
    return _read(call, header).strip()[:_LONGEST] or None


def _read(call: Call, header: str) -> str:
    """Give the text of a header: UTF-8 where it is some, as paths and bodies are."""
    value = call.headers.get(header, "")
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def _tags(call: Call) -> tuple[tuple[str, str], ...]:
    """Read ``k=v&k2=v2``."""
    text = _read(call, "x-tags")[: _LONGEST * 10]
    pairs = parse_qsl(text, keep_blank_values=True)
    return tuple((key[:_LONGEST], value[:_LONGEST]) for key, value in pairs[:_MOST_TAGS])


def _user(body: Mapping[str, Any]) -> Mapping[str, Any] | Failure:
    extra = body.get("extra")
    if extra is None:
        return {}
    user = extra.get("user") if isinstance(extra, dict) else extra
    if user is None:
        return {}
    if not isinstance(user, dict):
        where = "extra.user" if isinstance(extra, dict) else "extra"
        return bad_request(f"Invalid type for '{where}': expected an object.", where)
    return user


def _named(user: Mapping[str, Any], key: str) -> str | None:
    value = user.get(key)
    return str(value)[:_LONGEST] if isinstance(value, str | int | float) else None


def _user_tags(user: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    tags = user.get("tags")
    if not isinstance(tags, list) or not tags:
        return ()
    plain = [str(each) for each in tags if isinstance(each, str | int | float)]
    return (("user_tags", ",".join(plain)[:_LONGEST]),)
