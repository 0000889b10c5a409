"""A JSON Schema as a list of alternatives that hold no combinator: references, unions and enums undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

EXTENSIBLE = "x-extensible-enum"
DEFAULTS = ("default", "x-default")
"""What an absent field means; ``x-default`` says it in words where no JSON value can."""

ANNOTATIONS = frozenset(
    {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment",
     "$schema", "$id", "$defs", "discriminator", EXTENSIBLE, "x-default"}
)  # fmt: skip
_COMBINATORS = ("$ref", "anyOf", "oneOf", "allOf")


@dataclass(frozen=True)
class Alternative:
    """One branch. ``values`` for an enum or constant; ``tag`` for a member of a discriminated union.

    ``known`` lists the values of an open enumeration: a writer sends only these, a reader takes others, too.
    """

    schema: Schema
    values: tuple[Any, ...] | None = None
    tag: tuple[str, str] | None = None

    @property
    def known(self) -> tuple[str, ...] | None:
        found = self.schema.get(EXTENSIBLE)
        return None if found is None else tuple(found)


class UnsupportedSchemaError(ValueError):
    """The schema uses keywords together in a way that Pydantic does not."""


def constraints(schema: Schema) -> dict[str, Any]:
    """The schema without what only describes."""
    return {k: v for k, v in schema.items() if k not in ANNOTATIONS}


def alternatives(schema: Schema, root: Schema) -> list[Alternative]:
    """Undo combinators at the top of ``schema``, with references looked up in ``root``.

    Raises:
        UnsupportedSchemaError: a reference leads nowhere, or a branch contradicts the keywords beside it.
    """
    for combinator in _COMBINATORS:
        if combinator in schema:
            beside = {k: v for k, v in schema.items() if k != combinator}
            return [
                alternative
                for branch, tag in _branches(schema, combinator, root)
                for alternative in _tagged(alternatives(_both(beside, branch), root), tag)
            ]
    if "const" in schema:
        return [Alternative(schema, values=(schema["const"],))]
    if "enum" in schema:
        return [Alternative(schema, values=tuple(schema["enum"]))]
    if isinstance(schema.get("type"), list):
        return [Alternative({**schema, "type": kind}) for kind in schema["type"]]
    return [Alternative(schema)]


def describe(alternative: Alternative) -> str:
    """A short name for messages."""
    if alternative.values is not None:
        return " | ".join(repr(v) for v in alternative.values)
    if alternative.tag is not None:
        return f"`{alternative.tag[1]}`"
    return str(alternative.schema.get("type", "any value"))


def _branches(schema: Schema, combinator: str, root: Schema) -> list[tuple[Schema, tuple[str, str] | None]]:
    if combinator == "$ref":
        return [(_resolve(schema["$ref"], root), None)]
    if combinator == "allOf":
        merged: Schema = {}
        for part in schema["allOf"]:
            merged = _both(merged, part)
        return [(merged, None)]
    members: Sequence[Schema] = schema[combinator]
    discriminator = schema.get("discriminator")
    if discriminator is None:
        return [(member, None) for member in members]
    name, mapping = discriminator["propertyName"], discriminator["mapping"]
    return [({"$ref": ref}, (name, tag)) for tag, ref in mapping.items()]


def _tagged(found: list[Alternative], tag: tuple[str, str] | None) -> list[Alternative]:
    return [Alternative(a.schema, a.values, tag) for a in found] if tag else found


def _resolve(reference: str, root: Schema) -> Schema:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        if not isinstance(found, Mapping) or part not in found:
            raise UnsupportedSchemaError(f"{reference} leads nowhere")
        found = found[part]
    return dict(found)


def _both(one: Schema, other: Schema) -> Schema:
    """The conjunction of two schemas whose constraints do not overlap, save for ``required``."""
    mine, theirs = constraints(one), constraints(other)
    overlap = {k for k in mine.keys() & theirs.keys() if k != "required" and mine[k] != theirs[k]}
    if overlap:
        raise UnsupportedSchemaError(f"{', '.join(sorted(overlap))} stand both in a branch and beside it")
    described = {k: v for k, v in {**one, **other}.items() if k != "discriminator" or k in other}
    if mine.get("required") and theirs.get("required"):
        described["required"] = sorted({*mine["required"], *theirs["required"]})
    return described
