"""The commands that run a server or talk to one, and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from mockdock.cli.behind import COMMAND, WithCommand
from mockdock.cli.commands import Scenarios, app
from mockdock.names import DialectName

__all__ = ["journal", "replay", "reset", "run", "serve", "verify"]

_TOKEN = "MOCKDOCK_CONTROL_TOKEN"  # noqa: S105 - the name of a variable

JournalFile = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        metavar="FILE",
        help="Add every exchange to this file: a JSON object a line, as mockdock journal --json "
        "prints them, without secrets.",
    ),
]
Url = Annotated[
    str, typer.Option(envvar="MOCKDOCK_URL", help="The running server: scheme, host and port.")
]
Token = Annotated[
    str | None, typer.Option(envvar=_TOKEN, help="The token of its control API, if it has one.")
]
Session = Annotated[
    str, typer.Option(help="Key of the session; without it the server's own is meant.")
]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on, 0 for any free one.")]
Seed = Annotated[int | None, typer.Option(help="Seed of all chance, instead of the scenario's.")]
Dialects = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help=f"Speak this dialect and no other: {', '.join(get_args(DialectName))}; may be "
        "repeated. Default: all of them.",
    ),
]
_LOCAL = "http://127.0.0.1:8080"


@app.command()
def serve(
    scenarios: Scenarios = None,
    *,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    seed: Seed = None,
    time_scale: Annotated[
        float,
        typer.Option(help="Real seconds for one scenario second: 0.01 is a hundred times faster."),
    ] = 1.0,
    reload: Annotated[
        bool,
        typer.Option("--reload", help="Load scenarios again when their files change."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    access_log: Annotated[
        bool, typer.Option("--access-log", help="Print uvicorn's access log as well.")
    ] = False,
    ssl_certfile: Annotated[
        Path | None, typer.Option(help="Certificate (PEM), to serve https.")
    ] = None,
    ssl_keyfile: Annotated[Path | None, typer.Option(help="Key of the certificate (PEM).")] = None,
    uds: Annotated[
        Path | None, typer.Option(help="Listen on this Unix socket instead of a port.")
    ] = None,
    max_body: Annotated[
        int, typer.Option(min=1, help="Largest request body in bytes; above it: 413.")
    ] = 32 * 1024 * 1024,
    grace: Annotated[
        int, typer.Option(min=0, help="Seconds that running replies get to finish when stopped.")
    ] = 10,
    journal: JournalFile = None,
    journal_size: Annotated[
        int, typer.Option(min=1, help="Exchanges kept in memory; counters go on.")
    ] = 10_000,
    journal_bytes: Annotated[
        int, typer.Option(min=1, help="Bytes of memory for them, about; what is older goes.")
    ] = 32_000_000,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep what gateways know of accounts (threads, costs, prices) in this file, "
            "which outlives the server. Default: in memory.",
        ),
    ] = None,
    control_token: Annotated[
        str | None,
        typer.Option(
            envvar=_TOKEN,
            help="Who sends this token may use the control API; without it only this machine may.",
        ),
    ] = None,
    dialect: Dialects = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that serve together, on one address.")
    ] = 1,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="MOCKDOCK_STORE",
            help="Keep what is counted in this Redis, as one with all processes and machines that "
            "do: redis://localhost:6379/0?namespace=mockdock. Default: in memory.",
        ),
    ] = None,
) -> None:
    """Serve scenarios until stopped.

    Prints the base URL, the environment variables a client needs, the rules in
    the order they are tried, and then one line per request: time, status,
    model, rule, tokens (prompt+completion), duration.

    Example: mockdock serve quickstart --port 8080
    """
    from mockdock.cli.options import Options
    from mockdock.cli.serving import serve_scenarios

    code = serve_scenarios(
        scenarios or [],
        Options(
            host=host,
            port=port,
            seed=seed,
            time_scale=time_scale,
            reload=reload,
            quiet=quiet,
            access_log=access_log,
            ssl_certfile=ssl_certfile,
            ssl_keyfile=ssl_keyfile,
            uds=uds,
            max_body=max_body,
            grace=grace,
            journal=journal,
            journal_size=journal_size,
            journal_bytes=journal_bytes,
            control_token=control_token,
            dialects=dialect,
            data=data,
            workers=workers,
            store=store,
        ),
    )
    if code:
        raise typer.Exit(code)


@app.command(cls=WithCommand)
def run(
    ctx: typer.Context,
    scenarios: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SCENARIO]...",
            help="Scenario files, folders of them, or names of ready-made ones.",
        ),
    ] = None,
    *,
    otherwise: Annotated[
        Literal["auto", "fail", "echo", "lorem"] | None,
        typer.Option(help="The answer where no rule matches; default: the scenario's, else fail."),
    ] = None,
    seed: Seed = None,
    time_scale: Annotated[
        float, typer.Option(help="Real seconds for one scenario second; 0: nothing waits.")
    ] = 0.0,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print a summary only when something is wrong.")
    ] = False,
    journal: JournalFile = None,
    dialect: Dialects = None,
) -> None:
    """Run a command whose LLM API is a mock server.

    The command finds the server in its environment (OPENAI_BASE_URL,
    OPENAI_API_KEY, AZURE_OPENAI_ENDPOINT and the like). Afterwards a summary is
    printed to stderr: requests, tokens, what no rule answered, unused rules and
    why.

    The exit code is that of the command, 128+n when signal n ended it, 127 when
    it is not found; 1 when it succeeded but a request was answered by no rule.

    SIGTERM, SIGINT and SIGHUP are passed on to the command. It is killed when it
    has not ended 10 seconds after SIGTERM or SIGINT, and at once when Ctrl-C is
    pressed twice within these.

    Example: mockdock run quickstart -- python app.py
    """
    from mockdock.cli.running import RunOptions, run_command

    options = RunOptions(
        otherwise=otherwise,
        seed=seed,
        time_scale=time_scale,
        quiet=quiet,
        journal=journal,
        dialects=dialect,
    )
    raise typer.Exit(run_command(scenarios or [], ctx.meta[COMMAND], options))


@app.command()
def journal(
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new ones until stopped.")
    ] = False,
    url: Url = _LOCAL,
    token: Token = None,
    session: Annotated[
        str | None, typer.Option(help="Only those of the session with this key.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, help="Only so many: the last ones.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print records as JSON Lines, as --journal writes them.")
    ] = False,
) -> None:
    """Print the exchanges of a running server, oldest first.

    Each has its number, what was asked, which rule answered and how it ended; of
    all sessions, unless one is named. With --json they are records for other
    programs, such as jq; their times are by the session's own clock.

    Example: mockdock journal --follow --url http://127.0.0.1:8080
    """
    from mockdock.cli.journaling import print_journal

    print_journal(url, token, session, follow=follow, limit=limit, as_json=as_json)


@app.command()
def replay(
    source: Annotated[
        str,
        typer.Argument(
            metavar="JOURNAL",
            help="A file of --journal, - for stdin, or the address of a running server.",
        ),
    ],
    number: Annotated[
        int, typer.Argument(metavar="ID", min=1, help="The number of the exchange in it.")
    ],
    *,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    time_scale: Annotated[
        float | None,
        typer.Option(
            help="Real seconds for one scenario second; 0: nothing waits. Absent: as recorded."
        ),
    ] = None,
    token: Token = None,
) -> None:
    """Serve one exchange of a journal again: the same bytes, with the same cuts.

    Whatever is asked gets it, until stopped: the status, the headers and the
    body as they were sent, in the same segments, at the same moments, past
    HTTP's framing where they were, and the connection ends as it did. Where the
    client had left, the reply stands still. A secret that the journal hides
    stays hidden.

    Example: mockdock replay journal.jsonl 17 --port 8080
    """
    from mockdock.cli.replaying import ReplayOptions, replay_record

    replay_record(source, number, ReplayOptions(host, port, time_scale, token))


@app.command()
def verify(
    *,
    url: Url = _LOCAL,
    token: Token = None,
    session: Session = "",
    unused: Annotated[
        Literal["added", "all", "none"],
        typer.Option(help="Rules that have to be used: those added while serving, all, or none."),
    ] = "added",
    every: Annotated[bool, typer.Option("--all", help="Judge every session.")] = False,
) -> None:
    """Judge how a running server was used; exit code 1 when something was wrong.

    Wrong are requests that no rule answered, rules that were never used, and
    functions of rules that raised. What is wrong is told with the reason.

    Example: mockdock verify --unused all
    """
    from mockdock.cli.journaling import verify_session

    raise typer.Exit(verify_session(url, token, session, unused, every=every))


@app.command()
def reset(
    *,
    url: Url = _LOCAL,
    token: Token = None,
    session: Session = "",
    every: Annotated[bool, typer.Option("--all", help="Reset every session.")] = False,
) -> None:
    """Forget what a running server did: counters, states, journal, added rules.

    Example: mockdock reset --all
    """
    from mockdock.cli.journaling import reset_session

    reset_session(url, token, session, every=every)
