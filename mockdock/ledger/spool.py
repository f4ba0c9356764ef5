"""The spool: exchanges on disk before they are in the database.

Two files beside the database, ``<name>-spool0`` and ``<name>-spool1``: one takes
new lines while those of the other are written to the database. A line is
``<number> <entry as JSON>``, the first one names the database. What is written
there survives the death of the process, but not that of the machine.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mockdock.errors import LedgerError
from mockdock.ledger.entry import Entry, decoded

__all__ = ["Spool"]

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


class Spool:
    """The two files of the database at ``path`` whose id is ``name``.

    Only who holds the lock of the database may open them. Raises LedgerError for
    what cannot be a spool, or is one of another database.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._head = json.dumps({"ledger": name}).encode() + b"\n"
        self._paths = [path.with_name(f"{path.name}-spool{which}") for which in (0, 1)]
        self._files: list[int] = []
        self._now = 0
        self._torn = False
        self.left: list[tuple[int, Entry]] = []
        """What was not in the database yet, or at least was not known to be, in order."""
        try:
            for each in self._paths:
                self._files.append(_opened(each))
                self.left += self._read(each, self._files[-1])
        except LedgerError:
            self.release()
            raise
        self.left.sort(key=lambda numbered: numbered[0])

    def begin(self) -> None:
        """Empty both files: all that was left is in the database. Raises OSError."""
        self.left = []
        for file in self._files:
            os.ftruncate(file, 0)
            os.write(file, self._head)

    def append(self, line: bytes) -> None:
        """Add a line. Raises OSError where it could not be added whole."""
        if self._torn:
            line = b"\n" + line
        self._torn = True
        if os.write(self._files[self._now], line) != len(line):
            raise OSError("no space for more than a part of it")
        self._torn = False

    def swap(self) -> None:
        """Let the other file take what comes now; it must be settled."""
        self._now = 1 - self._now
        self._torn = True  # it may be, where it could not be settled; an empty line does no harm

    def settle(self) -> None:
        """Empty the file that takes nothing now: its lines are in the database. Raises OSError."""
        os.ftruncate(self._files[1 - self._now], len(self._head))

    def release(self) -> None:
        """Close the files and leave them where they are."""
        for file in self._files:
            os.close(file)
        self._files = []

    def remove(self) -> None:
        """Close the files and delete them: all of their lines are in the database."""
        self.release()
        for path in self._paths:
            with suppress(OSError):
                path.unlink()

    def _read(self, path: Path, file: int) -> Iterator[tuple[int, Entry]]:
        with os.fdopen(os.dup(file), "rb") as opened:
            opened.seek(0)
            head, *lines = opened.read().split(b"\n")
        if head and not self._head.startswith(head):
            raise LedgerError(
                f"{path}: this is not the spool of the ledger beside it; "
                "put that one back, or delete this file"
            )
        return (found for line in lines if (found := _parsed(line)) is not None)


def _opened(path: Path) -> int:
    try:
        file = os.open(path, _FLAGS, 0o600)
    except OSError as error:
        raise LedgerError(f"{path}: the spool cannot be opened: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise LedgerError(f"{path}: a spool is a file, and this is none")
    return file


def _parsed(line: bytes) -> tuple[int, Entry] | None:
    """Read a line; None for one that was cut off, whose exchange was never acknowledged."""
    number, _, rest = line.partition(b" ")
    try:
        return int(number), decoded(json.loads(rest))
    except (ValueError, TypeError):
        return None
