"""The command that migrates schemas."""

from __future__ import annotations

import subprocess
import sys


def test_an_invalid_namespace_is_named_with_its_setting() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "septet_kit.migrate", "--sql"],
        capture_output=True,
        text=True,
        check=False,
        env={"SEPTET_NAMESPACE": "Not valid"},
    )
    assert done.returncode == 1
    assert "SEPTET_NAMESPACE: a namespace has" in done.stderr
    assert "Traceback" not in done.stderr
