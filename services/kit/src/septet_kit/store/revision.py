"""The revision of a schema's migrations. Services read it; only :mod:`septet_kit.migrate` changes it."""

from __future__ import annotations

import re
from importlib.resources import files

import asyncpg

from septet_kit.errors import Permanent
from septet_kit.observe.logs import get_logger

log = get_logger()

_VERSION_FILE = re.compile(r"v(\d{4})_\w+\.py")


def head_of(package: str) -> str:
    """The newest revision in a package of migrations: files ``versions/v<revision>_<about>.py``.

    Raises:
        ValueError: it has none.
    """
    names = (entry.name for entry in (files(package) / "versions").iterdir())
    revisions = [found[1] for name in names if (found := _VERSION_FILE.fullmatch(name))]
    if not revisions:
        raise ValueError(f"{package} has no migrations")
    return max(revisions)


async def revision_of(connection: asyncpg.Connection, schema: str) -> str | None:
    """The current revision of a schema; ``None`` before its first migration."""
    try:
        found = await connection.fetchval(f'SELECT version_num FROM "{schema}".alembic_version')  # noqa: S608
        return None if found is None else str(found)
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError, asyncpg.InsufficientPrivilegeError):
        return None


async def require_revision(connection: asyncpg.Connection, schema: str, wanted: str) -> None:
    """Check that a schema has the migrations that the service needs.

    A newer schema is accepted: migrations run before the services that need them, while old services still run.

    Raises:
        Permanent: code ``schema_behind``.
    """
    found = await revision_of(connection, schema)
    if found is None or found < wanted:
        namespace, _, service = schema.rpartition(".")
        variable = f"SEPTET_NAMESPACE={namespace} " if namespace else ""
        raise Permanent(
            "schema_behind",
            f"the schema {schema} is at revision {found or 'none'}, and {wanted} is needed",
            field="SEPTET_POSTGRES_DSN",
            fix=f"run `{variable}python -m septet_kit.migrate {service}` with the owner's SEPTET_POSTGRES_OWNER_DSN",
        )
    if found > wanted:
        log.warning("the schema is newer than this service", schema=schema, found=found, wanted=wanted)
