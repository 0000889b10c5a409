"""``septet reindex``: its options, output and exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from septet_cli.commands import reindex
from septet_cli.main import app
from typer.testing import CliRunner

EVENTS = [
    {"event": "progress", "version": "septet-passages-v2", "done": 1, "total": 2},
    {"event": "document rejected", "document": "d9"},
    {
        "event": "done",
        "version": "septet-passages-v2",
        "before": "septet-passages-v1",
        "documents": 2,
        "rejected": 1,
    },
]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the service: prints its arguments, then the events."""
    package = tmp_path / "stand_in"
    package.mkdir()
    (package / "__main__.py").write_text(
        "import os, sys\n"
        f"print({json.dumps(json.dumps({'event': 'called'}))}.replace('called', ' '.join(sys.argv[1:])))\n"
        f"for event in {[json.dumps(event) for event in EVENTS]!r}: print(event)\n"
        "sys.exit(1)\n"
    )
    monkeypatch.setattr(reindex, "SERVICE", "stand_in")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return package


def test_options_are_passed_to_the_service_and_its_exit_code_is_returned(
    service: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEPTET_OPENSEARCH_URL", "http://127.0.0.1:9")
    result = CliRunner().invoke(app, ["reindex", "--keep-old", "--if-needed", "--batch", "7"])
    assert result.exit_code == 1
    assert "reindex --json --batch=7 --if-needed --keep-old" in result.output
    assert "septet-passages-v2 is in use and replaces septet-passages-v1: 2 documents" in result.output
    assert "1 documents were rejected" in result.output
    assert "d9" in result.output


@pytest.mark.slow
def test_without_opensearch_the_error_names_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SEPTET_OPENSEARCH_URL", raising=False)
    monkeypatch.setenv("SEPTET_DATA_DIR", str(tmp_path))
    result = CliRunner().invoke(app, ["reindex"])
    assert result.exit_code == 2
    assert "set SEPTET_OPENSEARCH_URL" in result.output
