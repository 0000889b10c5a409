"""Row-level security: the tenant of a connection.

Row-level security compares each row's ``tenant`` with the session setting ``septet.tenant``. A connection that
serves nobody sees nothing, so a statement that forgets its tenant finds no rows instead of everybody's.
"""

from __future__ import annotations

from typing import Any

import asyncpg

# The tenant of a new connection: no row has it.
NO_TENANT = ""
# Work on the rows of all tenants, such as a sweep. Set for single transactions only.
ALL_TENANTS = "*"

SETTING = "septet.tenant"


def set_tenant(tenant: str, *, local: bool) -> str:
    """The SQL that makes a session (``local``: a transaction) serve ``tenant``."""
    return f"SET {'LOCAL ' if local else ''}{SETTING} = {quote(tenant)}"


def quote(text: str) -> str:
    """``text`` as an SQL string, for statements that take no parameters."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


class TenantConnection(asyncpg.Connection):
    """A connection that keeps its tenant, so that the next statement of the same tenant costs no round trip."""

    __slots__ = ("_tenant",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tenant: str | None = None

    async def serve(self, tenant: str) -> None:
        """Restrict the session to the rows of ``tenant``."""
        if tenant == self._tenant:
            return
        # Unknown until the server has answered: a cancelled statement may or may not have run.
        self._tenant = None
        await self.execute(set_tenant(tenant, local=False))
        self._tenant = tenant
