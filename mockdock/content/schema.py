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
from mockdock.content.budget import limited
from mockdock.content.check import Checker
from mockdock.content.flatten import Branches, Flattener
from mockdock.content.keywords import (
    canonical,
    few,
    heft,
    holding,
    item_schemas,
    mapped,
    size,
    sound,
    stub,
    texts,
    types,
)
from mockdock.content.members import distinct, member
from mockdock.content.offers import Offers, singular
from mockdock.content.prose import english
from mockdock.content.refs import fields
from mockdock.content.values import Taker, number, string

__all__ = ["instance", "json_text"]

_MAX_NODES, _MAX_CHECKS = 5_000, 50_000
_MAX_DEPTH = 30
_MAX_ITEMS = 1_000
# Members merged, characters of a name and patterns tried that cost as much as one more node.
_WORK, _LONG, _FEW = 32, 100, 4
# How often one reference may be open on the way from the root to a value.
_MAX_RECURSION = 2
_ATTEMPTS, _TRIES = 24, 40
# From this attempt on more and more optional properties are left out.
_LEAN = 12
_ANY = ("string", "integer", "boolean", "object", "array", "null")


def instance(
    schema: Any, rng: random.Random, *, name: str = "", offers: Offers | None = None
) -> Any:
    """Make a value that validates against ``schema`` (any JSON Schema draft).

    All optional properties are there unless the schema would recurse without
    end. ``name`` is what the value is called, if anything; field names decide
    what strings and numbers look like. A schema that says nothing at all gives
    ``{}`` at the top. What a conversation ``offers`` is taken where it fits.
    Never raises; a schema that cannot be met gives a value of about the right
    shape. So does one that wants very much: a list gets at most 1,000 items, an
    object 1,000 properties with made-up names, a string 10,000 characters, all
    together some 5,000 values, so that no schema makes a reply of any size.
    """
    schema = sound(schema)
    with limited():
        if offers:
            state = rng.getstate()
            builder = _Builder(schema, rng, offers)
            made = builder.whole(name)
            if builder.nodes > _MAX_NODES or Checker(schema, _MAX_CHECKS).fits(made, schema):
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
            flattener = Flattener(self.checker.document, branches.choose)
            flat = flattener.flat(schema)
            self.nodes += flattener.work // _WORK + len(name) // _LONG
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
        given = self.checker.given(flat)
        offered = self.taker.take(flat, name, given) if self.taker else []
        if offered or given:
            return self.charged(offered[0] if offered else self.rng.choice(given))
        kind = self.kind(flat, depth, attempt)
        if kind == "object":
            return self.object(flat, open_refs, depth, attempt)
        if kind == "array":
            return self.array(flat, open_refs, depth, name)
        if kind == "string":
            self.charged(flat.get("pattern"))
            return self.charged(string(flat, self.rng, name))
        if kind in ("integer", "number"):
            return number(flat, self.rng, name, whole=kind == "integer")
        return self.rng.random() < 0.5 if kind == "boolean" else None  # noqa: PLR2004  # a coin

    def charged(self, value: Any) -> Any:
        self.nodes += heft(value)
        return value

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
        required = dict.fromkeys(texts(flat, "required"))
        most = size(flat, "maxProperties")
        made: dict[str, Any] = {}
        room = None if most is None else most - sum(name not in known for name in required)
        optional_left = None if room is None else room - sum(name in known for name in required)
        for name, schema in known.items():
            if name not in required:
                lean = attempt >= _LEAN and self.rng.randrange(attempt - _LEAN + 2)
                if lean or self.nodes > _MAX_NODES:
                    continue
                if optional_left is not None:
                    if optional_left <= 0:
                        continue
                    optional_left -= 1
            try:
                made[name] = self.build(self.member(flat, name, schema), open_refs, depth + 1, name)
            except _DeadEndError:
                if name in required:
                    raise
        for name in required:
            if name not in made:
                made[name] = self.build(self.member(flat, name), open_refs, depth + 1, name)
        self.fill(flat, made, open_refs, depth, most)
        return made

    def member(self, flat: Mapping[str, Any], name: str, *own: Any) -> Any:
        self.nodes += len(mapped(flat, "patternProperties")) // _FEW
        return member(flat, name, *own) if self.nodes <= _MAX_NODES else (*own, True)[0]

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
            name = self.key(flat, by_pattern, attempt, made)
            schema = self.member(flat, name)
            if name in made or schema is False:
                continue
            try:
                made[name] = self.build(schema, open_refs, depth + 1, name)
            except _DeadEndError:
                break

    def key(
        self,
        flat: Mapping[str, Any],
        by_pattern: Mapping[str, Any],
        attempt: int,
        taken: Mapping[str, Any],
    ) -> str:
        rng, names = self.rng, flat.get("propertyNames")
        if isinstance(names, Mapping):
            made = self.build({"type": "string", "allOf": [names]}, {}, _MAX_DEPTH, "key")
            return distinct(str(made), taken, rng, lambda name: self.checker.fits(name, names))
        if by_pattern:
            pattern = list(by_pattern)[attempt % len(by_pattern)]
            if (name := patterns.generate(pattern, rng)) is not None:
                return distinct(name, taken, rng, lambda name: bool(patterns.found(pattern, name)))
        word = english(rng).word()
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
        return self.taker.count(flat, name, self.checker.given(flat)) if self.taker and flat else 0

    def plain(self, schema: Any) -> Mapping[str, Any]:
        """Give a schema flat if there is only one way to do that, else an empty one."""
        flattener = Flattener(self.checker.document, lambda options, _: options[0])
        flat = flattener.flat(schema)
        self.nodes += flattener.work // _WORK
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
            for form, item in self.checker.pool(schema, lambda: few(self.plain(schema)))
            if form not in seen
        ]
        self.nodes += len(left) // _LONG
        if left:
            offered = self.taker.take({"enum": left}, name, left) if self.taker else []
            return offered[0] if offered else self.rng.choice(left)
        for _ in range(_TRIES):
            made = self.build(schema, open_refs, depth + 1, name)
            if canonical(made) not in seen:
                return made
        raise _DeadEndError
