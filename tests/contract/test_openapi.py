"""The committed OpenAPI document and its page are what the gateway's models say today."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
SCRIPT = runpy.run_path(str(ROOT / "docs" / "generate" / "openapi_page.py"))
FILES = SCRIPT["files"]()


@pytest.mark.parametrize("name", FILES)
def test_committed_files_are_current(name: str) -> None:
    committed = (REFERENCE / name).read_text("utf-8")
    assert committed == FILES[name], "run `make contracts` and commit docs/reference"


def test_the_check_fails_on_a_file_that_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main = SCRIPT["main"]
    assert main(["--check"]) == 0
    monkeypatch.setitem(main.__globals__, "FOLDER", tmp_path)
    assert main(["--check"]) == 1
    assert "openapi.yaml differs" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0
    (tmp_path / "http-api.md").write_text("# Another page\n", "utf-8")
    assert main(["--check"]) == 1


def test_the_document_is_openapi_3_1() -> None:
    document = yaml.safe_load((REFERENCE / "openapi.yaml").read_text("utf-8"))
    assert document["openapi"] == "3.1.0"
