"""Jaeger's build, with a Go that only says what the real one would."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest
from septet_native import jaeger_build
from septet_native.errors import BuildFailed, ChecksumMismatch, ToolMissing
from septet_native.versions import pinned

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


async def test_it_is_built_once_and_tells_its_progress(
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


async def test_a_build_that_fails_shows_the_compilers_words_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_go(tmp_path, monkeypatch, build='echo "no space left"; exit 2')
    with pytest.raises(BuildFailed, match="no space left") as caught:
        await jaeger_build.ensure_binary(tmp_path / "cache", lambda _: None)
    assert "GOPROXY" in caught.value.fix
    assert not jaeger_build.binary_path(tmp_path / "cache").exists()


async def test_a_source_that_differs_from_the_pin_is_not_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Path
) -> None:
    fake_go(tmp_path, monkeypatch, checksum="h1:other")
    with pytest.raises(ChecksumMismatch, match="h1:other"):
        await jaeger_build.ensure_binary(tmp_path / "cache", lambda _: None)
    assert "build" not in calls(log)


async def test_stopping_a_build_ends_the_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(tmp_path, monkeypatch, build=f"echo $$ > {tmp_path / 'pid'}; exec sleep 300")
    task = asyncio.create_task(jaeger_build.ensure_binary(tmp_path / "cache", lambda _: None))
    async with asyncio.timeout(30):
        while not (tmp_path / "pid").exists():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0.05)
    pid = (tmp_path / "pid").read_text().strip()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not psutil.pid_exists(int(pid))


def test_no_go_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(jaeger_build, "USUAL_PLACES", ())
    with pytest.raises(ToolMissing, match="no Go") as caught:
        jaeger_build.find_go()
    assert "install Go" in caught.value.fix
