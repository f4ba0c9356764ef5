"""What a failed test shows of its docks, and keeps of them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mockdock.errors import MockdockError, VerificationError
from mockdock.observe.report import exchanges
from mockdock.testing.checks import shown as written
from mockdock.testing.hints import STRAYS, served
from mockdock.testing.watched import Run, Watched

if TYPE_CHECKING:
    from mockdock.testing.dock import MockDock

__all__ = ["keep", "show"]

_LONGEST_NAME = 80
_CAUSES = 5
_HOME = Path(__file__).parent.parent


def show(
    item: pytest.Item,
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
    run: Run,
    watched: Watched | None,
) -> None:
    """Give a report its sections; what verifying raised becomes its whole message."""
    docks = [*([] if watched is None else [watched.dock]), *run.used()]
    causes: list[BaseException] = [error for dock in docks for error in dock.raised[:_CAUSES]]
    if call.excinfo is not None:
        error = call.excinfo.value
        if isinstance(error, VerificationError) and error is run.raised:
            _tell_plainly(item, call.excinfo, report)
            if error.__cause__ is not None:  # its dock may be gone
                causes.append(error.__cause__)
    shown = watched.shown if watched is not None else set()
    for title, text in (*_sections(item, run, watched), *_causes(causes)):
        if (title, text) not in shown:
            shown.add((title, text))
            report.sections.append((title, text))


def _tell_plainly(
    item: pytest.Item, error: pytest.ExceptionInfo[BaseException], report: pytest.TestReport
) -> None:
    """Leave out the traceback: it would show the plugin. The test is where it happened."""
    told = error.getrepr(style="value", chain=False)
    if told.reprcrash is not None:
        told.reprcrash.path = str(item.path)
        told.reprcrash.lineno = (item.location[1] or 0) + 1
        told.reprcrash.message = f"VerificationError: {error.value}"
    report.longrepr = told


def _causes(errors: Sequence[BaseException]) -> Iterator[tuple[str, str]]:
    """Show where functions of rules raised, alike ones once."""
    told = dict.fromkeys(_cause(error) for error in errors)
    if told:
        yield "mockdock: raised by a rule's function", "\n\n".join(told)


def _cause(error: BaseException) -> str:
    if isinstance(error, VerificationError) and error.__cause__ is not None:
        error = error.__cause__  # what was no ordinary error
    raised = pytest.ExceptionInfo.from_exception(error)
    own = raised.traceback.filter(lambda entry: not _foreign(Path(entry.path)))
    raised.traceback = own or raised.traceback
    return str(raised.getrepr(style="short"))


def _foreign(path: Path) -> bool:
    return _HOME in path.parents or "site-packages" in path.parts


def _sections(item: pytest.Item, run: Run, watched: Watched | None) -> Iterator[tuple[str, str]]:
    if watched is not None:
        yield from _section("mockdock", item.nodeid, run, watched.dock)
        yield from _strays(watched.dock)
    for number, dock in enumerate(run.used(), 1):
        yield from _section(f"mockdock, shared {number}", f"{item.nodeid} {number}", run, dock)


def _strays(dock: MockDock) -> Iterator[tuple[str, str]]:
    """Show what came in no session during the test; a server elsewhere may be gone."""
    with suppress(MockdockError, OSError):
        calls = dock.strays if dock.opened else ()
        records = [call.record for call in calls]
        if records:
            parts = (STRAYS, exchanges(records), served(records))
            yield "mockdock: requests in no session", "\n\n".join(part for part in parts if part)


def _section(title: str, name: str, run: Run, dock: MockDock) -> Iterator[tuple[str, str]]:
    try:
        text = dock.report() if dock.opened else ""
        if text and run.journal is not None:
            text = f"{text}\n\n{_kept(run.journal, name, dock)}"
    except Exception as error:  # noqa: BLE001 - the report of the test must not be lost
        text = f"the exchanges cannot be shown: {written(error)}"
    if text:
        yield title, text


def _kept(folder: Path, name: str, dock: MockDock) -> str:
    try:
        return f"kept as a scenario that replays: {keep(folder, name, dock)}"
    except OSError as error:
        return f"not kept: {error}"


def keep(folder: Path, name: str, dock: MockDock) -> Path:
    """Write what a dock heard and said as a scenario, and give the file.

    The file's name is that of the test, in short, with letters that are safe
    everywhere; a test that fails again replaces it. Raises OSError.
    """
    from mockdock.observe.replay import replay  # noqa: PLC0415 - only where a journal is kept

    words = re.sub(r"[^A-Za-z0-9_]+", "-", name.removesuffix("]")).strip("-")[-_LONGEST_NAME:]
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    path = folder / f"{words.strip('-')}-{mark}.yaml"
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(replay(dock.records(), name=path.stem), encoding="utf-8")
    part.replace(path)
    return path
