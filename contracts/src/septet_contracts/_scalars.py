"""Schema containment of single values: bounds, patterns, formats and constants."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from septet_contracts._alternatives import ANNOTATIONS, Schema

_LOWER = ("minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum")
_UPPER = ("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum")
_OBJECT = ("properties", "required", "additionalProperties", "propertyNames")
_ARRAY = ("items", "prefixItems", "uniqueItems")
_HANDLED = ANNOTATIONS | {"type", "pattern", "format", *_OBJECT, *_ARRAY, *_LOWER, *_UPPER}
_NUMBER_BOUNDS = frozenset({"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"})
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "object": (dict,),
    "array": (list,),
}


def scalar_gaps(writer: Schema, reader: Schema) -> Iterator[tuple[str, str]]:
    """Aspect and message of each pattern, format and unknown keyword that the writer does not satisfy."""
    for keyword in ("pattern", "format"):
        wanted = reader.get(keyword)
        if wanted is not None and writer.get(keyword) != wanted:
            yield keyword, f"the reader requires the {keyword} {wanted!r}"
    for keyword in sorted((reader.keys() | writer.keys()) - _HANDLED):
        if reader.get(keyword) != writer.get(keyword):
            yield "constraint", f"`{keyword}` differs"


def bound_gaps(writer: Schema, reader: Schema) -> Iterator[tuple[str, str]]:
    """Aspect and message of each bound of the reader that the writer may exceed."""
    for keyword in (*_LOWER, *_UPPER):
        limit = reader.get(keyword)
        if limit is not None and not _within(writer, keyword, limit):
            yield "bound", f"the writer may exceed the reader's `{keyword}` of {limit}"


def admits(schema: Schema, value: Any) -> bool:
    """Whether a scalar ``value`` satisfies a combinator-free ``schema``."""
    kinds = _TYPES.get(str(schema.get("type")), ())
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        return False
    if "pattern" in schema and not (isinstance(value, str) and re.search(schema["pattern"], value)):
        return False
    if "format" in schema:
        return False
    exact: dict[str, Any] = {}
    if isinstance(value, str):
        exact = {"minLength": len(value), "maxLength": len(value)}
    elif isinstance(value, int | float) and not isinstance(value, bool):
        exact = {"minimum": value, "maximum": value}
    return not list(bound_gaps(exact, schema))


def same_value(one: Any, other: Any) -> bool:
    """Equality of JSON values: ``true`` is not 1."""

    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _within(writer: Schema, keyword: str, limit: float) -> bool:
    if keyword not in _NUMBER_BOUNDS:
        own = writer.get(keyword)
        return (own is not None and (own >= limit if keyword in _LOWER else own <= limit)) or (
            keyword in _LOWER and limit <= 0
        )
    sign = 1 if keyword in _LOWER else -1
    plain, strict = ("minimum", "exclusiveMinimum") if sign == 1 else ("maximum", "exclusiveMaximum")
    if strict in writer and sign * writer[strict] >= sign * limit:
        return True
    if plain not in writer:
        return False
    own = sign * writer[plain]
    return bool(own > sign * limit if keyword == strict else own >= sign * limit)
