"""``python -m septet_kit.migrate [--check | --sql] [SERVICE…]``: migrate the schemas of the installed services.

A service names its migrations under the entry point group ``septet.migrations``: a package with ``versions/``
and, where some DDL follows from settings, a function ``repeat() -> Sequence[str]`` of statements that are
applied after every run. Each schema is one transaction under a lock: several may run this at once, and a
failure leaves a schema as it was.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files
from typing import TYPE_CHECKING

import asyncpg
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from septet_kit.errors import Permanent, SeptetError, Transient
from septet_kit.namespace import LIVE, Namespace
from septet_kit.settings import FileSettings
from septet_kit.store.pool import TRANSIENT_ERRORS
from septet_kit.store.revision import head_of, revision_of

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection

GROUP = "septet.migrations"
_LOCK = 7_370_737


class MigrateSettings(FileSettings):
    """Connection of the migrations."""

    model_config = SettingsConfigDict(env_prefix="SEPTET_", extra="ignore")

    postgres_owner_dsn: SecretStr = Field(
        default=SecretStr("postgresql://septet@127.0.0.1:5432/septet"),
        description="The database, as the owner of its schemas; no service needs it.",
    )
    namespace: str = Field(default="", description="Migrate the schemas of this namespace.")


@dataclass(frozen=True)
class Migrations:
    """The migrations of one schema, in an importable package."""

    service: str
    package: str
    names: Namespace = LIVE

    @property
    def schema(self) -> str:
        """The service's schema in the namespace."""
        return self.names.qualify(self.service)

    @property
    def head(self) -> str:
        """The newest revision."""
        return head_of(self.package)

    def before(self) -> tuple[str, ...]:
        """Statements before the migrations: create the schema, set the search path."""
        return (
            f'CREATE SCHEMA IF NOT EXISTS "{self.schema}"',
            f'SET LOCAL search_path = "{self.schema}", public',
        )

    def after(self) -> tuple[str, ...]:
        """Statements after the migrations: DDL that depends on settings, and the grants of the service's role."""
        repeat = getattr(import_module(self.package), "repeat", tuple)
        return (*repeat(), _grants(self.schema, self.service))


def _grants(schema: str, role: str) -> str:
    # A database with a single user has no role of that name.
    return f"""
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
            GRANT USAGE ON SCHEMA "{schema}" TO "{role}";
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "{schema}" TO "{role}";
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA "{schema}" TO "{role}";
            GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA "{schema}" TO "{role}";
            REVOKE INSERT, UPDATE, DELETE ON "{schema}".alembic_version FROM "{role}";
        END IF;
    END $$
    """  # noqa: S608 - names of installed packages


def installed(names: Sequence[str] = (), namespace: Namespace = LIVE) -> list[Migrations]:
    """The migrations of the installed services, or of those ``names``, in a namespace.

    Raises:
        Permanent: a named service is not installed or has no schema (code ``unknown_schema``).
    """
    found = {e.name: Migrations(e.name, e.value, namespace) for e in entry_points(group=GROUP)}
    if unknown := set(names) - set(found):
        raise Permanent(
            "unknown_schema",
            f"no migrations for {', '.join(sorted(unknown))}",
            fix=f"install the service, or name one of: {', '.join(sorted(found))}",
        )
    return [found[name] for name in sorted(names or found)]


async def migrate(dsn: str, migrations: Sequence[Migrations], revision: str = "head") -> dict[str, str]:
    """Migrate schemas to ``revision``; returns the revision of each.

    Raises:
        Transient: the database cannot be reached (code ``store_unavailable``).
    """
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    connect = partial(asyncpg.connect, dsn, server_settings={"application_name": "migrate"})
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    done: dict[str, str] = {}
    try:
        async with engine.connect() as connection:
            for each in migrations:
                async with connection.begin():
                    done[each.schema] = await connection.run_sync(_upgrade, each, revision)
    except TRANSIENT_ERRORS as error:
        raise _unavailable(error) from error
    finally:
        await engine.dispose()
    return done


def _unavailable(error: BaseException) -> Transient:
    return Transient("store_unavailable", f"PostgreSQL: {error}", fix="check SEPTET_POSTGRES_OWNER_DSN")


def _upgrade(connection: Connection, migrations: Migrations, revision: str) -> str:
    from alembic import command

    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    for statement in migrations.before():
        connection.exec_driver_sql(statement)
    config = _config(migrations)
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    if revision == "head":
        for statement in migrations.after():
            connection.exec_driver_sql(statement)
    found = connection.exec_driver_sql(f'SELECT version_num FROM "{migrations.schema}".alembic_version')  # noqa: S608
    return str(found.scalar_one())


def _config(migrations: Migrations, output: io.StringIO | None = None) -> Config:
    from alembic.config import Config

    config = Config(output_buffer=output)
    config.set_main_option("script_location", str(files("septet_kit") / "alembic"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", str(files(migrations.package) / "versions"))
    config.attributes["schema"] = migrations.schema
    return config


def as_sql(migrations: Sequence[Migrations]) -> str:
    """The SQL of all revisions, from an empty database, to be applied by hand."""
    from alembic import command

    output = io.StringIO()
    for each in migrations:
        config = _config(each, output)
        config.attributes["before"], config.attributes["after"] = each.before(), each.after()
        command.upgrade(config, "head", sql=True)
    return output.getvalue()


async def behind(dsn: str, migrations: Sequence[Migrations]) -> list[str]:
    """Schemas that are not at their head, each with its revision and the head.

    Raises:
        Transient: as :func:`migrate`.
    """
    try:
        connection = await asyncpg.connect(dsn)
    except TRANSIENT_ERRORS as error:
        raise _unavailable(error) from error
    try:
        found = {m.schema: await revision_of(connection, m.schema) for m in migrations}
    finally:
        await connection.close()
    return [
        f"{m.schema}: at {found[m.schema] or 'none'}, head is {m.head}"
        for m in migrations
        if found[m.schema] != m.head
    ]


async def _main(arguments: argparse.Namespace) -> int:
    settings = MigrateSettings()
    try:
        namespace = Namespace(settings.namespace)
    except ValueError as error:
        message = f"SEPTET_NAMESPACE: {error}"
        raise Permanent(
            "invalid_namespace", message, field="SEPTET_NAMESPACE", fix="give another name"
        ) from error
    migrations = installed(arguments.services, namespace)
    if arguments.sql:
        sys.stdout.write(as_sql(migrations))
        return 0
    dsn = settings.postgres_owner_dsn.get_secret_value()
    if arguments.check:
        late = await behind(dsn, migrations)
        sys.stdout.write("".join(f"{line}\n" for line in late or ["up to date"]))
        return 1 if late else 0
    for schema, revision in (await migrate(dsn, migrations)).items():
        sys.stdout.write(f"{schema}: {revision}\n")
    return 0


def main() -> None:
    """Exit code 0: done; 1: behind (``--check``), or an error, printed on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m septet_kit.migrate", description="Migrate PostgreSQL schemas."
    )
    parser.add_argument(
        "services", nargs="*", help="schemas to migrate; all that are installed if none is named"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="change nothing; exit 1 if a schema is behind")
    what.add_argument("--sql", action="store_true", help="print the SQL instead of running it")
    try:
        sys.exit(asyncio.run(_main(parser.parse_args())))
    except SeptetError as error:
        sys.stderr.write(f"{error.message}\n" + (f"fix: {error.fix}\n" if error.fix else ""))
        sys.exit(1)


if __name__ == "__main__":
    main()
