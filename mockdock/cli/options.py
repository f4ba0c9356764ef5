"""The options of ``mockdock serve``, and which of them go together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from mockdock.dialects import chosen
from mockdock.errors import StartError, UsageError
from mockdock.names import DialectName
from mockdock.scenario import Scenario, dialect_needs, door_needs, pace_needs, shared_needs

__all__ = ["Options", "check_sharing", "check_tls", "doubts_of_sharing"]

_MOST = 20
"""Reasons that are told; there may be one for every rule."""


class Options(Struct, frozen=True):
    """The options of ``mockdock serve``."""

    host: str
    port: int
    seed: int | None
    time_scale: float
    reload: bool
    quiet: bool
    access_log: bool
    ssl_certfile: Path | None
    ssl_keyfile: Path | None
    uds: Path | None
    max_body: int
    grace: int
    journal: Path | None
    journal_size: int
    journal_bytes: int
    control_token: str | None
    dialects: Sequence[str] | None = None
    data: Path | None = None
    workers: int = 1
    store: str | None = None


def check_tls(options: Options) -> None:
    """Fail early and clearly: uvicorn would show a trace."""
    if options.ssl_certfile is None:
        if options.ssl_keyfile is not None:
            raise StartError("--ssl-keyfile needs --ssl-certfile")
        return
    import ssl

    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.ssl_certfile, options.ssl_keyfile)
    except OSError as error:
        files = f"{options.ssl_certfile}, {options.ssl_keyfile or 'no --ssl-keyfile'}"
        raise StartError(f"cannot use the certificate ({files}): {error}") from error


def check_sharing(scenario: Scenario, options: Options) -> None:
    """Raise UsageError, with every reason, where several processes could not be one server."""
    many = options.workers > 1
    of = f"--workers {options.workers}" if many else "--store"
    if reasons := [*_unfit(options), *(door_needs(scenario) if many and options.store else ())]:
        raise UsageError("\n".join([f"{of} does not go with all that is asked for:", *reasons]))
    if not many or options.store is not None:
        return
    if reasons := shared_needs(scenario, _meant(scenario, options)):
        first = f"{of} without --store: processes share nothing, and would have to:"
        more = [f"... and {len(reasons) - _MOST} more"] if len(reasons) > _MOST else []
        last = "share it by --store redis://localhost:6379/0, or serve by --workers 1"
        raise UsageError("\n".join([first, *reasons[:_MOST], *more, last]))


def doubts_of_sharing(scenario: Scenario, options: Options) -> Iterator[str]:
    """Say what several processes do otherwise than one."""
    if options.store is not None:
        yield from (f"warning: {told}, in each process for itself" for told in pace_needs(scenario))
        return
    if options.workers == 1:
        return
    known = _meant(scenario, options)
    spoken = [each.name for each in chosen(options.dialects or None)]
    for name in spoken:
        if name not in known and dialect_needs(scenario, name):
            yield f"without --store what needs shared state is answered 503: {name}"
    yield "without --store there is no journal, and stored completions are answered 503"


def _unfit(options: Options) -> Iterator[str]:
    several = options.workers > 1 or options.store is not None
    if options.data is not None and several:
        yield "--data: one process keeps accounts in a file; --store keeps them for several"
    if options.reload and several:
        yield (
            "--reload: processes would change at different moments; PUT /__mockdock/scenario "
            "changes all that share a store at once"
        )
    if options.journal is not None and options.workers > 1 and options.store is None:
        yield "--journal: without --store each process would number its own exchanges"


def _meant(scenario: Scenario, options: Options) -> list[DialectName]:
    """Name the dialects that are asked for, and not only spoken as all are."""
    if options.dialects:
        return [each.name for each in chosen(options.dialects)]
    return ["openai", *sorted(scenario.spoken_of)]
