"""The build of Jaeger, with a fake Go that prints the output of the real one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest
from septet_native.errors import BuildFailed, ChecksumMismatch, ToolMissing
from septet_native.packages import go
from septet_native.packages.versions import pinned
from septet_native.servers import jaeger_build

GO = """#!/bin/sh
echo "$1 $2" >> {log}
case "$1" in
  env) echo go1.26.0 ;;
  mod) echo '{{"Dir": "{source}", "Sum": "{sum}"}}' ;;
  list) for i in $(seq 60); do echo "example.org/module/p$i"; done ;;
  build) for i in $(seq 50); do echo "example.org/module/p$i"; done
         {build} ;;
esac
"""
WRITE = 'while [ "$1" != -o ]; do shift; done; echo built > "$2"'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "calls"


def fake_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, build: str = WRITE, checksum: str = "") -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "go"
    wanted = checksum or pinned("jaeger")["sum"]
    program.write_text(GO.format(log=tmp_path / "calls", source=tmp_path, sum=wanted, build=build))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")


def calls(log: Path) -> str:
    return log.read_text()


async def test_concurrent_builds_compile_once_and_report_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Path
) -> None:
    fake_go(tmp_path, monkeypatch)
    said: list[str] = []
    cache = tmp_path / "cache"
    both = await asyncio.gather(
        jaeger_build.ensure_binary(cache, said.append), jaeger_build.ensure_binary(cache, said.append)
    )
    assert set(both) == {jaeger_build.binary_path(cache)}
    assert both[0].read_text() == "built\n"
    assert calls(log).count("build") == 1
    assert any("50 of at most 60 packages" in line for line in said)
    assert any("waiting for another" in line for line in said)


async def test_error_of_a_failed_build_contains_the_compilers_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_go(tmp_path, monkeypatch, build='echo "no space left"; exit 2')
    with pytest.raises(BuildFailed, match="no space left") as caught:
        await jaeger_build.ensure_binary(tmp_path / "cache", lambda _: None)
    assert "GOPROXY" in caught.value.fix
    assert not jaeger_build.binary_path(tmp_path / "cache").exists()


async def test_source_with_another_checksum_is_not_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Path
) -> None:
    fake_go(tmp_path, monkeypatch, checksum="h1:other")
    with pytest.raises(ChecksumMismatch, match="h1:other"):
        await jaeger_build.ensure_binary(tmp_path / "cache", lambda _: None)
    assert "build" not in calls(log)


async def test_cancelled_build_kills_the_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(tmp_path, monkeypatch, build=f"echo $$ > {tmp_path / 'pid'}; exec sleep 300")
    task = asyncio.create_task(jaeger_build.ensure_binary(tmp_path / "cache", lambda _: None))
    async with asyncio.timeout(30):
        while not (tmp_path / "pid").exists():  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0.05)
    pid = (tmp_path / "pid").read_text().strip()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not psutil.pid_exists(int(pid))


def test_error_of_missing_go_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(go, "USUAL_PLACES", ())
    with pytest.raises(ToolMissing, match="Go is not installed") as caught:
        jaeger_build.find_compiler()
    assert "install Go" in caught.value.fix
