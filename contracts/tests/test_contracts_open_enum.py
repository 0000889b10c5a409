"""Open enumerations, packed vectors, and compatibility of internal events across minor versions."""

from __future__ import annotations

import base64
import json
from array import array
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from septet_contracts import (
    Ask,
    CacheInfo,
    DecimalEmbedding,
    Embedding,
    Missed,
    Release,
    Response,
    decode,
    encode,
    event_id,
    topic,
)
from septet_contracts.compat import breaks
from septet_contracts.open_enum import CACHE_STATUSES, DECISIONS, STATUSES

SCHEMAS = Path(__file__).parents[1] / "schemas"


def closed(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


def opened(*values: str, longest: int = 64) -> dict[str, Any]:
    return {"type": "string", "maxLength": longest, "x-extensible-enum": list(values)}


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        (closed("a", "b"), opened("a", "b"), set()),
        (closed("a", "b"), opened("a", "b", "c"), {"value_added"}),
        (closed("a", "b"), opened("a"), {"value_removed"}),
        (opened("a"), opened("a", "b"), set()),
        (opened("a", "b"), opened("a"), {"value_removed"}),
        (opened("a"), closed("a"), {"open_enum_closed"}),
        (opened("a"), opened("a", longest=32), {"bound_narrowed"}),
    ],
)
def test_the_check_compares_open_enumerations(
    old: dict[str, Any], new: dict[str, Any], kinds: set[str]
) -> None:
    found = {b.kind for b in breaks(old, new)}
    assert found == kinds


def test_known_values_are_those_of_the_first_version() -> None:
    """Readers of version 1.1 reject any other value, so a new one of an internal topic needs a new major version."""
    first = json.loads((SCHEMAS / "outcomes" / "v1.1.json").read_text("utf-8"))
    assert tuple(first["properties"]["status"]["enum"]) == STATUSES
    assert tuple(first["$defs"]["Verdict"]["properties"]["decision"]["enum"]) == DECISIONS
    assert tuple(first["$defs"]["CacheInfo"]["properties"]["status"]["enum"]) == CACHE_STATUSES


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=64))
def test_a_packed_vector_is_read_back_to_the_bit(values: list[float]) -> None:
    embedding = Embedding.of("m", values)
    assert embedding.vector == array("f", values)
    assert Embedding.model_validate_json(encode(embedding)) == embedding


@pytest.mark.parametrize(
    "packed",
    [
        "",
        "AAAA",
        "AAAAAAA",
        "not base64!!",
        base64.b64encode(array("f", [float("nan"), 1.0]).tobytes()).decode(),
        "A" * 21_852,
    ],
    ids=["empty", "three bytes", "no padding", "other characters", "not a number", "too long"],
)
def test_an_invalid_vector_is_rejected_by_validation(packed: str) -> None:
    with pytest.raises(ValidationError, match="packed"):
        Embedding(model="m", packed=packed)


def missed(**fields: Any) -> Missed:
    now = datetime.now(UTC)
    return Missed(
        request_id="r1",
        event_id=event_id("default", "r1", "missed"),
        occurred_at=now,
        deadline=now,
        accepted_at=now,
        request_digest="",
        ask=Ask(question="x"),
        cache=CacheInfo(status="miss"),
        **fields,
    )


VECTOR = tuple(round((-1) ** n / (n + 3), 8) for n in range(384))


def test_a_reader_of_version_1_2_ignores_the_packed_vector() -> None:
    """The decimal field, which was always optional, is absent, so the reader computes its own embedding."""
    event = missed(question_vector=Embedding.of("m", VECTOR))
    body = json.loads(encode(event))
    old = json.loads((SCHEMAS / "missed" / "v1.2.json").read_text("utf-8"))
    Draft202012Validator(old).validate(body)
    assert "question_vector" not in old["properties"]
    assert "question_embedding" not in old["required"]
    assert "question_embedding" not in body


def test_the_embedding_of_a_writer_of_version_1_2_is_read() -> None:
    event = missed(question_embedding=DecimalEmbedding(model="m", vector=VECTOR))
    read = decode(topic("missed"), encode(event))
    assert read.embedding == Embedding.of("m", VECTOR)
    assert missed().embedding is None


def test_a_packed_vector_needs_less_than_half_the_bytes_of_decimals() -> None:
    decimals = len(encode(DecimalEmbedding(model="m", vector=VECTOR)))
    packed = len(encode(Embedding.of("m", VECTOR)))
    assert packed < 0.5 * decimals
    assert packed == len('{"model":"m","packed":""}') + 4 * 384 * 4 // 3


def test_the_public_response_has_no_internal_field() -> None:
    internal = {"question_embedding", "admissible", "admission_reason", "cache_key"}
    assert not internal & set(Response.model_fields)
    assert internal - {"question_embedding"} <= set(Release.model_fields)
