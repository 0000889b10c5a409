"""The copy of PostgreSQL for another user, made from the installed wheel and run without it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from septet_native import postgres_programs, privileges
from septet_native.packages import package_dir
from septet_native.postgres_programs import INSTALLATION, LIBRARIES, PACKAGE, installation
from septet_native.privileges import Identity

NOBODY = Identity(65534, 65534)


def run(*argv: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program as another user where this process may, else as the current one."""
    user, group = (NOBODY.uid, NOBODY.gid) if os.geteuid() == 0 else (None, None)
    argv = tuple(str(part) for part in argv)
    return subprocess.run(
        argv, input=text, capture_output=True, text=True, check=False, cwd="/", user=user, group=group
    )  # fmt: skip


def close_to_others(directory: Path) -> None:
    """Take every permission from group and others, as a checkout made under umask 077 has them."""
    for path in (directory, *directory.rglob("*")):
        path.chmod(path.stat().st_mode & 0o700)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The copy that is made of a wheel in a closed directory; the wheel itself is gone when it is used."""
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
        made = installation(NOBODY)
        assert installation(NOBODY) == made
    shutil.rmtree(closed)
    yield made
    shutil.rmtree(reachable)


def test_every_program_of_the_copy_starts(copied: Path) -> None:
    original = package_dir(PACKAGE) / INSTALLATION / "bin"
    programs = sorted(path.name for path in (copied / "bin").iterdir())
    assert programs == sorted(path.name for path in original.iterdir())
    for program in programs:
        done, wanted = run(copied / "bin" / program, "--version"), subprocess.run(
            [original / program, "--version"], capture_output=True, text=True, check=False
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (wanted.returncode, wanted.stdout), done.stderr


def test_the_copy_makes_a_cluster_with_pgvector(copied: Path) -> None:
    data = copied.parents[2] / "cluster"
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(data, NOBODY.uid, NOBODY.gid)
    made = run(copied / "bin" / "initdb", "-D", data, "-U", "postgres", "--no-sync", "--auth=reject")
    assert made.returncode == 0, made.stderr
    sql = "CREATE EXTENSION vector\nSELECT '[1,2]'::vector <-> '[1,4]'::vector AS distance\n"
    done = run(copied / "bin" / "postgres", "--single", "-D", data, "postgres", text=sql)
    assert 'distance = "2"' in done.stdout, done.stderr


def test_a_reachable_installation_is_used_as_it_is() -> None:
    assert installation(None) == package_dir(PACKAGE) / INSTALLATION


def test_headers_and_static_libraries_are_left_out(copied: Path) -> None:
    assert not (copied / "include").exists()
    assert not list(copied.rglob("*.a"))
    assert postgres_programs.LIBRARIES in {path.name for path in copied.parents[1].iterdir()}
