"""Models that are built when they are first used."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema

from mockdock.deferred import Deferred
from mockdock.dialects.openai.wire_base import Wire
from mockdock.observe.cards import RuleCard
from mockdock.scenario.base import Part

THREADS = 8


def test_a_model_is_built_by_its_first_use_and_by_one_thread() -> None:
    built: list[str] = []

    class Noted:
        """Notes that it is built."""

        @classmethod
        def __get_pydantic_core_schema__(
            cls, source: Any, handler: GetCoreSchemaHandler
        ) -> CoreSchema:
            built.append(threading.current_thread().name)
            return handler(int)

    class Model(Deferred):
        """Has such a field."""

        model_config = ConfigDict(extra="forbid")
        noted: Noted
        text: str = ""

    assert built == []
    together = threading.Barrier(THREADS)

    def use(number: int) -> object:
        together.wait(30)
        return Model.model_validate({"noted": number}).noted

    with ThreadPoolExecutor(THREADS) as threads:
        assert list(threads.map(use, range(THREADS))) == list(range(THREADS))
    assert len(built) == 1
    assert Model.model_rebuild() is None
    assert Model.model_rebuild(force=True) is True
    assert len(built) == 2


def test_a_model_of_a_function_finds_its_names() -> None:
    """Names of where a model is made are found when it is built, elsewhere."""

    class Inner(Deferred):
        """What another one holds."""

        number: int

    class Outer(Deferred):
        """Holds it."""

        inner: Inner

    assert Outer.model_validate({"inner": {"number": 1}}).inner == Inner(number=1)
    with pytest.raises(ValidationError):
        Outer.model_validate({"inner": {"number": "x"}})


@pytest.mark.parametrize("base", [Part, Wire, RuleCard])
def test_the_models_of_all_rooms_are_built_so(base: type[Deferred]) -> None:
    assert issubclass(base, Deferred)
    assert base.model_config["defer_build"] is True
