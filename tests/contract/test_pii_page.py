"""The page of the ``pii`` rail agrees with the committed results, and the results with the sentences and the rail."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

from septet_guardrails.domain.pii import ENTITIES, find_pii

from benchmarks.guardrails.pii import measure
from benchmarks.guardrails.pii_sets import korean, parse_marked

ROOT = Path(__file__).parents[2]
RESULTS = json.loads((ROOT / "benchmarks/guardrails/results/pii.json").read_text("utf-8"))
SCRIPT = runpy.run_path(str(ROOT / "docs" / "generate" / "pii_page.py"))


def test_page_is_current() -> None:
    committed = (ROOT / "docs" / "reference" / "pii.md").read_text("utf-8")
    assert committed == SCRIPT["page"](RESULTS), "run `python docs/generate/pii_page.py` and commit the page"


def test_page_describes_every_entity() -> None:
    assert [entity for entity in ENTITIES if f"`{entity}`" not in SCRIPT["ENTITIES"]] == []


def test_results_of_the_korean_sentences_are_current() -> None:
    found = {number: measure(marked, find_pii) for number, marked in korean().items()}
    assert found == {number: part["patterns"] for number, part in RESULTS["korean"].items()}


def test_marks_are_offsets_of_the_plain_text() -> None:
    marked = parse_marked("a {PERSON:김민수}, {PHONE:010}.")
    assert marked.text == "a 김민수, 010."
    assert [(m.entity, marked.text[m.start : m.end]) for m in marked.marks] == [
        ("PERSON", "김민수"),
        ("PHONE", "010"),
    ]
