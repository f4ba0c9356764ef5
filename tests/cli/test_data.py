"""``mockdock serve --data``: what is wrong with a file."""

from __future__ import annotations

from pathlib import Path

from mockdock.ledger import Ledger
from tests.cli.conftest import Run


def test_a_file_that_cannot_be_is_a_line_and_exit_code_2(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "none" / "a.db"
    code, out, err = run("serve", "quickstart", "--port", "0", "--data", str(path))
    assert (code, out) == (2, "")
    assert err == f"mockdock: {path}: the ledger cannot be opened: No such file or directory\n"


def test_a_file_in_use_is_a_line_and_exit_code_2(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Ledger(path):
        code, out, err = run("serve", "quickstart", "--port", "0", "--data", str(path))
    assert (code, out) == (2, "")
    assert err == f"mockdock: {path}: the ledger is in use by another server\n"


def test_a_file_that_is_no_ledger_is_a_line_and_exit_code_2(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"x" * 5000)
    code, out, err = run("serve", "quickstart", "--port", "0", "--data", str(path))
    assert (code, out) == (2, "")
    assert err.startswith(f"mockdock: {path}: this is not a ledger: ")
    assert path.read_bytes() == b"x" * 5000
