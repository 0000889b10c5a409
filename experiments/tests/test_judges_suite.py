"""The metrics of a suite's judge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from septet_contracts import Response, Source, event_id
from septet_experiments.cases import Case
from septet_experiments.errors import InvalidSuite, NotApplicable, NotComputable
from septet_experiments.judges import (
    CardFolder,
    JudgeSection,
    JudgmentStore,
    MissingJudgment,
    ModelIdentity,
    SelfJudge,
    judge_metrics,
    pending,
    record,
    required_probe,
)
from septet_experiments.judges.suite import METRIC_NAMES

from .judge_support import completion, endpoint

SECTION = JudgeSection(model="judge-large", weighting="samples", samples=2)


@dataclass(frozen=True)
class Observed:
    case: Case
    response: Response


def observed(
    answer: str | None = "A double-ended queue.", model: str | None = "small", **case: Any
) -> Observed:
    return Observed(
        Case(id="c1", question="What is a deque?", references=("A double-ended queue.",), **case),
        Response(
            request_id="r-1",
            event_id=event_id("default", "r-1", Response.STEP),
            occurred_at=datetime.now(UTC),
            status="answered",
            answer=answer,
            model=model,
            sources=(
                Source(number=1, passage_id="p", document_id="d", passage="A deque is a double-ended queue."),
            ),
        ),
    )


def judge(body: dict[str, Any]) -> httpx.Response:
    """Answers each prompt in its format."""
    user = body["messages"][1]["content"]
    texts = {
        '"score"': '{"reason": "fine", "score": 4}',
        "[[C]]": "[[B]]" if "A stack." in user.split("assistant B:")[0] else "[[A]]",
        '"verdict"': '{"verdict": "correct"}',
        '"claims"': '{"claims": [{"claim": "c", "supported": true}]}',
    }
    text = next((text for mark, text in texts.items() if mark in user), "5")
    return httpx.Response(200, json=completion(text))


def metrics(
    directory: Path, section: JudgeSection = SECTION, names: tuple[str, ...] = METRIC_NAMES, **more: Any
) -> Any:
    store = JudgmentStore(directory / "judgments")
    return judge_metrics(
        section, names, store, CardFolder(directory / "cards"), opponents={"c1": "A stack."}, **more
    )


async def test_values_come_from_recorded_replies(tmp_path: Path) -> None:
    made = metrics(tmp_path)
    with pytest.raises(MissingJudgment):
        made[0].value(observed())
    calls = pending(made, [observed()])
    await record(calls, endpoint(judge), made[0].store)
    assert len(calls) == 6
    assert pending(made, [observed()]) == []
    replayed = metrics(tmp_path)
    assert {m.name: m.value(observed()) for m in replayed} == {
        "judge_rubric": 0.75,
        "judge_pairwise": 1.0,
        "judge_reference": 1.0,
        "judge_groundedness": 1.0,
    }


def test_metrics_without_calibration_do_not_decide(tmp_path: Path) -> None:
    assert {m.standing.decides for m in metrics(tmp_path)} == {False}


def test_what_cannot_be_judged_is_not_computable(tmp_path: Path) -> None:
    rubric, pairwise, *_ = metrics(tmp_path)
    with pytest.raises(NotComputable, match="no answer"):
        rubric.value(observed(answer=None))
    declined = observed(answer=None).response.model_copy(update={"status": "abstained"})
    with pytest.raises(NotApplicable):
        rubric.value(Observed(observed().case, declined))
    other = Observed(Case(id="c2", question="q"), observed().response)
    with pytest.raises(NotComputable, match="another answer"):
        pairwise.value(other)
    assert pending([pairwise], [other]) == []


def test_an_answer_of_the_judge_itself_is_not_judged(tmp_path: Path) -> None:
    (rubric,) = metrics(tmp_path, names=("judge_rubric",))
    with pytest.raises(NotComputable, match="wrote the answers"):
        rubric.value(observed(model="judge-large"))
    allowed = SECTION.model_copy(update={"allow_self": True})
    (rubric,) = metrics(tmp_path, allowed, ("judge_rubric",))
    with pytest.raises(MissingJudgment):
        rubric.value(observed(model="judge-large"))


def test_a_judge_that_is_the_generator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SelfJudge):
        metrics(
            tmp_path,
            judge_url="http://localhost:1/v1",
            generator=ModelIdentity("judge-large", "http://127.0.0.1:1/v1"),
        )


async def test_the_automatic_weighting_is_recorded(tmp_path: Path) -> None:
    section = SECTION.model_copy(update={"weighting": "auto"})
    with pytest.raises(MissingJudgment):
        metrics(tmp_path, section)
    await record(
        required_probe(section, METRIC_NAMES), endpoint(judge), JudgmentStore(tmp_path / "judgments")
    )
    (rubric, *_) = metrics(tmp_path, section)
    assert "weighting=samples:2" in rubric.signature
    assert required_probe(section, ("judge_pairwise",)) == ()


def test_unknown_names_and_fields_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSuite, match="judge_beauty"):
        metrics(tmp_path, names=("judge_beauty",))
    with pytest.raises(ValidationError):
        JudgeSection(model="m", url="http://x")
    with pytest.raises(InvalidSuite, match="scale"):
        metrics(tmp_path, SECTION.model_copy(update={"low": 6}))
