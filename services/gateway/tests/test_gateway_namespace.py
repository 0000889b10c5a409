"""The gateway as a process of a namespace."""

from __future__ import annotations

import os
import subprocess
import sys

# A process of its own, because `main` configures logs and traces of the whole process.
_PROGRAM = """
from types import SimpleNamespace

from prometheus_client import REGISTRY
from septet_gateway import app

app.uvloop = SimpleNamespace(run=lambda serving: serving.close())
app.main()
print(REGISTRY.get_sample_value("septet_namespace", {"namespace": "replay-x"}))
"""


def test_its_metrics_name_the_namespace() -> None:
    environment = {**os.environ, "SEPTET_NAMESPACE": "replay-x"}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip().endswith("1.0")
