"""The compatibility check on the real contracts: any harmful edit of any of them is noticed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from septet_contracts import TOPICS
from septet_contracts.compat import breaks
from septet_contracts.schema import topic_schema

SCHEMAS = {t.name: topic_schema(t) for t in TOPICS.values() if not t.raw}
Edit = Callable[[], Any]


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every subschema, but not the maps of properties and definitions, nor defaults."""
    if not isinstance(schema, dict):
        return
    yield schema
    for name in ("properties", "$defs"):
        for child in schema.get(name, {}).values():
            yield from nodes(child)
    for name in ("anyOf", "oneOf", "prefixItems"):
        for child in schema.get(name, ()):
            yield from nodes(child)
    for name in ("items", "additionalProperties"):
        yield from nodes(schema.get(name))


def harmful(node: dict[str, Any]) -> Iterator[tuple[str, Edit]]:
    """Edits of one subschema, each of which some reader or writer must notice."""
    for name in node.get("properties", {}):
        yield f"remove {name}", partial(remove_field, node, name)
        yield f"turn whether {name} is required", partial(turn_required, node, name)
    yield from value_edits(node)
    for bound in ("maxLength", "maxItems", "minimum", "maximum", "minLength"):
        if bound in node:
            yield f"move {bound}", partial(node.update, {bound: node[bound] + 1})
            yield f"drop {bound}", partial(node.pop, bound)
    for keyword in ("pattern", "format"):
        if keyword in node:
            yield f"drop {keyword}", partial(node.pop, keyword)
            yield f"change {keyword}", partial(node.update, {keyword: "other"})


def value_edits(node: dict[str, Any]) -> Iterator[tuple[str, Edit]]:
    if "enum" in node:
        first, *rest = node["enum"]
        yield f"remove {first!r}", partial(node.update, enum=rest)
        yield "add a value", partial(node.update, enum=[first, *rest, "something-new"])
        yield f"rename {first!r}", partial(node.update, enum=[f"{first}-renamed", *rest])
    elif "const" in node:
        yield f"change {node['const']!r}", partial(node.update, const="something-else")
    elif node.get("type") in ("string", "integer", "number", "boolean", "array"):
        yield f"change {node['type']}", partial(node.update, type="object")
    if "oneOf" in node:
        yield "remove a member", node["discriminator"]["mapping"].popitem
        yield "rename the tag", partial(node["discriminator"].update, propertyName="sort")
    if len(node.get("anyOf", ())) > 1:
        yield "remove an alternative", node["anyOf"].pop


def turn_required(node: dict[str, Any], name: str) -> None:
    required = set(node.get("required", ())) ^ {name}
    node["required"] = sorted(required)


def remove_field(node: dict[str, Any], name: str) -> None:
    del node["properties"][name]
    if name in node.get("required", ()):
        node["required"].remove(name)


def test_a_contract_is_compatible_with_itself() -> None:
    for name, schema in SCHEMAS.items():
        assert breaks(schema, copy.deepcopy(schema)) == [], name


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_harmful_edit_anywhere_is_noticed(name: str) -> None:
    count = len([e for n in nodes(SCHEMAS[name]) for e in harmful(n)])
    assert count > 25
    for index in range(count):
        edited = copy.deepcopy(SCHEMAS[name])
        about, edit = [e for n in nodes(edited) for e in harmful(n)][index]
        edit()
        assert breaks(SCHEMAS[name], edited), about


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_new_optional_field_anywhere_is_allowed(name: str) -> None:
    edited = copy.deepcopy(SCHEMAS[name])
    for node in [n for n in nodes(edited) if "properties" in n]:
        node["properties"]["brand_new"] = {"type": "string", "default": ""}
        node["description"] = "Now with more."
    assert breaks(SCHEMAS[name], edited) == []
