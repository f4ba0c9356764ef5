"""What tools, the choice among them, and schemas may not say.

Sources are named where pastes or probes are (PROBE: see ``rules_model``);
ASSUMED marks words for which there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mockdock.dialects.openai.families import GPT_5
from mockdock.dialects.openai.invalid import bad_request
from mockdock.dialects.openai.rules_base import Rule, rule
from mockdock.dialects.openai.rules_schemas import fault_of_format, fault_of_function
from mockdock.dialects.openai.wire import ChatRequest
from mockdock.reply import Failure
from mockdock.request import Traits

__all__ = ["TOOL_RULES"]


def _both_kinds(wire: ChatRequest, _: Traits) -> Failure | None:
    """Refuse tools in the new form and the old (microsoft/autogen#3285)."""
    if not (wire.tools and wire.functions):
        return None
    return bad_request(
        "Invalid request: 'functions' and 'tools' cannot both be provided. 'functions' are "
        "deprecated; use the 'tools' parameter instead."
    )


def _choice_of_none(wire: ChatRequest, traits: Traits) -> Failure | None:
    """Refuse a choice where there is nothing to choose (WIRE B.2; PlexPt/chatgpt-java#150).

    gpt-5 takes ``parallel_tool_calls`` without tools (PROBE).
    """
    given = wire.model_fields_set
    for name, offer, offered in (
        ("tool_choice", "tools", wire.tools),
        ("parallel_tool_calls", "tools", wire.tools),
        ("function_call", "functions", wire.functions),
    ):
        lax = name == "parallel_tool_calls" and (wire.functions or traits.family.startswith(GPT_5))
        if name in given and not offered and not lax:
            return bad_request(
                f"Invalid value for '{name}': '{name}' is only allowed when '{offer}' are "
                "specified.",
                name,
            )
    return None


def _absent_choice(wire: ChatRequest, _: Traits) -> Failure | None:
    """Refuse to call what is not on offer: the old words for every form (PROBE).

    For ``allowed_tools`` they are ASSUMED; that it is refused is told of the
    newer API (vercel/ai: an allow-list of undeclared tools).
    """
    offered = {name for name, _ in _names(wire)}
    absent = next((name for name in _chosen(wire) if name not in offered), None)
    if absent is None:
        return None
    return bad_request(
        f"Invalid value for 'function_call': no function named '{absent}' was specified in the "
        "'functions' parameter.",
        "function_call",
    )


def _chosen(wire: ChatRequest) -> Sequence[str]:
    """Give the tools that a choice names."""
    choice, legacy = wire.tool_choice, wire.function_call
    if isinstance(choice, str):
        return () if isinstance(legacy, str) else (legacy.name,)
    match choice.type:
        case "function":
            return (choice.function.name,)
        case "custom":
            return (choice.custom.name,)
        case "allowed_tools":
            return choice.allowed_tools.names


def _names(wire: ChatRequest) -> Iterator[tuple[str, tuple[str, int, str]]]:
    """Give every name on offer and its place: the list, the index, the rest of the path."""
    for index, tool in enumerate(wire.tools):
        if tool.type == "function":
            yield tool.function.name, ("tools", index, "function.name")
        else:
            yield tool.custom.name, ("tools", index, "custom.name")
    for index, function in enumerate(wire.functions):
        yield function.name, ("functions", index, "name")


def _same_name(wire: ChatRequest, _: Traits) -> Failure | None:
    """Refuse two of one name; ASSUMED, in the words for two results of one call."""
    seen: dict[str, tuple[str, int, str]] = {}
    for name, place in _names(wire):
        first = seen.setdefault(name, place)
        if first is not place:
            where, index, rest = place
            return bad_request(
                f"Invalid parameter: Duplicate value for 'name' of '{name}', in "
                f"{first[0]}[{first[1]}] and {where}[{index}].",
                f"{where}.[{index}].{rest}",
            )
    return None


def _parameters(wire: ChatRequest, _: Traits) -> Failure | None:
    """Refuse functions whose parameters are no schema, or none for strict mode."""
    for index, tool in enumerate(wire.tools):
        if tool.type == "function" and "parameters" in tool.function.model_fields_set:
            function = tool.function
            fault = fault_of_function(function.parameters, strict=bool(function.strict))
            if fault:
                where = f"tools[{index}].function.parameters"
                return _bad_parameters(function.name, fault, where)
    for index, legacy in enumerate(wire.functions):
        if "parameters" in legacy.model_fields_set:
            fault = fault_of_function(legacy.parameters, strict=False)
            if fault:
                return _bad_parameters(legacy.name, fault, f"functions[{index}].parameters")
    return None


def _bad_parameters(name: str, fault: str, where: str) -> Failure:
    message = f"Invalid schema for function '{name}': {fault}"
    return bad_request(message, where, "invalid_function_parameters")


def _response_schema(wire: ChatRequest, _: Traits) -> Failure | None:
    """Refuse a strict format whose schema is none for strict mode (outlines#844)."""
    form = wire.response_format
    if form.type != "json_schema" or not form.json_schema.strict:
        return None
    if "schema_" not in form.json_schema.model_fields_set:
        return None
    fault = fault_of_format(form.json_schema.schema_)
    if not fault:
        return None
    name = form.json_schema.name
    return bad_request(f"Invalid schema for response_format '{name}': {fault}", "response_format")


TOOL_RULES: Sequence[Rule] = (
    rule("functions", _both_kinds),
    rule("tool_choice parallel_tool_calls function_call", _choice_of_none),
    rule("tool_choice function_call", _absent_choice),
    rule("tools functions", _same_name),
    rule("tools functions", _parameters),
    rule("response_format", _response_schema),
)
