"""One operation of the control API: what is asked, what is done, what is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct
from pydantic import BaseModel, ConfigDict

from mockdock.deferred import Deferred
from mockdock.observe.verbs import Exposition, Verbs

__all__ = ["Asked", "Method", "Operation", "Query"]

Method = Literal["GET", "PUT", "POST", "PATCH", "DELETE"]


class Query(Deferred):
    """The parameters of a query string; this operation takes none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Asked(Struct, frozen=True):
    """A request to the control API, understood.

    ``session`` is None for all sessions. ``query`` and ``body`` are of the
    operation's models, ``key`` is what stands for ``{key}`` in its path.
    ``wait`` is for how many real seconds this try may wait; ``accept`` are the forms
    of an answer that are wanted, as a header.
    """

    session: str | None
    query: Any
    body: Any = None
    key: str = ""
    wait: float = 0.0
    accept: str = ""

    @property
    def own(self) -> str:
        """The key of the one session that is meant."""
        return self.session or ""


class Operation(Struct, frozen=True):
    """What a method does at a path.

    ``run`` gives what is answered: of the model ``answer``, numbers where that
    is Exposition, nothing where it is None. A body may be left out where an empty
    mapping is a valid one. ``unmet`` is the status where it cannot be done.
    With ``text`` the body may be YAML too: it stands for {"yaml": TEXT}.
    One that is not ``done`` is tried again for as long as the query waits, and
    refused where too many wait.
    """

    method: Method
    path: str
    name: str
    summary: str
    run: Callable[[Verbs, Asked], Any]
    answer: type[BaseModel | Exposition] | None
    query: type[Query] = Query
    body: type[BaseModel] | None = None
    text: bool = False
    status: int = 200
    unmet: Literal[404, 409] = 409
    done: Callable[[Any], bool] | None = None
