"""Tasks of lm-evaluation-harness: a YAML file with local data, for `local-chat-completions` against the gateway.

Only `generate_until` works through chat completions; `check_scoring` states why the other output types do not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from septet_experiments.cases import Case
from septet_experiments.errors import InvalidSuite
from septet_experiments.formats.files import read_text, write_lines
from septet_experiments.formats.multiple_choice import LETTERS
from septet_experiments.formats.scoring import GENERATED_OUTPUT, check_scoring
from septet_experiments.reports.observed import question_text

MAX_TOKENS = 512
_STRIP_MARKERS = {"function": "regex", "regex_pattern": r"(?s)^\s*(.*?)(?:\s*\[\d+\])*\s*$"}
_LETTER = {"function": "regex", "regex_pattern": r"\b([A-Z])\b"}
_FIRST = {"function": "take_first"}


def write_task(folder: Path, name: str, cases: Iterable[Case]) -> tuple[int, int]:
    """Write ``NAME.yaml`` and ``NAME.jsonl``. Run the harness in that folder, because the path of the data is relative.

    A multiple-choice case and a case with references cannot share a task: their answers are extracted differently.

    Returns:
        Numbers of written and of left-out cases. A case without a correct answer is left out.

    Raises:
        InvalidSuite: no case has a correct answer, or the cases are of both kinds.
    """
    all_cases = list(cases)
    known = [case for case in all_cases if _targets(case)]
    if not known:
        raise InvalidSuite(
            "no case has a correct answer", "add `references`, or `choices` and `answer_index`"
        )
    kinds = {bool(case.choices) for case in known}
    if len(kinds) > 1:
        raise InvalidSuite("some cases have choices and others references", "convert them to two tasks")
    write_lines(
        folder / f"{name}.jsonl",
        ({"id": case.id, "question": _prompt(case), "targets": _targets(case)} for case in known),
    )
    (folder / f"{name}.yaml").write_text(
        yaml.safe_dump(
            task_of(name, is_multiple_choice=kinds == {True}), sort_keys=False, allow_unicode=True
        ),
        encoding="utf-8",
    )
    return len(known), len(all_cases) - len(known)


def task_of(name: str, *, is_multiple_choice: bool) -> dict[str, Any]:
    """The content of the task's YAML file."""
    return {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": f"{name}.jsonl"}},
        "test_split": "test",
        "output_type": GENERATED_OUTPUT,
        "doc_to_text": "{{question}}",
        "doc_to_target": "{{targets[0]}}" if is_multiple_choice else "{{targets}}",
        "generation_kwargs": {"until": [], "max_gen_toks": MAX_TOKENS, "do_sample": False, "temperature": 0},
        "filter_list": [
            {
                "name": "letter" if is_multiple_choice else "answer",
                "filter": [_LETTER if is_multiple_choice else _STRIP_MARKERS, _FIRST],
            }
        ],
        "metric_list": [
            {
                "metric": "exact_match",
                "aggregation": "mean",
                "higher_is_better": True,
                "ignore_case": True,
                "ignore_punctuation": not is_multiple_choice,
            }
        ],
        "metadata": {"version": 1},
    }


def check_task(path: Path) -> str:
    """Check that a task of the harness runs through chat completions; returns its name.

    Raises:
        InvalidSuite: its output type needs log probabilities, or the file is no task.
    """
    try:
        # Tasks name Python functions with `!function`, which are not loaded here.
        value = yaml.load(read_text(path), _TaskLoader)  # noqa: S506  a SafeLoader
    except yaml.YAMLError as error:
        raise InvalidSuite(f"{path}: not YAML: {error}", "correct the file") from error
    if not isinstance(value, dict) or not isinstance(value.get("task"), str):
        raise InvalidSuite(f"{path}: no `task`", "give a task file of lm-evaluation-harness")
    try:
        check_scoring(value.get("output_type", GENERATED_OUTPUT))
    except InvalidSuite as error:
        raise InvalidSuite(f"{path}: output_type: {error}", error.fix) from error
    return str(value["task"])


class _TaskLoader(yaml.SafeLoader):
    pass


_TaskLoader.add_constructor("!function", lambda _loader, node: node.value)


def _targets(case: Case) -> Sequence[str]:
    if case.choices:
        return [] if case.answer_index is None else [LETTERS[case.answer_index]]
    return list(case.references)


def _prompt(case: Case) -> str:
    options = [f"{letter}. {choice}" for letter, choice in zip(LETTERS, case.choices, strict=False)]
    return "\n".join([question_text(case), *options])


def read_results(path: Path) -> dict[str, dict[str, float]]:
    """Values by task and metric of a results file of the harness. Values that are no numbers are left out.

    Raises:
        InvalidSuite: it is no such file.
    """
    try:
        tasks = json.loads(read_text(path))["results"]
        return {
            task: {
                name: float(value)
                for name, value in values.items()
                if isinstance(value, int | float) and not isinstance(value, bool)
            }
            for task, values in tasks.items()
        }
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise InvalidSuite(
            f"{path}: no results of lm-evaluation-harness", "give its results_*.json"
        ) from error
