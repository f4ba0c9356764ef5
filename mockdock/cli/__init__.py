"""The command line: ``mockdock serve``, ``check``, ``explain`` and the rest.

Commands import what they need when they run, so that ``--help`` is quick.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from copy import copy
from pathlib import Path

from typer import Typer
from typer.models import CommandInfo

from mockdock.cli import servers
from mockdock.cli.commands import app
from mockdock.errors import MockdockError

__all__ = ["app", "main", "servers"]


def main() -> None:
    """Run the command line; every known error is one clear line and exit code 2."""
    _open_streams()
    try:
        _wanted(sys.argv[1:2])()
    except MockdockError as error:
        sys.stderr.write("".join(f"mockdock: {line}\n" for line in str(error).splitlines()))
        sys.exit(2)
    except BrokenPipeError:
        # Nobody reads any more, as with "| head": that is no mistake.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        sys.stderr.write(f"mockdock: {error}\n")
        sys.exit(2)


def _wanted(first: Sequence[str]) -> Typer:
    """Give the command line with no other command than the one named first, if there is one.

    Typer makes ready all that it has, whichever is called: some 20 ms.
    """
    called = [each for each in app.registered_commands if _name(each) in first]
    if not called:
        return app
    alone = copy(app)
    alone.registered_commands = called
    return alone


def _name(command: CommandInfo) -> str | None:
    return command.name or (command.callback and command.callback.__name__)


def _open_streams() -> None:
    """Have somewhere to write, in any encoding: what it lacks is written as "?"."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - stays
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
