"""Expand a JSON Schema into alternatives without combinators: references, unions and enums are resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

EXTENSIBLE = "x-extensible-enum"
DEFAULTS = ("default", "x-default")
"""Keywords for the meaning of an absent field; ``x-default`` holds words where no JSON value fits."""

_TEXTS = ("title", "description", "default", "examples", "$comment")
_FLAGS = ("deprecated", "readOnly", "writeOnly")
_STRUCTURE = ("$schema", "$id", "$defs", "discriminator")
ANNOTATIONS = frozenset((*_TEXTS, *_FLAGS, *_STRUCTURE, EXTENSIBLE, "x-default"))
"""Keywords that do not restrict values."""
_COMBINATORS = ("$ref", "anyOf", "oneOf", "allOf")


@dataclass(frozen=True)
class Alternative:
    """One branch of a schema.

    Attributes:
        schema: the branch, without combinators.
        values: the allowed values of an enum or a constant.
        tag: property name and value that select this member of a discriminated union.
    """

    schema: Schema
    values: tuple[Any, ...] | None = None
    tag: tuple[str, str] | None = None

    @property
    def known(self) -> tuple[str, ...] | None:
        """Known values of an open enumeration. A writer sends only these; a reader accepts any other value."""
        found = self.schema.get(EXTENSIBLE)
        return None if found is None else tuple(found)


class UnsupportedSchemaError(ValueError):
    """The schema combines keywords in a way that Pydantic never generates."""


def constraints(schema: Schema) -> dict[str, Any]:
    """The schema without its annotations."""
    return {k: v for k, v in schema.items() if k not in ANNOTATIONS}


def alternatives(schema: Schema, root: Schema) -> list[Alternative]:
    """Resolve the combinators at the top of ``schema``; ``root`` holds the targets of references.

    Raises:
        UnsupportedSchemaError: a reference has no target, or a branch contradicts the keywords beside it.
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
    """Short description of an alternative for messages."""
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
            raise UnsupportedSchemaError(f"{reference} has no target")
        found = found[part]
    return dict(found)


def _both(one: Schema, other: Schema) -> Schema:
    """The conjunction of two schemas whose constraints do not overlap, except for ``required``."""
    mine, theirs = constraints(one), constraints(other)
    overlap = {k for k in mine.keys() & theirs.keys() if k != "required" and mine[k] != theirs[k]}
    if overlap:
        raise UnsupportedSchemaError(f"{', '.join(sorted(overlap))} occurs both in a branch and beside it")

    described = {k: v for k, v in {**one, **other}.items() if k != "discriminator" or k in other}
    if mine.get("required") and theirs.get("required"):
        described["required"] = sorted({*mine["required"], *theirs["required"]})
    return described
