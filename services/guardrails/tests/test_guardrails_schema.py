"""Validation of schemas and values within limits."""

from __future__ import annotations

import time
from typing import Any

import pytest
from septet_guardrails.domain.errors import Rejected
from septet_guardrails.domain.schema import TooCostly, check_schema, problems

PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string", "pattern": "^[A-Z]"}, "boss": {"$ref": "#"}},
    "required": ["name"],
    "additionalProperties": False,
}


def doubling(levels: int) -> dict[str, Any]:
    """A schema with an evaluation time that doubles with every level."""
    defs: dict[str, Any] = {"a0": {"type": "integer"}}
    for i in range(1, levels):
        defs[f"a{i}"] = {"allOf": [{"$ref": f"#/$defs/a{i - 1}"}, {"$ref": f"#/$defs/a{i - 1}"}]}
    return {"$defs": defs, "$ref": f"#/$defs/a{levels - 1}"}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


def test_accepts_valid_schemas_and_reports_violations() -> None:
    check_schema(PERSON)
    assert list(problems(PERSON, {"name": "Ann", "boss": {"name": "Bo"}})) == []
    assert list(problems(PERSON, {"name": "ann"})) == ["name: 'ann' does not match '^[A-Z]'"]
    assert "boss" in next(problems(PERSON, {"name": "Ann", "boss": {"nam": 1}}))


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "objekt"}, "not a JSON Schema"),
        ({"$ref": "https://example.com/schema.json"}, "points outside"),
        ({"properties": {"a": {"$dynamicRef": "other.json#x"}}}, "points outside"),
        ({"$ref": "#"}, "cannot be evaluated|references"),
        ({"$ref": "#/$defs/none"}, "cannot be evaluated"),
        (doubling(30), "references"),
        (nested(40), "nested deeper"),
        ({"pattern": "("}, "regular expression"),
        ({"pattern": "a" * 600}, "longer than"),
        ({"description": "x" * 70_000}, "bytes"),
    ],
)
def test_rejects_invalid_or_unsafe_schemas(schema: dict[str, Any], says: str) -> None:
    began = time.perf_counter()
    with pytest.raises(Rejected, match=says) as caught:
        check_schema(schema)
    assert (caught.value.code, caught.value.field) == ("invalid_output_schema", "output_schema")
    assert time.perf_counter() - began < 2.0


def test_slow_pattern_raises_within_its_time_limit() -> None:
    schema = {"type": "string", "pattern": "^(a|a|aa)*$"}
    began = time.perf_counter()
    with pytest.raises(TooCostly):
        list(problems(schema, "a" * 60 + "!"))
    assert time.perf_counter() - began < 1.0


def test_reports_at_most_five_violations() -> None:
    assert len(list(problems({"items": {"type": "string"}}, list(range(100))))) == 5
