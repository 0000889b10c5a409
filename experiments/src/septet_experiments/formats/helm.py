"""HELM's files: ``instances.json`` with references and tags, and ``per_instance_stats.json`` with values by instance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from septet_experiments.cases import Case
from septet_experiments.errors import InvalidSuite
from septet_experiments.formats.files import Ids, field, read_objects, write_json
from septet_experiments.reports.observed import question_text
from septet_experiments.runs import RunInfo, Sample

CORRECT = "correct"
_RELEVANCE = "relevance="


def read_instances(path: Path, *, split: str | None = None) -> list[Case]:
    """Cases of an ``instances.json``, or of the run folder that holds it.

    References without the tag ``correct`` make a multiple-choice case, if exactly one has it. References with a tag
    ``relevance=n`` are documents. Perturbed instances get an id of their own.

    Args:
        split: only instances of this split, such as `test`.

    Raises:
        InvalidSuite: an instance is not valid.
    """
    file = path / "instances.json" if path.is_dir() else path
    ids = Ids("helm")
    cases = [
        _case(where, item, ids)
        for where, item in read_objects(file)
        if split is None or item.get("split") == split
    ]
    if not cases:
        raise InvalidSuite(
            f"{file}: no instance" + (f" of the split {split}" if split else ""), "check the file"
        )
    return cases


def _case(where: str, item: dict[str, Any], ids: Ids) -> Case:
    text = field(where, field(where, item, "input", dict), "text", str)
    found = [_reference(where, reference) for reference in field(where, item, "references", list)]
    correct = [output for output, tags in found if CORRECT in tags]
    others = [output for output, tags in found if CORRECT not in tags and not _relevance(tags)]
    fields: dict[str, Any] = {"references": tuple(correct)}
    if others and len(correct) == 1:
        outputs = tuple(output for output, tags in found if not _relevance(tags) or CORRECT in tags)
        fields = {"choices": outputs, "answer_index": outputs.index(correct[0])}
    fields["relevant"] = {output: grade for output, tags in found if (grade := _relevance(tags))}
    perturbation = item.get("perturbation") or {}
    slices = {name: str(item[name]) for name in ("split", "sub_split") if item.get(name)}
    if perturbation:
        slices["perturbation"] = str(perturbation.get("name", "unknown"))
    given = item.get("id")
    base = f"{given}-{slices['perturbation']}" if perturbation else str(given)
    return Case(
        id=ids.unique(base) if given is not None else ids.of(text),
        question=text,
        slices=slices,
        document=f"instance-{given}" if given is not None and perturbation else None,
        **fields,
    )


def _reference(where: str, reference: Any) -> tuple[str, list[str]]:
    if not isinstance(reference, dict):
        raise InvalidSuite(f"{where}: references: not an object", "see HELM's class Reference")
    return field(where, field(where, reference, "output", dict), "text", str), list(
        reference.get("tags") or ()
    )


def _relevance(tags: Sequence[str]) -> int:
    grades = [tag.removeprefix(_RELEVANCE) for tag in tags if tag.startswith(_RELEVANCE)]
    return int(grades[0]) if grades and grades[0].isdecimal() else 0


def write_instances(folder: Path, name: str, cases: Iterable[Case], *, split: str = "test") -> int:
    """Write ``scenario.json`` and ``instances.json``; returns the number of instances."""
    instances = [_instance(case, split) for case in cases]
    write_json(folder / "scenario.json", {"name": name, "description": f"Suite {name} of Septet", "tags": []})
    write_json(folder / "instances.json", instances)
    return len(instances)


def _instance(case: Case, split: str) -> dict[str, Any]:
    if case.choices:
        references = [
            _tagged(choice, [CORRECT] if index == case.answer_index else [])
            for index, choice in enumerate(case.choices)
        ]
    else:
        references = [_tagged(text, [CORRECT]) for text in case.references]
    references += [_tagged(document, [f"{_RELEVANCE}{grade}"]) for document, grade in case.relevant.items()]
    own = {name: case.slices[name] for name in ("sub_split",) if name in case.slices}
    return {
        "input": {"text": question_text(case)},
        "references": references,
        "split": case.slices.get("split", split),
        **own,
        "id": case.id,
    }


def _tagged(text: str, tags: list[str]) -> dict[str, Any]:
    return {"output": {"text": text}, "tags": tags}


def write_run(folder: Path, info: RunInfo, cases: Sequence[Case], samples: Sequence[Sample]) -> int:
    """Write a run: the scenario, the predictions, and values by instance and draw; returns the number of samples.

    A metric without a value has no entry, as in HELM, where its count would be 0.
    """
    write_instances(folder, info.suite, cases)
    splits = {case.id: case.slices.get("split", "test") for case in cases}
    write_json(
        folder / "per_instance_stats.json",
        [
            {
                "instance_id": sample.case_id,
                "train_trial_index": sample.draw,
                "stats": [
                    _stat(name, splits.get(sample.case_id, "test"), value)
                    for name, value in sorted(sample.values.items())
                ],
            }
            for sample in samples
        ],
    )
    write_json(
        folder / "display_predictions.json",
        [
            {
                "instance_id": sample.case_id,
                "predicted_text": (sample.response.answer if sample.response else None) or "",
                "train_trial_index": sample.draw,
                "stats": dict(sorted(sample.values.items())),
            }
            for sample in samples
        ],
    )
    return len(samples)


def _stat(name: str, split: str, value: float) -> dict[str, Any]:
    """A statistic of one observation."""
    return {
        "name": {"name": name, "split": split},
        "count": 1,
        "sum": value,
        "sum_squared": value * value,
        "min": value,
        "max": value,
        "mean": value,
        "variance": 0.0,
        "stddev": 0.0,
    }


def read_values(path: Path) -> dict[tuple[str, int], dict[str, float]]:
    """Values by instance and trial of a ``per_instance_stats.json``. Statistics without a finite mean are left out.

    Raises:
        InvalidSuite: an entry is not valid.
    """
    file = path / "per_instance_stats.json" if path.is_dir() else path
    found: dict[tuple[str, int], dict[str, float]] = {}
    for where, item in read_objects(file):
        key = field(where, item, "instance_id", str), field(where, item, "train_trial_index", int)
        values = found.setdefault(key, {})
        for stat in field(where, item, "stats", list):
            name, mean = stat.get("name", {}).get("name"), stat.get("mean")
            if name and stat.get("count") and mean is not None and math.isfinite(mean):
                values[str(name)] = float(mean)
    return found
