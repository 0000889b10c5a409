"""Each directory of tests states what belongs there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIRECTORIES = sorted(
    {
        path.parent
        for top in ("contracts", "experiments", "readers", "tuning", "services", "infra", "cli", "tests")
        for path in (ROOT / top).rglob("test_*.py")
    }
)


@pytest.mark.parametrize("directory", DIRECTORIES, ids=lambda d: str(d.relative_to(ROOT)))
def test_a_directory_of_tests_has_a_docstring(directory: Path) -> None:
    files = [directory / name for name in ("conftest.py", "__init__.py")]
    assert any(f.exists() and ast.get_docstring(ast.parse(f.read_text("utf-8"))) for f in files)
