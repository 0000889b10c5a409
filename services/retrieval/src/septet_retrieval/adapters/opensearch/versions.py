"""Versions of the index: the alias ``septet-passages`` points to ``septet-passages-v1``, ``-v2`` and so on."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from septet_kit import Permanent, Transient
from septet_kit.observe import get_logger

from septet_retrieval.adapters.opensearch import layout
from septet_retrieval.adapters.opensearch.calls import Calls
from septet_retrieval.adapters.opensearch.errors import MISSING, error_from_status
from septet_retrieval.settings import OpenSearchSettings

log = get_logger()

_BAD_REQUEST = 400


class Versions:
    """Creates, lists, publishes and drops versions. The alias points to one version."""

    def __init__(self, calls: Calls, settings: OpenSearchSettings) -> None:
        self._calls = calls
        self._settings = settings
        self._ensured = False
        self._ensuring = asyncio.Lock()

    @property
    def alias(self) -> str:
        """Name for searches and writes."""
        return self._settings.index

    async def ensure(self) -> None:
        """Create the template and, if there is none, the first version. Later calls return at once.

        Raises:
            Transient: the server is down.
            Permanent: an index has the name of the alias.
        """
        if self._ensured:
            return
        async with self._ensuring:
            await self.put_template()
            current = await self.current()
            if current is None:
                await self._reject_plain_index()
                await self._create(self.name(1), aliases={self.alias: {"is_write_index": True}})
            elif await self.layout_of(current) != layout.layout_version():
                log.warning("the index layout is outdated", index=current, fix="run `septet reindex`")
            self._ensured = True

    @contextmanager
    def checking_existence(self) -> Iterator[None]:
        """Make :meth:`ensure` check again after a call that found no index behind the alias."""
        try:
            yield
        except Transient as error:
            if error.code == MISSING:
                self._ensured = False
            raise

    def name(self, number: int) -> str:
        """Return the name of a version."""
        return f"{self.alias}-v{number}"

    async def current(self) -> str | None:
        """Return the version behind the alias."""
        found = await self._calls(
            "get_alias", self.alias, lambda client: client.indices.get_alias(name=self.alias, ignore=404)
        )
        names = [name for name in found if isinstance(found[name], dict) and "aliases" in found[name]]
        return names[0] if names else None

    async def all(self) -> list[str]:
        """Return all versions, oldest first."""
        pattern, params = f"{self.alias}-v*", {"allow_no_indices": "true"}
        found = await self._calls(
            "get", self.alias, lambda client: client.indices.get(index=pattern, params=params)
        )
        return sorted((name for name in found if self._number(name)), key=self._number)

    async def layout_of(self, version: str) -> int:
        """Return the layout of a version; 0 if it is not recorded."""
        found = await self._calls(
            "get_mapping", version, lambda client: client.indices.get_mapping(index=version)
        )
        return int(found[version]["mappings"].get("_meta", {}).get("layout", 0))

    async def next(self) -> str:
        """Return the version to build: one that an interrupted run began with this layout, or a new one."""
        await self.put_template()
        current = await self.current()
        newest = (await self.all() or [self.name(0)])[-1]
        if newest != current and current is not None and self._number(newest) > self._number(current):
            if await self.layout_of(newest) == layout.layout_version():
                # The position must be visible before the build continues from it.
                await self._calls("refresh", newest, lambda client: client.indices.refresh(index=newest))
                return newest
            await self.drop(newest)
        made = self.name(self._number(newest) + 1)
        await self._create(made, settings={"index.refresh_interval": "-1"})
        return made

    async def publish(self, version: str) -> str | None:
        """Move the alias to ``version`` atomically; return the previous version.

        Raises:
            Transient: the server is down, or the version's shards are not ready.
        """
        interval = layout.template(self._settings)["template"]["settings"]["index"]["refresh_interval"]
        scheduled = {"index.refresh_interval": interval}
        await self._calls(
            "put_settings", version, lambda client: client.indices.put_settings(index=version, body=scheduled)
        )
        await self._calls("refresh", version, lambda client: client.indices.refresh(index=version))
        ready = {"wait_for_status": "yellow"}
        await self._calls(
            "health", version, lambda client: client.cluster.health(index=version, params=ready)
        )
        before = await self.current()
        actions: list[dict[str, Any]] = []
        if before is not None and before != version:
            actions.append({"remove": {"index": before, "alias": self.alias}})
        actions.append({"add": {"index": version, "alias": self.alias, "is_write_index": True}})
        await self._calls(
            "update_aliases",
            self.alias,
            lambda client: client.indices.update_aliases(body={"actions": actions}),
        )
        return before if before != version else None

    async def drop(self, version: str) -> None:
        """Delete a version, if it exists."""
        await self._calls(
            "delete", version, lambda client: client.indices.delete(index=version, params={}, ignore=404)
        )

    async def put_template(self) -> None:
        """Create or replace the template, under the alias's name."""
        body = layout.template(self._settings)
        await self._calls(
            "put_index_template",
            self.alias,
            lambda client: client.indices.put_index_template(name=self.alias, body=body),
        )

    async def delete_template(self) -> None:
        """Delete the template, if it exists."""
        await self._calls(
            "delete_index_template",
            self.alias,
            lambda client: client.indices.delete_index_template(name=self.alias, ignore=404),
        )

    def _number(self, name: str) -> int:
        found = re.fullmatch(rf"{re.escape(self.alias)}-v(\d+)", name)
        return int(found[1]) if found else 0

    async def _reject_plain_index(self) -> None:
        if await self._calls(
            "exists", self.alias, lambda client: client.indices.exists(index=self.alias, params={})
        ):
            raise Permanent(
                "lexical_alias_taken",
                f"{self.alias} is an index and must be an alias",
                field="SEPTET_OPENSEARCH_INDEX",
                fix=f"delete the index {self.alias} (it is rebuilt from PostgreSQL), or choose another name",
            )

    async def _create(self, name: str, **body: Any) -> None:
        """Create an index from the template, unless another process has created it."""
        response = await self._calls(
            "create", name, lambda client: client.indices.create(index=name, body=body, ignore=_BAD_REQUEST)
        )
        reason = response.get("error", {})
        if reason and reason.get("type") != "resource_already_exists_exception":
            raise error_from_status(_BAD_REQUEST, str(reason.get("reason", reason)))
