"""The plugin of ``make test-clients`` that reads the list of expected failures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[1] / "clients" / "suites" / "expected.py"
CONFTEST = 'api_key = "My API Key"\n'
SUITE = """import conftest

def test_key():
    assert conftest.api_key == "sk-1"

def test_missing():
    raise ValueError
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("listed", "code", "said"),
    [
        ('"*::test_missing" = "not available"', 0, "not available"),
        ("", 1, "1 failed, 1 passed"),
        ('"*::test_*" = "too much"', 1, "XPASS(strict)"),
        ('"*::test_missing" = "a"\n"*::test_gone" = "b"', 4, "no test matches *::test_gone"),
    ],
    ids=["expected", "unexpected", "out of date", "unused"],
)
def test_only_listed_tests_may_fail_and_all_of_them_do(
    tmp_path: Path, listed: str, code: int, said: str
) -> None:
    shutil.copy(PLUGIN, tmp_path)
    (tmp_path / "expected-failures.toml").write_text(f"[own]\n{listed}\n", "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    (tmp_path / "conftest.py").write_text(CONFTEST, "utf-8")
    (tmp_path / "test_own.py").write_text(SUITE, "utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "expected", "--suite", "own", "-rx"]
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "OPENAI_API_KEY": "sk-1"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr
