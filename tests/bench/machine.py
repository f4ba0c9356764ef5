"""What the machine tells of processes: cores, CPU seconds, memory, wake-ups.

All by what Linux has; elsewhere nothing is pinned, and what cannot be known is nan.
"""

from __future__ import annotations

import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = [
    "busy",
    "cores",
    "cpu",
    "described",
    "on",
    "peak",
    "pin",
    "resident",
    "spent",
    "stolen",
    "woken",
]

_MEGABYTE = 1e6
_BUSY = 0.5


def cores() -> tuple[int, int] | None:
    """Give the core of servers and the core of clients, None where they cannot be apart."""
    if sys.platform != "linux":
        return None
    free = sorted(os.sched_getaffinity(0))
    return (free[0], free[-1]) if len(free) > 1 else None


def pin(core: int | None) -> None:
    """Keep this process, and those it will start, on a core; None leaves it free."""
    if sys.platform == "linux" and core is not None:
        os.sched_setaffinity(0, {core})


@contextmanager
def on(core: int | None, *, also: bool = False) -> Iterator[None]:
    """Let processes that are started meanwhile run on a core, ``also`` or no longer on ours.

    None changes nothing.
    """
    if sys.platform != "linux" or core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core, *before} if also else {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu(pid: int) -> float:
    """Give the CPU seconds of a process so far, all threads, user and system."""
    if sys.platform != "linux":
        return math.nan
    return time.clock_gettime((~pid << 3) | 2)  # what clock_getcpuclockid(3) makes of a process


def spent(pid: int) -> float:
    """Give the CPU seconds so far of a process and of its children that live."""
    told = Path(f"/proc/{pid}/task").glob("*/children")
    return cpu(pid) + sum(cpu(int(each)) for file in told for each in file.read_text().split())


def resident(pid: int) -> float:
    """Give the resident memory of a process, in 10^6 bytes."""
    return _memory(pid, "VmRSS")


def peak(pid: int) -> float:
    """Give the most resident memory a process has ever had, in 10^6 bytes."""
    return _memory(pid, "VmHWM")


def woken(pid: int) -> float:
    """Count how often the threads of a process have slept and were woken."""
    if sys.platform != "linux":
        return math.nan
    told = Path(f"/proc/{pid}/task").glob("*/status")
    return sum(float(_field(each, "voluntary_ctxt_switches")) for each in told)


def busy() -> bool:
    """Tell whether others use the machine: on the average half a core or more."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > _BUSY


def stolen() -> float:
    """Give the CPU seconds so far that the host of a virtual machine gave to others instead."""
    if sys.platform != "linux":
        return math.nan
    ticks = int(Path("/proc/stat").read_text().split(maxsplit=9)[8])
    return ticks / os.sysconf("SC_CLK_TCK")


def described() -> dict[str, object]:
    """Describe the machine, for who compares tables."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _memory(pid: int, field: str) -> float:
    if sys.platform == "linux":
        return int(_field(Path(f"/proc/{pid}/status"), field).split()[0]) * 1024 / _MEGABYTE
    told = subprocess.check_output(["ps", "-o", "rss=", "-p", str(pid)], text=True)
    return int(told) * 1024 / _MEGABYTE


def _field(file: Path, name: str) -> str:
    lines = file.read_text().splitlines()
    return next(line for line in lines if line.startswith(f"{name}:")).split(":", 1)[1].strip()
