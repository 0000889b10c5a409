"""Metrics against the values of reference tools and human labels; skipped without the data sets."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from septet_eval.domain.scorers.reference import rouge_l_f
from septet_eval.domain.scorers.refusal import is_refusal

DATA = Path(os.environ.get("SEPTET_DATA", Path(__file__).resolve().parents[3].parent / "shared" / "data"))


def rows(name: str) -> list[dict[str, Any]]:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not below {DATA} (SEPTET_DATA)")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_rouge_l_equals_the_rouge_score_package() -> None:
    for row in rows("metric_goldens/text_metrics.jsonl"):
        assert rouge_l_f(row["hypothesis"], row["reference"]) == pytest.approx(row["rougeL_f"], abs=1e-6), (
            row["id"]
        )


def test_refusals_agree_with_human_labels_more_often_than_a_language_model() -> None:
    labelled = [r for r in rows("xstest/refusal_labels.jsonl") if not r["human"].startswith("3")]
    ours = sum(is_refusal(r["completion"]) == r["human"].startswith("2") for r in labelled)
    models = sum(r["gpt4_label"] == r["human"] for r in labelled)
    assert ours / len(labelled) >= 0.95
    assert ours > models
