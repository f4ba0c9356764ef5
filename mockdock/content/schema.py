"""JSON Schema → a value that validates against it.

Best effort for any input: a schema that contradicts itself, points nowhere or
never ends still gives a value, in bounded time and size.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from mockdock.content import patterns
from mockdock.content.check import Checker
from mockdock.content.fake import english
from mockdock.content.flatten import Branches, Flattener
from mockdock.content.keywords import (
    canonical,
    few,
    holding,
    item_schemas,
    listed,
    mapped,
    size,
    stub,
    texts,
    types,
)
from mockdock.content.offers import Offers, singular
from mockdock.content.refs import fields
from mockdock.content.values import Taker, number, string

__all__ = ["instance", "json_text"]

_MAX_NODES = 5_000
_MAX_DEPTH = 30
_MAX_ITEMS = 1_000
_MAX_CHECKS = 50_000
# How often one reference may be open on the way from the root to a value.
_MAX_RECURSION = 2
_ATTEMPTS = 24
# From this attempt on more and more optional properties are left out.
_LEAN = 12
_TRIES = 40
_ANY = ("string", "integer", "boolean", "object", "array", "null")
_DULL: tuple[Any, ...] = (None, "", [], {})


def instance(
    schema: Any, rng: random.Random, *, name: str = "", offers: Offers | None = None
) -> Any:
    """Make a value that validates against ``schema`` (any JSON Schema draft).

    All optional properties are there unless the schema would recurse without
    end. ``name`` is what the value is called, if anything; field names decide
    what strings and numbers look like. A schema that says nothing at all gives
    ``{}`` at the top. What a conversation ``offers`` is taken where it fits.
    Never raises; a schema that cannot be met gives a value of about the right
    shape.
    """
    if offers:
        state = rng.getstate()
        made = _Builder(schema, rng, offers).whole(name)
        if Checker(schema, _MAX_CHECKS).fits(made, schema):
            return made
        rng.setstate(state)
    return _Builder(schema, rng, None).whole(name)


def json_text(value: Any) -> str:
    """Write a value as models do: no blanks, characters outside ASCII as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class _DeadEndError(Exception):
    """A branch has no value: it is ``false`` or would recurse too deeply."""


class _Builder:
    def __init__(self, root: Any, rng: random.Random, offers: Offers | None) -> None:
        self.root = root
        self.rng = rng
        self.nodes = 0
        self.lenient = False
        self.checker = Checker(root, _MAX_CHECKS)
        self.taker = Taker(offers, fields(root), self.checker.fits) if offers else None

    def whole(self, name: str) -> Any:
        open_refs = {"#": 1}
        try:
            return self.build(self.root, open_refs, 0, name)
        except _DeadEndError:
            # No value validates: stay close to the shape, with stubs where it ends.
            self.lenient = True
            self.nodes = 0
            return self.build(self.root, open_refs, 0, name)

    def build(self, schema: Any, open_refs: Mapping[str, int], depth: int, name: str) -> Any:
        branches = Branches(self.rng)
        made: list[Any] = []
        flat: Mapping[str, Any] | None = {}
        taken = self.taker.taken if self.taker else frozenset()
        for attempt in range(_ATTEMPTS):
            self.nodes += 1
            if self.nodes > _MAX_NODES:
                break
            branches.attempt = attempt
            if self.taker:
                self.taker.taken = taken
            flattener = Flattener(self.root, branches.choose)
            flat = flattener.flat(schema)
            try:
                value = self.follow(flat, flattener.refs, open_refs, depth, name, attempt)
            except _DeadEndError:
                if not flattener.choices:
                    break
                continue
            if not flattener.choices or self.checker.fits(value, schema):
                return value
            made.append(value)
        if made:
            return made[0]
        if self.lenient or self.nodes > _MAX_NODES:
            return stub(flat)
        raise _DeadEndError

    def follow(
        self,
        flat: Mapping[str, Any] | None,
        refs: Sequence[str],
        open_refs: Mapping[str, int],
        depth: int,
        name: str,
        attempt: int,
    ) -> Any:
        if flat is None or depth > _MAX_DEPTH:
            raise _DeadEndError
        if refs:
            open_refs = {**open_refs, **{ref: open_refs.get(ref, 0) + 1 for ref in refs}}
            if any(open_refs[ref] > _MAX_RECURSION for ref in refs):
                raise _DeadEndError
        given = self.given(flat)
        offered = self.taker.take(flat, name, given) if self.taker else []
        if offered or given:
            return offered[0] if offered else self.rng.choice(given)
        kind = self.kind(flat, depth, attempt)
        if kind == "object":
            return self.object(flat, open_refs, depth, attempt)
        if kind == "array":
            return self.array(flat, open_refs, depth, name)
        if kind == "string":
            return string(flat, self.rng, name)
        if kind in ("integer", "number"):
            return number(flat, self.rng, name, whole=kind == "integer")
        return self.rng.random() < 0.5 if kind == "boolean" else None  # noqa: PLR2004  # a coin

    def given(self, flat: Mapping[str, Any]) -> list[Any]:
        """Give the values the schema itself offers: const, enum, examples, default."""
        if "const" in flat:
            return [flat["const"]]
        enum = listed(flat, "enum")
        if enum:
            fitting = [item for item in enum if self.checker.fits(item, flat)]
            return [item for item in fitting if item is not None] or fitting or list(enum)
        offered = list(listed(flat, "examples"))
        offered += [flat[key] for key in ("example", "default") if key in flat and not offered]
        return [item for item in offered if item not in _DULL and self.checker.fits(item, flat)]

    def kind(self, flat: Mapping[str, Any], depth: int, attempt: int) -> str:
        known = types(flat)
        if not known:
            return "object" if depth == attempt == 0 else _ANY[attempt % len(_ANY)]
        if attempt >= _LEAN and "null" in known:
            return "null"
        return self.rng.choice([kind for kind in known if kind != "null"] or ["null"])

    def object(
        self, flat: Mapping[str, Any], open_refs: Mapping[str, int], depth: int, attempt: int
    ) -> dict[str, Any]:
        known = mapped(flat, "properties")
        required = texts(flat, "required")
        most = size(flat, "maxProperties")
        made: dict[str, Any] = {}
        room = None if most is None else most - sum(name not in known for name in required)
        optional_left = None if room is None else room - sum(name in known for name in required)
        for name, schema in known.items():
            if name not in required:
                if attempt >= _LEAN and self.rng.randrange(attempt - _LEAN + 2):
                    continue
                if optional_left is not None:
                    if optional_left <= 0:
                        continue
                    optional_left -= 1
            try:
                made[name] = self.build(schema, open_refs, depth + 1, name)
            except _DeadEndError:
                if name in required:
                    raise
        for name in required:
            if name not in made:
                made[name] = self.build(_extra(flat, name), open_refs, depth + 1, name)
        self.fill(flat, made, open_refs, depth, most)
        return made

    def fill(
        self,
        flat: Mapping[str, Any],
        made: dict[str, Any],
        open_refs: Mapping[str, int],
        depth: int,
        most: int | None,
    ) -> None:
        """Add properties under made-up names: a map's entries, or those ``minProperties`` asks."""
        wanted = min(size(flat, "minProperties") or 0, _MAX_ITEMS)
        by_pattern = mapped(flat, "patternProperties")
        if "properties" not in flat and (
            by_pattern or isinstance(flat.get("additionalProperties"), Mapping)
        ):
            wanted = max(wanted, self.rng.randint(1, 3))
        if most is not None:
            wanted = min(wanted, most)
        for attempt in range(wanted + _TRIES):
            if len(made) >= wanted:
                break
            name = self.key(flat, by_pattern, attempt)
            schema = _extra(flat, name)
            if name in made or schema is False:
                continue
            try:
                made[name] = self.build(schema, open_refs, depth + 1, name)
            except _DeadEndError:
                break

    def key(self, flat: Mapping[str, Any], by_pattern: Mapping[str, Any], attempt: int) -> str:
        names = flat.get("propertyNames")
        if isinstance(names, Mapping):
            made = self.build({"type": "string", "allOf": [names]}, {}, _MAX_DEPTH, "key")
            return str(made)
        if by_pattern:
            pattern = list(by_pattern)[attempt % len(by_pattern)]
            made = patterns.generate(pattern, self.rng)
            if made is not None:
                return made
        word = str(english(self.rng).word())
        return word if attempt < _TRIES else f"{word}_{attempt}"

    def array(
        self, flat: Mapping[str, Any], open_refs: Mapping[str, int], depth: int, name: str
    ) -> list[Any]:
        first, rest = item_schemas(flat)
        rest = flat.get("unevaluatedItems", True) if rest is True else rest
        least = min(size(flat, "minItems") or 0, _MAX_ITEMS)
        most = size(flat, "maxItems")
        name = singular(name)
        wanted = max(least, len(first), self.rng.randint(1, 3))
        if self.taker and not first:
            wanted = max(least, self.offered(rest, name) or wanted)
        if rest is False:
            wanted = min(wanted, len(first))
        if most is not None:
            wanted = max(min(wanted, most), 0)
        unique = flat.get("uniqueItems") is True
        schemas = [*first[:wanted], *[rest] * (wanted - len(first))]
        if "contains" in flat:
            room = _MAX_ITEMS if most is None else min(most, _MAX_ITEMS)
            schemas = holding(flat, schemas, len(first), room)
        made: list[Any] = []
        seen: set[Any] = set()
        for index, schema in enumerate(schemas):
            try:
                item = self.item(schema, open_refs, depth, name, seen if unique else None)
            except _DeadEndError:
                if index < least:
                    raise
                break
            made.append(item)
            seen.add(canonical(item))
            if self.nodes > _MAX_NODES:
                break
        return made

    def offered(self, schema: Any, name: str) -> int:
        """Tell how many items like this the conversation offers."""
        flat = self.plain(schema)
        return self.taker.count(flat, name, self.given(flat)) if self.taker and flat else 0

    def plain(self, schema: Any) -> Mapping[str, Any]:
        """Give a schema flat if there is only one way to do that, else an empty one."""
        flattener = Flattener(self.root, lambda options, _: options[0])
        flat = flattener.flat(schema)
        return {} if flat is None or flattener.choices else flat

    def item(
        self,
        schema: Any,
        open_refs: Mapping[str, int],
        depth: int,
        name: str,
        seen: set[Any] | None,
    ) -> Any:
        """Make one item; with ``seen``, one that is not in there."""
        if seen is None:
            return self.build(schema, open_refs, depth + 1, name)
        left = [
            item
            for item in few(self.plain(schema))
            if canonical(item) not in seen and self.checker.fits(item, schema)
        ]
        if left:
            offered = self.taker.take({"enum": left}, name, left) if self.taker else []
            return offered[0] if offered else self.rng.choice(left)
        for _ in range(_TRIES):
            made = self.build(schema, open_refs, depth + 1, name)
            if canonical(made) not in seen:
                return made
        raise _DeadEndError


def _extra(flat: Mapping[str, Any], name: str) -> Any:
    """Give the schema of a property that ``properties`` does not list."""
    for pattern, schema in mapped(flat, "patternProperties").items():
        if patterns.matches(pattern, name):
            return schema
    return flat.get("additionalProperties", flat.get("unevaluatedProperties", True))
