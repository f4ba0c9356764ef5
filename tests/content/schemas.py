"""Schemas the tests share: those that can be met and those that cannot."""

from __future__ import annotations

from typing import Any

__all__ = ["ADDRESS", "BREADTH", "CONTRADICTIONS", "EXPRESSION", "SCHEMAS", "SHAPES", "TREE"]

TREE = {
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {
                "value": {"type": "integer"},
                "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
                "parent": {"$ref": "#/$defs/Node"},
            },
            "required": ["value", "next", "children"],
            "additionalProperties": False,
        }
    },
    "$ref": "#/$defs/Node",
}
EXPRESSION = {
    "$defs": {
        "expr": {
            "oneOf": [
                {"type": "number"},
                {
                    "type": "object",
                    "properties": {
                        "op": {"enum": ["+", "*"]},
                        "left": {"$ref": "#/$defs/expr"},
                        "right": {"$ref": "#/$defs/expr"},
                    },
                    "required": ["op", "left", "right"],
                },
            ]
        }
    },
    "type": "object",
    "properties": {"expr": {"$ref": "#/$defs/expr"}},
    "required": ["expr"],
}
SHAPES = {
    "oneOf": [
        {
            "type": "object",
            "properties": {"kind": {"const": "circle"}, "radius": {"type": "number", "minimum": 0}},
            "required": ["kind", "radius"],
        },
        {
            "type": "object",
            "properties": {"kind": {"const": "square"}, "side": {"type": "number", "minimum": 0}},
            "required": ["kind", "side"],
        },
    ]
}
ADDRESS = {
    "type": "object",
    "properties": {"country": {"enum": ["US", "DE"]}},
    "required": ["country"],
    "if": {"properties": {"country": {"const": "US"}}},
    "then": {
        "properties": {"zip": {"type": "string", "pattern": "^[0-9]{5}$"}},
        "required": ["zip"],
    },
    "else": {"properties": {"plz": {"type": "integer"}}, "required": ["plz"]},
}

SCHEMAS: dict[str, Any] = {
    "anything": {},
    "true": True,
    "null": {"type": "null"},
    "boolean": {"type": "boolean"},
    "types": {"type": ["string", "null"]},
    "nullable enum": {"type": ["string", "null"], "enum": ["a", None]},
    "only null": {"enum": [None]},
    "const": {"const": {"a": [1, None]}},
    "enum within bounds": {"enum": [1, 5, "x"], "type": "integer", "minimum": 3},
    "default": {"type": "integer", "default": 7},
    "useless default": {"type": "string", "default": 5},
    "examples": {"type": "string", "examples": ["one", 2, "three"]},
    "integer": {"type": "integer"},
    "small range": {"type": "integer", "minimum": 3, "maximum": 4},
    "open range": {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
    "negative": {"type": "integer", "maximum": -1000},
    "low": {"type": "number", "maximum": -10.5},
    "high": {"type": "number", "minimum": 1e12},
    "both limits": {"type": "number", "minimum": 1, "exclusiveMinimum": 2, "maximum": 3},
    "tiny": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1e-9},
    "a hair": {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 1.0000000000000009},
    "point": {"type": "number", "minimum": 2.5, "maximum": 2.5},
    "huge": {"type": "number", "minimum": 10**400},
    "huge integer": {"type": "integer", "minimum": 10**40},
    "sevens": {"type": "integer", "multipleOf": 7, "minimum": 100, "maximum": 110},
    "cents": {"type": "number", "multipleOf": 0.01, "minimum": 1, "maximum": 99},
    "tenths": {"type": "number", "multipleOf": 0.1, "exclusiveMinimum": 0},
    "even halves": {"type": "integer", "multipleOf": 0.5},
    "zero step": {"type": "number", "multipleOf": 10, "minimum": -5, "maximum": 5},
    "string": {"type": "string"},
    "long": {"type": "string", "minLength": 300},
    "short": {"type": "string", "maxLength": 3},
    "exact": {"type": "string", "minLength": 11, "maxLength": 11},
    "empty": {"type": "string", "maxLength": 0},
    "pattern": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3,}$"},
    "pattern with length": {
        "type": "string",
        "pattern": "^[a-z]+$",
        "minLength": 40,
        "maxLength": 41,
    },
    "format meets pattern": {"type": "string", "format": "uuid", "pattern": "-4"},
    "format against pattern": {
        "type": "string",
        "format": "email",
        "pattern": "^[a-z]+@acme[.]org$",
    },
    "object": {"type": "object"},
    "map": {"type": "object", "additionalProperties": {"type": "number"}},
    "required only": {"required": ["a", "b"]},
    "required by map": {"required": ["a"], "additionalProperties": {"type": "integer"}},
    "pattern keys": {"type": "object", "patternProperties": {"^x-[a-z]{3}$": {"type": "integer"}}},
    "required by pattern": {"required": ["x-a"], "patternProperties": {"^x-": {"type": "integer"}}},
    "named keys": {
        "type": "object",
        "propertyNames": {"pattern": "^[a-z]{3}[0-9]$"},
        "minProperties": 3,
    },
    "key choice": {"propertyNames": {"enum": ["a", "b", "c"]}, "minProperties": 3},
    "at least": {"type": "object", "properties": {"a": {"type": "null"}}, "minProperties": 4},
    "at most": {
        "properties": {"a": {}, "b": {}, "c": {}},
        "required": ["c"],
        "maxProperties": 2,
    },
    "impossible optional": {"properties": {"a": False, "b": {"type": "integer"}}},
    "closed": {"properties": {"a": {"type": "string"}}, "additionalProperties": False},
    "dependent": {
        "properties": {"card": {"type": "string"}},
        "dependentRequired": {"card": ["cvc"], "other": ["never"]},
        "dependentSchemas": {"card": {"properties": {"cvc": {"type": "integer"}}}},
    },
    "array": {"type": "array"},
    "items": {"type": "array", "items": {"type": "integer"}, "minItems": 5, "maxItems": 6},
    "no items": {"type": "array", "maxItems": 0},
    "impossible items": {"type": "array", "items": False},
    "tuple": {"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
    "tuple and more": {
        "prefixItems": [{"type": "string"}],
        "items": {"type": "integer"},
        "minItems": 4,
    },
    "unique enum": {"items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 3},
    "unique range": {
        "items": {"type": "integer", "minimum": 1, "maximum": 9},
        "uniqueItems": True,
        "minItems": 9,
    },
    "unique flags": {"items": {"type": "boolean"}, "uniqueItems": True, "minItems": 2},
    "unique words": {"items": {"type": "string"}, "uniqueItems": True, "minItems": 10},
    "unique const": {"items": {"const": 1}, "uniqueItems": True},
    "contains": {"type": "array", "contains": {"const": 7}, "minContains": 2},
    "contains in few": {"contains": {"type": "null"}, "maxItems": 2, "minItems": 2},
    "tree": TREE,
    "self": {"type": "object", "properties": {"me": {"$ref": "#"}, "n": {"type": "integer"}}},
    "expression": EXPRESSION,
    "anchor": {"$ref": "#node", "$defs": {"n": {"$anchor": "node", "type": "integer"}}},
    "id": {"$ref": "n.json", "$defs": {"n": {"$id": "n.json", "type": "integer"}}},
    "ref with siblings": {
        "$ref": "#/$defs/n",
        "maximum": 5,
        "$defs": {"n": {"type": "integer", "minimum": 4}},
    },
    "escaped pointer": {"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": {"type": "null"}}},
    "pointer into a list": {"allOf": [{"type": "null"}], "$ref": "#/allOf/0"},
    "any of": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "null"}}]},
    "optional": {"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}},
    "any of with base": {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    },
    "any of, one is false": {"anyOf": [False, {"type": "integer"}, False]},
    "shapes": SHAPES,
    "exactly one": {"type": "integer", "oneOf": [{"minimum": 50}, {"multipleOf": 2}]},
    "all of": {
        "allOf": [
            {"type": "number", "minimum": 2, "maximum": 50, "multipleOf": 4},
            {"type": "integer", "minimum": 10, "maximum": 80, "multipleOf": 6},
        ]
    },
    "all of objects": {
        "allOf": [
            {"properties": {"a": {"type": "number"}, "b": {"minimum": 3}}, "required": ["a"]},
            {"properties": {"a": {"minimum": 100}, "b": {"type": "integer"}}, "required": ["b"]},
        ]
    },
    "all of enums": {"allOf": [{"enum": [1, 2, 3]}, {"enum": [3, 4]}]},
    "all of arrays": {
        "allOf": [
            {"items": {"type": "integer"}, "uniqueItems": True},
            {"items": {"maximum": 5}, "minItems": 2},
            {"items": True, "uniqueItems": True},
        ]
    },
    "all of lengths": {
        "allOf": [{"type": "string", "minLength": 4}, {"maxLength": 6}, {"minLength": 5}]
    },
    "all of steps": {"allOf": [{"multipleOf": 0.5}, {"multipleOf": 1.5}]},
    "if": ADDRESS,
    "if without then": {"type": "integer", "if": {"minimum": 10}, "else": {"maximum": 0}},
    "not": {"type": "integer", "minimum": 1, "maximum": 3, "not": {"const": 2}},
    "not a type": {"not": {"type": ["string", "object"]}},
    "deep but finite": {"type": "array", "items": {"items": {"items": {"type": "null"}}}},
}


CONTRADICTIONS: list[Any] = [
    False,
    None,
    [],
    "text",
    3,
    {"not": {}},
    {"type": "integer", "minimum": 5, "maximum": 1},
    {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 1},
    {"type": "string", "minLength": 5, "maxLength": 1},
    {"type": "string", "pattern": "^a$", "minLength": 5, "maxLength": 6},
    {"type": "string", "pattern": "(", "minLength": 5},
    {"type": "string", "pattern": "^a{9999}b{9999}$", "maxLength": 3},
    {"type": "array", "minItems": 5, "maxItems": 1},
    {"items": {"const": 1}, "uniqueItems": True, "minItems": 3},
    {"items": {"$ref": "#"}, "minItems": 1, "type": "array"},
    {"prefixItems": [False, 3], "minItems": 2},
    {"enum": []},
    {"$id": "http://[a", "$ref": "http://[b"},
    {"type": "string", "pattern": "^a", "allOf": [{"pattern": 5}]},
    {"enum": "x", "type": "integer"},
    {"enum": [1, 2], "type": "string"},
    {"allOf": [{"enum": [1]}, {"enum": [2]}]},
    {"allOf": [{"type": "string"}, {"type": "array"}]},
    {"allOf": [False]},
    {"anyOf": [False, False]},
    {"anyOf": []},
    {"$ref": "#"},
    {"$ref": "#/nowhere/0"},
    {"$ref": "https://example.com/other.json#/a"},
    {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
    {"properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    {"properties": {"a": False}, "required": ["a"]},
    {"properties": 5, "required": {"a": 1}, "type": "object", "minProperties": -1},
    {"properties": {1: {"type": "string"}, "b": {}}},
    {"additionalProperties": False, "minProperties": 3},
    {"type": "number", "minimum": float("inf"), "maximum": float("-inf")},
    {"additionalProperties": {"$ref": "#"}, "minProperties": 3},
    {"propertyNames": False, "minProperties": 2},
    {"patternProperties": {"(": {}, "b": {}}, "minProperties": 2},
    {"maxProperties": 0, "required": ["a"]},
    {"type": "nothing", "format": ["date"], "minimum": "3", "maximum": float("nan")},
    {"type": "number", "multipleOf": 1e-320, "maximum": 10**400},
    {"type": "number", "multipleOf": 10**400},
    {"type": "integer", "multipleOf": 0},
    {"contains": False, "minContains": 3},
    {"if": {}, "then": False, "else": False},
    {"dependentRequired": {"a": 3}, "dependentSchemas": {"a": 3}, "required": ["a"]},
]

POINT = {"type": "array", "prefixItems": [{"type": "number"}] * 2, "minItems": 2, "maxItems": 2}
CAT = {"properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}}, "required": ["kind"]}
DOG = {"properties": {"kind": {"const": "dog"}, "bark": {"type": "string"}}, "required": ["kind"]}

# As models of pydantic and zod, OpenAPI documents and the specification's own tests have them.
BREADTH: dict[str, Any] = {
    "mutual recursion": {
        "$ref": "#/$defs/a",
        "$defs": {
            "a": {"properties": {"b": {"$ref": "#/$defs/b"}}, "required": ["b"]},
            "b": {
                "properties": {"all": {"type": "array", "items": {"$ref": "#/$defs/a"}}},
                "required": ["all"],
            },
        },
    },
    "any JSON": {
        "$ref": "#/$defs/json",
        "$defs": {
            "json": {
                "anyOf": [
                    {"type": "object", "additionalProperties": {"$ref": "#/$defs/json"}},
                    {"type": "array", "items": {"$ref": "#/$defs/json"}},
                    {"type": ["string", "number", "boolean", "null"]},
                ]
            }
        },
    },
    "discriminator": {
        "properties": {
            "pets": {
                "type": "array",
                "minItems": 2,
                "items": {
                    "discriminator": {"propertyName": "kind"},
                    "oneOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}],
                },
            }
        },
        "required": ["pets"],
        "$defs": {"Cat": CAT, "Dog": DOG},
    },
    "both of two choices": {
        "allOf": [
            {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"anyOf": [{"required": ["c"]}, {"required": ["d"]}]},
        ],
        "type": "object",
    },
    "many options": {
        "anyOf": [{"type": "object", "properties": {"n": {"const": n}}} for n in range(60)]
    },
    "overlapping options": {
        "oneOf": [{"type": "integer", "multipleOf": 3}, {"type": "integer", "multipleOf": 5}]
    },
    "options within options": {
        "anyOf": [{"oneOf": [{"type": "integer"}, {"type": "null"}]}, {"allOf": [{"const": "a"}]}]
    },
    "one of the properties": {
        "properties": {name: {"type": "string"} for name in "abcde"},
        "oneOf": [{"required": [name]} for name in "abcde"],
    },
    "not both properties": {
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "not": {"required": ["a", "b"]},
    },
    "null when nothing else is left": {"type": ["string", "null"], "not": {"type": "string"}},
    "several types": {
        "type": ["object", "array", "integer"],
        "properties": {"a": {"type": "string"}},
        "items": {"type": "integer"},
        "minimum": 4,
    },
    "types told by keywords": {
        "properties": {"a": {"minLength": 3}, "b": {"maximum": 3}, "c": {"minItems": 1}}
    },
    "enum of everything": {"enum": ["a", 1, None, True, {"x": 1}, [1, 2], 1.5]},
    "refs together": {
        "$defs": {"A": {"required": ["a"]}, "B": {"properties": {"a": {"minimum": 3}}}},
        "allOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}],
    },
    "ref to a property": {
        "properties": {"a": {"type": "integer"}, "b": {"$ref": "#/properties/a"}},
        "required": ["a", "b"],
    },
    "ref to an absolute id": {
        "$id": "https://example.com/root.json",
        "properties": {
            "a": {"$ref": "https://example.com/a.json"},
            "b": {"$ref": "root.json#/$defs/b"},
        },
        "required": ["a", "b"],
        "$defs": {"a": {"$id": "a.json", "type": "integer"}, "b": {"type": "boolean"}},
    },
    "dynamic ref": {
        "$dynamicAnchor": "node",
        "properties": {
            "value": {"type": "integer"},
            "children": {"type": "array", "items": {"$dynamicRef": "#node"}},
        },
        "required": ["value"],
    },
    "password": {"type": "string", "pattern": r"^(?=.*[A-Z])(?=.*\d)[A-Za-z\d]{8,}$"},
    "decimal": {"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"},
    "unanchored": {"type": "string", "pattern": "foo.*bar"},
    "two patterns": {"type": "string", "allOf": [{"pattern": "z$"}, {"pattern": "^a"}]},
    "same pattern": {"allOf": [{"pattern": "^a+$"}, {"pattern": "^a+$"}], "type": "string"},
    "pattern within": {"type": "string", "pattern": "^abc$", "allOf": [{"pattern": "^a"}]},
    "fractional bounds": {"type": "integer", "minimum": 1.5, "maximum": 2.5},
    "large steps": {"type": "number", "multipleOf": 2.5, "minimum": 3, "exclusiveMaximum": 7.5},
    "points": {
        "type": "array",
        "items": {"$ref": "#/$defs/P"},
        "minItems": 2,
        "$defs": {"P": POINT},
    },
    "closed tuple": {"prefixItems": [{"type": "number"}], "unevaluatedItems": False},
    "merged tuples": {
        "allOf": [{"prefixItems": [{"type": "integer"}]}, {"prefixItems": [{"minimum": 5}]}],
        "minItems": 1,
    },
    "unique objects": {
        "items": {"properties": {"id": {"type": "integer"}}, "required": ["id"]},
        "uniqueItems": True,
        "minItems": 3,
    },
    "unique options": {
        "items": {"anyOf": [{"const": letter} for letter in "xyz"]},
        "uniqueItems": True,
        "minItems": 3,
    },
    "contains at most": {
        "items": {"enum": [1, 2]},
        "contains": {"const": 1},
        "maxContains": 1,
        "minItems": 3,
    },
    "contains none": {
        "items": {"enum": [1, 2]},
        "contains": {"const": 1},
        "minContains": 0,
        "maxContains": 0,
    },
    "map by language": {
        "propertyNames": {"enum": ["en", "de"]},
        "additionalProperties": {"type": "string"},
        "minProperties": 2,
    },
    "map beside properties": {
        "properties": {"id": {"type": "integer"}},
        "required": ["id"],
        "additionalProperties": {"type": "string"},
    },
    "closed patterns": {
        "patternProperties": {"^S_": {"type": "string"}, "^I_": {"type": "integer"}},
        "additionalProperties": False,
        "minProperties": 2,
    },
    "closed pattern": {
        "type": "object",
        "patternProperties": {"^x_": {"type": "string"}},
        "additionalProperties": False,
        "minProperties": 2,
    },
    "closed pattern of many": {
        "patternProperties": {"^x": {"type": "null"}},
        "additionalProperties": False,
        "minProperties": 200,
    },
    "closed pattern at the end": {
        "patternProperties": {"_id$": {"type": "integer"}},
        "additionalProperties": False,
        "minProperties": 4,
    },
    "closed pattern of fixed length": {
        "patternProperties": {"^x_[a-z]{2}$": {"type": "integer"}},
        "additionalProperties": False,
        "minProperties": 5,
    },
    "names by pattern": {"propertyNames": {"pattern": "^x_"}, "minProperties": 5},
    "short names by pattern": {
        "propertyNames": {"pattern": "^x_", "maxLength": 9},
        "minProperties": 3,
    },
    "two patterns of one name": {
        "required": ["x_id"],
        "patternProperties": {"^x_": {"type": "integer"}, "_id$": {"minimum": 5, "maximum": 6}},
    },
    "a property and its pattern": {
        "properties": {"x_a": {"minimum": 7.5, "maximum": 9}, "x_b": False},
        "patternProperties": {"^x_": {"type": "integer"}},
        "required": ["x_a"],
    },
    "unevaluated properties": {
        "properties": {"a": {"type": "integer"}},
        "unevaluatedProperties": {"type": "integer"},
        "minProperties": 3,
    },
    "cases": {
        "properties": {"t": {"enum": ["a", "b", "c"]}},
        "required": ["t"],
        "allOf": [
            {"if": {"properties": {"t": {"const": t}}}, "then": {"required": [f"{t}_only"]}}
            for t in "abc"
        ],
    },
    "strict": {
        "type": "object",
        "properties": {
            "steps": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"text": {"type": "string"}},
                    "required": ["text"],
                    "additionalProperties": False,
                },
            },
            "answer": {"type": ["string", "null"]},
        },
        "required": ["steps", "answer"],
        "additionalProperties": False,
    },
}
