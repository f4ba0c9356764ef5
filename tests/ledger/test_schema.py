"""Opening: what is refused, and how that is said."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mockdock.errors import LedgerError
from mockdock.ledger import Ledger
from mockdock.ledger import store as module
from mockdock.ledger.schema import VERSION
from tests.ledger.helpers import EVER, exchange

PATIENCE = 60.0
HOLDER = """
import sys
from pathlib import Path
from mockdock.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def change(path: Path, script: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()


def refusal(path: Path) -> str:
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(LedgerError) as caught:
        Ledger(path)
    assert (path.read_bytes() if path.is_file() else b"") == before
    return str(caught.value)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: a ledger is a file, and this is none"


def test_a_file_in_no_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none" / "a.db"
    assert refusal(path) == f"{path}: the ledger cannot be opened: No such file or directory"


def test_what_is_no_database_is_refused(path: Path) -> None:
    path.write_text("Dear diary,\n" * 1000)
    assert refusal(path) == f"{path}: this is not a ledger: file is not a database"


@pytest.mark.parametrize(
    "script", ["CREATE TABLE t (a)", "PRAGMA user_version = 1", "PRAGMA application_id = 7"]
)
def test_the_database_of_another_program_is_refused(path: Path, script: str) -> None:
    change(path, script)
    assert refusal(path) == f"{path}: this is the database of another program, not a ledger"


def test_a_ledger_of_a_later_version_is_refused(path: Path) -> None:
    Ledger(path).close()
    change(path, f"PRAGMA user_version = {VERSION + 1}")
    assert refusal(path) == (
        f"{path}: this ledger has version {VERSION + 1}, and this mockdock knows {VERSION}; "
        "use a newer mockdock, or another file"
    )


def test_an_empty_file_is_a_new_ledger(path: Path) -> None:
    path.touch()
    with Ledger(path) as ledger:
        assert ledger.threads("p", limit=1).total == 0


def test_a_ledger_that_is_open_here_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockdock.ledger.schema._PATIENCE", 0.0)
    with Ledger(path) as ledger:
        ledger.add(exchange())
        assert refusal(path) == f"{path}: the ledger is in use by another server"
        ledger.add(exchange())
        assert ledger.analytics("p", EVER)[0].figures.total_requests == 2


def test_a_ledger_that_another_process_has_open_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockdock.ledger.schema._PATIENCE", 0.0)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        assert refusal(path) == f"{path}: the ledger is in use by another server"
        process.communicate()
    Ledger(path).close()


def test_a_spool_that_is_no_file_is_refused(path: Path) -> None:
    path.with_name("a.db-spool1").mkdir()
    with pytest.raises(
        LedgerError, match=r"a\.db-spool1: the spool cannot be opened: Is a directory"
    ):
        Ledger(path)
    path.with_name("a.db-spool1").rmdir()
    path.with_name("a.db-spool1").symlink_to("/dev/null")
    with pytest.raises(LedgerError, match=r"a\.db-spool1: a spool is a file, and this is none"):
        Ledger(path)
    path.with_name("a.db-spool1").unlink()
    Ledger(path).close()


def test_a_spool_that_the_database_cannot_take_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ledger(path).close()

    def put(*_: object) -> list[str]:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(module, "put", put)
        with pytest.raises(LedgerError, match="cannot be opened: database or disk is full"):
            Ledger(path)
    Ledger(path).close()


def test_a_log_that_cannot_be_opened_is_told(path: Path) -> None:
    path.with_name("a.db-wal").mkdir()
    with pytest.raises(LedgerError, match=r"a\.db: the ledger cannot be opened: "):
        Ledger(path)


def test_a_disk_that_gives_errors_is_told(path: Path) -> None:
    """Such as a database whose pages are broken."""
    with Ledger(path) as ledger:
        ledger.add(exchange())
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(bytes(content))
    with pytest.raises(LedgerError, match=r"a\.db: the ledger cannot be opened: .* malformed"):
        Ledger(path)
