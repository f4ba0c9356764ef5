"""``mockdock serve``: banner, lines, reload, and a clean end."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mockdock.app import App
from mockdock.cli.banner import banner
from mockdock.cli.reading import complain
from mockdock.cli.reloading import reloading
from mockdock.content.tokens import tokenizer
from mockdock.delivery import ScaledClock
from mockdock.engine import Engine, MemoryStore
from mockdock.errors import StartError, UsageError
from mockdock.host import run
from mockdock.ledger import Books
from mockdock.observe import Exchange, Journal, JournalWriter, Metrics, line
from mockdock.scenario import Loaded, load
from mockdock.server import mount_control
from mockdock.sockets import bind, bind_unix

__all__ = ["Options", "serve_scenarios"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SHARED = "PROMETHEUS_MULTIPROC_DIR"


@dataclass(frozen=True, slots=True)
class Options:
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


def serve_scenarios(sources: Sequence[str], options: Options) -> None:
    """Serve until SIGINT or SIGTERM. Raises MockdockError when it cannot start."""
    with (
        contextlib.closing(_metrics()) as metrics,
        contextlib.closing(Books(options.data)) as books,
    ):
        _serve(sources, options, books, metrics)


def _serve(sources: Sequence[str], options: Options, books: Books, metrics: Metrics) -> None:
    loaded = load(*sources)
    _check_tls(options)
    try:
        clock = ScaledClock(options.time_scale)
    except ValueError as error:
        raise StartError(f"--time-scale: {error}") from error
    app = App(
        Engine(loaded.scenario, seed=options.seed, books=books),
        clock=clock,
        observers=[] if options.quiet else [_Printer()],
        journal=Journal(options.journal_size, options.journal_bytes),
        metrics=metrics,
        max_body=options.max_body,
        dialects=options.dialects or None,
    )
    url = ""
    mount_control(app, lambda: url, options.control_token)
    writer = None if options.journal is None else JournalWriter(options.journal, complain)
    if writer is not None:
        app.journal.watch(writer.write)
    if options.data is not None:
        books.open()
    listener = bind(options.host, options.port) if options.uds is None else bind_unix(options.uds)
    app.engine.seedbed.sow("", clock.time())
    if options.access_log:
        _log_access()
    url = _url(options, listener.getsockname())
    if not options.quiet:
        said = banner(
            loaded.scenario,
            url,
            app.dialects,
            only=bool(options.dialects),
            control=_who(options),
            uds=options.uds,
            data=options.data,
            terminal=sys.stdout.isatty(),
        )
        _print(said)

    def take(fresh: Loaded) -> None:
        # Stored completions and added rules are not the scenario's; what it counts begins anew.
        with app.sessions.changing:
            app.engine = app.engine.changed(scenario=fresh.scenario, store=MemoryStore())

    watched = (
        reloading(sources, loaded, take, functools.partial(_say, options))
        if options.reload
        else contextlib.nullcontext()
    )
    with _unlinking(options.uds), writer or contextlib.nullcontext(), watched:
        # Loading ranks takes a moment; the first request need not wait for all of it.
        threading.Thread(target=tokenizer, args=("o200k_base",), daemon=True).start()
        run(
            app,
            listener,
            options.grace,
            access_log=options.access_log,
            ssl_certfile=options.ssl_certfile,
            ssl_keyfile=options.ssl_keyfile,
        )


def _metrics() -> Metrics:
    """Count alone, or with the processes that share a directory, as prometheus_client does."""
    shared = os.environ.get(_SHARED)
    try:
        return Metrics.shared(shared) if shared else Metrics()
    except UsageError as error:
        raise StartError(f"{_SHARED}: {error}") from error


def _check_tls(options: Options) -> None:
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


def _log_access() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("uvicorn.access")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


def _url(options: Options, address: object) -> str:
    scheme = "http" if options.ssl_certfile is None else "https"
    where = "localhost"
    if isinstance(address, tuple):
        host, port = address[:2]
        if host in ("0.0.0.0", "::"):  # noqa: S104 - only shown
            host = "localhost"
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"{scheme}://{where}"


def _print(text: str) -> bool:
    """Print, and tell whether anybody could read it; serving goes on all the same."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, ValueError):
        return False
    return True


def _who(options: Options) -> str:
    """Tell who may use the control API, where it is not everybody who gets here."""
    if options.control_token is not None:
        return ", with the token"
    if options.uds is not None or options.host in _LOOPBACK:
        return ""
    return ", from this machine only: --control-token opens it"


class _Printer:
    """Prints one line per exchange, until nobody reads them any more."""

    def __init__(self) -> None:
        self._color = sys.stdout.isatty()
        self._closed = False

    def __call__(self, exchange: Exchange) -> None:
        if not self._closed:
            self._closed = not _print(line(exchange, color=self._color) + "\n")


@contextlib.contextmanager
def _unlinking(uds: Path | None) -> Iterator[None]:
    try:
        yield
    finally:
        if uds is not None:
            uds.unlink(missing_ok=True)


def _say(options: Options, text: str) -> None:
    if not options.quiet:
        _print(f"{text}\n")
