"""Token limits of answers."""

from __future__ import annotations

from typing import Any

import pytest
from septet_generation.domain.budget import MIN_JSON_TOKENS, answer_tokens, json_tokens
from septet_generation.domain.catalogue import EMBEDDED_LIMITS, Model
from septet_generation.domain.schema_size import LONGEST_TEXT, TEXT, Size, schema_size

MODEL = Model(model="m", url="http://127.0.0.1:1/v1", max_tokens=80, max_tokens_json=700)


@pytest.mark.parametrize(("language", "tokens"), [("en", 80), ("ko", 288), ("fr", 80), (None, 80)])
def test_the_limit_of_prose_depends_on_the_language(language: str | None, tokens: int) -> None:
    assert answer_tokens(MODEL, language, None) == tokens


def test_a_model_may_have_its_own_factors() -> None:
    model = MODEL.model_copy(update={"language_tokens": {"ja": 2.0}})
    assert [answer_tokens(model, code, None) for code in ("ko", "ja")] == [80, 160]


@pytest.mark.parametrize(
    ("schema", "size"),
    [
        ({"type": "boolean"}, Size(5)),
        ({"enum": ["a", "a longer value"]}, Size(16)),
        ({"const": None}, Size(4)),
        ({"type": "string"}, Size(2, TEXT)),
        ({"type": "string", "maxLength": 5}, Size(2, 5)),
        ({"type": "string", "maxLength": 10**9}, Size(2, LONGEST_TEXT)),
        ({"type": ["null", "string"], "maxLength": 5}, Size(2, 5)),
        ({"type": "array", "items": {"type": "boolean"}, "maxItems": 3}, Size(2 + 3 * 7)),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 20}, Size(2 + 20 * 7)),
        ({"prefixItems": [{"type": "boolean"}], "maxItems": 1}, Size(2 + 7)),
        ({"type": "object", "properties": {"on": {"type": "boolean"}}}, Size(2 + 8 + 5)),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, Size(5)),
        ({"allOf": [{"type": "boolean"}, {"type": "boolean"}]}, Size(10)),
        ({"$ref": "#/$defs/flag", "$defs": {"flag": {"type": "boolean"}}}, Size(5)),
        ({"$ref": "#/nowhere"}, Size(2, TEXT)),
        ({}, Size(2, TEXT)),
    ],
)
def test_the_size_of_an_instance_follows_from_its_leaves(schema: dict[str, Any], size: Size) -> None:
    assert schema_size(schema) == size


def test_a_wider_schema_has_a_larger_limit_up_to_the_models() -> None:
    def with_fields(count: int) -> dict[str, Any]:
        return {"type": "object", "properties": {f"field_{n}": {"type": "string"} for n in range(count)}}

    limits = [answer_tokens(MODEL, "en", with_fields(count)) for count in (1, 5, 10, 50)]
    assert limits == sorted(set(limits))
    assert (limits[0], limits[-1]) == (MIN_JSON_TOKENS, 700)
    assert json_tokens(with_fields(5), 3.6) > json_tokens(with_fields(5), 1.0)


def test_a_revision_gets_the_whole_limit() -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
    assert answer_tokens(MODEL, "en", schema) == MIN_JSON_TOKENS
    assert answer_tokens(MODEL, "en", schema, revised=True) == 700


def test_circular_and_exploding_schemas_are_bounded() -> None:
    node: dict[str, Any] = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    assert json_tokens(node, 1.0) < 1_000
    levels: dict[str, Any] = {f"l{n}": {"allOf": [{"$ref": f"#/$defs/l{n + 1}"}] * 10} for n in range(30)} | {
        "l30": {"type": "string"}
    }
    assert answer_tokens(MODEL, "en", {"$ref": "#/$defs/l0", "$defs": levels}) == 700


def test_the_embedded_model_leaves_room_for_the_prompt() -> None:
    context, prompt = 2048, 1000
    assert EMBEDDED_LIMITS["max_tokens_json"] + prompt <= context
    assert answer_tokens(Model(model="m", url="u", **EMBEDDED_LIMITS), "ko", None) + prompt <= context
