"""Tasks of lm-evaluation-harness: a YAML file with local data, for `local-chat-completions` against the gateway.

Only `generate_until` works through chat completions; `check_scoring` states why the other output types do not.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from septet_experiments.cases import Case
from septet_experiments.errors import InvalidSuite
from septet_experiments.formats.files import Ids, read_objects, read_text, write_lines
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


def read_task(path: Path) -> list[Case]:
    """Cases of a task with local data: its test split, or else its validation split.

    ``doc_to_text`` and ``doc_to_target`` are rendered as the harness does. Few-shot examples and filters are left out.

    Raises:
        InvalidSuite: the output type needs log probabilities, the data are not local, or the task is not valid.
    """
    task = _load(path)
    split = task.get("test_split") or task.get("validation_split") or "test"
    ids, cases = Ids("lm"), []
    for file in _data_files(path, task, str(split)):
        for where, document in read_objects(file):
            question = _render(where, task.get("doc_to_text"), document)
            target = _render(where, task.get("doc_to_target"), document)
            given = document.get("id")
            cases.append(
                Case(
                    id=ids.unique(str(given)) if given is not None else ids.of(question),
                    question=question,
                    references=tuple(_targets_of(target)),
                    slices={"task": str(task["task"])},
                )
            )
    if not cases:
        raise InvalidSuite(f"{path}: the split {split} has no document", "check `dataset_kwargs.data_files`")
    return cases


def _load(path: Path) -> dict[str, Any]:
    """The content of a task file whose output type works through chat completions."""
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
    return value


def _data_files(path: Path, task: dict[str, Any], split: str) -> list[Path]:
    files = (task.get("dataset_kwargs") or {}).get("data_files") or {}
    found = files.get(split) if isinstance(files, dict) else files
    if task.get("dataset_path") != "json" or not found:
        raise InvalidSuite(
            f"{path}: dataset_path: the data of {task.get('dataset_path')!r} are not local",
            "use `dataset_path: json` and `dataset_kwargs: {data_files: {test: FILE}}`",
        )
    return [path.parent / name for name in ([found] if isinstance(found, str) else found)]


def _render(where: str, template: Any, document: dict[str, Any]) -> str:
    """A field of the document, or a template with its fields."""
    if not isinstance(template, str):
        raise InvalidSuite(
            f"{where}: `doc_to_text` or `doc_to_target` is no template", "write a Jinja template"
        )
    if template in document:
        value = document[template]
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    try:
        return SandboxedEnvironment(undefined=StrictUndefined).from_string(template).render(document)
    except TemplateError as error:
        raise InvalidSuite(f"{where}: {error}", "correct the template, or add the field") from error


def _targets_of(rendered: str) -> Sequence[str]:
    """The list that a template rendered, or its text."""
    if rendered.startswith("["):
        try:
            value = ast.literal_eval(rendered)
        except (ValueError, SyntaxError):
            value = None
        if isinstance(value, list):
            return [str(item) for item in value]
    return [rendered]


class _TaskLoader(yaml.SafeLoader):
    """Reads ``!function`` as a mapping, and never as a function."""


_TaskLoader.add_constructor("!function", lambda _loader, node: {"function": node.value})


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
