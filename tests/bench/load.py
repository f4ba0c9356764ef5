"""Load by a process of its own: wrk where it is, else the client here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.bench.client import Flood, Flooded, Paced, Streams

__all__ = ["called", "flooded", "wrk"]

_SCRIPT = Path(__file__).with_name("wrk.lua")


def wrk() -> str | None:
    """Find wrk."""
    return shutil.which("wrk")


def flooded(wanted: Flood) -> Flooded:
    """Send requests: by wrk where it is, and can take so many seconds."""
    found = wrk()
    if found is None or wanted.seconds < 1 or wanted.seconds % 1:  # it knows whole seconds only
        return Flooded(**_python("flood", wanted))
    return _by_wrk(found, wanted)


def called(wanted: Streams) -> Paced:
    """Call for streams."""
    return Paced(**_python("stream", wanted))


def _python(kind: str, wanted: Flood | Streams) -> dict[str, Any]:
    said = json.dumps({"kind": kind, **asdict(wanted)})
    command = [sys.executable, "-m", "tests.bench.client"]
    told = subprocess.run(command, input=said, stdout=subprocess.PIPE, text=True, check=True)
    seen: dict[str, Any] = json.loads(told.stdout)
    return seen


def _by_wrk(program: str, wanted: Flood) -> Flooded:
    asked = wanted.asked
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before"), Path(folder, "after")
        before.write_text(asked.before)
        after.write_text(asked.after)
        name, value, many = asked.varied
        headers = [part for each in asked.headers.items() for part in ("-H", ": ".join(each))]
        shape = ["-t1", f"-c{wanted.connections}", f"-d{wanted.seconds:.0f}s", "-s", str(_SCRIPT)]
        url = f"http://127.0.0.1:{wanted.port}{asked.path}"
        varied = [name or "-", value or "-", str(many)]
        given = [str(before), str(after), str(wanted.first), *varied]
        command = [program, *shape, *headers, url, "--", *given]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        told = process.stdout.read()
        process.stdout.close()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, told
    seen = json.loads(told.rstrip().rpartition("\n")[2])
    return Flooded(**seen, share=(used.ru_utime + used.ru_stime) / seen["seconds"])
