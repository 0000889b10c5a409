"""The command line: help, error messages and exit codes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from septet_cli.main import app
from typer.testing import CliRunner

FORWARDED = ("contracts",)
"""Commands that pass ``--help`` on to another program."""


def command_paths(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Names of a command and of all its subcommands."""
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from command_paths(inner, (*path, name))


COMMANDS = [path for path in command_paths(typer.main.get_command(app)) if path]
runner = CliRunner()


@pytest.fixture(autouse=True)
def no_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.delenv("SEPTET_KAFKA_BOOTSTRAP", raising=False)


def test_help_lists_every_command() -> None:
    shown = runner.invoke(app, ["--help"]).output
    assert all(f" {path[0]} " in shown for path in COMMANDS)


@pytest.mark.parametrize("path", [p for p in COMMANDS if p[0] not in FORWARDED], ids=" ".join)
def test_the_help_of_every_command_has_an_example(path: tuple[str, ...]) -> None:
    shown = runner.invoke(app, [*path, "--help"]).output
    examples = shown.partition("Examples:")[2]
    assert f"septet {' '.join(path)}" in examples


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask", "x"],
        ["topics"],
        ["delete", "d"],
        ["trace", "r"],
        ["cancel", "r"],
        ["feedback", "r", "--up"],
        ["dlq", "list"],
        ["ingest", "python:json"],
    ],
)
def test_without_a_stack_a_command_names_the_fix(arguments: list[str]) -> None:
    result = runner.invoke(app, arguments)
    assert result.exit_code == 1
    assert "No stack runs" in result.output
    assert "septet up" in result.output


def test_an_unreachable_broker_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_KAFKA_BOOTSTRAP", "127.0.0.1:9")
    result = runner.invoke(app, ["topics"])
    assert result.exit_code == 1
    assert "does not answer" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["feedback", "r"], "No feedback was given"),
        (["feedback", "r", "--up", "--down"], "exclude each other"),
        (["up", "--only", "cache,nobody"], "no service nobody"),
        (["ask", "x", "--schema", "/no/such.json"], "not a JSON Schema file"),
        (["bench", "rag", "/no/such/folder"], "no data set"),
    ],
)
def test_a_wrong_argument_is_reported_with_a_fix(arguments: list[str], message: str) -> None:
    result = runner.invoke(app, arguments)
    assert result.exit_code == 1
    assert message in " ".join(result.output.split())
    assert "fix:" in result.output


def test_help_imports_no_heavy_package() -> None:
    code = (
        "import sys, septet_cli.main\n"
        "print([m for m in ('aiokafka', 'pydantic', 'httpx', 'septet_contracts', 'asyncpg', 'bs4') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
