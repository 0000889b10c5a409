"""What one run has for each case: answers, values averaged over draws, and counted errors."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from septet_contracts import Response

from septet_experiments.cases import Case
from septet_experiments.reports.comparison import ErrorCount, Side, SideOfCase, SourceFact, VerdictFact
from septet_experiments.runs import Sample


def by_case(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    """The draws of each case."""
    found: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        found[sample.case_id].append(sample)
    return dict(found)


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean of at least one value."""
    return math.fsum(values) / len(values)


def mean_values(draws: Sequence[Sample]) -> dict[str, float]:
    """Mean over draws by metric. A draw without a value is left out."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    for draw in draws:
        for metric, value in draw.values.items():
            values[metric].append(value)
    return {metric: mean(found) for metric, found in values.items()}


def worst_draw(draws: Sequence[Sample], metric: str | None, sign: float) -> Sample:
    """The draw without a value of the metric, or else the one with the worst value.

    Args:
        sign: 1 if a higher value is better, else -1.
    """
    return min(draws, key=lambda d: sign * d.values[metric] if metric in d.values else -math.inf)


def side_of_case(draws: Sequence[Sample], shown: Sample | None) -> SideOfCase:
    """One run's part of a case.

    Args:
        draws: all draws of the case.
        shown: the draw whose answer is shown.
    """
    values = mean_values(draws)
    failures = {m: reason for draw in draws for m, reason in draw.failures.items() if m not in values}
    if shown is None:
        return SideOfCase(draws=len(draws), values=values, failures=failures)
    response = shown.response
    side = SideOfCase(
        request_id=shown.request_id, draw=shown.draw, draws=len(draws), error=shown.error, values=values,
        failures=failures,
    )  # fmt: skip
    if response is None:
        return side
    return side.model_copy(
        update={
            "status": response.status,
            "language": response.language,
            "answer": answer_text(response),
            "sources": _sources(response),
            "verdicts": _verdicts(response),
            "trace_id": response.trace_id,
        }
    )


def answer_text(response: Response) -> str | None:
    """The answer, its JSON if there is no text, or the message of the error."""
    if response.answer is not None:
        return response.answer
    if response.answer_json is not None:
        return json.dumps(response.answer_json, ensure_ascii=False, indent=1)
    return response.error.message if response.error is not None else None


def question_text(case: Case) -> str:
    """The question, or the last user message of the conversation."""
    if case.question is not None:
        return case.question
    messages = case.messages or ()
    return next((message.content for message in reversed(messages) if message.role == "user"), "")


def slices_of(case: Case, response: Response | None) -> dict[str, str]:
    """Values to report a case by: its own, its document, and the response's language, status and policy."""
    found: dict[str, str] = {}
    if case.expected is not None:
        found["expected"] = case.expected
    if case.document is not None:
        found["document"] = case.document
    if response is not None:
        found["status"] = response.status
        if response.language:
            found["language"] = response.language
        if response.policy:
            found["policy"] = response.policy
    return {**found, **case.slices}


def count_errors(side: Side, samples: Iterable[Sample]) -> Iterator[ErrorCount]:
    """Counted reasons, the most frequent first. A sample without a usable response counts once, and for no metric."""
    counts: Counter[tuple[str | None, str]] = Counter()
    for sample in samples:
        if sample.error is not None:
            counts[None, sample.error] += 1
        else:
            counts.update((metric, reason) for metric, reason in sample.failures.items())
    for (metric, reason), count in counts.most_common():
        yield ErrorCount(side=side, metric=metric, reason=reason, count=count)


def _sources(response: Response) -> tuple[SourceFact, ...]:
    return tuple(
        SourceFact(
            number=source.number,
            document_id=source.document_id,
            title=source.title,
            location=source.location,
            uri=source.uri,
            cited=source.cited,
        )
        for source in response.sources
    )


def _verdicts(response: Response) -> tuple[VerdictFact, ...]:
    return tuple(
        VerdictFact(rail=v.rail, stage=v.stage, decision=v.decision, reason=v.reason)
        for v in response.verdicts
        if v.decision != "pass"
    )
