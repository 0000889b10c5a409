"""Classifies whether passages answer a question, from embeddings of their sentences."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from septet_contracts import Embedding, Passage
from septet_kit import Transient
from septet_kit.embedding_models import base_name
from septet_kit.observe import get_logger
from septet_kit.offload import Offload

from septet_retrieval.domain.answerability import Assessment, FittedCoefficients, assess, calibrated_for
from septet_retrieval.domain.evidence import MAX_PASSAGES, Sentence, Terms, best_sentences
from septet_retrieval.domain.query import ANALYZED_CHARACTERS, is_latin
from septet_retrieval.ports import TextEmbedder
from septet_retrieval.settings import RetrievalSettings
from septet_retrieval.telemetry import answerability_span

log = get_logger()

_offload = Offload(inline=6_144)


def is_calibrated(model: str) -> bool:
    """Whether the coefficients fit the model's cosines. If not, the classifier compares words only."""
    if base_name(model) == calibrated_for():
        return True
    log.warning(
        "answerability compares words only: its coefficients were trained for another embeddings model",
        model=model,
        calibrated_for=calibrated_for(),
        fix="run `septet calibrate` and set SEPTET_CALIBRATION_FILE",
    )
    return False


class AnswerabilityClassifier:
    """Estimates the probability that passages answer a question.

    ``fitted`` are coefficients for the model of the embedder, from a calibration file.
    """

    def __init__(
        self,
        embedder: TextEmbedder,
        settings: RetrievalSettings,
        fitted: FittedCoefficients | None = None,
    ) -> None:
        self._embedder = embedder
        self._timeout_s = settings.side_timeout.total_seconds()
        self._multilingual = settings.is_multilingual(embedder.multilingual)
        self._semantic = fitted.semantic if fitted else None
        self._calibrated = fitted is not None or is_calibrated(embedder.model)

    async def assess(
        self, question: str, passages: Sequence[Passage], embedding: Embedding | None
    ) -> Assessment:
        """Assess the passages. Without an embedding the assessment uses only the words."""
        with answerability_span() as current:
            size = len(question) + sum(len(passage.text) for passage in passages[:MAX_PASSAGES])
            terms, sentences = await _offload(size, _evidence, question, passages)
            foreign = not is_latin(question)
            usable = self._calibrated and (self._multilingual or not foreign)
            cosines = await self._cosines(sentences, embedding) if usable else None
            text = question[:ANALYZED_CHARACTERS]
            result = await _offload(
                size,
                assess,
                terms,
                passages,
                sentences,
                cosines,
                foreign=foreign,
                question=text,
                semantic=self._semantic,
            )
            current.record(result.probability, result.kind)
        return result

    async def _cosines(
        self, sentences: Sequence[Sentence], embedding: Embedding | None
    ) -> list[float] | None:
        if embedding is None or embedding.model != self._embedder.model or not sentences:
            return None
        try:
            async with asyncio.timeout(self._timeout_s):
                texts = [sentence.embedded_text for sentence in sentences]
                vectors = await self._embedder.embed(texts, "passage")
        except (Transient, TimeoutError) as error:
            log.warning("answerability without cosines", error=str(error))
            return None
        return [float(value) for value in vectors @ np.asarray(embedding.vector, dtype=np.float32)]


def _evidence(question: str, passages: Sequence[Passage]) -> tuple[Terms, list[Sentence]]:
    """Return the question's terms and the sentences that match them best."""
    terms = Terms.of(question[:ANALYZED_CHARACTERS])
    return terms, best_sentences(terms, passages)
