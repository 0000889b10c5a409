"""The topics page of the reference documentation, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from septet_contracts._alternatives import EXTENSIBLE
from septet_contracts.asyncapi import Describes, own_note, read, written
from septet_contracts.schema import topic_schema
from septet_contracts.topics import TOPICS, Topic, short_name

_HEAD = """# Topics

Generated from the contracts by `make contracts`; do not edit. [asyncapi.yaml](asyncapi.yaml) is the same as an AsyncAPI
document. Every value is one JSON object in UTF-8 of at most 1 MiB. Readers ignore unknown fields.
`python -m septet_contracts schema requests` prints the JSON Schema of a topic.
"""


def topics_page(parties: Iterable[Describes]) -> str:
    """Every topic with its key, settings, writers, readers and fields."""
    known = list(parties)
    lines = [_HEAD, "| topic | written by | read by | partitions | kept |", "| --- | --- | --- | --- | --- |"]
    for of in TOPICS.values():
        writers, readers = _names(known, of)
        anchor = of.name.replace(".", "")
        lines.append(f"| [`{of.name}`](#{anchor}) | {writers} | {readers} | {of.partitions} | {_kept(of)} |")
    for of in TOPICS.values():
        lines += ["", *_section(of, *_names(known, of))]
    return "\n".join(lines) + "\n"


def _section(of: Topic, writers: str, readers: str) -> Iterator[str]:
    yield f"## {of.name}"
    yield ""
    yield f"{of.about} Key: {of.key}. Written by {writers or 'no service'}; read by {readers or 'no service'}."

    if note := own_note(of):
        yield f"{note} [Tenants](../how-to/tenants.md)."
    if of.raw:
        return
    schema = topic_schema(of)
    for member in schema.get("oneOf", [None]):
        chosen = schema if member is None else _resolve(member, schema)
        yield ""
        if member is not None:
            yield f"### {chosen['title']}"
            yield ""
        yield from field_table(chosen, schema)
    models = sorted(set(schema.get("$defs", {})) - {_target(m) for m in schema.get("oneOf", ())})
    if models:
        yield ""
        yield f"<details><summary>Parts of {short_name(of)}</summary>"
        for name in models:
            yield from ("", f"**{name}**", "", *field_table(schema["$defs"][name], schema))
        yield from ("", "</details>")


def field_table(model: dict[str, Any], root: dict[str, Any]) -> Iterator[str]:
    """The fields of an object's schema as a table; ``root`` holds the targets of references."""
    yield "| field | type | default | meaning |"
    yield "| --- | --- | --- | --- |"
    required = set(model.get("required", ()))
    for name, schema in model.get("properties", {}).items():
        default = "**required**" if name in required else _default(schema)
        meaning = schema.get("description", "").replace("|", "\\|")
        yield f"| `{name}` | {_type(schema, root)} | {default} | {meaning} |"


def _type(schema: dict[str, Any], root: dict[str, Any]) -> str:
    if "$ref" in schema:
        return _target(schema)
    for combinator in ("anyOf", "oneOf"):
        if combinator in schema:
            kinds = [_type(s, root) for s in schema[combinator] if s.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if "const" in schema:
        return f"`{_literal(schema['const'])}`"
    if EXTENSIBLE in schema:
        return " ".join(f"`{_literal(v)}`" for v in schema[EXTENSIBLE]) + " or another"
    if "enum" in schema:
        return " ".join(f"`{_literal(v)}`" for v in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}), root)}{_bounds(schema)}"
    return str(schema.get("format", schema.get("type", "any"))) + _bounds(schema)


def _bounds(schema: dict[str, Any]) -> str:
    low = schema.get("minimum", schema.get("minLength", schema.get("minItems")))
    high = schema.get("maximum", schema.get("maxLength", schema.get("maxItems")))
    if low is None and high is None:
        return ""
    unit = " characters" if "maxLength" in schema or "minLength" in schema else ""
    return f" ({low} or more{unit})" if high is None else f" ({'' if low is None else low}…{high}{unit})"


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    return "" if default is None else f"`{_literal(default)}`"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ", ".join(f"{k}: {_literal(v)}" for k, v in value.items() if v is not None)
    return f'"{value}"' if isinstance(value, str) else str(value)


def _names(parties: list[Describes], of: Topic) -> tuple[str, str]:
    writers = [p.name for p in parties if of in written(p)]
    readers = [p.name for p in parties if of in read(p)]
    return ", ".join(writers), ", ".join(readers)


def _kept(of: Topic) -> str:
    if of.compacted:
        return "latest per key"
    hours = of.retention.total_seconds() / 3600
    return f"{hours:g} h" if hours < 24 else f"{hours / 24:g} days"


def _resolve(member: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    model: dict[str, Any] = root["$defs"][_target(member)]
    return model


def _target(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).rsplit("/", 1)[-1]
