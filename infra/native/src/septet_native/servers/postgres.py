"""PostgreSQL with pgvector, from the programs of a wheel."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg

from septet_native.credentials.passwords import password
from septet_native.errors import writing
from septet_native.packages.configuration import CONFIG, infra_file
from septet_native.processes.ports import LOOPBACK
from septet_native.processes.privileges import (
    Identity,
    link_stand_in,
    reachable_dir,
    remove_orphans,
    set_aside,
    unprivileged,
)
from septet_native.processes.process import Command, clean_environment
from septet_native.processes.tool import run_tool
from septet_native.servers.postgres_programs import installation
from septet_native.servers.server import Places, Report
from septet_native.services import ALL_SERVICES

OWNER = DATABASE = "septet"
ADMIN = "postgres"
# One login role for each service, named like its schema.
ROLES = ALL_SERVICES


@dataclass(frozen=True)
class Postgres:
    """One server with one database, an owner of its schemas, and one role for each service; none is a superuser.

    The first start generates the passwords. PostgreSQL does not start as root. A stack that runs as root starts it
    as ``nobody``, with its files where that user can reach them.
    """

    places: Places
    port: int
    name: str = "postgres"

    @property
    def dsn(self) -> str:
        """DSN of the database as its owner, with the password."""
        return self.dsn_of(OWNER)

    def dsn_of(self, role: str) -> str:
        """DSN of the database as *role*, with the password."""
        return f"postgresql://{role}:{self._password(role)}@{LOOPBACK}:{self.port}/{DATABASE}"

    def dsns(self) -> dict[str, str]:
        """DSN of the database by service."""
        return {role: self.dsn_of(role) for role in ROLES}

    @property
    def data_dir(self) -> Path:
        """The cluster's directory."""
        return reachable_dir(self.places.data / "postgres", unprivileged())

    async def prepare(self, report: Report) -> None:
        """Create the database cluster on the first start.

        Raises:
            PackageMissing: the wheel is not installed.
            ServerFailed, DiskFull: the cluster could not be created.
        """
        user = unprivileged()
        if user is not None:
            await asyncio.to_thread(remove_orphans)
        install = installation(user)
        data = self.data_dir
        with writing(data.parent):
            if data.exists() and not self._password_file(ADMIN).exists():
                # The cluster's passwords went with its data directory, which somebody removed; its stand-in stayed.
                report(f"keeping the cluster of a removed data directory as {set_aside(data)}")
            if not (data / "PG_VERSION").exists():
                report("creating the database cluster")
                await self._init(install, data, user)
            link_stand_in(self.places.data / "postgres", data)

    def command(self) -> Command:
        """``postgres`` on the cluster. Its stop signal is SIGINT, the fast shutdown."""
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
        """Whether the server accepts a connection."""
        try:
            connection = await asyncpg.connect(self._admin_dsn("postgres"), timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    async def finish(self) -> None:
        """Create the database, the extension ``vector`` and the roles that are missing."""
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
        """Migrate the schemas of the installed services.

        Raises:
            ServerFailed: a migration failed.
        """
        argv = (sys.executable, "-m", "septet_kit.migrate")
        fix = "fix the error above, then start again"
        env = {**os.environ, "SEPTET_POSTGRES_OWNER_DSN": self.dsn}
        await run_tool(argv, "the PostgreSQL schemas could not be migrated", fix, env=env)

    def _admin_dsn(self, database: str) -> str:
        return f"postgresql://{ADMIN}:{self._password(ADMIN)}@{LOOPBACK}:{self.port}/{database}"

    def _password(self, role: str) -> str:
        return password(self._password_file(role))

    def _password_file(self, role: str) -> Path:
        return self.places.data / f"{role}.password"

    async def _init(self, install: Path, data: Path, user: Identity | None) -> None:
        password_file = data.with_name("postgres.initial")
        _make_directory(data, password_file, self._password(ADMIN), user)
        try:
            await _run_initdb(install / "bin" / "initdb", data, password_file, user)
        finally:
            password_file.unlink()
        _append(data / "postgresql.conf", (CONFIG / "postgresql.conf").read_text())


def _make_directory(data: Path, password_file: Path, password: str, user: Identity | None) -> None:
    # An earlier attempt that failed may have left an incomplete cluster, which holds no data.
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700, parents=True)
    password_file.unlink(missing_ok=True)
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if user is not None:
        os.chown(data, user.uid, user.gid)
        os.chown(password_file, user.uid, user.gid)


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


async def _run_initdb(program: Path, data: Path, password_file: Path, user: Identity | None) -> None:
    locale = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
    access = ("-U", ADMIN, "--pwfile", str(password_file), "--auth-host=scram-sha-256", "--auth-local=reject")
    argv = (str(program), "-D", str(data), *access, *locale, "--no-sync", "--no-instructions")
    what = f"PostgreSQL's cluster in {data} could not be created"
    try:
        await run_tool(argv, what, "fix the error above, then start again", user)
    except BaseException:
        shutil.rmtree(data, ignore_errors=True)
        raise
