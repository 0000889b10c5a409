"""The example workflows: their commands exist, and their scripts turn the gate's exit codes into the job's."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from septet_cli.main import app

EXAMPLES = Path(__file__).parents[2] / "examples" / "ci"
GITHUB = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text("utf-8"))
GITLAB = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text("utf-8"))
SEPTET = """#!/bin/bash
[ "$REPORT" = yes ] && mkdir -p reports && echo '<testsuites/>' > reports/gate.xml
echo verdict
exit "$CODE"
"""


def scripts() -> list[str]:
    """The shell scripts of both workflows, and of the page beside them."""
    steps = [step["run"] for job in GITHUB["jobs"].values() for step in job["steps"] if "run" in step]
    job = GITLAB["evals"]
    page = re.findall(r"```sh\n(.*?)```", (EXAMPLES / "README.md").read_text("utf-8"), re.DOTALL)
    return [*steps, *job["before_script"], *job["script"], *job["after_script"], *page]


def commands() -> Iterator[list[str]]:
    """Each call of ``septet``, as words."""
    for script in scripts():
        for line in script.replace("\\\n", " ").splitlines():
            found = re.match(r"\s*(?:\S*/)?septet (.*)", line)
            if found:
                yield shlex.split(re.sub(r"\|\|.*|\s>\s?\S+", "", found[1]))


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_each_command_and_option_exists(words: list[str]) -> None:
    command: Any = typer.main.get_command(app)
    while words and isinstance(getattr(command, "commands", None), dict):
        assert words[0] in command.commands, words
        command, words = command.commands[words[0]], words[1:]
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known
    command.make_context("septet", words, resilient_parsing=True)


def test_commands_were_found() -> None:
    called = {tuple(words[:2]) for words in commands()}
    assert {("stack", "up"), ("eval", "gate"), ("stack", "down"), ("eval", "run")} <= called


def job_code(script: str, folder: Path, code: int, report: bool) -> int:
    """Exit code of a script, with a ``septet`` that exits with *code*."""
    program = folder / "bin" / "septet"
    program.parent.mkdir()
    program.write_text(SEPTET)
    program.chmod(0o755)
    variables = {
        "PATH": f"{program.parent}:/usr/bin:/bin",
        "CODE": str(code),
        "REPORT": "yes" if report else "no",
    }
    variables["GITHUB_STEP_SUMMARY"] = str(folder / "summary")
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script], cwd=folder, env=variables, check=False
    ).returncode


@pytest.mark.parametrize(("code", "report", "expected"), [(0, True, 0), (1, True, 1), (2, True, 0), (2, False, 3), (3, False, 3)])  # fmt: skip
def test_githubs_job_fails_for_a_failed_gate_and_without_a_report(
    tmp_path: Path, code: int, report: bool, expected: int
) -> None:
    step = next(s for s in GITHUB["jobs"]["gate"]["steps"] if s.get("name") == "Gate")
    assert step["shell"] == "bash", "GitHub's default shell ignores a failure before a pipe"
    assert job_code(step["run"], tmp_path, code, report) == expected


@pytest.mark.parametrize(("code", "report", "expected"), [(0, True, 0), (1, True, 1), (2, True, 2), (2, False, 3), (3, False, 3)])  # fmt: skip
def test_gitlabs_job_warns_only_for_an_inconclusive_gate(
    tmp_path: Path, code: int, report: bool, expected: int
) -> None:
    job = GITLAB["evals"]
    assert job_code("\n".join(job["script"]), tmp_path, code, report) == expected
    assert job["allow_failure"] == {"exit_codes": [2]}


def test_reports_are_kept_when_the_gate_fails() -> None:
    steps = {step.get("name"): step for step in GITHUB["jobs"]["gate"]["steps"]}
    upload = steps["Upload the reports"]
    assert upload["if"] == "always()"
    assert upload["with"]["if-no-files-found"] == "error"
    assert steps["Show the cases as test results"]["with"]["path"] == "reports/gate.xml"
    artifacts = GITLAB["evals"]["artifacts"]
    assert artifacts["when"] == "always"
    assert artifacts["reports"]["junit"] == "reports/gate.xml"
