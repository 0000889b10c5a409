"""``septet calibrate`` on small labelled data with a deterministic encoder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from septet_cache.domain.classifier import FittedClassifiers
from septet_cli.calibration import parts
from septet_cli.calibration.data import load_pairs
from septet_cli.calibration.session import (
    NO_PAIRS,
    NO_QUESTIONS,
    Options,
    Result,
    calibrate,
    endpoint_settings,
    write,
)
from septet_cli.errors import CliError, Unreachable
from septet_eval.domain.scorers.relevance import Calibration as Relevance
from septet_kit.calibration import Calibration, values_of
from septet_kit.settings import KitSettings
from septet_retrieval.domain.answerability import FittedCoefficients

from tests.support.labelled import MODEL, HashedWords, pair_file, question_set


def settings(folder: Path, **given: object) -> KitSettings:
    return KitSettings(embeddings_model=MODEL, data_dir=folder / "data", **given)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _multilingual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_RETRIEVAL_DENSE_MULTILINGUAL", "true")


async def run(folder: Path, questions: Path | None, pairs: Path | None, limit: int | None = None) -> Result:
    return await calibrate(Options(questions, pairs, limit), settings(folder), HashedWords())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer examples suffice, so that the tests are fast."""
    monkeypatch.setattr(parts, "LEAST", 10)
    monkeypatch.setattr("septet_cache.domain.fit_classifier.STEPS", 200)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
async def test_the_services_read_the_file_that_a_run_writes(tmp_path: Path) -> None:
    questions, pairs = question_set(tmp_path / "set", towns=3), pair_file(tmp_path / "pairs.jsonl")
    result = await run(tmp_path, questions, pairs)
    file = tmp_path / "calibration.json"
    write(result.calibration, file)
    configured = settings(tmp_path, calibration_file=file)
    coefficients = values_of(configured, "answerability", FittedCoefficients)
    assert coefficients is not None
    assert coefficients.semantic["rare_evidence"] + coefficients.semantic["rare_margin"] > 0
    figures = result.calibration.parts["answerability"].held_out
    assert figures["auc"] > figures["words_alone"]["auc"]
    relevance = values_of(configured, "answer_relevance", Relevance)
    assert relevance is not None
    assert relevance.related > relevance.unrelated
    classifiers = values_of(configured, "cache", FittedClassifiers)
    assert classifiers is not None
    assert set(classifiers.models) == {"en", "ko"}
    data = result.calibration.data
    assert (data["questions"]["questions"], data["pairs"]["pairs"]) == (60, 320)
    for language in ("en", "ko"):
        figures = result.calibration.parts["cache"].held_out[language]
        assert figures["pairs"] == 160
        assert figures["false_hits"] <= 0.05
    again = await run(tmp_path, questions, pairs)
    assert again.calibration == result.calibration


@pytest.mark.slow
@pytest.mark.usefixtures("small")
async def test_a_part_without_data_is_reported(tmp_path: Path) -> None:
    pairs = pair_file(tmp_path / "pairs.jsonl")
    found = (await run(tmp_path, None, pairs)).calibration
    assert found.uncalibrated == {"answerability": NO_QUESTIONS, "answer_relevance": NO_QUESTIONS}
    assert set(found.parts) == {"cache"}
    assert values_of(_file(tmp_path, found), "answerability", FittedCoefficients) is None


@pytest.mark.slow
@pytest.mark.usefixtures("small")
async def test_without_pairs_the_cache_stays_uncalibrated(tmp_path: Path) -> None:
    found = (await run(tmp_path, question_set(tmp_path / "set", towns=2), None)).calibration
    assert found.uncalibrated["cache"] == NO_PAIRS
    assert set(found.parts) <= {"answerability", "answer_relevance"}


@pytest.mark.parametrize(("same", "missing"), [(True, "0 different"), (False, "0 same")])
async def test_a_single_class_is_refused_with_its_numbers(tmp_path: Path, same: bool, missing: str) -> None:
    pairs = pair_file(tmp_path / "pairs.jsonl", same=same, different=not same)
    with pytest.raises(CliError, match="a single class") as raised:
        await run(tmp_path, None, pairs)
    assert missing in raised.value.message
    assert "en: " in raised.value.message
    assert "ko: " in raised.value.message


async def test_too_few_examples_are_refused_with_their_numbers(tmp_path: Path) -> None:
    questions, pairs = question_set(tmp_path / "set", towns=1), pair_file(tmp_path / "pairs.jsonl")
    with pytest.raises(CliError, match="Nothing was calibrated") as raised:
        await run(tmp_path, questions, pairs, limit=12)
    message = raised.value.message
    assert "answerability: too few examples" in message
    assert "12 answered questions" in message
    assert "at least 50 of each class" in message


async def test_an_interrupted_run_resumes_without_the_stored_vectors(tmp_path: Path) -> None:
    options = Options(None, pair_file(tmp_path / "pairs.jsonl"), limit=40)
    first = HashedWords(limit=32)
    with pytest.raises(Unreachable, match="down") as raised:
        await calibrate(options, settings(tmp_path), first)
    assert "the 32 vectors so far are stored" in raised.value.fix
    second = HashedWords()
    with pytest.raises(CliError, match="too few"):
        await calibrate(options, settings(tmp_path), second)
    texts = {text for pair in load_pairs(tmp_path / "pairs.jsonl", 40) for text in (pair.left, pair.right)}
    assert not set(first.texts) & set(second.texts)
    assert {*first.texts, *second.texts} == texts


@pytest.mark.parametrize(
    "other", [{"embeddings_question_prefix": "query: "}, {"embeddings_url": "http://other/v1"}]
)
async def test_vectors_of_another_endpoint_are_not_reused(tmp_path: Path, other: dict[str, str]) -> None:
    options, seen = Options(None, pair_file(tmp_path / "pairs.jsonl"), limit=10), []
    for given in ({}, other):
        encoder = HashedWords()
        with pytest.raises(CliError):
            await calibrate(options, settings(tmp_path, **given), encoder)
        seen.append(len(encoder.texts))
    assert seen[0] == seen[1] > 0


@pytest.mark.parametrize("line", ['{"text_a": "x", "text_b": "y"}', '{"text_a": "x", "same": true}', "[]"])
async def test_a_malformed_pair_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text('{"text_a": "a", "text_b": "b", "same": false}\n' + line + "\n")
    with pytest.raises(CliError, match=r"pairs\.jsonl:2"):
        await run(tmp_path, None, file)


def test_the_endpoint_is_that_of_the_options(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEPTET_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SEPTET_EMBEDDINGS_URL", "http://environment/v1")
    assert endpoint_settings(embeddings_url=None).embeddings_url == "http://environment/v1"
    chosen = endpoint_settings(embeddings_url="http://option/v1", embeddings_model="m")
    assert (chosen.embeddings_url, chosen.embeddings_model) == ("http://option/v1", "m")


def _file(folder: Path, found: Calibration) -> KitSettings:
    file = folder / "calibration.json"
    write(found, file)
    assert json.loads(file.read_text())["embeddings_model"] == MODEL
    return settings(folder, calibration_file=file)
