"""Parts of the language that few scenarios have."""

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

__all__ = ["Seldom", "SomeAudit", "SomeLangDB"]


class Seldom:
    """Annotates a field whose model is imported and built with the first scenario that has it.

    ``where`` is the place of that model in this package, such as ``"audit:AuditSpec"``; a
    scenario may say null instead. What is wrong with it, its JSON Schema and what it is
    written as are those of the model; its keys are those of a file, however the whole is
    read. Most servers start a tenth sooner for it.
    """

    def __init__(self, where: str) -> None:
        self._where = where

    @property
    def model(self) -> type[BaseModel]:
        """The model of the part."""
        module, _, name = self._where.partition(":")
        model: type[BaseModel] = getattr(import_module(f"mockdock.scenario.{module}"), name)
        return model

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        model = self.model
        model.model_rebuild()
        return handler(core_schema.nullable_schema(model.__pydantic_core_schema__))

    def _read(self, value: Any) -> BaseModel | None:
        if value is None:
            return None
        return self.model.model_validate(value, by_alias=True, by_name=False)


if TYPE_CHECKING:
    from mockdock.scenario.audit import AuditSpec
    from mockdock.scenario.langdb import LangDBSpec

    SomeAudit: TypeAlias = AuditSpec | None
    SomeLangDB: TypeAlias = LangDBSpec | None
else:
    SomeAudit = Annotated[Any, Seldom("audit:AuditSpec")]
    SomeLangDB = Annotated[Any, Seldom("langdb:LangDBSpec")]
