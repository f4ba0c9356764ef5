"""Models that are built when they are first used."""

from __future__ import annotations

import threading
from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

__all__ = ["Deferred"]

_building = threading.RLock()


class Deferred(BaseModel):
    """A model of which pydantic builds what checks it at its first use, not at its import.

    Most models are never used by themselves: parts are built along with the whole. The modules
    of those that every server needs postpone no annotations, which pydantic would have to
    compile one by one.
    Threads that use one for the first time wait for each other; pydantic before 2.14 would
    let them build at once, and take away what another has just made.
    """

    model_config = ConfigDict(defer_build=True)

    @classmethod
    def model_rebuild(cls, **options: Any) -> bool | None:
        """Build it, unless it is built already and it is not to be done by ``force``."""
        depth = options.pop("_parent_namespace_depth", 2)
        with _building:
            return super().model_rebuild(
                **options, _parent_namespace_depth=depth + 1 if depth > 0 else depth
            )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Build it first: before 2.14 pydantic cannot write a default that is one of it, else."""
        cls.model_rebuild()
        return handler(schema)
