"""The page of metrics agrees with the registry."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "docs" / "generate" / "metrics_page.py"))


def test_page_is_current() -> None:
    assert SCRIPT["main"](["--check"]) == 0, "run `python docs/generate/metrics_page.py` and commit the page"


def test_the_check_fails_on_a_page_that_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main = SCRIPT["main"]
    monkeypatch.setitem(main.__globals__, "PAGE", tmp_path / "metrics.md")
    (tmp_path / "metrics.md").write_text("# Another page\n", "utf-8")
    assert main(["--check"]) == 1
    assert "metrics.md differs" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0
