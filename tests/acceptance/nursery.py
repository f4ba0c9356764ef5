"""Forks processes that have mockdock and what tests use imported, for seconds less each.

Run as a program by ``forking``. What a fork does from there on is what ``mockdock``, or
``pytest``, does in a process of its own: its arguments, environment, signals, output, end.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import selectors
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from openai import OpenAI

import mockdock
from mockdock import cli
from mockdock.content.tokens import tokenizer

__all__ = ["main"]

_LATER = ("uvicorn.lifespan.on", "uvicorn.loops.auto", "uvicorn.protocols.http.auto")
"""What uvicorn imports when it runs."""

_OWN = ("mockdock.__main__", "mockdock.testing.plugin")
"""What is run, and what pytest wants to import itself."""

_PROGRAMS: Mapping[str, Callable[[], int | None]] = {"mockdock": cli.main, "pytest": pytest.main}


def main() -> None:
    """Import, then fork for each line of the socket that is standard input."""
    for found in pkgutil.walk_packages(mockdock.__path__, "mockdock."):
        if found.name not in _OWN:
            importlib.import_module(found.name)
    for name in _LATER:
        importlib.import_module(name)
    tokenizer("o200k_base").load()
    with OpenAI(api_key="none") as client:
        assert client.chat.completions  # imports what a request needs
    assert threading.active_count() == 1, "a fork would lack the other threads"
    gc.freeze()  # a fork need not look through all this
    with socket.socket(fileno=os.dup(0)) as asking:
        told = _fork_for_each(asking)
    os.environ.clear()
    os.environ.update(told["environment"])
    os.chdir(told["folder"])
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - stays
    sys.stdout, sys.stderr = (_unbuffered(number) for number in (1, 2))
    sys.argv = [told["program"], *told["arguments"]]
    sys.path[0] = told["folder"]
    sys.exit(_PROGRAMS[told["program"]]())


def _unbuffered(number: int) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.FileIO(number, "w", closefd=False), encoding="utf-8", write_through=True
    )


def _fork_for_each(asking: socket.socket) -> dict[str, Any]:
    """Fork until nobody asks any more; return in a fork only, with what it was told.

    The end of a pipe that only the fork holds tells that the fork has ended.
    """
    ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the forks
    with selectors.DefaultSelector() as selector:
        selector.register(asking, selectors.EVENT_READ)
        asking.send(b"\n")
        while True:
            for key, _ in selector.select():
                if key.data is not None:
                    selector.unregister(key.fileobj)
                    _tell_the_end(key.fd, *key.data)
                    continue
                line, files = _line(asking)
                if not line:
                    sys.exit()
                out, err, status = files
                alive, held = os.pipe()
                pid = os.fork()
                if pid == 0:
                    signal.signal(signal.SIGINT, ignored)
                    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                    os.dup2(out, 1)
                    os.dup2(err, 2)
                    for each in (out, err, status, alive, *_pipes(selector)):
                        os.close(each)
                    told: dict[str, Any] = json.loads(line)
                    return told
                for each in (out, err, held):
                    os.close(each)
                os.write(status, b"%d\n" % pid)
                selector.register(alive, selectors.EVENT_READ, (pid, status))


def _pipes(selector: selectors.BaseSelector) -> list[int]:
    """List what belongs to other forks."""
    mine = [key for key in selector.get_map().values() if key.data is not None]
    return [each for key in mine for each in (key.fd, key.data[1])]


def _line(asking: socket.socket) -> tuple[bytes, list[int]]:
    line, files, _, _ = socket.recv_fds(asking, 1 << 16, 3)
    while line and not line.endswith(b"\n"):
        line += asking.recv(1 << 16)
    return line, files


def _tell_the_end(alive: int, pid: int, status: int) -> None:
    _, code = os.waitpid(pid, 0)
    with contextlib.suppress(BrokenPipeError):  # nobody may wait for it any more
        os.write(status, b"%d\n" % os.waitstatus_to_exitcode(code))
    os.close(alive)
    os.close(status)


if __name__ == "__main__":
    main()
