"""AlpacaEval's files: outputs (``instruction``, ``output``, ``generator``, ``dataset``) and pairwise annotations.

An annotation's ``preference`` is 1 if ``output_1`` is better, 2 if ``output_2`` is, 1.5 for a tie, and between for a
weighted one. No preference, or a null, is a verdict that could not be parsed: it is counted, and is never a loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from septet_contracts import Response, event_id

from septet_experiments.cases import Case
from septet_experiments.errors import InvalidSuite
from septet_experiments.formats.files import Ids, read_objects
from septet_experiments.reports.comparison import CaseDifference, Comparison
from septet_experiments.reports.observed import answer_text, question_text
from septet_experiments.runs import RunInfo, Sample

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


_Kind = TypeVar("_Kind", bound=_Entry)


class Output(_Entry):
    """One answer of one generator. ``output`` is missing in a set of instructions alone."""

    instruction: str = Field(min_length=1)
    output: str | None = None
    generator: str = ""
    dataset: str = ""


class Annotation(_Entry):
    """One preference between two answers."""

    instruction: str = Field(min_length=1)
    output_1: str
    output_2: str
    generator_1: str = ""
    generator_2: str = ""
    dataset: str = ""
    annotator: str = ""
    preference: float | None = Field(default=None, ge=0, le=2)

    @property
    def label(self) -> str | None:
        """`1`, `2` or `tie`; None without a verdict. AlpacaEval writes a tie as 1.5, and early versions as 0."""
        if self.preference is None:
            return None
        if self.preference in (0.0, 1.5):
            return "tie"
        return "1" if self.preference < 1.5 else "2"


def read_outputs(path: Path) -> list[Output]:
    """The entries of a file of outputs.

    Raises:
        InvalidSuite: an entry is not valid.
    """
    return list(_read(path, Output))


def read_annotations(path: Path) -> list[Annotation]:
    """The entries of a file of annotations.

    Raises:
        InvalidSuite: an entry is not valid.
    """
    return list(_read(path, Annotation))


def cases_of(outputs: Iterable[Output]) -> list[Case]:
    """One case an instruction. An output is one system's answer and no reference, so it does not become one."""
    ids = Ids("alpaca")
    return [
        Case(
            id=ids.of(output.dataset, output.instruction),
            question=output.instruction,
            slices={"dataset": output.dataset} if output.dataset else {},
        )
        for output in outputs
    ]


def samples_of(outputs: Sequence[Output]) -> list[Sample]:
    """The answers as a run's samples, so that a run of Septet can be compared with them."""
    return [
        Sample(case_id=case.id, request_id=f"alpaca-{case.id}", error="no_output")
        if output.output is None
        else Sample(case_id=case.id, request_id=f"alpaca-{case.id}", response=_response(case, output))
        for case, output in zip(cases_of(outputs), outputs, strict=True)
    ]


def _response(case: Case, output: Output) -> Response:
    request_id = f"alpaca-{case.id}"
    return Response(
        request_id=request_id,
        event_id=event_id("default", request_id, Response.STEP),
        occurred_at=_EPOCH,
        status="answered",
        question=output.instruction,
        answer=output.output,
        answer_kind="generated",
        model=output.generator or None,
    )


def outputs_of(
    info: RunInfo, cases: Sequence[Case], samples: Iterable[Sample], generator: str
) -> list[Output]:
    """The answers of a run, one a case: those of its first draw. A case without an answer has an empty output."""
    first = {sample.case_id: sample for sample in samples if sample.draw == 0}
    found = []
    for case in cases:
        sample = first.get(case.id)
        answer = answer_text(sample.response) if sample is not None and sample.response is not None else None
        found.append(
            Output(
                instruction=question_text(case),
                output=answer or "",
                generator=generator or info.id,
                dataset=case.slices.get("dataset", info.suite),
            )
        )
    return found


def annotations_of(comparison: Comparison, metric: str) -> list[Annotation]:
    """Preferences by the difference of a metric: ``output_1`` is the baseline's answer.

    A case without a difference has no preference.
    """
    return [_annotation(comparison, case, metric) for case in comparison.cases]


def _annotation(comparison: Comparison, case: CaseDifference, metric: str) -> Annotation:
    difference = case.differences.get(metric)
    signature = comparison.candidate.metrics.get(metric, metric)
    return Annotation(
        instruction=case.question,
        output_1=case.baseline.answer or "",
        output_2=case.candidate.answer or "",
        generator_1=comparison.baseline.id,
        generator_2=comparison.candidate.id,
        dataset=case.slices.get("dataset", comparison.suite),
        annotator=f"septet: {signature}",
        preference=None if difference is None else 1.5 if difference == 0 else 2.0 if difference > 0 else 1.0,
    )


def labelled_pairs(annotations: Iterable[Annotation]) -> Iterator[dict[str, Any]]:
    """Pairs with a label, in the form that `septet eval judge calibrate` reads. Those without a verdict are left out."""
    ids = Ids("alpaca")
    for annotation in annotations:
        if annotation.label is None:
            continue
        yield {
            "id": ids.of(annotation.instruction, annotation.output_1, annotation.output_2),
            "instruction": annotation.instruction,
            "output_1": annotation.output_1,
            "output_2": annotation.output_2,
            "label": annotation.label if annotation.label == "tie" else int(annotation.label),
            "model_1": annotation.generator_1,
            "model_2": annotation.generator_2,
            "subset": annotation.dataset,
        }


def _read(path: Path, kind: type[_Kind]) -> Iterator[_Kind]:
    for where, item in read_objects(path):
        try:
            yield kind.model_validate(item)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = ".".join(map(str, first["loc"]))
            raise InvalidSuite(f"{where}: {name}: {first['msg']}", f"correct `{name}`") from error
