"""Containment of JSON Schemas: find what a writer may send and a reader rejects.

The writer's schema is closed: it sends only the fields that it names. The reader's is open: it ignores fields that it
does not name. Only keywords that Pydantic generates are supported. Any other keyword must be equal on both sides, so
that an unknown constraint is reported and not assumed to be harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from septet_contracts._alternatives import DEFAULTS, Alternative, Schema, alternatives, constraints, describe
from septet_contracts._scalars import admits, bound_gaps, same_value, scalar_gaps

MAX_TUPLE = 64


@dataclass(frozen=True)
class Gap:
    """Something that the writer may send at ``path`` and the reader rejects; ``aspect`` is the kind of mismatch."""

    path: str
    aspect: str
    message: str


class Containment:
    """Compares a writer's root schema with a reader's.

    Args:
        writer, reader: the root schemas.
        names_kept: the reader is the later version. It must keep every field, every known value of an open
            enumeration, and every open enumeration open.
        defaults_kept: an absent field must mean the same to reader and writer.
    """

    def __init__(
        self, writer: Schema, reader: Schema, *, names_kept: bool, defaults_kept: bool = False
    ) -> None:
        self._writer, self._reader, self._names_kept = writer, reader, names_kept
        self._defaults_kept = defaults_kept
        self._assumed: set[tuple[str, str]] = set()

    def gaps(self) -> list[Gap]:
        return self._compare(self._writer, self._reader, "$")

    def _compare(self, writer: Schema, reader: Schema, path: str) -> list[Gap]:
        """Gaps of any two schemas. A pair of ``$ref`` that is being compared counts as equal, which ends recursion."""
        pair = (str(writer.get("$ref", "")), str(reader.get("$ref", "")))
        if all(pair):
            if pair in self._assumed:
                return []
            self._assumed.add(pair)
        try:
            sent = alternatives(writer, self._writer)
            taken = alternatives(reader, self._reader)
            return [gap for one in sent for gap in self._fit(one, taken, path)]
        finally:
            self._assumed.discard(pair)

    def _fit(self, writer: Alternative, readers: Sequence[Alternative], path: str) -> list[Gap]:
        if any(not constraints(r.schema) for r in readers):
            return []
        if writer.values is not None:
            return list(self._value_gaps(writer.values, readers, path))
        if writer.known is not None:
            return self._open_gaps(writer, writer.known, readers, path)
        if writer.tag is not None and any(r.tag for r in readers):
            return self._tagged(writer, writer.tag, readers, path)
        return self._closest(writer, readers, path)

    def _tagged(
        self, writer: Alternative, tag: tuple[str, str], readers: Sequence[Alternative], path: str
    ) -> list[Gap]:
        if all(r.tag is None or r.tag[0] != tag[0] for r in readers):
            return [Gap(path, "discriminator", f"only one side discriminates members by `{tag[0]}`")]
        same = [r for r in readers if r.tag == tag]
        if not same:
            return [Gap(path, "variant", f"member `{tag[1]}` of the union is rejected")]
        return self._closest(writer, same, f"{path}<{tag[1]}>")

    def _closest(self, writer: Alternative, readers: Sequence[Alternative], path: str) -> list[Gap]:
        kind = writer.schema.get("type")
        peers = [r for r in readers if r.values is None and _takes(r.schema.get("type"), kind)]
        if kind is None or not peers:
            taken = " | ".join(describe(r) for r in readers)
            return [Gap(path, "type", f"{describe(writer)} is rejected where {taken} is accepted")]
        return min((self._atomic(writer.schema, r.schema, path) for r in peers), key=len)

    def _open_gaps(
        self, writer: Alternative, known: tuple[str, ...], readers: Sequence[Alternative], path: str
    ) -> list[Gap]:
        """Gaps of a writer with an open enumeration. Its later versions send values that are not known yet."""
        gaps = list(self._value_gaps(known, readers, path))
        if any(r.values is None and r.schema.get("type") == "string" for r in readers):
            return gaps + self._closest(writer, readers, path)
        if self._names_kept:
            gaps.append(Gap(path, "closed_enum", "values that are not known yet are rejected"))
        return gaps

    def _value_gaps(self, values: Sequence[Any], readers: Sequence[Alternative], path: str) -> Iterator[Gap]:
        listed = [v for r in readers for v in (*(r.values or ()), *(r.known or ()))]
        open_ended = [r for r in readers if r.values is None]
        for value in values:
            if any(same_value(value, v) for v in listed):
                continue
            takers = [r for r in open_ended if admits(r.schema, value)]
            if not takers:
                yield Gap(path, "value", f"the value {value!r} is rejected")
            elif self._names_kept and all(r.known is not None for r in takers):
                yield Gap(path, "value", f"the value {value!r} is no longer known")

    def _atomic(self, writer: Schema, reader: Schema, path: str) -> list[Gap]:
        compare: dict[str, Callable[[Schema, Schema, str], Iterator[Gap]]]
        compare = {"object": self._object, "array": self._array}
        nested = compare.get(str(writer["type"]))
        gaps = list(nested(writer, reader, path)) if nested else []
        gaps += [Gap(path, aspect, message) for aspect, message in scalar_gaps(writer, reader)]
        return gaps + [Gap(path, aspect, message) for aspect, message in bound_gaps(writer, reader)]

    def _object(self, writer: Schema, reader: Schema, path: str) -> Iterator[Gap]:
        sent: Mapping[str, Schema] = writer.get("properties", {})
        taken: Mapping[str, Schema] = reader.get("properties", {})
        for name in sorted(set(reader.get("required", ())) - set(writer.get("required", ()))):
            yield Gap(f"{path}.{name}", "required", "optional for the writer, required by the reader")
        for name, schema in sent.items():
            if name in taken:
                yield from self._compare(schema, taken[name], f"{path}.{name}")
                yield from self._default_gaps(schema, taken[name], f"{path}.{name}")
            else:
                yield from self._unnamed(schema, reader, f"{path}.{name}")
        extra = writer.get("additionalProperties", False)
        if extra is not False:
            value = {} if extra is True else extra
            for name in taken.keys() - sent.keys():
                yield from self._compare(value, taken[name], f"{path}.{name}")
            yield from self._unnamed(value, reader, f"{path}{{}}")
        names = writer.get("propertyNames", {"type": "string"}), reader.get("propertyNames", {})
        yield from self._compare(*names, f"{path}{{name}}")

    def _default_gaps(self, writer: Schema, reader: Schema, path: str) -> Iterator[Gap]:
        if not self._defaults_kept:
            return
        for keyword in DEFAULTS:
            if keyword in writer and not (keyword in reader and same_value(writer[keyword], reader[keyword])):
                yield Gap(
                    path,
                    "default",
                    f"absent, it meant {writer[keyword]!r}, and means {reader.get(keyword)!r}",
                )

    def _unnamed(self, schema: Schema, reader: Schema, path: str) -> Iterator[Gap]:
        """A field that the reader does not name: a model ignores it, a map checks it, a closed model rejects it."""
        extra = reader.get("additionalProperties")
        if extra is False:
            yield Gap(path, "closed", "the reader rejects additional fields")
        elif isinstance(extra, dict):
            yield from self._compare(schema, extra, path)
        elif extra is None and self._names_kept:
            yield Gap(path, "removed", "the reader does not have this field")

    def _array(self, writer: Schema, reader: Schema, path: str) -> Iterator[Gap]:
        longest = writer.get("maxItems")
        fixed = max(len(writer.get("prefixItems", ())), len(reader.get("prefixItems", ())))
        for index in range(min(fixed, MAX_TUPLE if longest is None else longest)):
            yield from self._compare(_item(writer, index), _item(reader, index), f"{path}[{index}]")
        if longest is None or longest > fixed:
            yield from self._compare(_item(writer, fixed), _item(reader, fixed), f"{path}[]")
        if reader.get("uniqueItems") and not writer.get("uniqueItems"):
            yield Gap(path, "bound", "the writer may repeat items, and the reader rejects repeated ones")


def _item(array: Schema, index: int) -> Schema:
    prefix: Sequence[Schema] = array.get("prefixItems", ())
    if index < len(prefix):
        return prefix[index]
    rest: Schema | bool = array.get("items", {})
    return rest if isinstance(rest, dict) else {}


def _takes(reader: str | None, writer: str | None) -> bool:
    return reader == writer or (reader == "number" and writer == "integer")
