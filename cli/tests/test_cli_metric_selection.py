"""Metrics by name, with the model that BERTScore and MoverScore need."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from uuid import UUID

import pytest
from septet_cli.evaluation.metric_selection import selected
from septet_contracts import Response
from septet_experiments.cases import Case
from septet_experiments.errors import InvalidSuite
from septet_experiments.metrics import score
from septet_experiments.runs import Sample


def values(answer: str, reference: str) -> dict[str, float]:
    response = Response(
        request_id="r-1",
        event_id=UUID(int=1),
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        status="answered",
        answer=answer,
    )
    case = Case(id="c", question="?", references=(reference,))
    metrics = selected(["bertscore", "moverscore"])
    assert all("|model:multilingual-e5-small" in metric.signature for metric in metrics)
    return score(case, Sample(case_id="c", response=response), metrics).values


def test_the_model_is_loaded_only_for_metrics_that_need_it() -> None:
    code = (
        "import sys; from septet_cli.evaluation.metric_selection import selected; selected(['exact_match', 'mrr']);"
        "print('onnxruntime' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_unknown_metric_is_rejected() -> None:
    with pytest.raises(InvalidSuite, match="unknown metric bleurt"):
        selected(["bleurt"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reference", "close", "far"),
    [
        (
            "Deques generalize stacks and queues.",
            "A deque is a generalization of stacks and queues.",
            "Paris is the capital of France.",
        ),
        (
            "덱은 스택과 큐를 일반화한 것입니다.",
            "덱은 스택과 큐의 일반화이다.",
            "프랑스의 수도는 파리입니다.",
        ),
    ],
)
def test_a_paraphrase_has_a_higher_value_than_another_statement(reference: str, close: str, far: str) -> None:
    near, distant = values(close, reference), values(far, reference)
    assert near["bertscore"] > distant["bertscore"] + 0.02
    assert near["moverscore"] > distant["moverscore"] + 0.02
