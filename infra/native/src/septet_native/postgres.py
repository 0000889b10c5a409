"""PostgreSQL with pgvector from the programs that ship in a wheel."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources
from pathlib import Path

import asyncpg

from septet_native.errors import writing
from septet_native.ports import LOOPBACK
from septet_native.postgres_programs import installation
from septet_native.private import password
from septet_native.privileges import Identity, reachable_dir, remove_orphans, unprivileged
from septet_native.process import Command
from septet_native.server import Places, Say, clean_environment
from septet_native.shared import infra_file
from septet_native.tools import run_tool

CONFIG = resources.files("septet_native") / "config"
OWNER = DATABASE = "septet"
ADMIN = "postgres"
# One login role for each service with a schema of its own name.
ROLES = ("guardrails", "cache", "retrieval", "generation", "eval", "feedback")


@dataclass(frozen=True)
class Postgres:
    """One server with one database, an owner of its schemas, and one role for each service; none is a superuser.

    The passwords are made at the first start. PostgreSQL refuses to run as root; then it runs as ``nobody``,
    with its files where that user can reach them.
    """

    places: Places
    port: int
    name: str = "postgres"

    @property
    def dsn(self) -> str:
        """Address of the database, with its owner's name and password."""
        return self.dsn_of(OWNER)

    def dsn_of(self, role: str) -> str:
        """Address of the database, with the name and password of ``role``."""
        return f"postgresql://{role}:{self._password(role)}@{LOOPBACK}:{self.port}/{DATABASE}"

    def dsns(self) -> dict[str, str]:
        """Address of the database for each service."""
        return {role: self.dsn_of(role) for role in ROLES}

    @property
    def data_dir(self) -> Path:
        """The cluster's directory."""
        return reachable_dir(self.places.data / "postgres", unprivileged())

    async def prepare(self, say: Say) -> None:
        """Make the password and the cluster on the first start.

        Raises:
            PackageMissing: the wheel is not installed.
            ServerFailed, DiskFull: the cluster cannot be made.
        """
        user = unprivileged()
        if user is not None:
            await asyncio.to_thread(remove_orphans)
        install = installation(user)
        data = self.data_dir
        with writing(data.parent):
            if not (data / "PG_VERSION").exists():
                say("making the database cluster")
                await self._init(install, data, user)
            _point_to(self.places.data / "postgres", data)

    def command(self) -> Command:
        """``postgres`` on the cluster; SIGINT is its fast shutdown."""
        user = unprivileged()
        program = installation(user) / "bin" / "postgres"
        return Command(
            name=self.name,
            argv=(str(program), "-D", str(self.data_dir), "-p", str(self.port)),
            log=self.places.logs / "postgres.log",
            env=clean_environment(),
            stop_signal=signal.SIGINT,
            grace=timedelta(seconds=10),
            user=user,
            cwd=Path("/"),
        )

    async def probe(self) -> bool:
        """Whether it accepts a connection."""
        try:
            connection = await asyncpg.connect(self._admin_dsn("postgres"), timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    async def finish(self) -> None:
        """Create the database, the extension ``vector`` and the roles where they are missing."""
        admin = await asyncpg.connect(self._admin_dsn("postgres"))
        try:
            if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await admin.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await admin.close()
        passwords = {f"septet_password.{role}": self._password(role) for role in (OWNER, *ROLES)}
        connection = await asyncpg.connect(self._admin_dsn(DATABASE), server_settings=passwords)
        try:
            await connection.execute(infra_file("postgres", "roles.sql").read_text(encoding="utf-8"))
        finally:
            await connection.close()

    async def migrate(self) -> None:
        """Bring the schemas of the installed services to date.

        Raises:
            ServerFailed: a migration failed.
        """
        argv = (sys.executable, "-m", "septet_kit.migrate")
        fix = "fix what is named above, then start again"
        env = {**os.environ, "SEPTET_POSTGRES_OWNER_DSN": self.dsn}
        await run_tool(argv, "the PostgreSQL schemas could not be migrated", fix, env=env)

    def _admin_dsn(self, database: str) -> str:
        return f"postgresql://{ADMIN}:{self._password(ADMIN)}@{LOOPBACK}:{self.port}/{database}"

    def _password(self, role: str) -> str:
        return password(self.places.data / f"{role}.password")

    async def _init(self, install: Path, data: Path, user: Identity | None) -> None:
        password_file = data.with_name("postgres.initial")
        _make_empty(data, password_file, self._password(ADMIN), user)
        try:
            await _run_initdb(install / "bin" / "initdb", data, password_file, user)
        finally:
            password_file.unlink()
        _append(data / "postgresql.conf", (CONFIG / "postgresql.conf").read_text())


def _make_empty(data: Path, password_file: Path, password: str, user: Identity | None) -> None:
    # A cluster that was begun and not finished holds nothing yet.
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700, parents=True)
    password_file.unlink(missing_ok=True)
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if user is not None:
        os.chown(data, user.uid, user.gid)
        os.chown(password_file, user.uid, user.gid)


def _point_to(wanted: Path, actual: Path) -> None:
    """Leave a link where one would look for the cluster when it had to go elsewhere."""
    if wanted != actual and not wanted.exists():
        wanted.unlink(missing_ok=True)
        wanted.symlink_to(actual)


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


async def _run_initdb(program: Path, data: Path, password_file: Path, user: Identity | None) -> None:
    argv = (
        str(program), "-D", str(data), "-U", ADMIN, "--pwfile", str(password_file),
        "--auth-host=scram-sha-256", "--auth-local=reject", "--encoding=UTF8",
        "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync", "--no-instructions",
    )  # fmt: skip
    what = f"PostgreSQL's cluster in {data} could not be made"
    try:
        await run_tool(argv, what, "fix what is named above, then start again", user)
    except BaseException:
        shutil.rmtree(data, ignore_errors=True)
        raise
