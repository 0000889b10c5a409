"""Each service refuses the calibration file of another embedding model at start, and uses that of its own."""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
import pytest
from septet_cache import app as cache
from septet_cache.domain.classifier import classifiers
from septet_cache.domain.paraphrase import compare, read_question
from septet_contracts import Passage
from septet_eval import app as evaluation
from septet_eval.domain.case import Case
from septet_eval.domain.scorers import select
from septet_kit import Kit, KitSettings, Permanent
from septet_kit.embeddings_client import as_embedding
from septet_retrieval import app as retrieval
from septet_retrieval.application.classifier import AnswerabilityClassifier
from septet_retrieval.domain.answerability import FittedCoefficients, coefficients
from septet_retrieval.settings import RetrievalSettings

from tests.support.retrieval import WordEmbedder

FITTED = "fitted-model"
SERVICES = {"retrieval": retrieval, "eval": evaluation, "cache": cache}
RELEVANCE = {"unrelated": 0.2, "related": 0.6, "weight": 0.8, "weight_korean": 0.5}


class _Service(Protocol):
    def wire(self, kit: Kit) -> AbstractAsyncContextManager[Any]: ...


def _part(values: dict[str, Any]) -> dict[str, Any]:
    return {"values": values, "counts": {}, "held_out": {}}


def _file(folder: Path, **changes: Any) -> Path:
    models = {name: json.loads(model.model_dump_json()) for name, model in classifiers().items()}
    content = {
        "format": "septet-calibration/1",
        "embeddings_model": f"owner/{FITTED}",
        "prefixes": {"question": "", "passage": ""},
        "data": {},
        "parts": {
            "answerability": _part({"semantic": coefficients()["semantic"]}),
            "answer_relevance": _part(RELEVANCE),
            "cache": _part({"models": models}),
        },
        "uncalibrated": {},
    }
    file = folder / "calibration.json"
    file.write_text(json.dumps(content | changes), "utf-8")
    return file


async def _start(service: _Service, **given: Any) -> None:
    """Start a service up to its database."""

    def no_database(*_: Any) -> Any:
        raise ConnectionError

    settings = KitSettings(**given)
    kit: Any = SimpleNamespace(settings=settings, open_pool=no_database, names=settings.names)
    async with service.wire(kit):
        pass


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("model", ["multilingual-e5-small", "another/model"])
async def test_the_file_of_another_model_is_refused(tmp_path: Path, name: str, model: str) -> None:
    with pytest.raises(Permanent, match=FITTED) as raised:
        await _start(SERVICES[name], calibration_file=_file(tmp_path), embeddings_model=model)
    assert raised.value.code == "calibration_of_another_model"
    assert raised.value.field == "SEPTET_CALIBRATION_FILE"
    assert model in (raised.value.fix or "")


@pytest.mark.parametrize("name", SERVICES)
async def test_other_prefixes_are_refused(tmp_path: Path, name: str) -> None:
    file = _file(tmp_path, prefixes={"question": "query: ", "passage": ""})
    with pytest.raises(Permanent, match="prefixes"):
        await _start(SERVICES[name], calibration_file=file, embeddings_model=FITTED)


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize(
    "changes", [{"format": "septet-calibration/2"}, {"parts": {}, "more": 1}, {"parts": None}]
)
async def test_a_malformed_file_is_refused(tmp_path: Path, name: str, changes: dict[str, Any]) -> None:
    file = _file(tmp_path, **changes)
    with pytest.raises(Permanent) as raised:
        await _start(SERVICES[name], calibration_file=file, embeddings_model=FITTED)
    assert raised.value.code == "calibration_invalid"
    with pytest.raises(Permanent):
        await _start(SERVICES[name], calibration_file=tmp_path / "missing", embeddings_model=FITTED)


@pytest.mark.parametrize(
    ("name", "part", "values"),
    [
        ("retrieval", "answerability", {"semantic": {"intercept": 0.0}}),
        ("eval", "answer_relevance", RELEVANCE | {"related": 0.1}),
        ("eval", "answer_relevance", RELEVANCE | {"weight": 2}),
        ("cache", "cache", {"models": {"en": {"features": ["similarity"]}}}),
    ],
)
async def test_a_malformed_part_is_refused(
    tmp_path: Path, name: str, part: str, values: dict[str, Any]
) -> None:
    file = _file(tmp_path, parts={part: _part(values)})
    with pytest.raises(Permanent, match=part) as raised:
        await _start(SERVICES[name], calibration_file=file, embeddings_model=FITTED)
    assert raised.value.code == "calibration_invalid"


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("model", [FITTED, f"other-owner/{FITTED}"])
async def test_a_service_starts_with_the_file_of_its_model(tmp_path: Path, name: str, model: str) -> None:
    with pytest.raises(ConnectionError):
        await _start(SERVICES[name], calibration_file=_file(tmp_path), embeddings_model=model)


@pytest.mark.parametrize("question", ["What is a deque?", "덱은 무엇인가요?"])
async def test_answerability_uses_the_fitted_coefficients(question: str) -> None:
    embedder = WordEmbedder()
    embedder.multilingual = True
    passage = Passage(
        passage_id="p",
        document_id="d",
        title="",
        text=f"{question} A double-ended queue.",
        score=1.0,
        revision=1,
        content_hash="0" * 64,
        start=0,
        end=20,
    )
    (vector,) = await embedder.embed([question], "question")
    never = {**dict.fromkeys(coefficients()["semantic"], 0.0), "intercept": -20.0}
    found = []
    for fitted in (None, FittedCoefficients(semantic=never)):
        classifier = AnswerabilityClassifier(embedder, RetrievalSettings(), fitted)
        found.append(await classifier.assess(question, [passage], as_embedding(embedder.model, vector)))
    words, vectors = found
    assert words.kind in ("lexical", "foreign")
    assert vectors.kind == "semantic"
    assert vectors.probability < 1e-6 < words.probability


@pytest.mark.parametrize(("answer", "weight"), [("It is double-ended.", 0.8), ("양쪽 끝을 씁니다.", 0.5)])
def test_relevance_uses_the_fitted_scale(tmp_path: Path, answer: str, weight: float) -> None:
    settings = KitSettings(calibration_file=_file(tmp_path), embeddings_model=FITTED)
    (scorer,) = select(["answer_relevance"], evaluation._calibrations(settings))
    vector = np.array([1, 0], np.float32)
    near = Case("Deque?", answer, question_vector=vector, answer_vector=vector, vector_model=FITTED)
    score = scorer.function(near)
    assert score is not None
    assert score.value == pytest.approx(weight)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("How do I reset my password?", "How can I reset my password?"),
        ("배송 기간이 어떻게 되나요?", "배송은 얼마나 걸리나요?"),
    ],
)
def test_the_cache_uses_the_fitted_classifiers(left: str, right: str) -> None:
    one, other = read_question(left, None), read_question(right, None)
    assert one is not None
    never = {one.language: classifiers()[one.language].model_copy(update={"threshold": 1.1})}
    checks = {
        "shipped": compare(one, other, 0.99),
        "fitted": compare(one, other, 0.99, models=never),
        "missing": compare(one, other, 0.99, models={}),
    }
    assert [name for name, found in checks.items() if found.is_safe] == ["shipped"]
    failed = checks["missing"].failed_check
    assert failed is not None
    assert (failed.name, failed.detail) == (
        "second_opinion",
        f"no classifier for {one.language} is calibrated",
    )
