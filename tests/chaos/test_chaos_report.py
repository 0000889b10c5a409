"""Results are merged by row and never mixed; the page shows them; a weakness that weakens nothing is an error."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from . import suite, weakened
from .__main__ import Wanted, _run
from .checker import Violations
from .lab import Scale, Verdict
from .proofs import PROOFS, Proved
from .report import SHORT, WHOLE, Report, ReportError, read
from .result import Claims, Result, Row, finish
from .suite import ROWS

ROOT = Path(__file__).parents[2]
RUN = {
    "command": "c",
    "commit": "abc",
    "at": "2026-01-01T00:00+00:00",
    "load": 0.1,
    "machine": {
        "cores": 2,
        "memory_gib": 8,
        "processor": "x",
        "stack": "embedded",
        "python": "3",
        "kafka": "4",
        "postgresql": "18",
    },
}


def _row(number: int, *broken: str, sent: int = 10, **changed: str) -> dict[str, Any]:
    row = ROWS[number]
    claims = Claims([Verdict(Violations(), sent, {"answered": sent})], {"p50_ms": 5}, list(broken))  # type: ignore[arg-type]
    found = finish(Row(number, row.load, row.expected, row.run), 1, Scale(), claims, 12.0).as_json()
    return {**found, **changed}


def _page(*reports: Report) -> str:
    made = runpy.run_path(str(ROOT / "docs" / "generate" / "reliability_page.py"))["page"](reports)
    assert isinstance(made, str)
    return made


def test_the_page_is_that_of_the_committed_results() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "generate" / "reliability_page.py"))
    committed = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    assert committed == script["page"](script["reports"]()), "run `python docs/generate/reliability_page.py`"


def test_there_is_every_row() -> None:
    assert list(ROWS) == list(range(1, 19))


def test_a_row_that_runs_again_replaces_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "seed-1.json"
    first = Report.opened(path, 1, WHOLE)
    first.add_row(_row(3, "late"), RUN)
    first.add_row(_row(4), RUN)
    assert read(path).rows[3]["broken"] == ["late"]
    again = Report.opened(path, 1, WHOLE)
    again.add_row(_row(3), RUN)
    assert [(n, r["passed"]) for n, r in read(path).rows.items()] == [(3, True), (4, True)]
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(("seed", "form"), [(2, WHOLE), (1, SHORT)])
def test_results_of_another_seed_or_form_are_refused(tmp_path: Path, seed: int, form: str) -> None:
    path = tmp_path / "seed-1.json"
    Report.opened(path, 1, WHOLE).add_row(_row(3), RUN)
    with pytest.raises(ReportError, match="whole form with seed 1"):
        Report.opened(path, seed, form)


def test_the_page_counts_rows_by_seed_and_names_those_that_were_not_run() -> None:
    one, two = Report(1), Report(2)
    one.add_row(_row(3, sent=1500), RUN)
    one.add_row(_row(4, "no progress for 31.0 s"), RUN)
    two.add_row(_row(3), RUN)
    page = _page(one, two)
    assert (
        "with 2 seeds (1, 2): 3 rows in whole form, 2 passed; 1,520 requests, 0 lost, 0 duplicated; 1 minutes."
        in page
    )
    assert "**Not run in whole form**: 16 rows (1, 2, 5, " in page
    assert "| passed; 1,500 requests, 0 lost, 0 duplicated | passed; 10 requests" in page
    assert "**failed**: no progress for 31.0 s" in page


def test_a_result_of_a_row_that_says_something_else_today_does_not_count() -> None:
    report = Report(1)
    report.add_row(_row(3, expected="recovery ≤ 60 s"), RUN)
    assert "16 rows" in _page(report)


def test_the_page_shows_what_a_proof_reported() -> None:
    proof = PROOFS["release"]
    proved = Proved(
        proof.name,
        proof.without,
        proof.scenario,
        proof.kind,
        {"violations": {}},
        {"violations": {"duplicated": 40}},
        broken=(),
        seconds=9.0,
    )
    report = Report(7)
    report.add_proof(proved.as_json(), RUN)
    assert "| 7 | none | duplicated 40 | passed | abc | 2026-01-01 |" in _page(report)


def test_a_run_that_lost_something_has_failed_whatever_it_expected() -> None:
    claims = Claims()
    claims.keep(Verdict(Violations(lost=("r1",)), 2, {"answered": 1}))  # type: ignore[arg-type]
    result = finish(ROWS[1], 1, Scale(), claims, 1.0)
    assert (result.passed, result.lost, result.duplicated) == (False, 1, 0)


@pytest.mark.slow
@pytest.mark.parametrize("weakness", weakened.WEAKNESSES)
def test_what_a_weakness_takes_away_is_there(weakness: str) -> None:
    program = f"from tests.chaos.weakened import WEAKNESSES; WEAKNESSES[{weakness!r}]()"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=120)


@pytest.mark.parametrize("statement", ["UPDATE x", "WHERE a WHERE a"])
def test_a_weakness_that_would_weaken_nothing_is_an_error(statement: str) -> None:
    module = ModuleType("adapter")
    module._RELEASE = statement  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="does not hold 'WHERE a' once"):
        weakened.strip(module, "_RELEASE", "WHERE a")


def test_json_keeps_what_a_person_wrote(tmp_path: Path) -> None:
    path = tmp_path / "seed-1.json"
    Report.opened(path, 1, WHOLE).add_row(_row(9), RUN)
    assert json.loads(path.read_text("utf-8"))["rows"][0]["expected"] == ROWS[9].expected
    assert "≤" in path.read_text("utf-8")


async def test_the_last_line_is_for_scripts_and_a_failure_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async def run_row(row: Row, seed: int, scale: Scale, keep: Path | None) -> Result:
        claims = Claims()
        lost = ("r1",) if row.number == 4 else ()
        claims.keep(Verdict(Violations(lost=lost), 2, {"answered": 2}))  # type: ignore[arg-type]
        return finish(row, seed, scale, claims, 1.0)

    monkeypatch.setattr(suite, "run_row", run_row)
    path = tmp_path / "seed-1.json"
    for rows, code, line in (
        ([3], 0, "chaos: 1 rows passed, 0 failed, lost 0, duplicated 0"),
        ([3, 4, 5], 1, "chaos: 2 rows passed, 1 failed, lost 1, duplicated 0"),
    ):
        assert await _run(Wanted(1, rows, [], False, None), Report.opened(path, 1, WHOLE)) == code
        assert capsys.readouterr().out.splitlines()[-1] == line
    assert list(read(path).rows) == [3, 4, 5]
    assert read(path).rows[5]["run"]["command"] == "python -m tests.chaos --seed 1 --rows 5"
