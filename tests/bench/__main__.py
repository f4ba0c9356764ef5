"""``python -m tests.bench``: every case in one go, or those of ``--only``.

Nothing fails here: it only measures.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import orjson
from rich.console import Console

from tests.bench.bench import Amounts, Bench
from tests.bench.cases import CASES
from tests.bench.load import wrk
from tests.bench.machine import busy, cores, described, pin, stolen
from tests.bench.rows import WIDTH, Row, record, show

__all__ = ["main", "measured"]

_NOTABLE = 0.1


def main() -> None:
    """Measure what is wanted and print a table."""
    given = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # its servers end with it
    where = cores()
    pin(where and where[1])
    amounts = Amounts(given.rounds, given.seconds, requests=given.requests, streams=given.streams)
    bench = Bench(amounts, core=where and where[0])
    machine = {**described(), "pinned": where is not None, "client": "wrk" if wrk() else "own"}
    if busy():
        bench.notes.append("others use this machine: ratios mislead, those by the clock the most")
    rows = measured(bench, given.only or [*CASES])
    if given.json is not None:
        told = record(rows, bench.notes, machine)
        written = orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        if given.json == "-":
            sys.stdout.buffer.write(written)
        else:
            Path(given.json).write_bytes(written)
    if given.json != "-":
        show(rows, [*bench.notes, _line(machine)], Console(width=WIDTH))


def measured(bench: Bench, names: Sequence[str]) -> list[Row]:
    """Measure cases; what hinders one is noted, and the others go on."""
    rows: list[Row] = []
    for name in names:
        sys.stderr.write(f"{name} ...\n")
        began, taken = time.perf_counter(), stolen()
        try:
            rows += CASES[name].measure(bench)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            traceback.print_exc()
            bench.notes.append(f"{name}: could not be measured: {error!r}")
        share = (stolen() - taken) / (time.perf_counter() - began)
        if share > _NOTABLE:
            bench.notes.append(f"{name}: the host took {share:.0%} of a core away meanwhile")
    return rows


def _line(machine: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in machine.items())


def _arguments() -> argparse.Namespace:
    usual = Amounts()
    lines = "\n".join(f"  {each.name:<12}{each.tells}" for each in CASES.values())
    parser = argparse.ArgumentParser(
        "python -m tests.bench",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"cases:\n{lines}",
    )
    parser.add_argument("--only", nargs="+", metavar="CASE", choices=[*CASES], help="these cases")
    parser.add_argument("--json", metavar="FILE", help="write results as JSON, - for stdout")
    parser.add_argument("--rounds", type=int, default=usual.rounds, help="rounds of load")
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="of a round")
    parser.add_argument("--streams", type=int, default=usual.streams, help="paced streams at once")
    parser.add_argument("--requests", type=int, default=usual.requests, help="those of memory")
    return parser.parse_args()


if __name__ == "__main__":
    main()
