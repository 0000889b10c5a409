"""The template of a service can be followed, and keeps the house rules."""

from __future__ import annotations

import pytest

from ..support.workspace import ADD_A_SERVICE, NAME, Workspace, follow


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return follow(tmp_path_factory.mktemp("workspace"), ADD_A_SERVICE)


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=" ".join)
def test_it_is_in_the_house_style(workspace: Workspace, command: tuple[str, ...]) -> None:
    workspace.run("-m", "ruff", *command, "--no-cache", f"services/{NAME}")


def test_import_rules_include_it(workspace: Workspace) -> None:
    workspace.run("-c", "from importlinter.cli import lint_imports_command as main; main(['--no-cache'])")
    rules = (workspace.root / "pyproject.toml").read_text("utf-8")
    assert rules.count(f"septet_{NAME}") == 4
