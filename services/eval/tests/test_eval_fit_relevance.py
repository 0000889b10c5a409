"""Fitting answer_relevance: figures come from folds that were not fitted."""

from __future__ import annotations

import numpy as np
import pytest
from septet_eval.domain.fit_relevance import Pair, Table, fit, paired, scored_by_folds
from septet_kit.calibration import fold_of

# The import of scikit-learn takes a second.
pytestmark = pytest.mark.slow
FOLDS = 5
QUESTIONS = {"latin": "What is part {}?", "korean": "{}번 부품은 무엇인가요?"}


def _data(language: str, count: int = 60) -> tuple[list[Pair], Table]:
    pairs = paired([(QUESTIONS[language].format(n), f"answer {n}") for n in range(count)])
    random = np.random.default_rng(3)
    cosines = [random.normal(0.7 if p.relevant else 0.2, 0.05) for p in pairs]
    return pairs, np.array([(c, random.random(), p.relevant) for c, p in zip(cosines, pairs, strict=True)])


def test_each_question_gets_its_answer_and_that_of_the_next() -> None:
    pairs = paired([("a", "1"), ("b", "2"), ("다", "3")])
    assert [(p.question, p.answer) for p in pairs if not p.relevant] == [("a", "2"), ("b", "3"), ("다", "1")]
    assert all(p.relevant == ("ab다".index(p.question) + 1 == int(p.answer)) for p in pairs)


def test_the_fit_follows_the_cosines_and_the_supported_languages() -> None:
    tables = {language: _data(language)[1] for language in QUESTIONS}
    both = fit(tables, ("latin", "korean"))
    assert both.unrelated == pytest.approx(0.2, abs=0.02)
    assert both.related == pytest.approx(0.7, abs=0.02)
    assert min(both.weight, both.weight_korean) > 0
    assert fit(tables, ("latin",)).weight_korean == 0
    assert fit({"korean": tables["korean"]}, ("latin", "korean")).weight == 0


def test_cosines_that_do_not_ascend_are_refused() -> None:
    _, table = _data("latin")
    table[:, 2] = 1 - table[:, 2]
    with pytest.raises(ValueError, match="not closer"):
        fit({"latin": table}, ("latin",))


@pytest.mark.parametrize("language", QUESTIONS)
def test_cosines_of_a_fold_do_not_change_the_scores_of_its_other_pairs(language: str) -> None:
    pairs, table = _data(language)
    held = np.array([fold_of(p.question, FOLDS) == 0 for p in pairs])
    before = scored_by_folds({language: pairs}, {language: table}, (language,), FOLDS)[language]
    # The first pair of the fold keeps its values, so its score may only change with the fit.
    first = int(np.flatnonzero(held)[0])
    changed = table.copy()
    changed[held, 2] = 1 - changed[held, 2]
    changed[np.flatnonzero(held)[1:], 0] += 0.2
    after = scored_by_folds({language: pairs}, {language: changed}, (language,), FOLDS)[language]
    assert after[first] == before[first]
    assert not np.array_equal(after[~held], before[~held])
