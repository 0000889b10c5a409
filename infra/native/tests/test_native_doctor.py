"""The checks of the doctor: each can fail, and a failed check has a fix."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from septet_native.doctor import machine, programs, running
from septet_native.doctor.check import Check
from septet_native.doctor.report import examine
from septet_native.packages import jars
from septet_native.processes import pid_records, ports
from septet_native.servers.server import Places
from septet_native.stack import start_progress
from septet_native.stack.settings import StackSettings


@pytest.mark.parametrize(
    "check",
    [
        machine.check_python((3, 10, 1)),
        machine.check_platform("Windows", "AMD64"),
        programs.check_wheels(("no_such_package",))[0],
        machine.check_disk(Path("/"), "data", free=0.2),
        machine.check_memory(available=1.0),
    ],
    ids=lambda check: check.name,
)
def test_failed_check_has_a_fix(check: Check) -> None:
    assert not check.ok
    assert check.detail
    assert check.fix


@pytest.mark.parametrize(
    "check",
    [
        machine.check_python(),
        machine.check_platform(),
        programs.check_java(),
        machine.check_disk(Path("/"), "data", free=50),
        machine.check_memory(available=8.0),
        *programs.check_wheels(),
    ],
    ids=lambda check: check.name,
)
def test_passed_check_has_no_fix(check: Check) -> None:
    assert check.ok, check
    assert not check.fix


def test_changed_jar_fails_the_check(tmp_path: Path) -> None:
    assert programs.check_kafka_jars(tmp_path).ok
    first = jars.read_lock("kafka")[0]
    path = tmp_path / "maven" / first.relative_path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"changed")
    check = programs.check_kafka_jars(tmp_path)
    assert not check.ok
    assert str(tmp_path) in check.fix


def test_directory_that_cannot_be_created_fails_the_check(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check = machine.check_writable(tmp_path / "file" / "data", "data directory")
    assert not check.ok
    assert "SEPTET_DATA_DIR" in check.fix
    assert machine.check_writable(tmp_path / "new" / "data", "data directory").ok


def test_taken_port_passes_with_a_note(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind((ports.LOOPBACK, 0))
        holder.listen()
        settings = StackSettings(data_dir=tmp_path, kafka_port=holder.getsockname()[1])
        check = next(item for item in running.check_ports(settings, None) if "kafka" in item.name)
    assert check.ok
    assert "another program has" in check.detail


def test_leftover_processes_fail_the_check(tmp_path: Path) -> None:
    places = Places(tmp_path, tmp_path)
    assert running.check_leftovers(places, None).ok
    pid_records.write(places.run, "kafka", os.getpid())
    check = running.check_leftovers(places, None)
    assert not check.ok
    assert f"kafka (pid {os.getpid()})" in check.detail


async def test_report_on_a_new_directory(tmp_path: Path) -> None:
    checks = await examine(StackSettings(data_dir=tmp_path / "data", cache=tmp_path / "cache"))
    assert len({check.name for check in checks}) == len(checks)
    assert next(check for check in checks if check.name == "stack").detail == "not running"


async def test_stack_that_is_starting_passes(tmp_path: Path) -> None:
    settings = StackSettings(data_dir=tmp_path / "data", cache=tmp_path / "cache")
    places = settings.places()
    with start_progress.ProgressFile(places.data) as progress:
        progress.step("postgres", "ready")
        progress.step("kafka", "fetching jars 20/45")
        pid_records.write(places.run, "postgres", os.getpid())
        checks = {check.name: check for check in await examine(settings)}
    assert checks["stack"].ok
    assert "1 ready; kafka fetching jars 20/45" in checks["stack"].detail
    assert checks["leftover processes"].ok
