"""Shipped calibrations of cosines are those of the committed benchmark results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from septet_eval.domain.scorers.relevance import CALIBRATIONS
from septet_eval.settings import EvalSettings
from septet_kit.embedding_models import KNOWN
from septet_retrieval.domain.answerability import calibrated_for, coefficients
from septet_retrieval.settings import RetrievalSettings

ROOT = Path(__file__).parents[2]


def _result(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "benchmarks" / name).read_text("utf-8"))
    return loaded


def test_answerability_ships_the_measured_coefficients() -> None:
    measured = _result("answerability/results/answerability.json")
    assert measured["models"] == coefficients()
    assert measured["embeddings_model"] == calibrated_for()
    default = RetrievalSettings.model_fields["answerability_threshold"].default
    for by_set in measured["left_out"].values():
        assert {figures["end_to_end"]["threshold"] for figures in by_set.values()} == {default}


@pytest.mark.parametrize("model", KNOWN)
def test_relevance_ships_the_measured_scale(model: str) -> None:
    measured = _result("eval/results/answer_relevance.json")[model]["scale"]
    shipped = CALIBRATIONS[model]
    assert measured == {"unrelated": shipped.unrelated, "related": shipped.related}


def test_the_floor_of_relevance_keeps_relevant_answers_of_the_default_model() -> None:
    floor = f"{EvalSettings.model_fields['floors'].default['answer_relevance']:.2f}"
    measured = _result("eval/results/answer_relevance.json")["multilingual-e5-small"]
    for name in ("anthropic_docs_qa", "tydiqa_goldp_en", "tydiqa_goldp_ko"):
        assert measured[name]["check"]["above_floor"][floor]["relevant"] >= 0.89, name
    for name in ("tydiqa_goldp_en", "tydiqa_goldp_ko"):
        assert measured[name]["check"]["above_floor"][floor]["irrelevant"] <= 0.04, name
