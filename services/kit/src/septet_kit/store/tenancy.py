"""Whose rows a connection sees.

Row-level security compares each row's ``tenant`` with the session setting ``septet.tenant``. A connection that
serves nobody sees nothing, so a statement that forgets its tenant finds no rows instead of everybody's.
"""

from __future__ import annotations

from typing import Any

import asyncpg

# What a connection serves before anyone asks: no row has this tenant.
NOBODY = ""
# Work on all tenants' rows, such as a sweep. Never left behind on a connection.
EVERY = "*"

SETTING = "septet.tenant"


def set_tenant(tenant: str, *, local: bool) -> str:
    """The SQL that makes a session (``local``: a transaction) serve ``tenant``."""
    return f"SET {'LOCAL ' if local else ''}{SETTING} = {quote(tenant)}"


def quote(text: str) -> str:
    """``text`` as an SQL string, for statements that take no parameters."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


class TenantConnection(asyncpg.Connection):
    """A connection that remembers its tenant, so that serving the same one again costs no round trip."""

    __slots__ = ("_tenant",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tenant: str | None = None

    async def serve(self, tenant: str) -> None:
        """Make the session see the rows of ``tenant`` alone."""
        if tenant == self._tenant:
            return
        # Unknown until the server has answered: a cancelled statement may or may not have run.
        self._tenant = None
        await self.execute(set_tenant(tenant, local=False))
        self._tenant = tenant
