"""How long it takes to begin: the server, the import, the first fixture of a run."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench.asked import chat
from tests.bench.bench import Bench
from tests.bench.commands import of_pytest, printed, turns
from tests.bench.machine import cpu
from tests.bench.rows import Row, Target, at_most
from tests.bench.servers import Recorded, Running, Served, launched, recorded

__all__ = ["fixture", "imported", "startup"]

_URL = re.compile(r"http://127\.0\.0\.1:(\d+)")
_SERVE = (sys.executable, "-m", "mockdock", "serve", "quickstart", "--port", "0")
_FIRST = """
import time, pytest

@pytest.fixture(scope="session", autouse=True)
def began():
    return time.perf_counter()

def test_first(began, mockdock):
    assert mockdock.openai["base_url"]
    print("took", time.perf_counter() - began)
"""
_COMPILES = sys.dont_write_bytecode
_TIMED = "import time; began = time.perf_counter(); import {}; print('took', {})"
_SINCE = "time.perf_counter() - began"


def startup(bench: Bench) -> Iterator[Row]:
    """Time from exec to the first answer, of ``mockdock serve`` and of a bare application.

    In turns, beside a Python that does nothing: of a machine that others use the least is
    what the program itself takes.
    """
    rows = turns(bench.amounts.runs, _mock, _bare, _empty)
    clock = [[each.clock for each in row[:2]] for row in rows]
    yield _row("startup", "exec to first answer, median", clock, at_most(600))
    least = [[min(column) for column in zip(*clock, strict=True)]]
    yield _row("startup", "exec to first answer, least", least)
    used = [[each.cpu for each in row[:2]] for row in rows]
    yield _row("startup", "CPU time until then, median", used)
    empty = [row[2].clock * 1000 for row in rows]
    bench.notes.append(
        f"startup: a Python that does nothing takes {statistics.median(empty):.0f} ms, "
        f"at the least {min(empty):.0f}"
        + (", and all compile their code: PYTHONDONTWRITEBYTECODE" if _COMPILES else "")
    )


def imported(bench: Bench) -> Iterator[Row]:
    """Time an import, beside that of Starlette and uvicorn."""
    both = ("mockdock", "uvicorn, starlette.applications")
    ours, theirs = ((sys.executable, "-c", _TIMED.format(each, _SINCE)) for each in both)
    rows = turns(bench.amounts.runs, lambda: printed(ours), lambda: printed(theirs))
    yield _row("import", "import mockdock", rows, at_most(60))


def fixture(bench: Bench) -> Iterator[Row]:
    """Time the fixture ``mockdock`` until its server has a URL, in a new pytest."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "test_first.py")
        file.write_text(_FIRST)
        command = of_pytest(file, "-s")
        took = turns(bench.amounts.runs, lambda: printed(command, folder))
    ours = statistics.median(each for (each,) in took)
    yield Row("fixture", "first fixture of a run", "ms", ours * 1000)


class _Took(NamedTuple):
    clock: float
    cpu: float


def _mock() -> _Took:
    began = time.perf_counter()
    process = subprocess.Popen(_SERVE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        found = _URL.search(process.stdout.readline())
        assert found is not None
        return _answered(began, Running(int(found[1]), process.pid))
    finally:
        process.terminate()
        process.communicate()


def _bare() -> _Took:
    began = time.perf_counter()
    reply = Recorded(200, "application/json", ("{}",))
    with launched(Served("starlette", reply=reply)) as running:
        return _answered(began, running)


def _empty() -> _Took:
    began = time.perf_counter()
    subprocess.run((sys.executable, "-c", "pass"), check=True)
    return _Took(time.perf_counter() - began, 0.0)


def _answered(began: float, running: Running) -> _Took:
    recorded(running, chat())
    return _Took(time.perf_counter() - began, cpu(running.pid))


def _row(
    name: str, what: str, rows: Sequence[Sequence[float]], target: Target | None = None
) -> Row:
    ours, theirs = (statistics.median(column) * 1000 for column in zip(*rows, strict=True))
    ratios = [mine / other for mine, other in rows]
    middle = statistics.median(ratios)
    return Row(name, what, "ms", ours, theirs, ratio=middle, target=target, ratios=ratios)
