"""The calibration script of the benchmarks with a scripted model: its file, and what it refuses."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from septet_guardrails.adapters.entailment_http import ModelAddress
from septet_guardrails.adapters.entailment_setup import read_calibration
from septet_guardrails.domain.entailment import Pair

from benchmarks.guardrails import entailment as script
from tests.support.entailment import EntailmentServer


def pairs(file: Path) -> None:
    rows = [
        {
            "set": name,
            "passage": f"Plan {n} costs {n} USD a month. {korean}",
            "claim": claim.format(n=n),
            "supported": supported,
        }
        for name, korean, claim, supported in (
            ("en", "", "Plan {n} really costs {n} USD.", True),
            ("en", "", "Plan {n} wrongly costs less.", False),
            ("ko", "요금은 정해져 있다.", "요금제 {n}의 가격은 {n}달러가 맞다.", True),
            ("ko", "요금은 정해져 있다.", "요금제 {n}의 가격은 훨씬 낮다.", False),
        )
        for n in range(20)
    ]
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))


async def run(monkeypatch: pytest.MonkeyPatch, server: EntailmentServer, folder: Path) -> Path:
    pairs(folder / "claims.jsonl")
    written = folder / "judge.json"
    options = {
        "--url": server.url,
        "--model": "judge-1",
        "--pairs": str(folder / "claims.jsonl"),
        "--write": str(written),
    }
    monkeypatch.setattr(sys, "argv", ["entailment", *(word for pair in options.items() for word in pair)])
    await asyncio.to_thread(script.main)
    return written


async def test_the_file_has_a_threshold_between_the_two_labels(
    entailment: EntailmentServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    entailment.scores = {"really": 0.8, "wrongly": 0.4, "맞다": 0.7, "낮다": 0.2}
    file = await run(monkeypatch, entailment, tmp_path)
    calibration = read_calibration(file, ModelAddress("chat", "http://elsewhere/v1", "judge-1"))
    assert 0.4 < calibration.thresholds["en"] < 0.8
    assert 0.2 < calibration.thresholds["ko"] < 0.7
    english = Pair("p", "Plan 1 costs 1 USD.")
    assert calibration.probability(english, 0.4) < 0.5 < calibration.probability(english, 0.8)
    assert [calibration.probability(english, score) for score in (0.0, 1.0)] == [0.0, 1.0]
    figures = json.loads(file.read_text())["languages"]["en"]["checked_on_part_b"]["en"]
    assert (figures["auc"], figures["unsupported_pass"], figures["supported_pass"]) == (1.0, 0.0, 1.0)


async def test_a_language_in_which_the_model_guesses_gets_no_threshold(
    entailment: EntailmentServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    entailment.scores = {"really": 0.8, "wrongly": 0.4, "가격": 0.6}
    file = await run(monkeypatch, entailment, tmp_path)
    body = json.loads(file.read_text())
    assert list(body["thresholds"]) == ["en"]
    assert "too close to chance" in body["languages"]["ko"]["reason"]


async def test_a_model_that_guesses_gets_no_file(
    entailment: EntailmentServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert not (await run(monkeypatch, entailment, tmp_path)).exists()
