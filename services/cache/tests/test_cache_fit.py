"""Fitting the paraphrase classifier: figures come from folds that were not fitted."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from septet_cache.domain import fit_classifier
from septet_cache.domain.classifier import ParaphraseClassifier
from septet_cache.domain.fit_classifier import Pair, Row, _groups, rates, rows, served_by_folds, train

FOLDS = 5
TEXTS = {
    "en": ("How do I reset password {}?", "How can I reset password {}?", "How do I reset account {}?"),
    "ko": ("{}번 문은 언제 개장하나요?", "{}번 문은 언제 개장해요?", "{}번 창문은 언제 개장하나요?"),
}


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_classifier, "STEPS", 300)


def _pairs(language: str, count: int = 30) -> list[Pair]:
    question, repeat, other = TEXTS[language]
    made = []
    for n in range(count):
        made.append(Pair("s", f"{n}-same", question.format(n), repeat.format(n), same=True))
        made.append(Pair("s", f"{n}-other", question.format(n), other.format(n), same=False))
    return made


def _vector(text: str) -> np.ndarray:
    found = np.zeros(64, np.float32)
    for n in range(len(text) - 1):
        found[hashlib.sha256(text[n : n + 2].encode()).digest()[0] % 64] += 1
    return found / np.linalg.norm(found)


def _rows(language: str) -> list[Row]:
    pairs = _pairs(language)
    return rows(pairs, {text: _vector(text) for p in pairs for text in (p.left, p.right)})


@pytest.mark.parametrize("language", TEXTS)
def test_a_classifier_that_is_fitted_to_pairs_serves_repeats(language: str) -> None:
    found = _rows(language)
    model = ParaphraseClassifier.model_validate(train({"": found}, {"": 1.0}, {"": 0.0}))
    figures = rates([r.pair.same for r in found], [r.is_served(model) for r in found])
    assert figures["pairs"] == 60
    assert figures["false_hits"] == 0
    assert any(r.passed and r.pair.same for r in found)
    assert (figures["served"] or 0) > 0


@pytest.mark.parametrize("language", TEXTS)
def test_labels_of_a_fold_do_not_change_what_it_serves(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _rows(language)
    groups = _groups(found)
    held = {r.pair.left for r in found if fit_classifier.fold_of(groups[r.pair.left], FOLDS) == 0}
    assert held
    fitted: list[set[str]] = []

    def recorded(by_set: dict[str, list[Row]], weights: dict[str, float], limits: dict[str, float]) -> object:
        fitted.append({r.pair.left for r in by_set[""]})
        return train(by_set, weights, limits)

    monkeypatch.setattr(fit_classifier, "train", recorded)
    before = served_by_folds(found, FOLDS, 0.0)
    assert held.isdisjoint(fitted[0])
    assert set().union(*fitted) == {r.pair.left for r in found}
    flipped = [
        replace(r, pair=replace(r.pair, same=not r.pair.same)) if r.pair.left in held else r for r in found
    ]
    after = served_by_folds(flipped, FOLDS, 0.0)
    kept = [(b, a) for r, b, a in zip(found, before, after, strict=True) if r.pair.left in held]
    assert all(b == a for b, a in kept)


def test_pairs_that_share_a_question_are_in_one_group() -> None:
    chain = [("가", "나"), ("b", "나"), ("b", "c"), ("x", "y")]
    found = [Row(Pair("s", str(n), a, b, same=True), None, passed=False) for n, (a, b) in enumerate(chain)]
    groups = _groups(found)
    assert len({groups[text] for text in ("가", "나", "b", "c")}) == 1
    assert groups["x"] == groups["y"] != groups["b"]


def test_the_threshold_lets_pass_no_more_false_hits_than_allowed() -> None:
    found = _rows("en")
    strict, lenient = (
        ParaphraseClassifier.model_validate(train({"": found}, {"": 1.0}, {"": share}))
        for share in (0.0, 1.0)
    )
    assert lenient.threshold == fit_classifier.LEAST_THRESHOLD <= strict.threshold
    assert not any(r.is_served(strict) for r in found if not r.pair.same)
