"""The script that compose runs on an empty database, with PostgreSQL's own client."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg
import pytest
from septet_native.packages.wheels import package_file
from septet_native.servers.postgres import OWNER, ROLES
from septet_native.servers.postgres_programs import INSTALLATION, PACKAGE
from septet_native.stack.addresses import Addresses

SCRIPT = Path(__file__).parents[2] / "infra" / "postgres" / "10-roles.sh"
# Everything that a shell, an option string or SQL could take for its own.
AWKWARD = "a b\\c'd\"e$f;g"


@pytest.fixture
def passwords(addresses: Addresses) -> dict[str, str]:
    """The passwords that the stack has made."""
    dsns = {OWNER: addresses.postgres_dsn, **addresses.postgres_dsns}
    return {role: str(urlsplit(dsns[role]).password) for role in (OWNER, *ROLES)}


async def run(addresses: Addresses, **environment: str) -> tuple[int | None, str]:
    server = urlsplit(addresses.postgres_dsn)
    admin = (Path(addresses.data_dir) / "postgres.password").read_text()
    psql = package_file(PACKAGE, INSTALLATION, "bin", "psql")
    process = await asyncio.create_subprocess_exec(
        str(SCRIPT),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={
            "PATH": f"{psql.parent}:{os.environ['PATH']}",
            "PGHOST": str(server.hostname),
            "PGPORT": str(server.port),
            "PGPASSWORD": admin,
            **environment,
        },
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode()


async def connects(addresses: Addresses, role: str, password: str) -> bool:
    server = urlsplit(addresses.postgres_dsn)
    dsn = f"postgresql://{role}:{quote(password, safe='')}@{server.hostname}:{server.port}{server.path}"
    try:
        connection = await asyncpg.connect(dsn)
    except asyncpg.InvalidPasswordError:
        return False
    await connection.close()
    return True


async def test_passwords_come_from_variables_or_files(
    addresses: Addresses, passwords: dict[str, str], tmp_path: Path
) -> None:
    for role in (OWNER, *ROLES):
        (tmp_path / f"septet_postgres_{role}_password").write_text(passwords[role] + "\n")
    files = {"SEPTET_SECRETS_DIR": str(tmp_path)}
    try:
        assert await run(addresses, **files, SEPTET_POSTGRES_GUARDRAILS_PASSWORD=AWKWARD) == (0, "")
        assert await connects(addresses, "guardrails", AWKWARD)
    finally:
        assert await run(addresses, **files) == (0, "")
    assert not await connects(addresses, "guardrails", AWKWARD)
    assert await connects(addresses, "guardrails", passwords["guardrails"])


async def test_a_missing_password_is_named(addresses: Addresses, tmp_path: Path) -> None:
    code, said = await run(addresses, SEPTET_SECRETS_DIR=str(tmp_path))
    assert code == 1
    assert "SEPTET_POSTGRES_SEPTET_PASSWORD" in said
