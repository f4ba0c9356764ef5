"""The base of all wire models, and unions told apart by JSON type."""

from typing import Annotated, Any

from pydantic import ConfigDict, Discriminator, Field

from mockdock.deferred import Deferred

__all__ = [
    "CHOICE_OR_OBJECT",
    "STRING_OR_OBJECT",
    "STRING_OR_OBJECTS",
    "STRING_OR_STRINGS",
    "Metadata",
    "Unchecked",
    "Wire",
    "none_given",
]


class Wire(Deferred):
    """A closed JSON object with strict types; it does not change, so defaults are shared."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def none_given() -> list[Any]:
    """Give a list of nothing. Of ``list`` itself pydantic would look up how it is called."""
    return []


def _shape(value: object) -> str | None:
    """Tell the alternatives of a union apart by the JSON type alone."""
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, dict) else None


def _either(expected: str) -> Discriminator:
    return Discriminator(
        _shape,
        custom_error_type="wrong_shape",
        custom_error_message=expected,
    )


STRING_OR_OBJECTS = _either("one of a string or array of objects")
STRING_OR_STRINGS = _either("one of a string or array of strings")
CHOICE_OR_OBJECT = _either("one of one of 'none', 'auto', or 'required' or object")
STRING_OR_OBJECT = _either("one of a string or object")

Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
    Field(max_length=16),
]

Unchecked = Any
