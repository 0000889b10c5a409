"""The tables of keys and requests on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from septet_gateway.adapters.postgres import PostgresKeys, PostgresRequests
from septet_gateway.application.authentication import Authenticator
from septet_gateway.domain.errors import ApiError
from septet_gateway.domain.keys import SCOPES, id_of
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS

from .support import SECRET

pytestmark = pytest.mark.servers


async def test_a_created_key_is_valid_until_it_is_revoked(pool: StorePool) -> None:
    keys = PostgresKeys(pool)
    key = await keys.create("acme", "app", ("ask", "feedback"), SECRET)
    gate = Authenticator(keys, SECRET, timedelta(0))
    caller = await gate.authenticate({"authorization": f"Bearer {key}"}, "")
    assert (caller.tenant, caller.scopes) == ("acme", {"ask", "feedback"})
    key_id = id_of(key)
    assert key_id is not None
    assert await keys.revoke(key_id)
    assert not await keys.revoke(key_id)
    with pytest.raises(ApiError) as error:
        await gate.authenticate({"authorization": f"Bearer {key}"}, "")
    assert error.value.status == 401


async def test_the_key_itself_is_not_stored(pool: StorePool) -> None:
    expires = datetime.now(UTC) + timedelta(days=1)
    key = await PostgresKeys(pool).create("acme", "app", SCOPES, SECRET, expires)
    rows = await pool.fetch("SELECT api_keys::text AS row FROM api_keys", tenant=ALL_TENANTS)
    assert key.rpartition("-")[2] not in rows[0]["row"]
    (stored,) = await PostgresKeys(pool).list()
    assert (stored.name, stored.scopes, stored.expires_at, stored.streams) == ("app", SCOPES, expires, None)


async def test_a_key_may_have_its_own_limit_of_streams(pool: StorePool) -> None:
    keys = PostgresKeys(pool)
    key = await keys.create("acme", "app", ("ask",), SECRET, streams=3)
    gate = Authenticator(keys, SECRET, timedelta(0))
    assert (await gate.authenticate({"authorization": f"Bearer {key}"}, "")).streams == 3


async def test_a_request_id_is_recorded_once_for_each_tenant(pool: StorePool) -> None:
    requests = PostgresRequests(pool)
    assert await requests.record("acme", "r-1", "d-1") is None
    assert await requests.record("globex", "r-1", "d-3") is None
    again = await requests.record("acme", "r-1", "d-2")
    assert again is not None
    assert again.digest == "d-1"
    assert again == await requests.find("acme", "r-1")
    assert await requests.find("other", "r-1") is None


async def test_the_purge_deletes_old_requests_only(pool: StorePool) -> None:
    requests = PostgresRequests(pool)
    await requests.record("acme", "r-1", "d")
    assert await requests.purge(timedelta(days=7)) == 0
    assert await requests.purge(timedelta(0)) == 1
    assert await requests.find("acme", "r-1") is None
