"""Session cookies of browsers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from septet_gateway.domain.sessions import COOKIE, LIFETIME, seal, unseal
from starlette.testclient import TestClient

from .conformance import check
from .support import KEYS, SECRET, STORED, World

PATH = "/v1/septet/session"
CONSOLE = {"x-septet-console": "1"}
NOW = datetime.now(UTC)


@pytest.fixture
def browser(world: World) -> Iterator[TestClient]:
    """A browser with a session of the key ``ask``."""
    with TestClient(world.app(key_cache="PT0S")) as client:
        client.event_hooks = {"response": [check]}
        created = client.post(PATH, headers={"authorization": f"Bearer {KEYS['ask']}"})
        assert created.status_code == 200
        yield client


def test_the_cookie_is_closed_to_scripts_and_to_other_sites(world: World) -> None:
    with TestClient(world.app(), base_url="https://testserver") as client:
        created = client.post(PATH, headers={"authorization": f"Bearer {KEYS['ask']}"})
    cookie = created.headers["set-cookie"]
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/v1"} <= set(cookie.split("; "))
    assert KEYS["ask"].rsplit("-", 1)[-1] not in cookie


def test_a_session_has_the_tenant_and_the_scopes_of_its_key(browser: TestClient) -> None:
    session = browser.get(PATH, headers=CONSOLE).json()
    assert session == {"tenant": "acme", "key_id": STORED["ask"].key_id, "scopes": ["ask"]}
    assert browser.get("/v1/models", headers=CONSOLE).status_code == 200
    denied = browser.post("/v1/septet/feedback", headers=CONSOLE, json={})
    assert denied.json()["error"]["code"] == "missing_scope"


def test_the_cookie_alone_is_no_credential(browser: TestClient) -> None:
    assert browser.get(PATH).status_code == 401


def test_a_session_ends_with_its_key(browser: TestClient, world: World) -> None:
    key = STORED["ask"]
    world.keys.keys[key.key_id] = STORED["revoked"]
    assert browser.get(PATH, headers=CONSOLE).status_code == 401


def test_a_session_can_be_ended(browser: TestClient) -> None:
    assert browser.delete(PATH, headers=CONSOLE).status_code == 200
    assert COOKIE not in browser.cookies
    assert browser.get(PATH, headers=CONSOLE).status_code == 401


@pytest.mark.parametrize("position", [0, 18, -1])
def test_a_changed_cookie_is_refused_without_a_lookup(world: World, position: int) -> None:
    value = [*seal(STORED["ask"].key_id, NOW + LIFETIME, SECRET)]
    value[position] = "1" if value[position] == "0" else "0"
    with TestClient(world.app()) as client:
        response = client.get(PATH, headers={**CONSOLE, "cookie": f"{COOKIE}={''.join(value)}"})
    assert response.status_code == 401
    assert world.keys.lookups == 0


def test_a_session_expires() -> None:
    value = seal("0" * 16, NOW + LIFETIME, SECRET)
    assert unseal(value, SECRET, NOW + LIFETIME - timedelta(seconds=2)) == "0" * 16
    assert unseal(value, SECRET, NOW + LIFETIME + timedelta(seconds=1)) is None
    assert unseal(value, b"t" * 32, NOW) is None


def test_another_origin_may_not_send_the_cookie(browser: TestClient) -> None:
    response = browser.get(PATH, headers={**CONSOLE, "origin": "https://evil.example"})
    assert response.headers.get("access-control-allow-credentials") is None
