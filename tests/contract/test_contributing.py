"""The examples of CONTRIBUTING.md can be followed, and keep the house rules."""

from __future__ import annotations

import pytest

from ..support.workspace import CONTRIBUTING, Workspace, follow

SCORERS = "services/eval/tests/test_eval_scorers.py"
SCORES_THAT_APPLY = "test_an_outcome_without_an_answer_gets_only_the_scores_that_apply"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return follow(tmp_path_factory.mktemp("workspace"), CONTRIBUTING)


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=" ".join)
def test_examples_are_in_the_house_style(workspace: Workspace, command: tuple[str, ...]) -> None:
    edited = (
        "services/eval/src/septet_eval/domain/scorers",
        "readers/src/septet_readers",
        "cli/src/septet_cli/ingest",
    )
    workspace.run("-m", "ruff", *command, "--no-cache", *edited, *workspace.written)


def test_scorer_and_reader_work(workspace: Workspace) -> None:
    tests = [name for name in workspace.written if "/tests/" in name]
    assert len(tests) == 2
    workspace.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, f"{SCORERS}::{SCORES_THAT_APPLY}")
