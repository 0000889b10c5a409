"""API keys: their form, their refusal, their scopes and their cache."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from septet_gateway.application import authentication
from septet_gateway.application.authentication import Authenticator
from septet_gateway.domain.errors import ApiError
from septet_gateway.domain.keys import ApiKey, Caller, digest_of, id_of, matches, new_key
from septet_gateway.settings import GatewaySettings
from septet_kit.errors import Permanent, Transient
from starlette.testclient import TestClient

from .conftest import open_client
from .support import KEYS, SECRET, STORED, MemoryKeys, World

SHORT = timedelta(milliseconds=500)


def test_a_key_has_a_prefix_an_id_and_256_random_bits() -> None:
    key_id, key = new_key()
    assert key.startswith(f"sk-septet-{key_id}-")
    assert len(bytes.fromhex(key.rpartition("-")[2])) == 32
    assert id_of(key) == key_id
    assert new_key()[1] != key
    assert id_of(key[:-1]) is None


def test_the_stored_hash_depends_on_the_secret() -> None:
    stored = STORED["ask"]
    assert KEYS["ask"].encode() not in stored.digest
    assert matches(stored, digest_of(KEYS["ask"], SECRET))
    assert not matches(stored, digest_of(KEYS["ask"], b"t" * 32))
    assert not matches(None, bytes(32))


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(Permanent, match="0 characters"):
        GatewaySettings().secret()


def _changed(key: str) -> str:
    """A key with another secret."""
    return key[:-1] + ("0" if key[-1] != "0" else "1")


def _joined(id_from: str, secret_from: str) -> str:
    """A key with the id of one key and the secret of another."""
    return f"{id_from.rpartition('-')[0]}-{secret_from.rpartition('-')[2]}"


REFUSED: dict[str, tuple[str, str]] = {
    "none": ("", ""),
    "no scheme": (KEYS["ask"], ""),
    "basic": (f"Basic {KEYS['ask']}", ""),
    "malformed": ("Bearer sk-1234", ""),
    "guessed id": (f"Bearer {new_key()[1]}", ""),
    "guessed secret": (f"Bearer {_changed(KEYS['ask'])}", ""),
    "guessed secret of a revoked key": (f"Bearer {_changed(KEYS['revoked'])}", ""),
    "revoked": (f"Bearer {KEYS['revoked']}", ""),
    "expired": (f"Bearer {KEYS['expired']}", ""),
    "secret of a foreign tenant": (f"Bearer {_joined(KEYS['ask'], KEYS['globex'])}", ""),
    "in the query string": ("", f"api_key={KEYS['ask']}"),
    "in the query string, too": (f"Bearer {KEYS['ask']}", f"anything={KEYS['ask']}"),
}
"""Authorization header and query string of calls that are refused, by reason."""


@pytest.mark.parametrize("path", ["/v1/models", "/v1/septet/responses/x"])
def test_every_key_that_is_not_valid_gets_the_same_answer(world: World, path: str) -> None:
    answers = {}
    with open_client(world) as client:
        for reason, (header, query) in REFUSED.items():
            url = f"{path}?{query}" if query else path
            response = client.get(url, headers={"authorization": header})
            answers[reason] = response.status_code, response.content, tuple(sorted(response.headers.items()))
    ((status, body, _),) = set(answers.values())
    assert status == 401
    assert b'"code":"invalid_api_key"' in body


@pytest.mark.parametrize("is_cached", [False, True])
@pytest.mark.parametrize("reason", REFUSED)
async def test_every_refusal_does_the_same_work(
    world: World, monkeypatch: pytest.MonkeyPatch, reason: str, is_cached: bool
) -> None:
    """One look-up, one hash and two comparisons, also while the right key is cached, and at each repetition."""
    work: Counter[str] = Counter()

    def counted(name: str, function: Any) -> Any:
        def count(*args: Any) -> Any:
            work[name] += 1
            return function(*args)

        return count

    monkeypatch.setattr(authentication, "digest_of", counted("hash", digest_of))
    monkeypatch.setattr(authentication, "matches", counted("compare", matches))
    gate = Authenticator(world.keys, SECRET, SHORT)
    if is_cached:
        await gate.authenticate({"authorization": f"Bearer {KEYS['ask']}"}, "")
    header, query = REFUSED[reason]
    for _ in range(3):
        work.clear()
        before = world.keys.lookups
        with pytest.raises(ApiError):
            await gate.authenticate({"authorization": header}, query)
        assert world.keys.lookups - before == 1
        assert work == {"hash": 1, "compare": 2}


async def test_a_guess_at_the_secret_of_a_key_does_not_delay_its_owner() -> None:
    keys = SlowKeys()
    now = [0.0]
    gate = Authenticator(keys, SECRET, SHORT, clock=lambda: now[0])
    owner = {"authorization": f"Bearer {KEYS['ask']}"}
    keys.go.set()
    await gate.authenticate(owner, "")
    keys.go.clear()
    now[0] = 1.0
    guesses = [new_key()[1], new_key()[1], _changed(KEYS["ask"])]
    calls = [
        asyncio.ensure_future(gate.authenticate({"authorization": f"Bearer {guess}"}, ""))
        for guess in guesses
    ]
    await asyncio.sleep(0.01)
    calls.append(asyncio.ensure_future(gate.authenticate(owner, "")))
    await asyncio.sleep(0.01)
    assert keys.running == 3
    keys.go.set()
    *refused, accepted = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(e, ApiError) for e in refused)
    assert isinstance(accepted, Caller)


def test_a_scope_is_required_and_admin_includes_all(world: World) -> None:
    feedback = {"kind": "copied", "request_id": "r-1"}
    for label, expected in (("ask", 403), ("feedback", 202), ("admin", 202)):
        with open_client(world, KEYS[label]) as client:
            assert client.post("/v1/septet/feedback", json=feedback).status_code == expected
    with open_client(world, KEYS["feedback"]) as client:
        response = client.get("/v1/models")
    assert (response.status_code, response.json()["error"]["code"]) == (403, "missing_scope")


async def test_a_revocation_has_effect_when_the_cache_expires(world: World) -> None:
    headers = {"authorization": f"Bearer {KEYS['ask']}"}
    ttl = GatewaySettings().key_cache
    now = [0.0]
    gate = Authenticator(world.keys, SECRET, ttl, clock=lambda: now[0])
    assert (await gate.authenticate(headers, "")).tenant == "acme"
    assert (await gate.authenticate(headers, "")).tenant == "acme"
    assert world.keys.lookups == 1
    stored = STORED["ask"]
    world.keys.keys[stored.key_id] = replace(stored, revoked_at=datetime.now(UTC))
    now[0] = ttl.total_seconds() - 0.001
    assert await gate.authenticate(headers, "")
    now[0] = ttl.total_seconds()
    assert ttl < timedelta(seconds=1)
    with pytest.raises(ApiError):
        await gate.authenticate(headers, "")
    assert world.keys.lookups == 2


class SlowKeys(MemoryKeys):
    """Keys whose look-ups wait for ``go``."""

    def __init__(self) -> None:
        super().__init__({k.key_id: k for k in STORED.values()})
        self.go = asyncio.Event()
        self.running = 0

    async def find(self, key_id: str) -> ApiKey | None:
        self.running += 1
        await self.go.wait()
        self.running -= 1
        return await super().find(key_id)


async def test_concurrent_calls_with_one_key_share_a_lookup() -> None:
    keys = SlowKeys()
    gate = Authenticator(keys, SECRET, SHORT)
    headers = {"authorization": f"Bearer {KEYS['ask']}"}
    calls = [asyncio.ensure_future(gate.authenticate(headers, "")) for _ in range(300)]
    await asyncio.sleep(0)
    calls[0].cancel()
    keys.go.set()
    callers = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(callers[0], asyncio.CancelledError)
    assert {c.tenant for c in callers[1:] if isinstance(c, Caller)} == {"acme"}
    assert keys.lookups == 1


async def test_guessed_ids_leave_lookups_to_known_keys() -> None:
    keys = SlowKeys()
    now = [0.0]
    gate = Authenticator(keys, SECRET, SHORT, clock=lambda: now[0])
    headers = {"authorization": f"Bearer {KEYS['ask']}"}
    keys.go.set()
    await gate.authenticate(headers, "")
    keys.go.clear()
    now[0] = 1.0
    guesses = [{"authorization": f"Bearer {new_key()[1]}"} for _ in range(100)]
    calls = [asyncio.ensure_future(gate.authenticate(g, "")) for g in guesses]
    await asyncio.sleep(0.01)
    assert keys.running == 2
    known = asyncio.ensure_future(gate.authenticate(headers, ""))
    await asyncio.sleep(0.01)
    assert keys.running == 3
    keys.go.set()
    assert (await known).tenant == "acme"
    refused = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(e, ApiError) and e.status == 401 for e in refused)


async def test_a_failed_lookup_is_not_cached() -> None:
    class Broken(MemoryKeys):
        async def find(self, key_id: str) -> ApiKey | None:
            if self.lookups == 0:
                self.lookups += 1
                raise Transient("store_unavailable", "down")
            return await super().find(key_id)

    gate = Authenticator(Broken({k.key_id: k for k in STORED.values()}), SECRET, SHORT)
    headers = {"authorization": f"Bearer {KEYS['ask']}"}
    with pytest.raises(Transient):
        await gate.authenticate(headers, "")
    assert (await gate.authenticate(headers, "")).tenant == "acme"


async def test_a_cached_key_still_expires(world: World) -> None:
    gate = Authenticator(world.keys, SECRET, timedelta(hours=1))
    stored = STORED["ask"]
    world.keys.keys[stored.key_id] = replace(
        stored, expires_at=datetime.now(UTC) + timedelta(milliseconds=50)
    )
    headers = {"authorization": f"Bearer {KEYS['ask']}"}
    assert await gate.authenticate(headers, "")
    expired = replace(stored, expires_at=datetime.now(UTC))
    gate._accepted[stored.key_id] = (gate._accepted[stored.key_id][0], expired)
    world.keys.keys[stored.key_id] = expired
    with pytest.raises(ApiError):
        await gate.authenticate(headers, "")


def test_a_preflight_needs_no_key(world: World) -> None:
    preflight = {
        "origin": "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-stainless-os,x-stainless-lang",
    }
    with TestClient(world.app(cors_origins=("https://app.example",))) as client:
        response = client.options("/v1/chat/completions", headers=preflight)
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == "https://app.example"
        assert "x-stainless-os" in response.headers["access-control-allow-headers"]
        other = client.options(
            "/v1/chat/completions", headers={**preflight, "origin": "https://evil.example"}
        )
        assert "access-control-allow-origin" not in other.headers
    with open_client(world) as client:
        response = client.get("/v1/models", headers={"origin": "https://app.example"})
        assert "access-control-allow-origin" not in response.headers
