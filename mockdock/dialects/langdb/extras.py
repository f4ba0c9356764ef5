"""What a chat request may say beyond OpenAI's, as LangDB's specification declares it.

``mcp_servers`` are checked, and mean nothing: no server is connected to, and no tool of one
is offered; the header ``x-mockdock-ignored`` names them. So do the parameters of a guard.
Of ``extra`` a user may have any further fields, which conditions of a router can ask for.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, Tag

from mockdock.dialects.langdb.wire import Open, Word
from mockdock.dialects.openai.wire_base import STRING_OR_OBJECT

__all__ = ["Extras", "RouterBody", "TargetsBody"]

_MOST = 100


class McpServer(Open):
    """A server of tools."""

    server_url: Word
    type: Literal["ws", "sse"]


class TargetsBody(Open):
    """Models to choose from, and how."""

    any: Annotated[list[Word], Field(alias="$any", min_length=1, max_length=_MOST)]
    filter: dict[str, Any] | None = None
    sort_by: (
        Literal["price", "ttft", "throughput", "latency", "tps", "requests", "error_rate"] | None
    ) = None
    sort_order: Literal["min", "max"] | None = None


class RouteBody(Open):
    """Where requests of a kind go; without conditions all."""

    name: Word
    conditions: dict[str, Any] | None = None
    targets: Annotated[
        Annotated[Word, Tag("string")] | Annotated[TargetsBody, Tag("object")],
        STRING_OR_OBJECT,
    ]


class RouterBody(Open):
    """A router: its first route whose conditions hold is taken."""

    type: Literal["conditional"]
    routes: Annotated[list[RouteBody], Field(max_length=_MOST)]


class GuardBody(Open):
    """A guard with parameters."""

    id: Word
    parameters: Any = None


class UserBody(Open):
    """A user."""

    id: str | None = None
    name: str | None = None
    tags: list[str] | None = None


class ExtraBody(Open):
    """Guards, and a user."""

    guards: (
        Annotated[
            list[
                Annotated[
                    Annotated[Word, Tag("string")] | Annotated[GuardBody, Tag("object")],
                    STRING_OR_OBJECT,
                ]
            ],
            Field(max_length=_MOST),
        ]
        | None
    ) = None
    user: UserBody | None = None


class Extras(Open):
    """All of it."""

    mcp_servers: Annotated[list[McpServer], Field(max_length=_MOST)] | None = None
    router: RouterBody | None = None
    extra: ExtraBody | None = None

    @property
    def guards(self) -> tuple[str, ...]:
        """The ids of guards, in their order."""
        asked = [] if self.extra is None else self.extra.guards or []
        return tuple(each if isinstance(each, str) else each.id for each in asked)

    @property
    def ignored(self) -> tuple[str, ...]:
        """Name what means nothing."""
        asked = [] if self.extra is None else self.extra.guards or []
        given = any(not isinstance(each, str) and each.parameters for each in asked)
        servers = ("mcp_servers",) if self.mcp_servers else ()
        return (*servers, *(("extra.guards[].parameters",) if given else ()))
