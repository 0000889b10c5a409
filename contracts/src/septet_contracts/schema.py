"""JSON Schemas (2020-12) of the contracts, made from the models."""

from __future__ import annotations

import json
from typing import Any

from septet_contracts.topics import Topic

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def topic_schema(topic: Topic) -> dict[str, Any]:
    """The schema that a record's value on ``topic`` satisfies.

    Raises:
        ValueError: the topic carries raw records (dead letters), which have no schema.
    """
    if topic.raw:
        raise ValueError(f"{topic.name} carries records of any shape")
    schema: dict[str, Any] = topic.adapter.json_schema()
    _require_tags(schema)
    return {"$schema": DIALECT, "$id": f"urn:septet:{topic.name}", **schema}


def dump(document: dict[str, Any]) -> str:
    """Text of a schema as it is kept in a file: stable, so that a difference is a change."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _require_tags(schema: dict[str, Any]) -> None:
    """A discriminated union is read by its tag, so its members require it even where the model has a default."""
    discriminator = schema.get("discriminator")
    if discriminator is None:
        return
    for reference in discriminator["mapping"].values():
        member = schema["$defs"][reference.rsplit("/", 1)[-1]]
        member["required"] = sorted({*member.get("required", ()), discriminator["propertyName"]})
