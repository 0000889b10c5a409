"""The compatibility check finds every harmful edit of every real contract."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any

import pytest
from septet_contracts import TOPICS
from septet_contracts._alternatives import EXTENSIBLE
from septet_contracts.compat import breaks
from septet_contracts.schema import topic_schema

SCHEMAS = {t.name: topic_schema(t) for t in TOPICS.values() if not t.raw}
Node = dict[str, Any]
Path = tuple[str | int, ...]
Edit = tuple[str, Callable[[Node], Any]]


def nodes(schema: Any, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every subschema, without the maps of properties and definitions and without defaults."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for name in ("properties", "$defs"):
        for key, child in schema.get(name, {}).items():
            yield from nodes(child, (*path, name, key))
    for name in ("anyOf", "oneOf"):
        for index, child in enumerate(schema.get(name, ())):
            yield from nodes(child, (*path, name, index))
    for name in ("items", "additionalProperties"):
        yield from nodes(schema.get(name), (*path, name))


def harmful(node: Node) -> Iterator[Edit]:
    """Edits of one subschema, each of which breaks some reader or writer."""
    for name in node.get("properties", {}):
        yield f"remove {name}", lambda n, name=name: remove_field(n, name)
        yield f"toggle whether {name} is required", lambda n, name=name: toggle_required(n, name)
    yield from value_edits(node)
    for bound in ("maxLength", "maxItems", "minimum", "maximum", "minLength"):
        if bound in node:
            yield f"move {bound}", lambda n, b=bound: n.update({b: n[b] + 1})
            yield f"drop {bound}", lambda n, b=bound: n.pop(b)
    for keyword in ("pattern", "format"):
        if keyword in node:
            yield f"drop {keyword}", lambda n, k=keyword: n.pop(k)
            yield f"change {keyword}", lambda n, k=keyword: n.update({k: "other"})


def value_edits(node: Node) -> Iterator[Edit]:
    if EXTENSIBLE in node:
        yield "remove a known value", lambda n: n.update({EXTENSIBLE: n[EXTENSIBLE][1:]})
        yield "close an open enumeration", lambda n: n.update(enum=n.pop(EXTENSIBLE))
    if "enum" in node:
        yield "remove a value", lambda n: n.update(enum=n["enum"][1:])
        yield "add a value", lambda n: n.update(enum=[*n["enum"], "something-new"])
        yield "rename a value", lambda n: n.update(enum=["renamed", *n["enum"][1:]])
    elif "const" in node:
        yield "change the constant", lambda n: n.update(const="something-else")
    elif node.get("type") in ("string", "integer", "number", "boolean", "array"):
        yield "change the type", lambda n: n.update(type="object")
    if "oneOf" in node:
        yield "remove a member", lambda n: n["discriminator"]["mapping"].popitem()
        yield "rename the tag", lambda n: n["discriminator"].update(propertyName="sort")
    if len(node.get("anyOf", ())) > 1:
        yield "remove an alternative", lambda n: n["anyOf"].pop()


def remove_field(node: Node, name: str) -> None:
    del node["properties"][name]
    node["required"] = [n for n in node.get("required", ()) if n != name]


def toggle_required(node: Node, name: str) -> None:
    node["required"] = sorted(set(node.get("required", ())) ^ {name})


def edited(schema: Node, path: Path, edit: Callable[[Node], Any]) -> Node:
    copied = copy.deepcopy(schema)
    edit(reduce(lambda found, key: found[key], path, copied))
    return copied


# Each topic takes seconds; the quick run checks one of them.
EVERY_TOPIC = [
    pytest.param(name, marks=() if name == "septet.requests.v1" else pytest.mark.slow)
    for name in sorted(SCHEMAS)
]


@pytest.mark.parametrize("name", EVERY_TOPIC)
def test_every_harmful_edit_is_a_break(name: str) -> None:
    schema, tried = SCHEMAS[name], 0
    for path, node in nodes(schema):
        for about, edit in harmful(node):
            tried += 1
            assert breaks(schema, edited(schema, path, edit)), f"{about} at {path}"
    assert tried > 25


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_new_optional_field_is_allowed_everywhere(name: str) -> None:
    schema = SCHEMAS[name]
    grown = copy.deepcopy(schema)
    for _, node in nodes(grown):
        if "properties" in node:
            node["properties"]["brand_new"] = {"type": "string", "default": ""}
            node["description"] = "With another description."
    assert breaks(schema, copy.deepcopy(schema)) == []
    assert breaks(schema, grown) == []


def test_only_open_enumerations_accept_a_new_known_value() -> None:
    old = SCHEMAS["septet.responses.v2"]
    new = copy.deepcopy(old)
    new["properties"]["status"][EXTENSIBLE].append("deferred")
    assert breaks(old, new) == []
    found = breaks(
        SCHEMAS["septet.responses.v1"],
        {
            **SCHEMAS["septet.responses.v1"],
            "properties": {
                **SCHEMAS["septet.responses.v1"]["properties"],
                "status": new["properties"]["status"],
            },
        },
    )
    assert {(f.path, f.kind) for f in found} == {("$.status", "value_added")}


@pytest.mark.parametrize(
    ("path", "keyword", "value"),
    [
        (("properties", "deadline"), "x-default", "30 s after the record's timestamp"),
        (("$defs", "RetrievalOptions", "properties", "k"), "default", 6),
        (("$defs", "CacheOptions", "properties", "use"), "default", "bypass"),
        (("properties", "tenant"), "default", "other"),
        (("properties", "generate"), "default", False),
    ],
)
def test_a_changed_default_of_a_client_field_is_a_break(path: Path, keyword: str, value: Any) -> None:
    old = SCHEMAS["septet.requests.v1"]
    for new in (
        edited(old, path, lambda n: n.update({keyword: value})),
        edited(old, path, lambda n: n.pop(keyword)),
    ):
        assert {b.kind for b in breaks(old, new, defaults=True)} == {"default_changed"}
        assert breaks(old, new) == [], "services send every field, so their defaults may change"
