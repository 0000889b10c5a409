"""Estimates how long a JSON answer under a schema can become."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TEXT = 120
"""Characters of a string without a limit. In public JSON instances 99 % have at most 71."""
LONGEST_TEXT = 1_000
"""Characters of a string whose ``maxLength`` is greater."""
ITEMS = 5
"""Items of an array without limits, and entries of an object without names. 99 % of public arrays have at most 5."""
NUMBER = 24
"""Characters of a number, counted twice: a digit is a token of its own in many vocabularies."""
_KEY = 16
_FORMATS = {
    "date-time": 50,
    "date": 22,
    "time": 32,
    "uuid": 72,
    "email": 40,
    "uri": 80,
    "ipv4": 32,
    "ipv6": 80,
}
_STEPS = 2_000


@dataclass(frozen=True)
class Size:
    """Characters of an instance.

    Attributes:
        fixed: punctuation, names, numbers and listed values, which no language changes.
        text: free strings.
    """

    fixed: int = 0
    text: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(self.fixed + other.fixed, self.text + other.text)

    def __mul__(self, times: int) -> Size:
        return Size(self.fixed * times, self.text * times)


class TooLarge(ValueError):
    """The schema expands to more parts than are read."""


def schema_size(schema: Mapping[str, Any]) -> Size:
    """Return the size of an instance that has every property.

    Raises:
        TooLarge: the schema expands to more than 2,000 parts.
    """
    return _Reader(schema).size(schema, ())


class _Reader:
    """Reads one schema. References are followed inside it; a circular one is read once."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = _STEPS
        self._by_type: Mapping[str, Callable[[Mapping[str, Any], tuple[str, ...]], Size]] = {
            "object": self._object,
            "array": self._array,
            "string": lambda node, _: _string(node),
            "number": lambda *_: Size(NUMBER),
            "integer": lambda *_: Size(NUMBER),
            "boolean": lambda *_: Size(5),
            "null": lambda *_: Size(4),
        }

    def size(self, node: Any, open_references: tuple[str, ...]) -> Size:
        self._left -= 1
        if self._left < 0:
            raise TooLarge
        if not isinstance(node, Mapping):
            return Size(2, TEXT)
        if listed := _listed(node):
            return max((Size(len(json.dumps(value, ensure_ascii=False))) for value in listed), key=_total)
        parts = list(self._parts(node, open_references))
        types = [t for t in _types(node) if t in self._by_type]
        if types:
            parts.append(max((self._by_type[t](node, open_references) for t in types), key=_total))
        return sum(parts[1:], parts[0]) if parts else Size(2, TEXT)

    def _parts(self, node: Mapping[str, Any], open_references: tuple[str, ...]) -> Iterator[Size]:
        """Yield the sizes of what the schema refers to: a reference, all of a list, the largest of a choice."""
        target = node.get("$ref")
        if isinstance(target, str) and target not in open_references:
            yield self.size(_resolve(self._root, target), (*open_references, target))
        for part in _schemas(node.get("allOf")):
            yield self.size(part, open_references)
        for keyword in ("anyOf", "oneOf"):
            if choices := _schemas(node.get(keyword)):
                yield max((self.size(choice, open_references) for choice in choices), key=_total)

    def _object(self, node: Mapping[str, Any], open_references: tuple[str, ...]) -> Size:
        total = Size(2)
        named = node.get("properties")
        for name, part in named.items() if isinstance(named, Mapping) else ():
            total += Size(len(json.dumps(name, ensure_ascii=False)) + 4) + self.size(part, open_references)
        others = _other_properties(node)
        if others or not named:
            largest = max((self.size(part, open_references) for part in others or (True,)), key=_total)
            return total + (Size(_KEY) + largest) * ITEMS
        return total

    def _array(self, node: Mapping[str, Any], open_references: tuple[str, ...]) -> Size:
        total, count = Size(2), _items(node)
        for part in _schemas(node.get("prefixItems")):
            total += self.size(part, open_references) + Size(2)
            count -= 1
        return total + (self.size(node.get("items"), open_references) + Size(2)) * max(count, 0)


def _total(size: Size) -> int:
    return size.fixed + size.text


def _listed(node: Mapping[str, Any]) -> list[Any]:
    """Return the values that the schema lists."""
    if "const" in node:
        return [node["const"]]
    values = node.get("enum")
    return values if isinstance(values, list) else []


def _types(node: Mapping[str, Any]) -> list[str]:
    """Return the types of an instance, from ``type`` or else from the keywords."""
    named = node.get("type")
    if isinstance(named, str):
        return [named]
    if isinstance(named, list):
        return [t for t in named if isinstance(t, str)]
    if node.keys() & {"properties", "additionalProperties", "patternProperties"}:
        return ["object"]
    return ["array"] if "items" in node or "prefixItems" in node else []


def _other_properties(node: Mapping[str, Any]) -> list[Any]:
    """Return the schemas of properties that are not named."""
    by_pattern = node.get("patternProperties")
    found = list(by_pattern.values()) if isinstance(by_pattern, Mapping) else []
    others = node.get("additionalProperties")
    return [*found, others] if isinstance(others, Mapping) else found


def _items(node: Mapping[str, Any]) -> int:
    least, most = _number(node.get("minItems"), 0), _number(node.get("maxItems"), ITEMS)
    return max(least, min(most, ITEMS))


def _string(node: Mapping[str, Any]) -> Size:
    known = _FORMATS.get(str(node.get("format")))
    if known is not None:
        return Size(known)
    most = min(_number(node.get("maxLength"), TEXT), LONGEST_TEXT)
    return Size(2, max(most, min(_number(node.get("minLength"), 0), LONGEST_TEXT)))


def _number(value: Any, default: int) -> int:
    is_count = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1e12
    return int(value) if is_count else default


def _schemas(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _resolve(root: Mapping[str, Any], target: str) -> Any:
    """Return the part of the schema that a JSON pointer names; ``True`` (any value) if there is none."""
    node: Any = root
    for step in target.removeprefix("#").split("/")[1:]:
        node = node.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(node, Mapping) else None
    return True if node is None else node
