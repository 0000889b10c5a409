"""Multiple-choice questions in MMLU's form: CSV or JSONL.

CSV, without a header: the question, the options, and the letter of the correct one. JSONL: ``question``, ``choices``,
``answer`` (index, letter or text of an option), and optionally ``id`` and ``subject``. The model answers by generation.
"""

from __future__ import annotations

import csv
import io
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from septet_experiments.cases import Case
from septet_experiments.errors import InvalidSuite
from septet_experiments.formats.files import Ids, field, read_objects, read_text
from septet_experiments.formats.scoring import GENERATION, check_scoring

LETTERS = string.ascii_uppercase
_ENDINGS = ("_test", "_dev", "_val")


def read_multiple_choice(path: Path, *, scoring: str = GENERATION) -> list[Case]:
    """Cases of a file, or of all CSV and JSONL files of a folder. The subject is the file's name, as in MMLU.

    Raises:
        InvalidSuite: a line is not valid, or *scoring* needs log probabilities.
    """
    check_scoring(scoring)
    files = (
        sorted(f for f in path.rglob("*") if f.suffix in (".csv", ".jsonl", ".json"))
        if path.is_dir()
        else [path]
    )
    ids, cases = Ids("mc"), []
    for file in files:
        for where, row in _csv_rows(file) if file.suffix == ".csv" else read_objects(file):
            cases.append(_case(where, row, _subject(file), ids))
    if not cases:
        raise InvalidSuite(f"{path}: no question", "give a CSV or JSONL file, or a folder of them")
    return cases


def _subject(file: Path) -> str:
    return next((file.stem.removesuffix(end) for end in _ENDINGS if file.stem.endswith(end)), file.stem)


def _csv_rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        for number, row in enumerate(
            csv.reader(io.StringIO(read_text(file), newline=""), strict=True), start=1
        ):
            if not row or (number == 1 and row[-1].strip().lower() in ("answer", "target")):
                continue
            if len(row) < 4:
                raise InvalidSuite(
                    f"{file}: row {number}: {len(row)} columns",
                    "a row has the question, at least two options and a letter",
                )
            yield (
                f"{file}: row {number}",
                {"question": row[0], "choices": row[1:-1], "answer": row[-1].strip()},
            )
    except csv.Error as error:
        raise InvalidSuite(f"{file}: not CSV: {error}", "correct the file") from error


def _case(where: str, row: dict[str, Any], subject: str, ids: Ids) -> Case:
    question = field(where, row, "question", str)
    choices = tuple(map(str, field(where, row, "choices", list)))
    if not 2 <= len(choices) <= len(LETTERS):
        raise InvalidSuite(f"{where}: choices: {len(choices)} options", f"give 2 to {len(LETTERS)}")
    given = row.get("id")
    return Case(
        id=ids.unique(str(given)) if given is not None else ids.of(question, *choices),
        question=question,
        choices=choices,
        answer_index=_index(where, row.get("answer"), choices),
        slices={"subject": str(row.get("subject", subject))},
    )


def _index(where: str, answer: Any, choices: tuple[str, ...]) -> int:
    """Index of the correct option. A letter is read before a text, and a number as an index."""
    if isinstance(answer, str):
        letter = answer.strip().upper()
        if len(letter) == 1 and letter in LETTERS[: len(choices)]:
            return LETTERS.index(letter)
        if answer in choices:
            return choices.index(answer)
        answer = int(answer) if answer.isdecimal() else None
    if isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer < len(choices):
        return answer
    raise InvalidSuite(
        f"{where}: answer: not an option", "give the letter, the 0-based index or the text of an option"
    )
