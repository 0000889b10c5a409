"""Judges of `septet eval`: calibration, and the values of a run's judge metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from septet_contracts import Response
from septet_experiments.cases import Case
from septet_experiments.errors import InvalidSuite, NotApplicable, NotComputable
from septet_experiments.judges import (
    CalibrationCard,
    CardFolder,
    ChatCall,
    ChatEndpoint,
    JudgeMetric,
    JudgeSection,
    JudgmentStore,
    MissingJudgment,
    ModelIdentity,
    judge_metrics,
    pending,
    record,
    required_probe,
    standing,
)
from septet_experiments.judges.calibration import calibrate, calibration_calls
from septet_experiments.judges.labelled import read_labelled
from septet_experiments.judges.length import LengthControlled, length_controlled
from septet_experiments.judges.probing import Weighting, probe, weighting_of
from septet_experiments.judges.store import RecordReport
from septet_experiments.runs import RunFolder, Sample
from septet_judge.settings import JudgeSettings

from septet_cli.errors import CliError
from septet_cli.evaluation.scoring import is_judge_metric
from septet_cli.settings import CliSettings

Progress = Callable[[int, int], None]
"""Is called with the number of calls that are done and that there are."""


def default_cards() -> CardFolder:
    """The calibration cards of ``SEPTET_JUDGE_CARDS``, or of the data directory."""
    return CardFolder(JudgeSettings().cards or CliSettings().data_dir / "evals" / "judges")


@dataclass(frozen=True)
class Replies:
    """Where a judge's replies come from: recorded ones, and the endpoint for those that are missing.

    Attributes:
        directory: folder of ``judgments.jsonl``.
        replay: whether no call may be made.
        in_flight: calls at a time.
    """

    directory: Path
    replay: bool
    in_flight: int = 4

    def store(self, command: str) -> JudgmentStore:
        """The recorded replies. ``command`` records those that are missing."""
        return JudgmentStore(self.directory, command)

    async def complete(
        self, store: JudgmentStore, calls: Sequence[ChatCall], progress: Progress
    ) -> RecordReport:
        """Ask for the missing replies; with ``replay``, make no call.

        Raises:
            CliError: calls are missing and no endpoint is set.
        """
        missing = {call.digest: call for call in calls if call not in store}
        if self.replay or not missing:
            return RecordReport()
        settings = JudgeSettings()
        if not settings.url:
            raise CliError(
                f"{len(missing)} replies of the judge are not recorded, and no judge is set.",
                "set SEPTET_JUDGE_URL and SEPTET_JUDGE_API_KEY, or use --replay",
            )
        done = 0

        def step() -> None:
            nonlocal done
            done += 1
            progress(done, len(missing))

        async with aclosing(ChatEndpoint(settings.endpoint)) as endpoint:
            return await record(missing.values(), endpoint, store, self.in_flight, step)


def section_of(suite: Path) -> JudgeSection:
    """The section ``judge:`` of a suite.

    Raises:
        InvalidSuite: the suite has none, or it is not valid.
    """
    file = suite / "suite.yaml" if suite.is_dir() else suite
    try:
        body: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        given = body["judge"]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise InvalidSuite(f"{file} has no section `judge`", "add `judge: {model: …}`") from error
    return parse_section(given, str(file))


def parse_section(given: Any, where: str) -> JudgeSection:
    """A section from its mapping.

    Raises:
        InvalidSuite: it is not valid.
    """
    try:
        return JudgeSection.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(("judge", *map(str, first["loc"])))
        raise InvalidSuite(
            f"{where}: {field}: {first['msg']}", f"fields: {', '.join(JudgeSection.model_fields)}"
        ) from error


async def calibrate_judge(
    section: JudgeSection,
    protocol: str,
    data: Path,
    replies: Replies,
    cards: CardFolder,
    seed: int,
    progress: Progress,
) -> tuple[CalibrationCard, Path, RecordReport]:
    """Measure a judge on labelled data and write its card; returns the card, its path, and what was recorded.

    Raises:
        ExperimentError: the data is not valid, or replies are missing after all calls.
    """
    labelled = read_labelled(data)
    store = replies.store(
        f"septet eval judge calibrate {data} --protocol {protocol} --record {replies.directory}"
    )
    weighting: Weighting = "samples" if section.weighting == "auto" else section.weighting
    if protocol == "rubric" and section.weighting == "auto":
        await replies.complete(store, [probe(section.judge)], progress)
        weighting = weighting_of(store, section.judge)
    made = section.protocol(protocol, weighting)
    report = await replies.complete(store, calibration_calls(made, labelled), progress)
    if report.failed:
        reason, count = next(iter(report.failed.items()))
        raise CliError(
            f"{count} calls failed: {reason}.", "run the command again: it asks only for the missing replies"
        )
    card = calibrate(made, labelled, data.name, store, datetime.now(UTC), seed)
    return card, cards.write(card), report


@dataclass(frozen=True)
class _Observed:
    case: Case
    response: Response


async def metrics_of_run(
    section: JudgeSection,
    names: Sequence[str],
    folder: RunFolder,
    replies: Replies,
    cards: CardFolder,
    progress: Progress,
    *,
    opponent: RunFolder | None = None,
    generator: ModelIdentity | None = None,
) -> tuple[list[JudgeMetric], RecordReport]:
    """The judge metrics of a run, whose replies are recorded as far as the endpoint answers.

    Args:
        section: the suite's judge.
        names: names of judge metrics.
        folder: the run.
        replies: where replies come from.
        cards: calibration cards.
        progress: progress of the calls.
        opponent: the run that `judge_pairwise` compares with.
        generator: the model that wrote the answers, if known.
    """
    store = replies.store(f"septet eval judge score {folder.path.name} SUITE --record {replies.directory}")
    probed = await replies.complete(store, required_probe(section, names), progress)
    metrics = judge_metrics(
        section,
        names,
        store,
        cards,
        judge_url=JudgeSettings().url,
        generator=generator,
        opponents=_answers(opponent.samples()) if opponent is not None else None,
    )
    report = await replies.complete(store, pending(metrics, _observed(folder)), progress)
    report.usage += probed.usage
    return metrics, report


def score_judged(folder: RunFolder, metrics: Sequence[JudgeMetric]) -> dict[str, int]:
    """Write the metrics' values into a run's samples; returns the samples without a value by reason.

    Values of other metrics are kept.
    """
    cases = {case.id: case for case in folder.cases()}
    counts: dict[str, int] = {}
    samples = [_scored(cases[sample.case_id], sample, metrics, counts) for sample in folder.samples()]
    folder.update_samples(samples)
    info = folder.info()
    signatures = info.metrics | {metric.name: metric.signature for metric in metrics}
    folder.write_info(info.model_copy(update={"metrics": signatures}))
    return counts


def win_rate(folder: RunFolder, metric: JudgeMetric) -> LengthControlled:
    """How often a run's answers beat those of the opponent, as judged and at equal length."""
    return length_controlled(
        [
            (sample.values[metric.name], len(sample.response.answer), len(metric.opponents[sample.case_id]))
            for sample in folder.samples()
            if metric.name in sample.values and sample.response is not None and sample.response.answer
        ]
    )


def undecided(
    runs: Sequence[RunFolder], names: Iterable[str], section: JudgeSection, cards: CardFolder
) -> dict[str, str]:
    """Why a gate may not decide by judge metrics, by name; empty if it may.

    All runs must have values of the same judge, and the judge's calibration must reach the suite's bar.
    """
    found: dict[str, str] = {}
    for name in filter(is_judge_metric, names):
        if name == "judge_pairwise":
            found[name] = "its values are relative to another run"
            continue
        signatures = {run.info().metrics.get(name) for run in runs}
        signature = next(iter(signatures))
        if None in signatures:
            found[name] = "a run is not judged: `septet eval judge score RUN SUITE`"
        elif len(signatures) > 1:
            found[name] = "the runs have values of different judges"
        elif signature is not None and not (judged := standing(cards.find(signature), section.bar)).decides:
            found[name] = "; ".join(judged.reasons)
    return found


def _scored(case: Case, sample: Sample, metrics: Sequence[JudgeMetric], counts: dict[str, int]) -> Sample:
    values, failures = dict(sample.values), dict(sample.failures)
    not_applicable = dict(sample.not_applicable)
    for metric in metrics:
        for known in (values, failures, not_applicable):
            known.pop(metric.name, None)
        if not metric.applies_to(case):
            continue
        try:
            if sample.response is None or sample.error is not None:
                raise NotComputable(f"no usable response: {sample.error or 'none arrived'}")
            values[metric.name] = metric.value(_Observed(case, sample.response))
        except NotApplicable as error:
            not_applicable[metric.name] = str(error)
        except NotComputable as error:
            fix = f"; {error.fix}" if isinstance(error, MissingJudgment) else ""
            failures[metric.name] = f"{error}{fix}"
            reason = "no recorded reply" + fix if isinstance(error, MissingJudgment) else str(error)
            counts[reason] = counts.get(reason, 0) + 1
    update = {"values": values, "failures": failures, "not_applicable": not_applicable}
    return sample.model_copy(update=update)


def _observed(folder: RunFolder) -> list[_Observed]:
    cases = {case.id: case for case in folder.cases()}
    return [
        _Observed(cases[sample.case_id], sample.response)
        for sample in folder.samples()
        if sample.response is not None and sample.error is None
    ]


def _answers(samples: Iterable[Sample]) -> dict[str, str]:
    """The first answer of each case."""
    found: dict[str, str] = {}
    for sample in samples:
        if sample.response is not None and sample.response.answer and sample.error is None:
            found.setdefault(sample.case_id, sample.response.answer)
    return found
