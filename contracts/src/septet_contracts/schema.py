"""JSON Schemas (2020-12) of the contracts, generated from the models."""

from __future__ import annotations

import json
from typing import Any

from septet_contracts.topics import Topic

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def topic_schema(topic: Topic) -> dict[str, Any]:
    """The schema of record values on ``topic``.

    Raises:
        ValueError: the topic holds raw records (dead letters), which have no schema.
    """
    if topic.raw:
        raise ValueError(f"{topic.name} holds records of any shape")
    schema: dict[str, Any] = topic.adapter.json_schema()
    _require_tags(schema)
    return {"$schema": DIALECT, "$id": f"urn:septet:{topic.name}", **schema}


def dump(document: dict[str, Any]) -> str:
    """A schema as text with stable order and layout, so that every difference is a change."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _require_tags(schema: dict[str, Any]) -> None:
    """Require the tag in each member of a discriminated union. Readers select the member by it, despite a default."""

    discriminator = schema.get("discriminator")
    if discriminator is None:
        return
    for reference in discriminator["mapping"].values():
        member = schema["$defs"][reference.rsplit("/", 1)[-1]]
        member["required"] = sorted({*member.get("required", ()), discriminator["propertyName"]})
