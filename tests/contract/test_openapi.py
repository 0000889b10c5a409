"""The committed OpenAPI document and its page are what the gateway's models say today."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
import schemathesis
import yaml
from jsonschema_rs import ValidationError

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


@pytest.mark.slow
def test_the_document_is_openapi_3_1() -> None:
    document = yaml.safe_load((REFERENCE / "openapi.yaml").read_text("utf-8"))
    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()
    del document["paths"]["/v1/models"]["get"]["responses"]["200"]["description"]
    with pytest.raises(ValidationError, match='"description" is a required'):
        schemathesis.openapi.from_dict(document).validate()


def test_references_lead_to_components() -> None:
    text = (REFERENCE / "openapi.yaml").read_text("utf-8")
    components = yaml.safe_load(text)["components"]
    named = set(re.findall(r"#/components/(\w+)/(\w+)", text))
    assert {(kind, name) for kind, name in named if name not in components[kind]} == set()
    unused = {(kind, name) for kind in components for name in components[kind]} - named
    assert unused == {("securitySchemes", "apiKey")}
