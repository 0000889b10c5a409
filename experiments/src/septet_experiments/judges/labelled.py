"""Labelled data for the calibration of judges: pairs with a better answer, and answers that are good or bad.

Accepted lines of JSONL:

- a pair, as in LLMBar: ``id``, ``instruction`` or ``question``, ``output_1``, ``output_2``, ``label`` (1 or 2; ``tie``),
  and optionally ``model_1`` and ``model_2`` (who wrote the answers), ``subset``, ``language``;
- a rated answer: ``id``, ``question``, ``answer``, ``good`` (true or false), and optionally ``sources``, ``references``,
  ``model``, ``language``;
- a label of Septet's topic ``septet.labels.v1``: a correction becomes a pair, whose corrected answer is better; a positive
  or negative explicit label becomes a rated answer. Implicit labels are left out: they are too weak to measure a judge by.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from septet_experiments.errors import ExperimentError
from septet_experiments.judges.protocols import Item

PairLabel = Literal["1", "2", "tie"]
PAIR_LABELS: tuple[PairLabel, ...] = ("1", "2", "tie")


@dataclass(frozen=True)
class LabelledPair:
    """Two answers, and which one is better. ``models`` wrote them, if known."""

    id: str
    question: str
    outputs: tuple[str, str]
    label: PairLabel
    models: tuple[str, str] = ("", "")
    subset: str = ""
    language: str | None = None

    @property
    def item(self) -> Item:
        """The first answer, compared with the second."""
        return Item(self.question, self.outputs[0], other=self.outputs[1], language=self.language)


@dataclass(frozen=True)
class LabelledAnswer:
    """An answer that is good or bad."""

    id: str
    item: Item
    good: bool
    model: str = ""


@dataclass(frozen=True)
class LabelledData:
    """The content of a file. ``skipped`` counts lines that calibrate nothing."""

    pairs: tuple[LabelledPair, ...]
    answers: tuple[LabelledAnswer, ...]
    digest: str
    skipped: int = 0


def read_labelled(path: Path) -> LabelledData:
    """Read a file.

    Raises:
        ExperimentError: the file cannot be read, or a line has none of the accepted forms.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ExperimentError(f"{path} cannot be read: {error}", "give a JSONL file in UTF-8") from error
    return parse_labelled(lines, str(path))


def parse_labelled(lines: Iterable[str], name: str = "labelled data") -> LabelledData:
    """As :func:`read_labelled`, from lines."""
    pairs: dict[str, LabelledPair] = {}
    answers: dict[str, LabelledAnswer] = {}
    skipped = 0
    kept: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = _labelled(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ExperimentError(
                f"{name}, line {number}: {error!r}",
                "see `septet eval judge calibrate --help` for the accepted forms",
            ) from error
        if found is None:
            skipped += 1
            continue
        target: dict[str, Any] = pairs if isinstance(found, LabelledPair) else answers
        if found.id in target:
            raise ExperimentError(
                f"{name}, line {number}: the id {found.id!r} appears twice", "give each line its id"
            )
        target[found.id] = found
        kept.append(line.strip())
    digest = hashlib.sha256("\n".join(sorted(kept)).encode()).hexdigest()
    return LabelledData(tuple(pairs.values()), tuple(answers.values()), digest, skipped)


def pair_label(value: Any) -> PairLabel:
    """The label of a pair.

    Raises:
        ValueError: it is not 1, 2 or ``tie``.
    """
    for label in PAIR_LABELS:
        if str(value) == label:
            return label
    raise ValueError(f"a label is 1, 2 or tie, not {value!r}")


def _labelled(row: Any) -> LabelledPair | LabelledAnswer | None:
    if row.get("contract") == "septet.label":
        return _of_label(row)
    if "output_1" in row:
        return _pair(row)
    item = Item(
        row["question"],
        row["answer"],
        references=tuple(row.get("references", ())),
        sources=tuple(row.get("sources", ())),
        language=row.get("language"),
    )
    if not isinstance(row["good"], bool):
        raise TypeError("`good` is true or false")
    return LabelledAnswer(str(row["id"]), item, row["good"], row.get("model", ""))


def _pair(row: Any) -> LabelledPair:
    label = pair_label(row["label"])
    return LabelledPair(
        str(row["id"]),
        row["instruction"] if "instruction" in row else row["question"],
        (row["output_1"], row["output_2"]),
        label,
        (row.get("model_1", ""), row.get("model_2", "")),
        row.get("subset", ""),
        row.get("language"),
    )


def _of_label(row: Any) -> LabelledPair | LabelledAnswer | None:
    question, answer, identity = row.get("question"), row.get("answer"), str(row["event_id"])
    if not question or not answer or not row["explicit"]:
        return None
    corrected = row.get("corrected_answer")
    if corrected:
        return LabelledPair(identity, question, (answer, corrected), "2", subset="correction")
    if row["polarity"] not in ("positive", "negative"):
        return None
    return LabelledAnswer(identity, Item(question, answer), row["polarity"] == "positive")
