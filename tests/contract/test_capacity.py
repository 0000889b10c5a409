"""The capacity model: what `docs/scale.md` shows is what the committed result says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def model(*options: str) -> str:
    command = [sys.executable, "-m", "benchmarks.capacity.model", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_page_shows_what_the_model_says() -> None:
    page = (ROOT / "docs" / "scale.md").read_text("utf-8")
    assert model("--rate", "10000", "--hits", "0.3").strip() in page


def test_cores_follow_the_rate() -> None:
    def cores(rate: int) -> int:
        rows = [
            line.split("|")
            for line in model("--rate", str(rate)).splitlines()
            if line.startswith("| kafka |")
        ]
        return int(rows[0][4].replace(",", ""))

    assert 9 <= cores(10_000) / cores(1_000) <= 11


def test_every_service_was_measured_under_a_load_that_was_answered() -> None:
    found = json.loads((ROOT / "benchmarks" / "capacity" / "results" / "embedded.json").read_text("utf-8"))
    path = found["full_path"]
    for service in (
        "guardrails",
        "cache",
        "retrieval",
        "generation",
        "eval",
        "feedback",
        "kafka",
        "postgres",
    ):
        assert path["cpu_ms"][service] > 0, service
    assert path["statuses"]["answered"] > 0.9 * path["items"]
