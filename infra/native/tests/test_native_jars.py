"""Download and verification of the locked jars, and OpenSearch's home directory."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests
from jgo.maven import MavenContext
from septet_native.errors import ChecksumMismatch, DownloadFailed
from septet_native.packages import jars
from septet_native.packages.configuration import CONFIG
from septet_native.servers import opensearch_home

CONTENT = b"not really a jar"


def locked(folder: Path, content: bytes) -> jars.LockedJar:
    """A jar in *folder* and its entry of a lock."""
    probe = folder / "probe"
    probe.write_bytes(content)
    jar = jars.LockedJar("org.example", "thing", "1.0", jars.sha256(probe))
    probe.unlink()
    path = folder / jar.relative_path
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return jar


def test_lock_pins_every_jar_and_contains_no_address() -> None:
    shipped = jars.read_lock("kafka")
    assert len(shipped) == 45
    assert {(jar.artifact, jar.version) for jar in shipped} >= {
        ("kafka_2.13", "4.4.0"),
        ("kafka-clients", "4.4.0"),
    }
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in shipped)
    text = (CONFIG / "kafka.lock.toml").read_text()
    assert "://" not in text


def test_lock_contains_every_coordinate() -> None:
    wanted = (CONFIG / "kafka.coordinates.txt").read_text().split()
    have = {f"{jar.group}:{jar.artifact}:{jar.version}" for jar in jars.read_lock("kafka")}
    assert set(wanted) <= have


def test_present_jars_are_verified_once(tmp_path: Path) -> None:
    jar = locked(tmp_path, CONTENT)
    steps: list[tuple[int, int]] = []
    jars.fetch([jar], tmp_path, lambda done, of: steps.append((done, of)))
    assert steps == [(1, 1)]
    jars.fetch([jar], tmp_path, lambda done, of: steps.append((done, of)))
    assert steps == [(1, 1)]
    assert jars.missing([jar], tmp_path) == []


def serve(folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> list[str]:
    """Answer every download into *folder* with *content*; returns the requested artifacts."""
    asked: list[str] = []

    def download(jar: jars.LockedJar, context: MavenContext) -> None:
        asked.append(jar.artifact)
        (context.repo_cache / jar.relative_path).write_bytes(content)

    monkeypatch.setattr(jars, "_download", download)
    return asked


def test_truncated_jar_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = locked(tmp_path, CONTENT)
    jars.fetch([jar], tmp_path)
    (tmp_path / jar.relative_path).write_bytes(CONTENT[:4])
    assert jars.missing([jar], tmp_path) == [jar]
    asked = serve(tmp_path, monkeypatch, CONTENT)
    jars.fetch([jar], tmp_path)
    assert asked == ["thing"]
    assert jars.missing([jar], tmp_path) == []


def test_changed_jar_is_rejected_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = locked(tmp_path, CONTENT)
    path = tmp_path / jar.relative_path
    path.unlink()
    serve(tmp_path, monkeypatch, b"something else")
    with pytest.raises(ChecksumMismatch, match=r"thing-1.0.jar"):
        jars.fetch([jar], tmp_path)
    assert not path.exists()


def test_connection_error_is_a_failed_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = locked(tmp_path, CONTENT)
    (tmp_path / jar.relative_path).unlink()

    def refuse(*_: object) -> None:
        raise requests.ConnectionError("no route")

    monkeypatch.setattr(jars, "_download", refuse)
    with pytest.raises(DownloadFailed, match=r"thing 1\.0: no route") as caught:
        jars.fetch([jar], tmp_path)
    assert "network" in caught.value.fix


def test_home_of_opensearch_is_built_once(tmp_path: Path) -> None:
    repository, home = tmp_path / "repository", tmp_path / "home"
    repository.mkdir()
    found = [
        jars.LockedJar("org.example", name, "1", "") for name in ("core", "netty-buffer", "reindex-client")
    ]
    for jar in found:
        path = repository / jar.relative_path
        path.parent.mkdir(parents=True)
        path.write_bytes(CONTENT)
        path.chmod(0o600)
    opensearch_home.lay_out(found, repository, home)
    assert (home / "lib" / "core-1.jar").read_bytes() == CONTENT
    netty = home / "modules" / "transport-netty4"
    assert {path.name for path in netty.iterdir()} == {"netty-buffer-1.jar", "plugin-descriptor.properties"}
    assert (home / "modules" / "reindex" / "reindex-client-1.jar").stat().st_mode & 0o777 == 0o644
    marker = home / "lib" / "kept"
    marker.touch()
    opensearch_home.lay_out(found, repository, home)
    assert marker.exists()
