"""The documentation agrees with the code and with itself."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from septet_contracts import SERVICES
from septet_contracts.asyncapi import load_parties, short_name, written
from septet_eval.domain.scorers import SCORERS

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md"))
    if "node_modules" not in page.parts
)


def test_settings_page_is_current() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "generate" / "settings_page.py"))["page"]()
    committed = (ROOT / "docs" / "reference" / "settings.md").read_text("utf-8")
    assert committed == made, "run `python docs/generate/settings_page.py` and commit the page"


def test_table_of_services_agrees_with_their_specs() -> None:
    table = (ROOT / "docs" / "reference" / "services.md").read_text("utf-8")
    for party in load_parties():
        if party.name in SERVICES:
            produced = {short_name(t) for t in written(party) if not t.raw} - (
                {"outcomes"} if party.name == "eval" else set()
            )
            row = re.search(rf"^\| {party.name} \| ([^|]*) \| ([^|]*) \|", table, re.MULTILINE)
            assert row is not None, party.name
            assert set(row[1].split(", ")) == {*party.consumes, *party.follows}
            assert set(row[2].split(", ")) - {"outcomes"} == produced - {"outcomes"}


def test_table_of_scores_lists_every_scorer() -> None:
    table = (ROOT / "docs" / "reference" / "scores.md").read_text("utf-8")
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == sorted(SCORERS)


def test_readme_quotes_the_checks_of_the_demo() -> None:
    demo = "".join(file.read_text("utf-8") for file in (ROOT / "cli/src/septet_cli/demo").glob("*.py"))
    names = re.sub(r"\{[^}]*\}", "N", demo)
    quoted = re.findall(r"^  PASS (.+)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert len(quoted) >= 5
    assert [line for line in quoted if re.sub(r"\d+", "N", line) not in names] == []


def test_every_setting_named_in_prose_exists() -> None:
    known = set(
        re.findall(r"`(SEPTET_\w+)`", (ROOT / "docs" / "reference" / "settings.md").read_text("utf-8"))
    )
    known |= {"SEPTET_SCHEMAS"}
    known |= set(re.findall(r"\$\{env:(\w+)\}", (ROOT / "infra/kafka/server.properties").read_text("utf-8")))
    for page in PAGES:
        for name in re.findall(r"\b(SEPTET_\w*[A-Z])\b(?!_)", page.read_text("utf-8")):
            assert name in known or any(k.startswith(f"{name}_") for k in known), f"{page.name}: {name}"
