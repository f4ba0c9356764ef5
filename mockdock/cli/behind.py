"""A command line with another one behind it: ``mockdock run SCENARIO -- COMMAND``."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

__all__ = ["COMMAND", "WithCommand"]

COMMAND = "mockdock.command"
"""Where the words of the other command are, among what a context holds."""


class WithCommand(TyperCommand):
    """Takes what stands behind ``--`` as another command, as it is."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the other command away before options are read."""
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[COMMAND] = args[at + 1 :]
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Show where the other command goes."""
        return [*super().collect_usage_pieces(ctx), "-- COMMAND [ARGS]..."]
