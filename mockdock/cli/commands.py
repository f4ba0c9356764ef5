"""The commands that need no server, and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from mockdock.names import DialectName

__all__ = ["Scenarios", "app"]

app = typer.Typer(
    name="mockdock",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A local mock server for testing code that talks to LLM APIs.",
)

Scenarios = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SCENARIO]...",
        help="Scenario files, folders of them, or names of ready-made ones such as quickstart. "
        "Rules of the first come first. Without any, everything is answered sensibly.",
    ),
]
Scenario = Annotated[
    str, typer.Argument(help="A scenario file, a folder of them, or the name of a ready-made one.")
]
Spoken = Annotated[
    str,
    typer.Option(
        metavar="NAME", help=f"The dialect of the request: {', '.join(get_args(DialectName))}."
    ),
]


def _version(*, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"mockdock {version('mockdock')}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    del version


@app.command()
def check(
    scenarios: Annotated[
        list[str],
        typer.Argument(help="Scenario files, folders of them, or names of ready-made ones."),
    ],
) -> None:
    """Check scenarios: the language, and rules that can never answer.

    Exit code 0: fine, perhaps with warnings (unused states, replies that are
    never reached); 1: a rule can never answer; 2: a file cannot be read or is
    not valid.

    Example: mockdock check weather.yaml
    """
    from mockdock.cli.inspecting import check_scenarios

    raise typer.Exit(check_scenarios(scenarios))


@app.command()
def explain(
    scenario: Scenario,
    request: Annotated[
        Path,
        typer.Argument(
            help="A file with the JSON body of a request, - for stdin: of a chat, a legacy "
            "completion, embeddings or moderations, as its fields tell."
        ),
    ],
    *,
    attempt: Annotated[int, typer.Option(min=1, help="Which attempt the request is.")] = 1,
    header: Annotated[
        list[str] | None, typer.Option(help="A request header, 'name: value'; may be repeated.")
    ] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="A named state, 'name=value'; may be repeated.")
    ] = None,
    dialect: Spoken = "openai",
) -> None:
    """Show which rule answers a request, why each other does not, and the reply.

    Example: mockdock explain weather.yaml request.json --attempt 2
    """
    from mockdock.cli.inspecting import explain_request

    explain_request(scenario, request, attempt, header or [], state or [], dialect)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the scenario language.

    Example: mockdock schema > scenario.schema.json
    """
    import json

    from mockdock.scenario.export import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command()
def init(
    folder: Annotated[
        Path, typer.Argument(help="Where to write; made if it is not there.")
    ] = Path(),
) -> None:
    """Write a starter scenario and a test that uses it; nothing is overwritten.

    Example: mockdock init tests/llm
    """
    from mockdock.cli.starter import write_starter

    for path in write_starter(folder):
        typer.echo(f"wrote {path}")


@app.command()
def tokens(
    source: Annotated[
        str,
        typer.Argument(help="A file with a request (JSON) or a text, - for stdin, or a text."),
    ],
    *,
    model: Annotated[
        str | None, typer.Option(help="Count for this model; default: the request's, or gpt-4o.")
    ] = None,
    dialect: Spoken = "openai",
) -> None:
    """Count the tokens of a request or a text, offline.

    A JSON object with messages, prompt or input is a request; what is counted
    then is its prompt, as the usage of its reply tells.

    Example: mockdock tokens "Hello, world" --model gpt-4
    """
    from mockdock.cli.counting import count_tokens

    typer.echo(count_tokens(source, model, dialect))


@app.command()
def audit(
    source: Annotated[
        str,
        typer.Argument(
            metavar="JOURNAL|URL",
            help="A file of --journal, - for stdin, or the address of a running server.",
        ),
    ],
    *,
    policy: Annotated[
        str | None,
        typer.Option(
            help="A ready policy such as openai-python, or a scenario that has one under audit; "
            "default: that of the server's scenario, else what any client should do."
        ),
    ] = None,
    form: Annotated[
        Literal["table", "json", "junit", "html"],
        typer.Option("--format", help="How to write the verdict; html is one page with a picture."),
    ] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file, not to stdout.")
    ] = None,
    session: Annotated[
        str | None, typer.Option(help="Only what the session with this key was asked.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="MOCKDOCK_CONTROL_TOKEN", help="The token of the server's control API."
        ),
    ] = None,
) -> None:
    """Judge how clients took it when things went wrong; exit code 1 when a policy was broken.

    Attempts are grouped into calls, and each line of the policy is judged: what
    was tried again, how often, how soon, and whether all at once.

    Example: mockdock audit journal.jsonl --policy openai-python
    """
    from mockdock.cli.auditing import audit_journal

    raise typer.Exit(audit_journal(source, token, policy, form, output, session))


@app.command()
def models(
    scenarios: Scenarios = None,
    *,
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="How to print them.")
    ] = "table",
) -> None:
    """List the models served: those of the scenarios, else the built-in catalogue.

    Prices are in US dollars per million tokens.

    Example: mockdock models --format json
    """
    from mockdock.cli.counting import print_models

    print_models(scenarios or [], form)
