"""Values that satisfy only the JSON Schema decode, and encode back to the same value."""

from __future__ import annotations

import base64
import json
from array import array
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from septet_contracts import TOPICS, ContractError, Topic, decode, encode
from septet_contracts.schema import topic_schema

WIRED = [t for t in TOPICS.values() if not t.raw]
ALPHABET = 'ab AZ09.-"\\\n\t한글질문é😀\u2028'
STRINGS: dict[str, Callable[[Random], str]] = {
    "date-time": lambda r: (
        f"2{r.randint(0, 999):03}-0{r.randint(1, 9)}-1{r.randint(0, 9)}T2{r.randint(0, 3)}:00:59.{r.randint(0, 999999):06}"
        + r.choice(["Z", "+09:00", "-03:30"])
    ),
    "uuid": lambda r: f"{r.getrandbits(128):032x}",
    r"^[A-Za-z0-9._:\-]+$": lambda r: "".join(r.choices("aZ09._:-", k=r.randint(1, 128))),
    r"^[a-z0-9][a-z0-9\-]*$": lambda r: "0" + "".join(r.choices("az09-", k=r.randint(0, 62))),
}


class Writer:
    """Generates values that a JSON Schema from Pydantic allows."""

    def __init__(self, root: dict[str, Any], random: Random) -> None:
        self._root, self._random = root, random

    def write(self, schema: dict[str, Any]) -> Any:
        if "$ref" in schema:
            return self.write(self._root["$defs"][schema["$ref"].rsplit("/", 1)[-1]])
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        if "properties" in schema:
            return self._object(schema)
        if "anyOf" in schema or "oneOf" in schema:
            return self.write(self._random.choice(schema.get("anyOf") or schema["oneOf"]))
        return self._plain(schema)

    def _object(self, schema: dict[str, Any]) -> dict[str, Any]:
        alternative = self._random.choice(schema.get("anyOf", [{"required": []}]))
        required = {*schema.get("required", ()), *alternative["required"]}
        named = {
            n: s for n, s in schema["properties"].items() if n in required or self._random.random() < 0.5
        }
        return {n: self.write(s) for n, s in named.items()} | {"from_a_newer_writer": [1]}

    def _plain(self, schema: dict[str, Any]) -> Any:
        random = self._random
        kind = schema.get("type", "boolean")
        if kind == "string":
            return self._string(schema)
        if kind == "array":
            return [self.write(schema["items"]) for _ in range(random.randint(schema.get("minItems", 0), 3))]
        if kind == "object":
            return {self._string({}): random.choice([None, 1, "x", [{}]]) for _ in range(2)}
        low, high = schema.get("minimum", -99), schema.get("maximum", 99)
        number = random.randint(low, high) if kind == "integer" else random.uniform(low, high)
        return {"boolean": random.random() < 0.5, "null": None}.get(kind, number)

    def _string(self, schema: dict[str, Any]) -> str:
        if schema.get("contentEncoding") == "base64":
            numbers = array("f", [self._random.uniform(-1, 1) for _ in range(self._random.randint(2, 5))])
            return base64.b64encode(numbers.tobytes()).decode()
        special = schema.get("pattern", schema.get("format"))
        if special:
            return STRINGS[special](self._random)
        length = self._random.randint(schema.get("minLength", 0), min(20, schema.get("maxLength", 20)))
        return "".join(self._random.choices(ALPHABET, k=length))


@pytest.mark.parametrize("of", WIRED, ids=[t.name for t in WIRED])
def test_every_value_that_the_schema_allows_survives_a_round_trip(of: Topic) -> None:
    schema = topic_schema(of)
    validator = Draft202012Validator(schema)
    read = 0
    for seed in range(60):
        body = Writer(schema, Random(seed)).write(schema)
        validator.validate(body)
        try:
            event = decode(of, json.dumps(body).encode())
        except ContractError as error:
            if "user message" not in str(error):  # the one rule that the schema does not state
                raise
            continue
        read += 1
        wire = encode(event)
        assert decode(of, wire) == event
        validator.validate(json.loads(wire))
    assert read >= 20


@pytest.mark.parametrize("of", WIRED, ids=[t.name for t in WIRED])
def test_every_field_that_the_schema_requires_is_required(of: Topic) -> None:
    schema = topic_schema(of)
    member = schema if "properties" in schema else schema["$defs"][sorted(schema["$defs"])[0]]
    body = Writer(schema, Random(1)).write(
        {**member, "anyOf": [{"required": ["question"]}]} if "anyOf" in member else member
    )
    for name in member["required"]:
        with pytest.raises(ContractError):
            decode(of, json.dumps({k: v for k, v in body.items() if k != name}).encode())
