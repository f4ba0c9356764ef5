"""The command line: ``mockdock serve``, ``check``, ``explain`` and the rest.

Commands import what they need when they run, so that ``--help`` is quick.
"""

from __future__ import annotations

import sys

from mockdock.cli.commands import app
from mockdock.errors import MockdockError

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; every known error is one clear line and exit code 2."""
    try:
        app()
    except MockdockError as error:
        sys.stderr.write("".join(f"mockdock: {line}\n" for line in str(error).splitlines()))
        sys.exit(2)
