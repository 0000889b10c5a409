"""One version of each server: what the native stack runs is what compose runs."""

from __future__ import annotations

import re
from pathlib import Path

from septet_native.packages import jars
from septet_native.packages.versions import pinned

ROOT = Path(__file__).parents[2]


def default_tag(server: str) -> str:
    """The tag of *server* in the compose file when nothing is set."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    found = re.search(rf"\$\{{SEPTET_{server.upper()}_TAG:-([^}}]+)\}}", text)
    assert found, server
    return found[1]


def locked(server: str, artifact: str) -> str:
    """The version of *artifact* in the lock of *server*."""
    (version,) = (jar.version for jar in jars.read_lock(server) if jar.artifact == artifact)
    return version


def test_compose_runs_the_pinned_versions() -> None:
    assert default_tag("kafka") == pinned("kafka")["version"]
    assert default_tag("opensearch") == pinned("opensearch")["version"]
    assert default_tag("jaeger") == pinned("jaeger")["version"]
    postgres = pinned("postgres")
    assert default_tag("postgres") == f"{postgres['pgvector']}-pg{postgres['version']}"


def test_the_locks_hold_the_pinned_versions() -> None:
    assert locked("kafka", "kafka_2.13") == pinned("kafka")["version"]
    assert locked("opensearch", "opensearch") == pinned("opensearch")["version"]
    text = (jars.CONFIG / "opensearch.lock.toml").read_text()
    assert "://" not in text
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in jars.read_lock("opensearch"))


def test_opensearchs_lock_is_its_whole_list() -> None:
    wanted = set((jars.CONFIG / "opensearch.coordinates.txt").read_text().split())
    assert {f"{j.group}:{j.artifact}:{j.version}" for j in jars.read_lock("opensearch")} == wanted
