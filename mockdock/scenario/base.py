"""What all parts of the scenario language have in common."""

import difflib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from msgspec import Struct
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StrictBool,
    StrictInt,
)
from pydantic_core import PydanticCustomError

from mockdock.deferred import Deferred
from mockdock.scenario import placeholders

__all__ = [
    "DEEPEST",
    "LARGEST",
    "Bool",
    "Complaint",
    "Count",
    "Json",
    "Logprob",
    "Number",
    "Part",
    "Path",
    "Positive",
    "Scalar",
    "Spread",
    "Template",
    "Word",
    "check_json",
    "nearest",
    "refuse",
    "rejection",
    "shown",
    "strings",
    "unknown",
]

DEEPEST = 100
LONGEST = 60
_CLOSE = 3
"""So many near words are weighed against each other."""
LARGEST = 10**12
"""The largest whole number: journals and floating-point numbers hold it, and sums of many."""

Path = tuple[str | int, ...]


class Part(Deferred):
    """A mapping of the language: immutable, unknown keys refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, protected_namespaces=()
    )

    shorthand: ClassVar[dict[str, Any]] = {}
    """JSON Schema of what may stand for the mapping, if anything."""


class Complaint(Struct, frozen=True):
    """Something wrong below the value being validated.

    ``at`` is the way from that value to the place; ``on_key`` points at the
    key there, not at what it holds.
    """

    message: str
    hint: str = ""
    at: Path = ()
    on_key: bool = False


def refuse(complaints: Iterable[Complaint]) -> None:
    """Raise one pydantic error that carries all complaints; nothing when there are none."""
    found = tuple(complaints)
    if found:
        raise rejection(*found)


def rejection(*complaints: Complaint) -> PydanticCustomError:
    """Make one pydantic error of complaints."""
    text = "; ".join(f"{c.message} ({c.hint})" if c.hint else c.message for c in complaints)
    return PydanticCustomError("complaints", "{text}", {"text": text, "complaints": complaints})


def shown(value: object) -> str:
    """Name a value in a message: short, on one line."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a message must not be lost for it
        long = isinstance(value, int)
        return "a number of thousands of digits" if long else f"some {type(value).__name__}"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]}...{text[-1]}"


def nearest(word: object, known: Iterable[str]) -> str:
    """Say which known word was probably meant, empty when none is near."""
    if not isinstance(word, str):
        return ""
    written = word.lower()
    close = difflib.get_close_matches(written, tuple(known), n=_CLOSE)
    found = min(close, key=lambda each: _strange(written, each), default=word)
    return f"did you mean {found!r}?" if found != word else ""


def _strange(one: str, other: str) -> int:
    """Count the letters of the longer word that the shorter one lacks."""
    blocks = difflib.SequenceMatcher(None, one, other).get_matching_blocks()
    return max(len(one), len(other)) - sum(block.size for block in blocks)


def unknown(value: object, known: Sequence[str], also: str = "") -> Complaint:
    """Complain about a word that is none of the known ones."""
    listed = f"{', '.join(known)}{f', or {also}' if also else ''}"
    return Complaint(f"unknown value {shown(value)}, one of: {listed}", nearest(value, known))


def strings(value: object, at: Path = ()) -> Iterator[tuple[Path, str]]:
    """Walk a JSON value and give each text in it with its place (keys are not texts)."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from strings(inner, (*at, key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from strings(inner, (*at, index))


def _scalar(value: object) -> object:
    if value is not None and not isinstance(value, str | bool | int | float):
        refuse([Complaint(f"expected text, a number, true or false, got {shown(value)}")])
    return value


def _json_complaint(value: object, at: Path = ()) -> Complaint | None:
    if isinstance(value, Mapping | list | tuple):
        return _inner_complaint(value, at)
    if isinstance(value, float) and not math.isfinite(value):
        return Complaint("JSON knows neither infinity nor nan", at=at)
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return Complaint("the number does not fit into 64 bits", at=at)
    if value is None or isinstance(value, str | int | float):
        return None
    return Complaint(f"not a JSON value: {shown(value)}", at=at)


def _inner_complaint(value: Mapping[Any, object] | Sequence[object], at: Path) -> Complaint | None:
    if len(at) > DEEPEST:
        return Complaint("nested too deep", at=at[:1])
    pairs: Iterable[tuple[Any, object]] = enumerate(value)
    if isinstance(value, Mapping):
        pairs = value.items()
    for key, inner in pairs:
        if isinstance(value, Mapping) and not isinstance(key, str):
            return Complaint(f"a JSON key is text, got {shown(key)}", at=at)
        if complaint := _json_complaint(inner, (*at, key)):
            return complaint
    return None


def check_json(value: Any) -> Any:
    """Validate a JSON value: text keys, finite numbers of 64 bits, not too deep."""
    if complaint := _json_complaint(value):
        refuse([complaint])
    return value


def _template(text: str) -> str:
    refuse(Complaint(wrong.message, wrong.hint) for wrong in placeholders.check(text))
    return text


Bool = StrictBool
Word = Annotated[str, Field(min_length=1)]
Template = Annotated[str, AfterValidator(_template)]
Count = Annotated[StrictInt, Field(ge=0, le=LARGEST)]
Positive = Annotated[StrictInt, Field(ge=1, le=LARGEST)]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Logprob = Annotated[Number, Field(le=0)]
Spread = Annotated[Number, Field(ge=0)]
Scalar = Annotated[str | StrictInt | StrictBool | Number | None, BeforeValidator(_scalar)]
Json = Annotated[Any, AfterValidator(check_json)]
