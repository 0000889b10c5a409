"""The copy of PostgreSQL's programs for another user; the tests run it without the wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from septet_native.packages.wheels import package_dir
from septet_native.processes import privileges
from septet_native.processes.privileges import Identity
from septet_native.servers import postgres_programs
from septet_native.servers.postgres_programs import INSTALLATION, LIBRARIES, PACKAGE, installation

pytestmark = pytest.mark.slow

NO_TENANT = Identity(65534, 65534)


def run(*argv: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program as another user when this process is root, else as the current one."""
    user, group = (NO_TENANT.uid, NO_TENANT.gid) if os.geteuid() == 0 else (None, None)
    return subprocess.run(
        tuple(map(str, argv)),
        input=text,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        user=user,
        group=group,
    )


def close_to_others(directory: Path) -> None:
    """Remove every permission of group and others, as in a checkout under umask 077."""
    for path in (directory, *directory.rglob("*")):
        path.chmod(path.stat().st_mode & 0o700)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of a wheel in a closed directory; the wheel is deleted before the tests use the copy."""
    base = tmp_path_factory.mktemp("programs")
    closed, reachable = base / "closed", Path("/var/tmp") / f"septet-test-{os.getpid()}"
    shutil.copytree(
        package_dir(PACKAGE), closed / PACKAGE, ignore=shutil.ignore_patterns("pginstall", "include", "*.a")
    )
    shutil.copytree(package_dir(PACKAGE).with_name(LIBRARIES), closed / LIBRARIES)
    dist_info = f"{PACKAGE}-{metadata.version(PACKAGE)}.dist-info"
    shutil.copytree(package_dir(PACKAGE).with_name(dist_info), closed / dist_info)
    close_to_others(closed)
    reachable.mkdir(mode=0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(closed)
        patch.setattr(privileges, "REACHABLE_ROOT", reachable)
        made = installation(NO_TENANT)
        assert installation(NO_TENANT) == made
    shutil.rmtree(closed)
    yield made
    shutil.rmtree(reachable)


def test_every_program_of_the_copy_starts(copied: Path) -> None:
    original = package_dir(PACKAGE) / INSTALLATION / "bin"
    programs = sorted(path.name for path in (copied / "bin").iterdir())
    assert programs == sorted(path.name for path in original.iterdir())
    for program in programs:
        done = run(copied / "bin" / program, "--version")
        argv = [original / program, "--version"]
        wanted = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (wanted.returncode, wanted.stdout), done.stderr


def test_copy_creates_a_cluster_with_pgvector(copied: Path) -> None:
    data = copied.parents[2] / "cluster"
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(data, NO_TENANT.uid, NO_TENANT.gid)
    made = run(copied / "bin" / "initdb", "-D", data, "-U", "postgres", "--no-sync", "--auth=reject")
    assert made.returncode == 0, made.stderr
    sql = "CREATE EXTENSION vector\nSELECT '[1,2]'::vector <-> '[1,4]'::vector AS distance\n"
    done = run(copied / "bin" / "postgres", "--single", "-D", data, "postgres", text=sql)
    assert 'distance = "2"' in done.stdout, done.stderr


def test_reachable_installation_is_not_copied() -> None:
    assert installation(None) == package_dir(PACKAGE) / INSTALLATION


def test_headers_and_static_libraries_are_left_out(copied: Path) -> None:
    assert not (copied / "include").exists()
    assert not list(copied.rglob("*.a"))
    assert postgres_programs.LIBRARIES in {path.name for path in copied.parents[1].iterdir()}
