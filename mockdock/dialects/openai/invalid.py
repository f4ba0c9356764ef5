"""The one translator from pydantic's errors to OpenAI's 400 bodies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mockdock.dialects.openai.digits import as_sent, number
from mockdock.dialects.openai.paths import Step, dotted, steps
from mockdock.reply import Failure

__all__ = [
    "bad_json",
    "bad_request",
    "listed",
    "mismatched",
    "missing_content",
    "missing_model",
    "mistyped",
    "too_long",
    "translate",
]

_SHOWN = 200
"""Values longer than this are cut in a message."""

_INT64 = 2**63

_OF_OBJECTS = {"messages", "tools", "functions", "tool_calls", "annotations", "content"}
_ODD: dict[tuple[Step, ...], str] = {
    ("functions",): "an array of function definitions",
    ("metadata",): "a metadata object",
}
"""Where the live API calls the type by another name."""


def bad_request(message: str, param: str | None = None, code: str | None = None) -> Failure:
    """Build a 400 of type invalid_request_error."""
    return Failure(
        kind="bad_request",
        status=400,
        message=message,
        type="invalid_request_error",
        param=param,
        code=code,
    )


def bad_json() -> Failure:
    """Refuse a body that is no JSON object in UTF-8."""
    return bad_request(
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't "
        "using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was "
        "sent was not valid JSON. If you have trouble figuring out how to fix this, please "
        "contact us through our help center at help.openai.com.)"
    )


def missing_model() -> Failure:
    """Refuse a request that names no model."""
    return bad_request("you must provide a model parameter")


def missing_content(index: int) -> Failure:
    """Refuse a message without content; the odd path is the service's own (issue pastes)."""
    return bad_request(
        "Invalid value for 'content': expected a string, got null.", f"messages.[{index}].content"
    )


def translate(
    body: Mapping[str, Any], error: ValidationError, *, newer: bool = False, raw: bytes = b""
) -> Failure:
    """Give the refusal for a body pydantic found invalid; ``raw`` is how it was sent.

    Unknown top-level arguments come first, named together; ``newer`` models name
    one, as they name others, and miss messages before. Of all other errors the
    first in the order of the request's declaration is told.
    """
    errors = error.errors(include_url=False)
    unknown = [
        str(each["loc"][0])
        for each in errors
        if each["type"] == "extra_forbidden" and len(each["loc"]) == 1
    ]
    if newer and errors[0]["type"] == "missing" and errors[0]["loc"] == ("messages",):
        unknown = []
    if unknown and newer:
        return _unknown(errors[0], (unknown[0],))
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        names = ", ".join(_cut(name) for name in unknown)
        return bad_request(f"Unrecognized request argument{plural} supplied: {names}")
    first = errors[0]
    path = steps(body, first["loc"])
    if isinstance(first["input"], float) and abs(first["input"]) >= _INT64:
        first["ctx"] = {**first.get("ctx", {}), "sent": as_sent(raw, path)}
    return _TELL.get(first["type"], _wrong_type)(first, path)


def _missing(_: ErrorDetails, path: Sequence[Step]) -> Failure:
    param = dotted(path)
    return bad_request(
        f"Missing required parameter: '{param}'.", param, "missing_required_parameter"
    )


def _no_tag(error: ErrorDetails, path: Sequence[Step]) -> Failure:
    return _missing(error, (*path, _discriminator(error)))


def _unknown(_: ErrorDetails, path: Sequence[Step]) -> Failure:
    param = _cut(dotted(path))
    return bad_request(f"Unknown parameter: '{param}'.", param, "unknown_parameter")


def _bad_value(error: ErrorDetails, path: Sequence[Step]) -> Failure:
    supported = _names(error["ctx"]["expected"])
    if not isinstance(error["input"], str):
        return mistyped(f"one of {listed(supported, 'or')}", error["input"], path)
    if path == ("prompt_cache_retention",):
        return bad_request("Invalid prompt_cache_retention argument", "prompt_cache_retention")
    return _not_one_of(error["input"], supported, path)


def _names(expected: str) -> list[str]:
    return [part.strip("' ") for part in expected.replace(" or ", ", ").split(",")]


def _bad_tag(error: ErrorDetails, path: Sequence[Step]) -> Failure:
    field = _discriminator(error)
    supported = _names(error["ctx"]["expected_tags"])
    return _not_one_of(error["input"][field], supported, (*path, field))


def _discriminator(error: ErrorDetails) -> str:
    return str(error["ctx"]["discriminator"]).strip("'")


def _not_one_of(value: Any, supported: Sequence[str], path: Sequence[Step]) -> Failure:
    if not isinstance(value, str):
        return mistyped("a string", value, path)
    return bad_request(
        f"Invalid value: '{_cut(value)}'. Supported values are: {listed(supported)}.",
        dotted(path),
        "invalid_value",
    )


def listed(names: Sequence[str], last: str = "and") -> str:
    """Write names as the service does: 'a', 'b', and 'c'."""
    quoted = [f"'{name}'" for name in names]
    if len(quoted) <= 2:  # noqa: PLR2004
        return f" {last} ".join(quoted)
    return ", ".join(quoted[:-1]) + f", {last} {quoted[-1]}"


def _below(error: ErrorDetails, path: Sequence[Step]) -> Failure:
    return _out_of_range(error, path, error["ctx"]["ge"], "below minimum", ">=", "below_min")


def _above(error: ErrorDetails, path: Sequence[Step]) -> Failure:
    return _out_of_range(error, path, error["ctx"]["le"], "above maximum", "<=", "above_max")


def _out_of_range(
    error: ErrorDetails, path: Sequence[Step], bound: float, words: str, sign: str, code: str
) -> Failure:
    kind = "decimal" if isinstance(bound, float) else "integer"
    return _invalid(
        path,
        f"{kind} {words} value",
        f"a value {sign} {number(bound)}",
        number(error["input"]),
        f"{kind}_{code}_value",
    )


def _invalid(path: Sequence[Step], what: str, expected: str, got: str, code: str) -> Failure:
    param = _cut(dotted(path))
    return bad_request(
        f"Invalid '{param}': {what}. Expected {expected}, but got {got} instead.", param, code
    )


def _too_short(_: ErrorDetails, path: Sequence[Step]) -> Failure:
    expected, got = "an array with minimum length 1", "an empty array"
    return _invalid(path, "empty array", expected, got, "empty_array")


def _too_long(error: ErrorDetails, path: Sequence[Step]) -> Failure:
    most, got = error["ctx"]["max_length"], error["ctx"]["actual_length"] or len(error["input"])
    if isinstance(error["input"], dict):
        return _invalid(
            path,
            "too many properties",
            f"an object with at most {most} properties",
            f"an object with {got} properties",
            "object_above_max_properties",
        )
    return _invalid(
        path,
        "array too long",
        f"an array with maximum length {most}",
        f"an array with length {got}",
        "array_above_max_length",
    )


def _empty_string(_: ErrorDetails, path: Sequence[Step]) -> Failure:
    expected, got = "a string with minimum length 1", "an empty string"
    return _invalid(path, "empty string", expected, got, "empty_string")


def _string_too_long(error: ErrorDetails, path: Sequence[Step]) -> Failure:
    most, got = error["ctx"]["max_length"], len(error["input"])
    if error["loc"][-1] == "[key]":
        *inside, name = path
        return bad_request(
            f"Invalid property name in '{dotted(inside)}': '{str(name)[:3]}...{str(name)[-3:]}' is "
            f"too long. Expected a string with maximum length {most}, but got a string with "
            f"length {got} instead.",
            _cut(dotted(path)),
            "property_name_above_max_length",
        )
    return too_long(path, most, got)


def too_long(path: Sequence[Step], most: int, got: int) -> Failure:
    """Refuse a string of more than ``most`` letters."""
    expected = f"a string with maximum length {most}"
    sent = f"a string with length {got}"
    return _invalid(path, "string too long", expected, sent, "string_above_max_length")


def _pattern(error: ErrorDetails, path: Sequence[Step]) -> Failure:
    return mismatched(path, error["ctx"]["pattern"])


def mismatched(path: Sequence[Step], pattern: str) -> Failure:
    """Refuse a string with letters it may not have."""
    param = _cut(dotted(path))
    return bad_request(
        f"Invalid '{param}': string does not match pattern. Expected a string that matches the "
        f"pattern '{pattern}'.",
        param,
        "invalid_value",
    )


def _wrong_shape(error: ErrorDetails, path: Sequence[Step]) -> Failure:
    return mistyped(error["msg"], error["input"], path)


def _wrong_type(error: ErrorDetails, path: Sequence[Step]) -> Failure:
    value = error["input"]
    if error["type"] == "int_type" and isinstance(value, float) and abs(value) >= _INT64:
        # The JSON parser gives whole numbers beyond 64 bits as floats.
        above = value > 0
        sign, bound = ("<=", _INT64 - 1) if above else (">=", -_INT64)
        words, code = ("above maximum", "above_max") if above else ("below minimum", "below_min")
        return _invalid(
            path,
            f"integer {words} value",
            f"a value {sign} {bound}",
            _cut(error["ctx"]["sent"] or number(value)),
            f"integer_{code}_value",
        )
    last = next((step for step in reversed(path) if isinstance(step, str)), "")
    array = "an array of objects" if last in _OF_OBJECTS else "an array of strings"
    expected = {
        "string_type": "a string",
        "int_type": "an integer",
        "float_type": "a decimal",
        "bool_type": "a boolean",
        "list_type": array,
    }
    odd = _ODD.get(tuple(path))
    return mistyped(odd or expected.get(error["type"], "an object"), error["input"], path)


def mistyped(expected: str, value: Any, path: Sequence[Step]) -> Failure:
    """Refuse a value of another type than the ``expected`` one, named with its article."""
    param = _cut(dotted(path))
    return bad_request(
        f"Invalid type for '{param}': expected {expected}, but got {_article(value)} instead.",
        param,
        "invalid_type",
    )


def _article(value: Any) -> str:
    if value is None:
        return "null"
    names = {
        bool: "a boolean",
        int: "an integer",
        float: "a decimal number",
        str: "a string",
        list: "an array",
    }
    return names.get(type(value), "an object")


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


_TELL: dict[str, Callable[[ErrorDetails, Sequence[Step]], Failure]] = {
    "missing": _missing,
    "union_tag_not_found": _no_tag,
    "union_tag_invalid": _bad_tag,
    "extra_forbidden": _unknown,
    "literal_error": _bad_value,
    "greater_than_equal": _below,
    "less_than_equal": _above,
    "too_short": _too_short,
    "too_long": _too_long,
    "string_too_short": _empty_string,
    "string_too_long": _string_too_long,
    "string_pattern_mismatch": _pattern,
    "wrong_shape": _wrong_shape,
}
