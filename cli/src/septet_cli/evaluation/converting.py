"""Conversion between cases or runs of Septet and the files of other tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from septet_experiments.cases import Case, digest_of
from septet_experiments.formats import alpaca_eval, helm, lm_eval
from septet_experiments.formats.files import write_json, write_lines
from septet_experiments.formats.multiple_choice import read_multiple_choice
from septet_experiments.runs import RunFolder, RunInfo
from septet_experiments.suites import read_cases

from septet_cli.errors import CliError
from septet_cli.evaluation.comparing import Rule, compare_runs
from septet_cli.evaluation.store import RunStore


@dataclass(frozen=True)
class Conversion:
    """What to convert.

    Attributes:
        source: a file or folder, or a reference to a run.
        target: file or folder to write.
        name: of the scenario, task, run or generator; the target's name if empty.
        split: split of HELM's instances to read; all if empty.
        scoring: how multiple-choice answers are scored.
        against: the baseline of annotations.
        metric: the metric that annotations prefer by.
    """

    source: str
    target: Path
    store: RunStore
    name: str = ""
    split: str | None = None
    scoring: str = "generation"
    against: str | None = None
    metric: str | None = None

    @property
    def path(self) -> Path:
        """The source as a path."""
        return Path(self.source)

    @property
    def title(self) -> str:
        """The name, or that of the target."""
        return self.name or self.target.stem

    def run(self) -> RunFolder:
        """The source as a run."""
        return self.store.find(self.source)


def convert(source: str, target: str, wanted: Conversion) -> str:
    """Convert; returns what was written, in a sentence.

    Args:
        source: format of the source.
        target: format of the target.

    Raises:
        CliError: there is no such conversion, or an option is missing.
        ExperimentError: the source is not valid.
    """
    function = CONVERSIONS.get((source, target))
    if function is None:
        possible = ", ".join(f"{a} to {b}" for a, b in CONVERSIONS)
        raise CliError(f"There is no conversion from {source} to {target}.", f"conversions: {possible}")
    return function(wanted)


def _to_cases(wanted: Conversion, cases: Sequence[Case]) -> str:
    return f"{write_lines(wanted.target, cases)} cases"


def _mmlu_cases(wanted: Conversion) -> str:
    return _to_cases(wanted, read_multiple_choice(wanted.path, scoring=wanted.scoring))


def _helm_cases(wanted: Conversion) -> str:
    return _to_cases(wanted, helm.read_instances(wanted.path, split=wanted.split))


def _lm_eval_cases(wanted: Conversion) -> str:
    return _to_cases(wanted, lm_eval.read_task(wanted.path))


def _alpaca_cases(wanted: Conversion) -> str:
    return _to_cases(wanted, alpaca_eval.cases_of(alpaca_eval.read_outputs(wanted.path)))


def _alpaca_run(wanted: Conversion) -> str:
    """A folder with the run of another system, to compare with."""
    outputs = alpaca_eval.read_outputs(wanted.path)
    cases, samples, now = alpaca_eval.cases_of(outputs), alpaca_eval.samples_of(outputs), datetime.now(UTC)
    folder = RunFolder(wanted.target)
    folder.write_cases(cases)
    folder.write_samples(samples)
    folder.write_info(
        RunInfo(
            id=wanted.title,
            suite="alpaca-eval",
            suite_digest="",
            dataset_digest=digest_of(cases),
            started_at=now,
            finished_at=now,
            overrides={"generator": ", ".join(sorted({output.generator for output in outputs}))},
            cases=len(cases),
        )
    )
    return f"{len(samples)} answers"


def _labelled(wanted: Conversion) -> str:
    annotations = alpaca_eval.read_annotations(wanted.path)
    count = write_lines(wanted.target, alpaca_eval.labelled_pairs(annotations))
    return f"{count} labelled pairs; {len(annotations) - count} annotations have no verdict"


def _cases(wanted: Conversion) -> list[Case]:
    return [case for _, case in read_cases(wanted.path)]


def _cases_helm(wanted: Conversion) -> str:
    return f"{helm.write_instances(wanted.target, wanted.title, _cases(wanted))} instances"


def _cases_lm_eval(wanted: Conversion) -> str:
    written, left_out = lm_eval.write_task(wanted.target, wanted.title, _cases(wanted))
    return f"{written} documents of the task {wanted.title}; {left_out} cases without a correct answer are left out"


def _run_helm(wanted: Conversion) -> str:
    run = wanted.run()
    return f"{helm.write_run(wanted.target, run.info(), run.cases(), run.samples())} samples"


def _run_alpaca(wanted: Conversion) -> str:
    run = wanted.run()
    outputs = alpaca_eval.outputs_of(run.info(), run.cases(), run.samples(), wanted.name)
    write_json(wanted.target, [output.model_dump() for output in outputs])
    return f"{len(outputs)} outputs; {sum(not output.output for output in outputs)} are empty"


def _run_annotations(wanted: Conversion) -> str:
    if wanted.against is None or wanted.metric is None:
        raise CliError("Annotations need a baseline and a metric.", "--against RUN --metric NAME")
    found = compare_runs(wanted.store.find(wanted.against), wanted.run(), [Rule(wanted.metric)])
    annotations = alpaca_eval.annotations_of(found, wanted.metric)
    write_json(wanted.target, [annotation.model_dump() for annotation in annotations])
    return (
        f"{len(annotations)} annotations; {sum(a.preference is None for a in annotations)} have no preference"
    )


CONVERSIONS: Mapping[tuple[str, str], Callable[[Conversion], str]] = MappingProxyType(
    {
        ("mmlu", "cases"): _mmlu_cases,
        ("helm", "cases"): _helm_cases,
        ("lm-eval", "cases"): _lm_eval_cases,
        ("alpaca-eval", "cases"): _alpaca_cases,
        ("alpaca-eval", "run"): _alpaca_run,
        ("alpaca-annotations", "labelled"): _labelled,
        ("cases", "helm"): _cases_helm,
        ("cases", "lm-eval"): _cases_lm_eval,
        ("run", "helm"): _run_helm,
        ("run", "alpaca-eval"): _run_alpaca,
        ("run", "alpaca-annotations"): _run_annotations,
    }
)
