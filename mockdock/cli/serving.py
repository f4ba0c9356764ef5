"""``mockdock serve``: banner, lines, reload, and a clean end."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mockdock.app import App
from mockdock.cli.banner import banner
from mockdock.cli.options import Options, check_sharing, check_tls, doubts_of_sharing
from mockdock.cli.printing import Printer, log_access, put
from mockdock.cli.reading import complain
from mockdock.cli.reloading import reloading
from mockdock.cli.warming import load_ranks
from mockdock.content.tokens import tokenizer
from mockdock.delivery import ScaledClock, Share, Shares
from mockdock.dialects import chosen
from mockdock.engine import Engine, MemoryStore
from mockdock.errors import StartError, UsageError
from mockdock.host import Host, run
from mockdock.ledger import Books
from mockdock.local.mounting import mount_control
from mockdock.observe import Journal, JournalWriter, Metrics, Observer, check_journal
from mockdock.observe.control.token import check_token
from mockdock.scenario import Loaded, load
from mockdock.sockets import bind, bind_unix

if TYPE_CHECKING:
    from mockdock.cli.joining import Joined
    from mockdock.shared import Link

__all__ = ["serve_scenarios"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SHARED = "PROMETHEUS_MULTIPROC_DIR"


def serve_scenarios(sources: Sequence[str], options: Options) -> int:
    """Serve until SIGINT or SIGTERM, and give the exit code.

    Raises MockdockError when it cannot start.
    """
    loaded = load(*sources)
    check_tls(options)
    check_sharing(loaded.scenario, options)
    store, link_of = _shared_by(options, loaded)
    with contextlib.closing(Books(options.data)) as books:
        server = _Server(sources, loaded, options, books, store, link_of)
        if options.workers > 1:
            return _serve_by_many(server, options)
        with contextlib.closing(_metrics()) as metrics:
            if options.data is not None:
                books.open()
            with _listening(options) as listener:
                _check_journal(options)
                if link_of is None:
                    server.sow()
                server.tell(listener)
                server.serve(listener, metrics, before=load_ranks)
    return 0


def _serve_by_many(server: _Server, options: Options) -> int:
    """Serve by several processes; what all need is made before they are."""
    from mockdock.cli.workers import Line, supervise

    tokenizer("o200k_base").load()
    with _directory(options) as directory, _listening(options) as listener:
        _check_journal(options)
        server.tell(listener)
        parent, shares = os.getpid(), Shares(options.workers)

        def work(line: Line) -> None:
            metrics = _metrics_of(f"{parent}w{line.number}", directory)
            with contextlib.closing(metrics):
                share = shares.of(line.number)
                server.serve(listener, metrics, begun=line.begun, share=share)

        return supervise(options.workers, work, options.grace, listener.close)


class _Server:
    """What is served, made ready before anybody listens; a fork has it as well."""

    def __init__(
        self,
        sources: Sequence[str],
        loaded: Loaded,
        options: Options,
        books: Books,
        store: str,
        link_of: Callable[[], Link] | None,
    ) -> None:
        try:
            self._clock = ScaledClock(options.time_scale)
        except ValueError as error:
            raise StartError(f"--time-scale: {error}") from error
        self._sources = sources
        self._loaded = loaded
        self._options = options
        self._store = store
        self._link_of = link_of
        self._alone = options.workers > 1 and options.store is None
        if self._alone:
            from mockdock.cli.alone import engine_alone

            self._engine = engine_alone(loaded.scenario, options.seed)
        else:
            self._engine = Engine(loaded.scenario, seed=options.seed, books=books)
        self._dialects = chosen(options.dialects or None)
        if options.control_token is not None:
            check_token(options.control_token)
        self._url = ""

    def sow(self) -> None:
        """Write what accounts begin with now; else their first request does."""
        self._engine.seedbed.sow("", self._clock.time())

    def tell(self, listener: socket.socket) -> None:
        """Print where it is."""
        options = self._options
        self._url = _url(options, listener.getsockname())
        if options.access_log:
            log_access()
        if not options.quiet:
            said = banner(
                self._loaded.scenario,
                self._url,
                self._dialects,
                only=bool(options.dialects),
                control=_who(options),
                uds=options.uds,
                data=options.data,
                workers=options.workers,
                store=self._store,
                terminal=sys.stdout.isatty(),
            )
            doubts = doubts_of_sharing(self._loaded.scenario, options)
            put(said + "".join(f"{doubt}\n" for doubt in doubts))

    def serve(
        self,
        listener: socket.socket,
        metrics: Metrics,
        *,
        before: Callable[[App], None] | None = None,
        begun: Callable[[Host], None] | None = None,
        share: Share | None = None,
    ) -> None:
        """Serve in this process until it is told to end."""
        options = self._options
        observers = [] if options.quiet else [Printer(others=options.workers > 1)]
        joined = self._join(observers)
        app = self._app(observers, metrics) if joined is None else joined.app
        self._mount(app, joined)
        writer = None if options.journal is None else JournalWriter(options.journal, complain)
        if writer is not None:
            app.journal.watch(writer.write)

        def take(fresh: Loaded) -> None:
            # Stored completions and added rules are not the scenario's; what it counts begins anew.
            with app.sessions.changing:
                app.engine = app.engine.changed(scenario=fresh.scenario, store=MemoryStore())

        watched = (
            reloading(self._sources, self._loaded, take, partial(_say, options))
            if options.reload
            else contextlib.nullcontext()
        )
        with writer or contextlib.nullcontext(), watched:
            if before is not None:
                before(app)
            run(
                app,
                listener,
                options.grace,
                share=share,
                begun=begun,
                last=None if joined is None else joined.aclose,
                access_log=options.access_log,
                ssl_certfile=options.ssl_certfile,
                ssl_keyfile=options.ssl_keyfile,
            )

    def _app(self, observers: Sequence[Observer], metrics: Metrics) -> App:
        """Make what a process serves that shares nothing."""
        options = self._options
        return App(
            self._engine,
            clock=self._clock,
            observers=observers,
            journal=Journal(options.journal_size, options.journal_bytes),
            metrics=metrics,
            max_body=options.max_body,
            dialects=options.dialects or None,
        )

    def _join(self, observers: Sequence[Observer]) -> Joined | None:
        """Make what a process serves that shares a store, None where there is none."""
        if self._link_of is None:
            return None
        from mockdock.cli.joining import Joined

        return Joined(self._link_of(), self._engine, self._options, observers)

    def _mount(self, app: App, joined: Joined | None) -> None:
        """Serve the control API, or what of it one of several can tell that share nothing."""
        token = self._options.control_token
        if self._alone:
            from mockdock.cli.alone import mount_alone

            mount_alone(app, lambda: self._url, token)
        elif joined is not None:
            joined.mount(lambda: self._url, token)
        else:
            mount_control(app, lambda: self._url, token)


def _shared_by(options: Options, loaded: Loaded) -> tuple[str, Callable[[], Link] | None]:
    """Give where the store is, without secrets, and what makes a process's way to it.

    Raises UsageError for an address that is none.
    """
    if options.store is None:
        return "", None
    from mockdock.cli.joining import apart
    from mockdock.shared import Link

    link = partial(Link, options.store, apart=apart(loaded.scenario, options))
    return link().where, link


def _check_journal(options: Options) -> None:
    """Raise StartError where the journal cannot be written, before anybody is told of a server."""
    if options.journal is not None:
        check_journal(options.journal)


@contextlib.contextmanager
def _listening(options: Options) -> Iterator[socket.socket]:
    """Listen, and leave no socket behind."""
    listener = bind(options.host, options.port) if options.uds is None else bind_unix(options.uds)
    try:
        yield listener
    finally:
        listener.close()
        if options.uds is not None:
            options.uds.unlink(missing_ok=True)


@contextlib.contextmanager
def _directory(options: Options) -> Iterator[str]:
    """Give where several processes count together; one of our own is gone at the end.

    Those that share a store count there, and nothing is given.
    """
    shared = os.environ.get(_SHARED)
    if options.store is not None:
        yield ""
        return
    if not shared:
        with TemporaryDirectory(prefix="mockdock-") as own:
            yield own
        return
    if not Path(shared).is_dir():
        raise StartError(
            f"{_SHARED}: {shared} is no directory; metrics of several processes need one"
        )
    yield shared


def _metrics() -> Metrics:
    """Count alone, or with the processes that share a directory, as prometheus_client does."""
    shared = os.environ.get(_SHARED)
    try:
        return Metrics.shared(shared) if shared else Metrics()
    except UsageError as error:
        raise StartError(f"{_SHARED}: {error}") from error


def _metrics_of(worker: str, directory: str) -> Metrics:
    """Count as a worker of several; who had its place before has no streams any more."""
    if not directory:
        return Metrics()
    from mockdock.observe.metrics.files import bury

    bury(Path(directory), worker)
    return Metrics.shared(directory, lambda: worker)


def _url(options: Options, address: object) -> str:
    scheme = "http" if options.ssl_certfile is None else "https"
    where = "localhost"
    if isinstance(address, tuple):
        host, port = address[:2]
        if host in ("0.0.0.0", "::"):  # noqa: S104 - only shown
            host = "localhost"
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"{scheme}://{where}"


def _who(options: Options) -> str:
    """Tell who may use the control API, where it is not everybody who gets here."""
    if options.control_token is not None:
        return ", with the token"
    if options.uds is not None or options.host in _LOOPBACK:
        return ""
    return ", from this machine only: --control-token opens it"


def _say(options: Options, text: str) -> None:
    if not options.quiet:
        put(f"{text}\n")
