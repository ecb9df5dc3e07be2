"""The wire's types as JSON Schema, in the form that the generators of clients read without a loss."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import cleandoc
from typing import Any

import msgspec

from restohub.floor.outcomes import Params
from restohub.wire.error_codes import CODES

Schema = dict[str, Any]
JSON_TYPES: dict[type, str] = {str: "string", int: "integer"}
PREFIX = "#/components/schemas/"
# Null beside a reference. As `{"type": "null"}` it makes swift-openapi-generator skip the whole property.
NULL: Schema = {"enum": [None]}


def component_schemas(types: Sequence[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """The schema of each type, and the component schemas that they refer to, by name."""
    schemas, components = msgspec.json.schema_components(types, ref_template=PREFIX + "{name}")
    made = {name: _component(one) for name, one in components.items()}
    if Params.__name__ in made:
        made[Params.__name__]["x-of-each-code"] = {code: list(about.params) for code, about in CODES.items()}
    return [_plain(schema) for schema in schemas], made


def _component(schema: Schema) -> Schema:
    """A struct's schema. What defaults to null or {} going out is sent all the same, so it is always there."""
    made = _plain(schema)
    made["description"] = cleandoc(made["description"])
    sent = [name for name, one in made["properties"].items() if one.get("default", 0) in (None, {})]
    for name in sent:
        del made["properties"][name]["default"]
    return {**made, "required": [*made.get("required", ()), *sent]}


def _plain(node: Any) -> Any:
    """A schema and all within it: with a `type` wherever one says it, null as a type, `oneOf` with a discriminator."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _plain(value) for key, value in node.items()}
    if "enum" in plain and "type" not in plain:
        kinds = {type(word) for word in plain["enum"]}
        plain = {"type": JSON_TYPES[kinds.pop()], **plain} if len(kinds) == 1 else plain
    if "anyOf" in plain:
        branches = plain.pop("anyOf")
        plain |= {"oneOf": branches} if "discriminator" in plain else _either(branches)
    return plain


def _either(branches: list[Schema]) -> Schema:
    """What is one of several, null perhaps among them."""
    others = [one for one in branches if one.get("type") != "null"]
    nullable = len(others) < len(branches)
    if [one.get("type") for one in others] == ["integer", "number"]:
        others = others[1:]  # "integer" is implied by "number"
    if len(others) == 1 and "type" in others[0]:
        return _or_null(others[0]) if nullable else others[0]
    return {"type": ["object", "null"], "anyOf": [*others, NULL]} if nullable else {"anyOf": others}


def _or_null(schema: Schema) -> Schema:
    """A schema that says one type, or null."""
    words = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **words}
