"""Rail for JSON answers: the answer must be valid under the request's schema."""

from __future__ import annotations

import json
import re
from typing import Any

from septet_guardrails.domain.completeness import CUT_REASONS
from septet_guardrails.domain.policy import StructureRule
from septet_guardrails.domain.rails.base import MAX_ANSWER, PASSED, Answer, Finding
from septet_guardrails.domain.schema import TooCostly, problems

# A string that does not end reaches to the end of the text, so that one pass reads every character once.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*("|\\?\Z)', re.DOTALL)
_FENCE = re.compile(r"```(?:json)?[^\S\n]*\n", re.IGNORECASE)


class StructureRail:
    """Validates answers to requests with an ``output_schema``; removes code fences and text around the JSON."""

    name = "structure"

    def check(self, subject: Answer, rule: StructureRule) -> Finding:
        schema = subject.draft.ask.output_schema
        if schema is None:
            return PASSED
        if not subject.text.strip():
            return Finding("reask", 0.0, "no JSON", "Answer with JSON only.")
        text = extract_json(subject.text)
        value = parse(text)
        if _is_truncated(subject, value):
            complaint = (
                "The JSON was cut off at the length limit. Use short values, and stop after the last field."
            )
            return Finding("reask", 0.0, "the JSON was cut off before its end", complaint, truncated=True)
        if value is INVALID:
            complaint = "Answer with one valid JSON value only, without any text around it."
            return Finding("reask", 0.0, "the answer is not valid JSON", complaint)
        try:
            found = list(problems(schema, value))
        except TooCostly as error:
            return Finding("block", 0.0, str(error))
        if found:
            return Finding("reask", 0.0, found[0], "The JSON breaks the schema: " + "; ".join(found) + ".")
        return (
            Finding("fix", 1.0, "cut text around the JSON", text=text)
            if text != subject.text
            else Finding("pass", 1.0)
        )


def _is_truncated(subject: Answer, value: Any) -> bool:
    """Whether a limit cut the JSON: it has no end, or it is a number that may have had more digits."""
    cut_off = subject.draft.finish_reason in CUT_REASONS
    if value is INVALID:
        return cut_off or is_open(subject.text)
    return cut_off and isinstance(value, int | float) and not isinstance(value, bool)


def is_open(text: str) -> bool:
    """Whether a text that begins as JSON ends inside a bracket or a string."""
    body = text.strip().removeprefix("```json").removeprefix("```").lstrip()
    if not body.startswith(("{", "[")):
        return False
    plain = _STRING.sub(lambda found: "" if found.group(1) == '"' else "{", body)
    return sum(map(plain.count, "{[")) > sum(map(plain.count, "}]"))


class _Invalid:
    """Marker for text that is not JSON; ``None`` is valid JSON."""


INVALID = _Invalid()


def parse(text: str) -> Any:
    """Return the JSON value, or ``INVALID``. NaN and Infinity are not valid JSON."""

    def refuse(name: str) -> Any:
        raise ValueError(name)

    if len(text) > MAX_ANSWER:
        return INVALID
    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return INVALID


def extract_json(text: str) -> str:
    """Return the text if it is JSON, else the content of its code fence or of its outermost brackets."""
    if parse(text) is not INVALID:
        return text
    stripped = text.strip()
    if (fence := _FENCE.match(stripped)) and stripped.endswith("```"):
        return stripped[fence.end() : -3].strip()
    opens = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
    closes = max(text.rfind("}"), text.rfind("]"))
    return text[opens : closes + 1] if 0 <= opens < closes else text.strip()
