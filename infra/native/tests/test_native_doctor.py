"""Each check of the doctor can fail, and says what to do then."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from septet_native import doctor, jars, ports, records, starting
from septet_native.findings import Check
from septet_native.server import Places
from septet_native.settings import StackSettings


@pytest.mark.parametrize(
    "check",
    [
        doctor.check_python((3, 10, 1)),
        doctor.check_platform("Windows", "AMD64"),
        doctor.check_wheels(("no_such_package",))[0],
        doctor.check_disk(Path("/"), "data", free=0.2),
        doctor.check_memory(available=1.0),
    ],
    ids=lambda check: check.name,
)
def test_a_finding_has_a_fix(check: Check) -> None:
    assert not check.ok
    assert check.detail
    assert check.fix


@pytest.mark.parametrize(
    "check",
    [
        doctor.check_python(),
        doctor.check_platform(),
        doctor.check_java(),
        doctor.check_disk(Path("/"), "data", free=50),
        doctor.check_memory(available=8.0),
        *doctor.check_wheels(),
    ],
    ids=lambda check: check.name,
)
def test_what_is_right_needs_no_fix(check: Check) -> None:
    assert check.ok, check
    assert not check.fix


def test_changed_jars_are_found(tmp_path: Path) -> None:
    assert doctor.check_jars(tmp_path).ok
    first = jars.read_lock()[0]
    path = tmp_path / "maven" / first.relative_path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"changed")
    check = doctor.check_jars(tmp_path)
    assert not check.ok
    assert str(tmp_path) in check.fix


def test_a_directory_that_cannot_be_made_is_found(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check = doctor.check_writable(tmp_path / "file" / "data", "data directory")
    assert not check.ok
    assert "SEPTET_DATA_DIR" in check.fix
    assert doctor.check_writable(tmp_path / "new" / "data", "data directory").ok


def test_a_taken_port_is_told_and_is_no_failure(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind((ports.LOOPBACK, 0))
        holder.listen()
        settings = StackSettings(data_dir=tmp_path, kafka_port=holder.getsockname()[1])
        check = next(item for item in doctor.check_ports(settings, None) if "kafka" in item.name)
    assert check.ok
    assert "taken" in check.detail


def test_leftovers_are_named(tmp_path: Path) -> None:
    places = Places(tmp_path, tmp_path)
    assert doctor.check_leftovers(places, None).ok
    records.write(places.run, "kafka", os.getpid())
    check = doctor.check_leftovers(places, None)
    assert not check.ok
    assert f"kafka (pid {os.getpid()})" in check.detail


async def test_the_whole_examination_runs_on_a_fresh_directory(tmp_path: Path) -> None:
    checks = await doctor.examine(StackSettings(data_dir=tmp_path / "data", cache=tmp_path / "cache"))
    assert len({check.name for check in checks}) == len(checks)
    assert next(check for check in checks if check.name == "stack").detail == "not running"


async def test_a_stack_that_is_starting_is_well(tmp_path: Path) -> None:
    settings = StackSettings(data_dir=tmp_path / "data", cache=tmp_path / "cache")
    places = settings.places()
    with starting.Progress(places.data) as progress:
        progress.step("postgres", "ready")
        progress.step("kafka", "fetching jars 20/45")
        records.write(places.run, "postgres", os.getpid())
        checks = {check.name: check for check in await doctor.examine(settings)}
    assert checks["stack"].ok
    assert "1 ready; kafka fetching jars 20/45" in checks["stack"].detail
    assert checks["leftover processes"].ok
