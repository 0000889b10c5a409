"""JSON Schema validation (Draft 2020-12) with limits, for untrusted schemas and answers.

References may only point into the schema itself, patterns run under a time limit, and a validation follows a limited
number of references. A hostile schema can therefore neither fetch, hang nor recurse forever.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import regex  # type: ignore[import-untyped]
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing.exceptions import Unresolvable

from septet_guardrails.domain.errors import Rejected

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32
_MAX_PATTERN = 512
_PATTERN_SECONDS = 0.05
_MAX_REFERENCES = 5_000
_FIELD = "output_schema"


class TooCostly(ValueError):
    """The validation exceeds a limit."""


def check_schema(schema: dict[str, Any]) -> None:
    """Reject a schema that is not valid or not safe to use.

    Raises:
        Rejected: code ``invalid_output_schema``.
    """
    if len(json.dumps(schema)) > MAX_BYTES:
        raise _rejected(f"the schema has more than {MAX_BYTES} bytes", "send a smaller schema")
    for depth, node in _walk(schema):
        if depth > MAX_DEPTH:
            raise _rejected(
                f"the schema is nested deeper than {MAX_DEPTH} levels", "flatten it, or use $defs"
            )
        _check_node(node)
    try:
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError) as error:
        raise _rejected(
            f"not a JSON Schema: {getattr(error, 'message', 'too deep')}", "correct the schema"
        ) from error
    probes: tuple[Any, ...] = (None, "", 0, [], {})
    for probe in probes:
        try:
            list(problems(schema, probe))
        except TooCostly as error:
            raise _rejected(str(error), "remove circular or repeated references") from error


def problems(schema: dict[str, Any], value: Any) -> Iterator[str]:
    """Yield at most five violations of the schema, one sentence each.

    Raises:
        TooCostly: the validation exceeds a limit.
    """
    try:
        for i, error in enumerate(_validator(schema).iter_errors(value)):
            if i == 5:
                return
            where = "/".join(str(part) for part in error.absolute_path)
            yield f"{where or 'answer'}: {error.message[:200]}"
    except (RecursionError, TimeoutError, Unresolvable) as error:
        raise TooCostly(f"the schema cannot be evaluated: {type(error).__name__}") from error


def _walk(schema: Any) -> Iterator[tuple[int, Any]]:
    stack = [(0, schema)]
    while stack:
        depth, node = stack.pop()
        yield depth, node
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        stack.extend((depth + 1, child) for child in children if isinstance(child, dict | list))


def _check_node(node: Any) -> None:
    if not isinstance(node, dict):
        return
    for keyword in ("$ref", "$dynamicRef"):
        target = node.get(keyword)
        if isinstance(target, str) and not target.startswith("#"):
            raise _rejected(f"{keyword} {target[:100]!r} points outside the schema", "inline it under $defs")
    if isinstance(properties := node.get("patternProperties"), dict):
        for pattern in properties:
            _check_pattern(pattern)
    if isinstance(pattern := node.get("pattern"), str):
        _check_pattern(pattern)


def _check_pattern(pattern: str) -> None:
    if len(pattern) > _MAX_PATTERN:
        raise _rejected(f"a pattern is longer than {_MAX_PATTERN} characters", "shorten it")
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise _rejected(
            f"pattern {pattern[:60]!r} is not a regular expression: {error}", "correct it"
        ) from error


def _rejected(message: str, fix: str) -> Rejected:
    return Rejected("invalid_output_schema", message, field=_FIELD, fix=fix)


def _matches(pattern: str, text: str) -> bool:
    # concurrent=True releases the interpreter lock, which a hostile pattern would hold until its time limit.
    return regex.search(pattern, text, timeout=_PATTERN_SECONDS, concurrent=True) is not None


def _pattern(validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not _matches(pattern, instance):
        yield ValidationError(f"{instance[:80]!r} does not match {pattern[:80]!r}")


def _pattern_properties(
    validator: Any, patterns: Any, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    for pattern, subschema in patterns.items():
        for key, value in instance.items():
            if _matches(pattern, key):
                yield from validator.descend(value, subschema, path=key, schema_path=pattern)


def _validator(schema: dict[str, Any]) -> Any:
    left = _MAX_REFERENCES

    def counted(keyword: str) -> Any:
        follow = Draft202012Validator.VALIDATORS[keyword]

        def reference(validator: Any, target: Any, instance: Any, parent: Any) -> Iterator[ValidationError]:
            nonlocal left
            left -= 1
            if left < 0:
                raise TooCostly(f"validation follows more than {_MAX_REFERENCES} references")
            yield from follow(validator, target, instance, parent) or ()

        return reference

    bounded = {keyword: counted(keyword) for keyword in ("$ref", "$dynamicRef")}
    keywords = {"pattern": _pattern, "patternProperties": _pattern_properties, **bounded}
    make: Any = extend
    return make(Draft202012Validator, keywords)(schema)
