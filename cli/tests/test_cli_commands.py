"""The command line itself: help, errors, exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from septet_cli.main import app
from typer.testing import CliRunner

COMMANDS = (
    "up",
    "ask",
    "ingest",
    "delete",
    "feedback",
    "trace",
    "topics",
    "doctor",
    "demo",
    "stub-model",
    "contracts",
    "dlq",
    "bench",
)
runner = CliRunner()


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.delenv("SEPTET_KAFKA_BOOTSTRAP", raising=False)


def test_help_lists_every_command() -> None:
    shown = runner.invoke(app, ["--help"]).output
    assert all(f" {name} " in shown for name in COMMANDS)


@pytest.mark.parametrize(
    "command",
    [
        *((name,) for name in COMMANDS if name != "contracts"),
        ("dlq", "redrive"),
        ("dlq", "show"),
        ("bench", "rag"),
    ],
)
def test_every_command_teaches_by_example(command: tuple[str, ...]) -> None:
    shown = runner.invoke(app, [*command, "--help"]).output
    if command == ("bench",):
        command = ("bench", "rag")
        shown = runner.invoke(app, [*command, "--help"]).output
    assert "Examples:" in shown
    assert f"septet {' '.join(command)}" in shown


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask", "x"],
        ["topics"],
        ["delete", "d"],
        ["trace", "r"],
        ["feedback", "r", "--up"],
        ["dlq", "list"],
        ["ingest", "python:json"],
    ],
)
def test_without_a_stack_the_fix_is_named(arguments: list[str]) -> None:
    result = runner.invoke(app, arguments)
    assert result.exit_code == 1
    assert "No stack runs" in result.output
    assert "septet up" in result.output


def test_a_wrong_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_KAFKA_BOOTSTRAP", "127.0.0.1:9")
    result = runner.invoke(app, ["topics"])
    assert result.exit_code == 1
    assert "does not answer" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["feedback", "r"], "No feedback given"),
        (["feedback", "r", "--up", "--down"], "exclude each other"),
        (["up", "--only", "cache,nobody"], "no service nobody"),
        (["ask", "x", "--schema", "/no/such.json"], "not a JSON Schema file"),
        (["bench", "rag", "/no/such/folder"], "no data set"),
    ],
)
def test_wrong_arguments_are_explained(arguments: list[str], message: str) -> None:
    result = runner.invoke(app, arguments)
    assert result.exit_code == 1
    assert message in " ".join(result.output.split())
    assert "fix:" in result.output


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, septet_cli.main\n"
        "print([m for m in ('aiokafka', 'pydantic', 'httpx', 'septet_contracts', 'asyncpg', 'bs4') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
