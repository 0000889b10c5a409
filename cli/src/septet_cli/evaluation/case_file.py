"""A file of cases that commands add to."""

from __future__ import annotations

import sys
from codecs import BOM_UTF8
from pathlib import Path

from pydantic import ValidationError
from septet_experiments.cases import Case
from septet_experiments.suites import read_cases


def to_line(case: Case) -> str:
    """A case as one line of JSON, without fields that have their default."""
    return case.model_dump_json(exclude_defaults=True)


class CaseFile:
    """Cases by id; a case that is added again replaces its line. Without a path, cases are printed.

    Raises:
        InvalidSuite: the file has a line that is no case.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        exists = path is not None and path.exists()
        self._cases = {case.id: case for _, case in read_cases(path)} if path is not None and exists else {}

    def add(self, case: Case) -> bool:
        """Write a case; returns whether it is new or has changed."""
        before = self._cases.get(case.id)
        if before == case:
            return False
        self._cases[case.id] = case
        if self._path is None:
            sys.stdout.write(to_line(case) + "\n")
            sys.stdout.flush()
        elif before is None:
            self._append(self._path, case)
        else:
            self._replace(self._path, case)
        return True

    def get(self, case_id: str) -> Case | None:
        """The case with this id."""
        return self._cases.get(case_id)

    def questions(self) -> list[str]:
        """The questions of all cases."""
        return [case.question for case in self._cases.values() if case.question is not None]

    def _append(self, path: Path, case: Case) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = path.read_bytes() if path.exists() else b""
        with path.open("ab") as file:
            if content and not content.endswith(b"\n"):
                file.write(b"\n")
            file.write(to_line(case).encode() + b"\n")

    def _replace(self, path: Path, case: Case) -> None:
        """Replace one line, and keep all others with their comments."""
        # `str.splitlines` would split texts at U+0085 and U+2028.
        lines = path.read_bytes().removesuffix(b"\n").split(b"\n")
        new = path.with_name(f".{path.name}.new")
        made = [to_line(case).encode() if _is_case(line, case.id) else line for line in lines]
        new.write_bytes(b"\n".join(made) + b"\n")
        new.replace(path)


def _is_case(line: bytes, case_id: str) -> bool:
    try:
        return Case.model_validate_json(line.removeprefix(BOM_UTF8).strip()).id == case_id
    except ValidationError:
        # A comment, an empty line, or a line that the user edits.
        return False
