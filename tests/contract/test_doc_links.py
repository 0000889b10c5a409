"""Links of the documentation lead to files, headings and definitions that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TREES = (
    "benchmarks",
    "cli",
    "contracts",
    "docs",
    "examples",
    "experiments",
    "infra",
    "readers",
    "services",
    "tests",
    "tuning",
)
PAGES = sorted(
    page
    for page in (
        *ROOT.glob("*.md"),
        *(found for tree in ("docs", "examples", "infra") for found in (ROOT / tree).rglob("*.md")),
    )
    if "node_modules" not in page.parts
)
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
# A decision records what was true when it was written; the files that it names may have moved.
CURRENT = [page for page in PAGES if page.parent.name != "decisions"]
LINK = re.compile(r"\[([^\]]*)\]\(([^)#:\s]*)(?:#([^)\s]+))?\)")
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
SYMBOL = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?")
FILE = re.compile(r"[\w@.\-]+(?:/[\w@.\-]+)+\.(?:py|yaml|yml|toml|sql|sh|properties|json|txt)(?::\d+)?")


def links(page: Path) -> list[tuple[str, Path, str]]:
    """Text, target and anchor of each relative link of a page."""
    text = FENCE.sub("", page.read_text("utf-8"))
    return [
        (label, (page.parent / target).resolve() if target else page, anchor)
        for label, target, anchor in LINK.findall(text)
    ]


@cache
def anchors(page: Path) -> frozenset[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings]
    return frozenset(plain)


@cache
def definitions(module: Path) -> frozenset[str]:
    """Names that a module defines, and ``Class.name`` for what its classes define."""
    found: set[str] = set()
    for node in ast.parse(module.read_text("utf-8")).body:
        found |= _names(node)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{name}" for inner in node.body for name in _names(inner)}
    return frozenset(found)


def _names(node: ast.stmt) -> set[str]:
    """Names that a statement defines."""
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return {name}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
    return set()


@cache
def tree() -> frozenset[str]:
    """Every path of the repository that a page may name, and each of its endings (``store/outbox.py``)."""
    paths = (
        path.relative_to(ROOT).parts for name in TREES for path in (ROOT / name).rglob("*") if path.is_file()
    )
    return frozenset("/".join(parts[i:]) for parts in paths for i in range(len(parts)))


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    found = links(page)
    missing = [str(target) for _, target, _ in found if not target.exists()]
    unknown = [
        f"{target.name}#{anchor}"
        for _, target, anchor in found
        if anchor and target.suffix == ".md" and target.exists() and anchor not in anchors(target)
    ]
    assert missing + unknown == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_a_linked_symbol_is_defined_in_the_linked_module(page: Path) -> None:
    wrong = [
        f"{name} is not in {target.relative_to(ROOT)}"
        for label, target, _ in links(page)
        if target.suffix == ".py" and target.exists()
        for name in CODE.findall(label)
        if not _is_in(name, target)
    ]
    assert wrong == []


def _is_in(name: str, module: Path) -> bool:
    if name.endswith(".py"):
        return module.as_posix().endswith(f"/{name}")
    return not SYMBOL.fullmatch(name) or name in definitions(module)


@pytest.mark.parametrize("page", CURRENT, ids=[str(page.relative_to(ROOT)) for page in CURRENT])
def test_files_named_in_prose_exist(page: Path) -> None:
    text = FENCE.sub("", page.read_text("utf-8"))
    named = {name.partition(":")[0] for name in CODE.findall(text) if FILE.fullmatch(name)}
    assert {name for name in named if name not in tree()} == set()


def test_every_page_can_be_reached() -> None:
    linked = {target for page in PAGES for _, target, _ in links(page)}
    assert [page for page in PAGES if page.name != "README.md" and page not in linked] == []


def test_a_wrong_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One\n[`run`](code.py) [`Two.walk`](code.py) [here](#one) [there](#two)\n", "utf-8")
    (tmp_path / "code.py").write_text("class Two:\n    def run(self) -> None: ...\n", "utf-8")
    found = links(page)
    assert [anchor in anchors(target) for _, target, anchor in found if anchor] == [True, False]
    assert definitions(tmp_path / "code.py") == {"Two", "Two.run"}
