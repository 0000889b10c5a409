"""Fitting answerability: figures come from folds that were not fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from septet_kit.calibration import fold_of
from septet_retrieval.application.examples import examples
from septet_retrieval.domain.fit_answerability import (
    SHARES_WITHOUT_EASY,
    Example,
    figures,
    fit,
    probability,
    scored_by_folds,
)
from septet_retrieval.domain.passages import Document
from septet_retrieval.in_process import engine
from septet_retrieval.settings import RetrievalSettings

from tests.support.retrieval import WordEmbedder

# The import of scikit-learn takes a second.
pytestmark = pytest.mark.slow
FOLDS = 5
WITH_A_CONSTANT = ("rare_evidence", "rare_margin", "union_coverage")


def _examples(count: int = 40) -> list[Example]:
    random = np.random.default_rng(1)
    made = []
    for number in range(count):
        for group, mean in (("answerable", 0.8), ("hard", 0.6)):
            cosine = float(random.normal(mean, 0.1))
            features = {"union_coverage": 0.5, "rare_evidence": cosine, "rare_margin": cosine / 10}
            made.append(Example(f"question {number} 질문", group, {"semantic": features}))  # type: ignore[arg-type]
    return made


def _probabilities(seen: Sequence[Example]) -> dict[tuple[str, float], float]:
    found = scored_by_folds("semantic", seen, FOLDS, SHARES_WITHOUT_EASY)
    return {(e.question, e.features["semantic"]["rare_evidence"]): p for e, p in found}


def test_labels_of_a_fold_do_not_change_its_probabilities() -> None:
    seen = _examples()
    held = {e.question for e in seen if fold_of(e.question, FOLDS) == 0}
    flipped = [
        replace(e, group="hard" if e.answerable else "answerable") if e.question in held else e for e in seen
    ]
    before, after = _probabilities(seen), _probabilities(flipped)
    assert len(before) == len(seen)
    assert {k: v for k, v in before.items() if k[0] in held} == {
        k: v for k, v in after.items() if k[0] in held
    }
    assert before != after


def test_the_fit_separates_the_groups_and_ignores_a_constant_feature() -> None:
    seen = _examples()
    model = fit("semantic", {"": seen}, SHARES_WITHOUT_EASY, WITH_A_CONSTANT)
    assert model["union_coverage"] == 0
    near, far = ({"union_coverage": 0.5, "rare_evidence": c, "rare_margin": c / 10} for c in (0.9, 0.5))
    assert probability(model, near) > 0.5 > probability(model, far)
    assert figures(scored_by_folds("semantic", seen, FOLDS, SHARES_WITHOUT_EASY), 0.5)["auc"] > 0.85


def test_a_feature_that_is_constant_except_for_rounding_gets_no_weight() -> None:
    seen = [
        replace(
            e, features={"semantic": {**e.features["semantic"], "union_coverage": (0.3, 0.1 + 0.2)[n % 2]}}
        )
        for n, e in enumerate(_examples())
    ]
    model = fit("semantic", {"": seen}, SHARES_WITHOUT_EASY, WITH_A_CONSTANT)
    assert model["union_coverage"] == pytest.approx(0, abs=1e-3)


def test_an_example_without_passages_is_not_learned_and_never_answered() -> None:
    seen = [*_examples(), Example("nothing found", "hard", {"lexical": {}})]
    assert fit("semantic", {"": seen}, SHARES_WITHOUT_EASY) == fit(
        "semantic", {"": seen[:-1]}, SHARES_WITHOUT_EASY
    )
    found = scored_by_folds("semantic", seen, FOLDS, SHARES_WITHOUT_EASY)
    assert [p for e, p in found if e.question == "nothing found"] == [0.0]


class _Question:
    def __init__(self, text: str, document: str, answer: str) -> None:
        self.text, self.grades, self.answers = text, {document: 1.0}, (answer,)


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("The bridge was built in Arden by Miller.", "Who built the bridge in Arden?", "Miller"),
        ("아르덴 다리는 김철수가 지었다.", "아르덴 다리는 누가 지었나요?", "김철수"),
    ],
)
async def test_the_passages_with_the_answer_are_removed(text: str, question: str, answer: str) -> None:
    texts = {"gold": text, "copy": f"{text} {answer}.", "other": text.replace(answer, "X")}
    documents = [Document("bench", name, text) for name, text in texts.items()]
    embedder = WordEmbedder()
    async with engine("bench", documents, RetrievalSettings(), embedder) as searched:
        found = await examples(searched.searcher, embedder, [_Question(question, "gold", answer)])
    assert [e.group for e in found] == ["answerable", "hard"]
    assert all("evidence_cosine" in e.features["semantic"] for e in found)
