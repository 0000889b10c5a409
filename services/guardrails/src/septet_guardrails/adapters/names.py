"""People and places by Presidio with spaCy's small English model; loaded when first asked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from septet_guardrails.domain.pii import Span

_ENTITIES = ["PERSON", "LOCATION"]
_MODEL = "en_core_web_sm"
_MAX_CHARACTERS = 4_000


class PresidioNames:
    """About 50 ms a text and 4 s to load, so policies turn it on by choice."""

    def __call__(self, text: str) -> Sequence[Span]:
        found = self._analyzer.analyze(text[:_MAX_CHARACTERS], language="en", entities=_ENTITIES)
        # Below every pattern's score: a card number is no organisation.
        return [Span(result.entity_type, result.start, result.end, 0.4) for result in found]

    @cached_property
    def _analyzer(self) -> Any:
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import NlpEngineProvider

        models = [{"lang_code": "en", "model_name": _MODEL}]
        engine = NlpEngineProvider(
            nlp_configuration={"nlp_engine_name": "spacy", "models": models}
        ).create_engine()
        return AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])
