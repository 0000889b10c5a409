"""Answers of the stub model: cited sentences of the first passage, or the verdict that a judge's prompt asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from septet_kit.text import sentence_spans

MAX_ANSWER_CHARS = 240
NO_CITATIONS = "Do not cite."
# The end of each prompt of septet_experiments.judges, and a reply in its format.
_VERDICTS = {
    '{"claims": []}': '{"claims": [{"claim": "the stub finds no fault", "supported": true}]}',
    '"score":': '{"reason": "the stub finds no fault", "score": 4}',
    '"verdict":': '{"reason": "the stub finds no fault", "verdict": "correct"}',
    '"[[C]]"': "The stub finds no difference. [[C]]",
}
_PROMPT_END = 400
_PASSAGE = re.compile(r'<passage n="(\d+)">\s*(.+?)\s*</passage>', re.DOTALL)


def answer(
    messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any] | None, sentences: int = 1
) -> str:
    """The completion of a chat: an instance of *schema* if given, else so many sentences.

    They are cited, unless a system message has :data:`NO_CITATIONS`, as in the broken prompt of a test.
    """
    if schema is not None:
        return json.dumps(instance(schema))
    end = str(messages[-1].get("content", ""))[-_PROMPT_END:] if messages else ""
    for mark, verdict in _VERDICTS.items():
        if mark in end:
            return verdict
    # Earlier messages are worked examples with their own passages.
    found = _PASSAGE.search(str(messages[-1].get("content", "")) if messages else "")
    if found is None:
        return "This is the stub model."
    number, passage = found.group(1), " ".join(found.group(2).split())
    said = [span.of(passage) for span in sentence_spans(passage)]
    # Most passages start with a title or a signature; the longest sentence has more content.
    best = max(said[:4], key=lambda s: min(len(s), MAX_ANSWER_CHARS))
    chosen = [best] if sentences == 1 else said[:sentences]
    is_cited = not any(m.get("role") == "system" and NO_CITATIONS in str(m.get("content")) for m in messages)
    mark = f" [{number}]" if is_cited else ""
    return " ".join(f"{_finished(s[:MAX_ANSWER_CHARS].rstrip())}{mark}" for s in chosen)


def _finished(text: str) -> str:
    """End a text with a full stop, so that the output rails do not take it for a cut draft."""
    return text if text.endswith((".", "!", "?", "。")) else text.rstrip(",:;([{-–—") + "."


def instance(schema: Mapping[str, Any]) -> Any:
    """A minimal instance of common JSON Schemas: constants, enumerations, objects, arrays and scalars."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        return {name: instance(properties.get(name, {})) for name in schema.get("required", properties)}
    if kind == "array":
        return [instance(schema.get("items", {}))] * int(schema.get("minItems", 0))
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    return {"boolean": False, "null": None}.get(str(kind), "stub".ljust(int(schema.get("minLength", 0)), "."))
