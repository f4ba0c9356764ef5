"""``mockdock journal``, ``verify`` and ``reset``: a running server, from outside."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from mockdock.cli.reading import complain
from mockdock.errors import StartError, UsageError
from mockdock.observe.report import exchanges, report
from mockdock.observe.verbs import Unused, Verbs
from mockdock.remote import RemoteVerbs

__all__ = ["print_journal", "reset_session", "verify_session"]

_PAGE = 100
_WAIT = 1.0


def print_journal(
    url: str,
    token: str | None,
    session: str | None,
    *,
    follow: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    """Print what is kept, and go on until Ctrl-C or the server's end where that is wanted.

    Raises MockdockError when there is no server, or no such session; where what comes is
    followed, it may be yet to come.
    """
    verbs = RemoteVerbs(url, token)
    try:
        seen = _print_kept(verbs, session, limit, as_json=as_json)
        if session and not seen and session not in verbs.sessions():
            _miss(session, url, follow=follow)
        while follow:
            try:
                page = verbs.journal(session, after=seen, limit=_PAGE, wait=_WAIT)
            except StartError:
                complain("the server has stopped")
                return
            _print(page, as_json=as_json)
            seen = page[-1]["number"] if page else seen
    except KeyboardInterrupt:
        return


def _miss(session: str, url: str, *, follow: bool) -> None:
    told = f"{url}: there is no session {session!r}, and the journal has no exchange of it"
    if not follow:
        raise UsageError(told)
    complain(f"{told} yet")


def _print_kept(verbs: Verbs, session: str | None, limit: int | None, *, as_json: bool) -> int:
    """Print the last so many, or all; give the number of the newest."""
    if limit is not None:
        # The newest tells where to follow from, also when none is to be shown.
        kept = verbs.journal(session, last=max(limit, 1))
        _print(kept[-limit:] if limit else (), as_json=as_json)
        return kept[-1]["number"] if kept else 0
    seen, more = 0, True
    while more:
        page = verbs.journal(session, after=seen, limit=_PAGE)
        more = len(page) == _PAGE
        seen = page[-1]["number"] if page else seen
        _print(page, as_json=as_json)
    return seen


def _print(records: Iterable[Mapping[str, Any]], *, as_json: bool) -> None:
    for record in records:
        text = json.dumps(record) if as_json else exchanges([record])
        sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def verify_session(
    url: str, token: str | None, session: str, unused: Unused, *, every: bool
) -> int:
    """Print the report of one session or all; give the exit code.

    Raises UsageError when both are asked for.
    """
    verdict = RemoteVerbs(url, token).verify(_meant(session, every=every), unused=unused)
    sys.stdout.write(f"{report(verdict)}\n")
    return 0 if verdict.ok else 1


def reset_session(url: str, token: str | None, session: str, *, every: bool) -> None:
    """Reset one session or all, and say so.

    Raises UsageError when both are asked for, and where there is no such session.
    """
    verbs, meant = RemoteVerbs(url, token), _meant(session, every=every)
    if session and session not in verbs.sessions() and not _left_marks(verbs, session):
        _miss(session, url, follow=False)
    verbs.reset(meant)
    what = "all sessions" if every else f"the session {session}" if session else "the server"
    sys.stdout.write(f"reset {what}\n")


def _left_marks(verbs: Verbs, session: str) -> bool:
    """Tell whether a session that nobody opened has anything to forget."""
    return verbs.counts(session).requests > 0 or bool(verbs.state(session))


def _meant(session: str, *, every: bool) -> str | None:
    """Tell which session is meant, None for all."""
    if every and session:
        raise UsageError("--session and --all exclude each other")
    return None if every else session
