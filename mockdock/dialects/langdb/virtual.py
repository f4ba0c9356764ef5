"""Virtual models, and where a router sends a request: from what is asked to what is meant.

A virtual model is asked for as ``langdb/<name>``, or by its name alone. Its messages come
before those of the request; parameters of the request win over its own, within ``extra``
each by itself. LangDB's documents name virtual models, but do not say how they are put
together: this is ASSUMED. A scenario that has any has no others; without one ``langdb/…``
is a model like any other. ``router/…`` needs a router; a router is asked whatever the
model is, as the source of the open gateway does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from pydantic import ValidationError

from mockdock.dialects.base import Call
from mockdock.dialects.langdb.extras import Extras
from mockdock.dialects.langdb.router import route
from mockdock.dialects.openai.invalid import translate
from mockdock.gateways import VirtualModel
from mockdock.reply import Failure
from mockdock.routing import Routed

__all__ = ["Meant", "meant"]

_PREFIX = "langdb/"
_WISH = ":mock-"
"""What comes behind it in a model's name is none of it."""
_DEEPEST = 10
"""So many models are gone through for a request, as the source does."""


class Meant(Struct, frozen=True):
    """A body with the model and all else that is meant, and how that was found.

    Where a router has a choice, its pool is in ``routed``, and the model is as it was asked for.
    """

    body: dict[str, Any]
    extras: Extras
    routed: Routed | None = None


def meant(call: Call, body: dict[str, Any]) -> Meant | Failure:
    """Put together what a body means."""
    routed: Routed | None = None
    for _ in range(_DEEPEST):
        spelled = _spelled(call, body)
        if isinstance(spelled, Failure):
            return spelled
        extras = _extras(call, spelled)
        if isinstance(extras, Failure):
            return extras
        if extras.router is None:
            name = _name(spelled)
            lost = name.startswith("router/")
            return Failure("model_not_found", name) if lost else Meant(spelled, extras, routed)
        found = route(extras.router, spelled, call.headers)
        if isinstance(found, Failure):
            return found
        target, routed = found
        if not target:
            return Meant(spelled, extras, routed)
        rest = {key: value for key, value in spelled.items() if key != "router"}
        body = {**rest, "model": _wishing(target, spelled)}
    return Failure("server_error", message="Max depth reached")


def _name(body: Mapping[str, Any]) -> str:
    """Give the model that is asked for, empty where none is."""
    model = body.get("model")
    return model.partition(_WISH)[0] if isinstance(model, str) else ""


def _wishing(model: str, body: Mapping[str, Any]) -> str:
    """Give another model with what is wished for behind that of a body."""
    asked = body.get("model")
    _, mark, wish = asked.partition(_WISH) if isinstance(asked, str) else ("", "", "")
    return f"{model}{mark}{wish}"


def _spelled(call: Call, body: dict[str, Any]) -> dict[str, Any] | Failure:
    """Spell a virtual model out."""
    known, name = call.gateways.langdb.virtual_models, _name(body)
    saved = known.get(name.removeprefix(_PREFIX))
    if saved is not None:
        return _merged(body, saved)
    return Failure("model_not_found", name) if known and name.startswith(_PREFIX) else body


def _merged(body: Mapping[str, Any], saved: VirtualModel) -> dict[str, Any]:
    merged = {**saved.parameters, **body, "model": _wishing(saved.model, body)}
    ours, given = saved.parameters.get("extra"), body.get("extra")
    if isinstance(ours, dict) and isinstance(given, dict):
        merged["extra"] = {**ours, **given}
    if saved.messages and isinstance(body.get("messages"), list):
        merged["messages"] = [*map(dict, saved.messages), *body["messages"]]
    return merged


def _extras(call: Call, body: dict[str, Any]) -> Extras | Failure:
    """Check what is LangDB's own; leniently only a router, which would lead nowhere."""
    try:
        return Extras.model_validate(body)
    except ValidationError as error:
        refused = translate(body, error, raw=call.body)
    if call.lenient and (body.keys() & {"extra", "mcp_servers"}):
        return _extras(call, {"router": body.get("router")})
    return refused
