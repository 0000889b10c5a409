"""The documentation agrees with the code and with itself."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from septet_contracts import SERVICES
from septet_contracts.asyncapi import load_parties, short_name, written

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def test_settings_page_is_current() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "generate" / "settings_page.py"))["page"]()
    committed = (ROOT / "docs" / "reference" / "settings.md").read_text("utf-8")
    assert committed == made, "run `python docs/generate/settings_page.py` and commit the page"


@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert missing == []


def test_every_page_can_be_reached() -> None:
    linked = {(p.parent / link).resolve() for p in PAGES for link in LINK.findall(p.read_text("utf-8"))}
    assert [p for p in PAGES if p.name != "README.md" and p.resolve() not in linked] == []


def test_readme_s_table_says_what_services_declare() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for party in load_parties():
        if party.name in SERVICES:
            produced = {short_name(t) for t in written(party) if not t.raw} - (
                {"outcomes"} if party.name == "eval" else set()
            )
            row = re.search(rf"^\| {party.name} \| ([^|]*) \| ([^|]*) \|", readme, re.MULTILINE)
            assert row is not None, party.name
            assert set(row[1].split(", ")) == set(party.consumes)
            assert set(row[2].split(", ")) - {"outcomes"} == produced - {"outcomes"}


def test_every_setting_named_in_prose_exists() -> None:
    known = set(
        re.findall(r"`(SEPTET_\w+)`", (ROOT / "docs" / "reference" / "settings.md").read_text("utf-8"))
    )
    known |= {"SEPTET_SCHEMAS"}
    known |= set(re.findall(r"\$\{env:(\w+)\}", (ROOT / "infra/kafka/server.properties").read_text("utf-8")))
    for page in PAGES:
        for name in re.findall(r"\b(SEPTET_\w*[A-Z])\b(?!_)", page.read_text("utf-8")):
            assert name in known or any(k.startswith(f"{name}_") for k in known), f"{page.name}: {name}"
