"""``septet canary`` on all services: sides are sticky and share no cache, and a planted fault ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from septet_cli.canary.record import is_active, read_canary
from septet_contracts import Canary
from septet_kit.shares import is_selected

from ..conftest import Backend
from .traffic import TENANT, ask_all, start

pytestmark = pytest.mark.slow

LIVE = "bare"


async def active(shop: Backend) -> Canary:
    """The canary, once it gets requests."""
    async with asyncio.timeout(60):
        while True:
            found = await read_canary(shop.addresses.connection("operator"))
            if found is not None and is_active(found):
                # Guardrails read the record at the same time.
                await asyncio.sleep(1)
                return found
            await asyncio.sleep(0.2)


@asynccontextmanager
async def canary(
    shop: Backend, tenants_file: Path, *options: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    child = await start(shop, tenants_file, "canary", "start", "--instead-of", LIVE, *options)
    try:
        yield child
    finally:
        if child.returncode is None:
            child.terminate()
        await child.communicate()


async def command(shop: Backend, tenants_file: Path, *arguments: str) -> str:
    child = await start(shop, tenants_file, "canary", *arguments)
    shown, said = await child.communicate()
    assert child.returncode == 0, said.decode()
    return shown.decode()


@pytest.mark.embedded
async def test_a_planted_fault_ends_the_canary(shop: Backend, tenants_file: Path) -> None:
    options = (
        "--with",
        "policy=mute",
        "--share",
        "0.5",
        "--cases",
        "40",
        "--look",
        "5",
        "--also",
        "abstention",
    )
    async with canary(shop, tenants_file, *options) as child:
        await active(shop)
        asked = await ask_all(shop, 40, policy=LIVE)
        blocked = [r for r in asked if r.status == "blocked"]
        assert 5 <= len(blocked) <= 35
        shown, said = await asyncio.wait_for(child.communicate(), 60)
    assert child.returncode == 1, said.decode()
    assert shown.startswith(b"FAIL: abstention")
    await asyncio.sleep(1)
    after = await ask_all(shop, 8, policy=LIVE)
    assert "blocked" not in {r.status for r in after}
    assert "ended: FAIL" in await command(shop, tenants_file, "status")


async def test_a_conversation_stays_on_its_side_and_the_sides_share_no_cache(
    shop: Backend, tenants_file: Path
) -> None:
    options = ("--with", "policy=twin", "--share", "0.5", "--margin", "0.5", "--for", "5m")
    async with canary(shop, tenants_file, *options) as child:
        of = await active(shop)
        names = [f"c-{uuid4().hex[:8]}" for _ in range(12)]
        chosen = {c: is_selected(of.share, TENANT, c, "", of.run) for c in names}
        assert set(chosen.values()) == {True, False}
        (first,) = await ask_all(
            shop, 1, policy=LIVE, conversation_id=next(c for c in names if not chosen[c])
        )
        assert first.status == "answered"
        seen: dict[bool, list[str]] = {True: [], False: []}
        for conversation in names:
            response = await shop.ask(first.question, policy=LIVE, conversation_id=conversation)
            assert response.policy == ("twin" if chosen[conversation] else LIVE)
            assert response.cache is not None
            seen[chosen[conversation]].append(response.cache.status)
        assert seen[True][0] == "miss"
        marked = await shop.ask(first.question, policy="default", conversation_id=names[0])
        assert marked.policy == "default"
        assert "active" in await command(shop, tenants_file, "status")
        assert "ended" in await command(shop, tenants_file, "stop")
        await asyncio.wait_for(child.communicate(), 60)
        assert child.returncode == 2
    assert "stopped by the operator" in await command(shop, tenants_file, "status")


@pytest.mark.embedded
async def test_a_controller_that_is_killed_leaves_a_canary_that_expires(
    shop: Backend, tenants_file: Path
) -> None:
    async with canary(shop, tenants_file, "--with", "policy=mute", "--share", "1") as child:
        of = await active(shop)
        child.kill()
        await child.communicate()
        assert (await shop.ask("Is it still active?", policy=LIVE)).status == "blocked"
        while is_active(of := (await read_canary(shop.addresses.connection("operator"))) or of):  # noqa: ASYNC110
            await asyncio.sleep(1)
        assert (await shop.ask("Is it still active?", policy=LIVE)).status != "blocked"
