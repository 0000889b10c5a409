"""Calibration of judges: measures, cards and the bar."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from septet_experiments.errors import ExperimentError
from septet_experiments.judges import (
    Bar,
    CardFolder,
    Groundedness,
    JudgeModel,
    JudgmentStore,
    Pairwise,
    Rubric,
    record,
    standing,
)
from septet_experiments.judges.calibration import calibrate, calibration_calls
from septet_experiments.judges.estimates import kappa, share
from septet_experiments.judges.labelled import LabelledPair, PairLabel, parse_labelled, read_labelled
from septet_experiments.judges.length import length_controlled
from septet_experiments.judges.measures import PairVerdicts, measure_pairs
from septet_experiments.judges.saved import parse_saved

from .judge_support import JUDGE, completion, endpoint

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SYNTHETIC = Path(__file__).parent / "data"
LLMBAR = Path(os.environ.get("SEPTET_DATA", Path(__file__).parents[3] / "shared" / "data")) / "llmbar"


def pair(
    number: int, label: PairLabel = "1", first: str = "short", second: str = "longer", **f: Any
) -> LabelledPair:
    return LabelledPair(str(number), "q", (first, second), label, **f)


def verdicts(*rows: tuple[PairLabel, PairLabel | None, PairLabel | None]) -> list[PairVerdicts]:
    return [PairVerdicts(pair(n, label), a, b) for n, (label, a, b) in enumerate(rows)]


def test_wilson_interval() -> None:
    found = share([True] * 8 + [False] * 2)
    assert found is not None
    # scipy.stats.binomtest(8, 10).proportion_ci(method="wilson")
    assert (found.low, found.high) == (pytest.approx(0.490162, abs=1e-6), pytest.approx(0.943318, abs=1e-6))
    assert share([]) is None


@pytest.mark.slow
def test_kappa_agrees_with_sklearn() -> None:
    from sklearn.metrics import cohen_kappa_score

    draw = np.random.default_rng(3)
    labels = draw.choice(["1", "2", "tie"], 200)
    other = np.where(draw.random(200) < 0.7, labels, draw.choice(["1", "2", "tie"], 200))
    found = kappa(list(zip(labels.tolist(), other.tolist(), strict=True)), 1)
    assert found is not None
    assert found.value == pytest.approx(cohen_kappa_score(labels, other), abs=1e-6)
    assert found.low < found.value < found.high
    assert found == kappa(list(zip(labels.tolist(), other.tolist(), strict=True)), 1)


def test_kappa_without_a_value() -> None:
    assert kappa([], 1) is None
    assert kappa([("1", "1")] * 5, 1) is None


def test_measures_of_a_pairwise_judge() -> None:
    found = measure_pairs(
        verdicts(("1", "1", "1"), ("2", "2", "2"), ("1", "1", "2"), ("2", "1", "1"), ("1", None, "1"))
    )
    assert (found.pairs, found.unparsed) == (5, 1)
    assert found.accuracy_in_order is not None
    assert found.accuracy_in_order.value == 0.6
    assert found.accuracy_swapped is not None
    assert found.accuracy_swapped.value == 0.6
    assert found.consistency is not None
    assert found.consistency.value == 0.6
    assert found.accuracy_consistent is not None
    assert found.accuracy_consistent.value == pytest.approx(2 / 3, abs=1e-6)


def test_two_null_verdicts_are_not_consistent() -> None:
    found = measure_pairs(verdicts(("1", None, None), ("1", "1", "1")))
    assert found.consistency is not None
    assert found.consistency.value == 0.5


def test_a_judge_that_prefers_the_first_position() -> None:
    found = measure_pairs(verdicts(*[("1", "1", "2")] * 20))
    assert found.first_position is not None
    assert found.first_position.value == 1.0
    assert found.kappa is None


def test_length_bias_compares_with_the_labels() -> None:
    longer = [PairVerdicts(pair(n, "2"), "2", "2") for n in range(10)]
    found = measure_pairs(longer).length_bias
    assert found is not None
    assert found.value == 0.0
    found = measure_pairs([PairVerdicts(pair(n, "1"), "2", "2") for n in range(10)]).length_bias
    assert found is not None
    assert found.value == 1.0


def test_self_bias_needs_to_know_who_wrote_the_answers() -> None:
    rows = [PairVerdicts(pair(n, "2", models=("judge", "other")), "1", "1") for n in range(4)]
    found = measure_pairs(rows, "judge").self_bias
    assert found is not None
    assert (found.value, found.n) == (1.0, 4)
    assert measure_pairs(rows, "third").self_bias is None


def test_saved_verdicts_of_the_synthetic_set() -> None:
    """Twenty pairs whose measures are countable by hand; three judges."""
    data = read_labelled(SYNTHETIC / "pairs.jsonl")
    saved = parse_saved((SYNTHETIC / "verdicts.jsonl").read_text().splitlines(), data.pairs)
    steady = measure_pairs(saved["steady", "plain"])
    wavering = measure_pairs(saved["wavering", "plain"])
    contrary = measure_pairs(saved["contrary", "plain"])
    assert [m.accuracy_in_order.value for m in (steady, wavering, contrary) if m.accuracy_in_order] == [
        0.9,
        0.75,
        0.1,
    ]
    assert [m.consistency.value for m in (steady, wavering, contrary) if m.consistency] == [1.0, 0.5, 1.0]
    assert steady.kappa is not None
    assert steady.kappa.value == 0.8
    # Consistency is not validity.
    assert contrary.kappa is not None
    assert contrary.kappa.value == -0.8
    assert wavering.unparsed == 2


@pytest.mark.skipif(not LLMBAR.exists(), reason="the set llmbar is missing")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("judge", "strategy", "expected"),
    [
        ("GPT-4", "Vanilla", (0.828, 0.862, 0.928, 0.871, 0.743)),
        ("GPT-4", "CoT", (0.811, 0.814, 0.893, 0.850, 0.701)),
        ("ChatGPT", "Vanilla", (0.406, 0.394, 0.659, 0.348, -0.310)),
        ("ChatGPT", "CoT", (0.401, 0.406, 0.582, 0.336, -0.326)),
        ("PaLM2", "Vanilla", (0.680, 0.716, 0.716, 0.783, 0.565)),
        ("PaLM2", "CoT", (0.556, 0.616, 0.458, 0.693, 0.389)),
    ],
)
def test_saved_verdicts_of_llmbar(judge: str, strategy: str, expected: tuple[float, ...]) -> None:
    data = read_labelled(LLMBAR / "pairs.jsonl")
    saved = parse_saved(
        (LLMBAR / "saved_judgments.jsonl").read_text(encoding="utf-8").splitlines(), data.pairs
    )
    found = measure_pairs(saved[judge, strategy])
    estimates = (
        found.accuracy_in_order,
        found.accuracy_swapped,
        found.consistency,
        found.accuracy_consistent,
        found.kappa,
    )
    assert tuple(round(e.value, 3) for e in estimates if e) == pytest.approx(expected, abs=0.0011)


def test_lines_of_labelled_data() -> None:
    label = {
        "contract": "septet.label",
        "event_id": "e1",
        "explicit": True,
        "polarity": "negative",
        "question": "q",
        "answer": "bad",
    }
    lines = [
        json.dumps(row)
        for row in (
            {"id": "1", "instruction": "i", "output_1": "a", "output_2": "b", "label": 2},
            {"id": "2", "question": "q", "answer": "a", "good": False, "sources": ["s"]},
            label,
            label | {"event_id": "e2", "corrected_answer": "better"},
            label | {"event_id": "e3", "polarity": "neutral"},
            label | {"event_id": "e4", "explicit": False},
        )
    ]
    data = parse_labelled(lines)
    assert [(p.id, p.label) for p in data.pairs] == [("1", "2"), ("e2", "2")]
    assert [(a.id, a.good) for a in data.answers] == [("2", False), ("e1", False)]
    assert data.skipped == 2
    assert parse_labelled(reversed(lines)).digest == data.digest


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "{}", '{"id": 1, "question": "q", "answer": "a", "good": 1}', '{"id": 1, "question": "q",'
     ' "output_1": "a", "output_2": "b", "label": 3}'],
)  # fmt: skip
def test_a_broken_line_of_labelled_data_is_named(line: str) -> None:
    with pytest.raises(ExperimentError, match="line 1"):
        parse_labelled([line])


def test_an_id_appears_once() -> None:
    line = json.dumps({"id": "1", "question": "q", "answer": "a", "good": True})
    with pytest.raises(ExperimentError, match="twice"):
        parse_labelled([line, line])


def prefers_longer(body: dict[str, Any]) -> httpx.Response:
    """A judge that finds the longer answer better: right on the data below."""
    user = body["messages"][1]["content"]
    first, second = user.split("Answer of assistant A:")[1].split("Answer of assistant B:")
    second = second.split("First compare")[0]
    return httpx.Response(
        200, json=completion("[[A]]" if len(first.strip()) > len(second.strip()) else "[[B]]")
    )


def labelled_pairs(count: int) -> list[str]:
    rows = []
    for n in range(count):
        outputs = [f"short {n}", f"a much longer answer {n}"]
        better = 2 if n % 2 else 1
        if better == 1:
            outputs.reverse()
        rows.append(
            {"id": n, "question": f"q{n}", "output_1": outputs[0], "output_2": outputs[1], "label": better}
        )
    return [json.dumps(row) for row in rows]


@pytest.mark.slow
async def test_a_calibrated_judge_decides(tmp_path: Path) -> None:
    protocol, data = Pairwise(JUDGE), parse_labelled(labelled_pairs(40))
    store, cards = JudgmentStore(tmp_path / "judgments"), CardFolder(tmp_path / "cards")
    assert standing(cards.find(protocol.signature), Bar()).reasons == ("the judge is not calibrated",)
    await record(calibration_calls(protocol, data), endpoint(prefers_longer), store)
    cards.write(calibrate(protocol, data, "pairs.jsonl", store, NOW))
    card = cards.find(protocol.signature)
    assert card is not None
    assert card.data_digest == data.digest
    assert card.usage.calls == 80
    assert card.pairs is not None
    assert card.pairs.kappa is not None
    assert card.pairs.kappa.value == 1.0
    assert standing(card, Bar()).decides
    assert cards.all() == [card]


@pytest.mark.parametrize(
    "changed", [Pairwise(JUDGE, criterion="short"), Pairwise(JudgeModel("judge-large", "sha256:2"))]
)
async def test_a_card_is_of_one_signature(tmp_path: Path, changed: Pairwise) -> None:
    protocol, data, store = Pairwise(JUDGE), parse_labelled(labelled_pairs(4)), JudgmentStore(tmp_path)
    await record(calibration_calls(protocol, data), endpoint(prefers_longer), store)
    cards = CardFolder(tmp_path / "cards")
    cards.write(calibrate(protocol, data, "d", store, NOW))
    assert cards.find(changed.signature) is None


async def test_luck_on_few_labels_does_not_clear_the_bar(tmp_path: Path) -> None:
    protocol, data, store = Pairwise(JUDGE), parse_labelled(labelled_pairs(6)), JudgmentStore(tmp_path)
    await record(calibration_calls(protocol, data), endpoint(prefers_longer), store)
    found = standing(calibrate(protocol, data, "d", store, NOW), Bar())
    assert not found.decides
    assert any("accuracy when consistent" in reason for reason in found.reasons)


async def test_unparsed_replies_are_counted_and_fail_the_bar(tmp_path: Path) -> None:
    protocol, data, store = Pairwise(JUDGE), parse_labelled(labelled_pairs(10)), JudgmentStore(tmp_path)
    source = endpoint(lambda _: httpx.Response(200, json=completion("Both are fine.")))
    await record(calibration_calls(protocol, data), source, store)
    card = calibrate(protocol, data, "d", store, NOW)
    assert card.pairs is not None
    assert card.pairs.unparsed == 20
    assert "20 of 20 replies have no verdict" in standing(card, Bar()).reasons


def test_a_calibration_with_missing_replies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="8 of 8 replies are missing"):
        calibrate(Pairwise(JUDGE), parse_labelled(labelled_pairs(4)), "d", JudgmentStore(tmp_path), NOW)


async def test_calibration_of_a_rubric_on_rated_answers(tmp_path: Path) -> None:
    rows = [
        {"id": n, "question": "q", "answer": f"{'good' if n % 3 else 'bad'} {n}", "good": bool(n % 3)}
        for n in range(9)
    ]
    protocol, data, store = (
        Rubric(JUDGE, samples=1),
        parse_labelled(map(json.dumps, rows)),
        JudgmentStore(tmp_path),
    )

    def answer(body: dict[str, Any]) -> httpx.Response:
        return httpx.Response(
            200, json=completion('{"score": 5}' if "good" in body["messages"][1]["content"] else "[[1]]")
        )

    await record(calibration_calls(protocol, data), endpoint(answer), store)
    card = calibrate(protocol, data, "d", store, NOW)
    assert card.answers is not None
    assert card.answers.kappa is not None
    assert (card.answers.answers, card.answers.kappa.value) == (9, 1.0)


def test_data_that_the_protocol_cannot_judge_is_refused() -> None:
    pairs = parse_labelled(labelled_pairs(2))
    answers = parse_labelled([json.dumps({"id": 1, "question": "q", "answer": "a", "good": True})])
    for protocol, data in (
        (Rubric(JUDGE), pairs),
        (Pairwise(JUDGE), answers),
        (Groundedness(JUDGE), answers),
    ):
        with pytest.raises(ExperimentError, match="can judge"):
            calibration_calls(protocol, data)


@pytest.mark.slow
def test_length_control_removes_a_preference_for_length() -> None:
    """Wins depend on length alone: the raw rate is high because the candidate writes more, the adjusted one is near 1/2."""
    draw = np.random.default_rng(5)
    pairs = []
    for _ in range(300):
        difference = int(draw.normal(200, 200))
        wins = float(draw.random() < 1 / (1 + np.exp(-difference / 100)))
        pairs.append((wins, 1000 + difference, 1000))
    found = length_controlled(pairs)
    assert found.raw is not None
    assert found.adjusted is not None
    assert found.raw.value > 0.75
    assert found.adjusted.low < 0.5 < found.adjusted.high
    assert found.slope is not None
    assert found.slope > 1


@pytest.mark.slow
def test_length_control_needs_pairs_and_survives_extremes() -> None:
    assert length_controlled([]).raw is None
    assert length_controlled([(1.0, 10, 20)] * 5).adjusted is None
    always = length_controlled([(1.0, 10 + n % 7, 12) for n in range(30)])
    assert always.adjusted is not None
    assert 0.9 < always.adjusted.value <= 1.0
