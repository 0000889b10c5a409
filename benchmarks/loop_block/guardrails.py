"""Guardrails: input and output rails with the packaged policies, and with a policy that uses every model."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from septet_contracts import Ask, Draft, encode
from septet_contracts.request import Request
from septet_guardrails.adapters.language import FastTextLanguage
from septet_guardrails.adapters.names import PresidioNames
from septet_guardrails.adapters.policies import PolicyFiles
from septet_guardrails.adapters.profanity import ProfanityModel
from septet_guardrails.adapters.weights import injection_curve, injection_model
from septet_guardrails.domain.rails import input_rails, output_rails
from septet_guardrails.handlers import DraftsHandler, RequestsHandler
from septet_kit.hostile import UNITS, text
from septet_kit.testing import flow

from benchmarks.loop_block.case import MIB, QUESTION, Case, conversations, of, passages

_MODELS = """
input: {length: {action: flag}, pii: {names: true}, toxicity: {classifier: true}}
output: {pii: {names: true}, toxicity: {classifier: true}}
"""
_PATTERN = "^(([a-z]{1,20})+[0-9]?)+$"
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {f"p{n}": {"type": "string", "pattern": f"{_PATTERN}|{n}"} for n in range(800)},
}


def cases() -> Iterator[Case]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "models.yaml").write_text(_MODELS, encoding="utf-8")
        policies = PolicyFiles.load(Path(folder))
    names, profanity = PresidioNames(), ProfanityModel()
    rails = input_rails(injection_model(), injection_curve(), names, profanity)
    detect = FastTextLanguage()
    for load in (detect, names, profanity):
        load("Is every model loaded before the first question?")
    questions = RequestsHandler(policies, rails, detect)
    drafts = DraftsHandler(policies, output_rails(names, profanity))
    yield from _questions(questions)
    yield from _conversations(questions)
    yield from _drafts(drafts)


def _questions(handler: RequestsHandler) -> Iterator[Case]:
    for unit in UNITS:
        for policy, size in (("default", 8_000), ("observe", QUESTION)):
            request = Request(request_id="r", question=f"Q {text(unit, size - 2)}", policy=policy)
            yield of(f"question of {size}, {policy}, {unit}", "requests", request, handler)
    for unit in ("english", "korean", "capitals"):
        request = Request(request_id="r", question=text(unit, QUESTION), policy="models")
        yield of(f"question of {QUESTION}, every model, {unit}", "requests", request, handler)
    request = Request(request_id="r", question="What?", output_schema=_SCHEMA)
    yield of("schema of 800 patterns", "requests", request, handler)


def _conversations(handler: RequestsHandler) -> Iterator[Case]:
    limits = (
        ("default", 200, 5_150),
        ("default", 31, QUESTION),
        ("observe", 200, 5_150),
        ("default", 8, 7_900),
    )
    for unit in ("english", "korean", "phone numbers", "group", "words", "ligatures"):
        wide = len(UNITS[unit].encode()) / len(UNITS[unit])
        for policy, count, size in limits:
            shorter = min(size, int(MIB / 1.05 / count / wide))
            body = {
                "request_id": "r",
                "policy": policy,
                "messages": list(conversations(unit, count, shorter)),
            }
            value = json.dumps(body, ensure_ascii=False).encode()
            yield Case(f"{count} messages of {shorter}, {policy}, {unit}", "requests", value, handler)


def _drafts(handler: DraftsHandler) -> Iterator[Case]:
    for unit in UNITS:
        for size in (16_000, 128_000):
            draft = flow(Draft, answer=f"A {text(unit, size - 2)}", passages=passages(unit))
            yield of(f"answer of {size}, {unit}", "drafts", draft, handler)
    draft = flow(Draft, answer=text("english", 16_000), passages=passages("english"))
    models = draft.model_copy(update={"ask": draft.ask.model_copy(update={"policy": "models"})})
    yield of("answer of 16000, every model", "drafts", models, handler)
    for name, answer in _JSON.items():
        structured = flow(Draft, answer=answer, passages=(), ask=Ask(question="What?", output_schema=_SCHEMA))
        yield Case(f"JSON answer, {name}", "drafts", encode(structured), handler)


_JSON = {
    "hostile patterns": json.dumps({f"p{n}": "a" * 100 + "!" for n in range(800)}),
    "lists": "[" + "[]," * 42_000 + "1]",
    "fence without end": "```json\n" + " " * 100_000,
    "brackets": "[" * 100_000,
}
