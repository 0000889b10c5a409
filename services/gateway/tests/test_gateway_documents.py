"""``/v1/septet/documents``: create, replace and delete documents, and wait until they can be found."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from septet_contracts import DeleteDocument, UpsertDocument, encode
from septet_gateway.adapters.kafka import Follower
from septet_gateway.application.indexing import Changes, Indexer
from septet_gateway.application.waiting import Waiting
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.tenants import SHARED_ONLY
from starlette.testclient import TestClient

from .conftest import open_client
from .support import KEYS, MemoryLog, World, changed

PATH = "/v1/septet/documents"
UPSERT = UpsertDocument(tenant="acme", document_id="d", text="t")


@pytest.fixture
def writer(world: World) -> Iterator[TestClient]:
    """A client whose key has the scope ``documents``."""
    with open_client(world, KEYS["documents"]) as opened:
        yield opened


def test_a_document_is_published_in_the_tenant_of_the_key(writer: TestClient, world: World) -> None:
    sent = {
        "text": "# 휴가\n31일입니다.",
        "title": "휴가 규정",
        "uri": "https://a.example/leave",
        "media_type": "text/markdown",
        "location": "chapter 2",
        "revision": 3,
        "language": None,
    }
    response = writer.put(f"{PATH}/leave", json=sent)
    assert response.status_code == 202
    assert response.json() == {"document_id": "leave", "status": "pending"}
    expected = {name: value for name, value in sent.items() if value is not None}
    assert world.log.published == [UpsertDocument(tenant="acme", document_id="leave", **expected)]


def test_a_call_waits_until_the_document_can_be_found(writer: TestClient) -> None:
    response = writer.put(f"{PATH}/leave?wait=5", json={"text": "t"})
    assert response.status_code == 200
    assert response.json() == {
        "document_id": "leave",
        "status": "indexed",
        "change": "created",
        "content_hash": "h",
        "passages": 2,
        "embedded": 2,
    }
    response = writer.delete(f"{PATH}/leave?wait=5&revision=4")
    assert (response.status_code, response.json()["status"], response.json()["change"]) == (
        200,
        "deleted",
        "deleted",
    )


def test_a_deletion_has_its_revision(writer: TestClient, world: World) -> None:
    assert writer.delete(f"{PATH}/leave?revision=4").status_code == 202
    assert world.log.published == [
        DeleteDocument(action="delete", tenant="acme", document_id="leave", revision=4)
    ]


def test_a_document_that_is_not_indexed_in_time_is_pending(writer: TestClient, world: World) -> None:
    world.log.index = lambda *_: None
    began = time.monotonic()
    response = writer.put(f"{PATH}/leave?wait=0.05", json={"text": "t"})
    assert (response.status_code, response.json()["status"]) == (202, "pending")
    assert time.monotonic() - began >= 0.05


@pytest.mark.parametrize("document_id", ["a/b.md", "https://a.example/x/?q=1", "dir/", "휴가 규정"])
def test_an_id_may_have_any_characters(writer: TestClient, world: World, document_id: str) -> None:
    encoded = document_id.replace("?", "%3F")
    assert writer.put(f"{PATH}/{encoded}", json={"text": "t"}).json()["document_id"] == document_id
    assert world.log.published[0].document_id == document_id


@pytest.mark.parametrize(
    ("path", "fields", "status", "param"),
    [
        ("d", {"text": None}, 400, "text"),
        ("d", {"text": "x" * 1_000_001}, 400, "text"),
        ("d", {"text": "x" * 1_048_577}, 413, "text"),
        ("d", {"text": "한" * 349_520}, 413, "text"),
        ("d", {"title": "x" * 1025}, 400, "title"),
        ("d", {"uri": "x" * 2049}, 400, "uri"),
        ("d", {"location": "x" * 1025}, 400, "location"),
        ("d", {"media_type": "application/pdf"}, 400, "media_type"),
        ("d", {"revision": -1}, 400, "revision"),
        ("d", {"revision": 2**63}, 400, "revision"),
        ("d", {"text": "a\0b"}, 400, "text"),
        ("d", {"title": "a\0b"}, 400, "title"),
        ("%00", {}, 400, "document_id"),
        ("d", {"action": "delete"}, 400, "action"),
        ("d", {"document_id": "e"}, 400, "document_id"),
        ("x" * 513, {}, 400, "document_id"),
        ("", {}, 400, "document_id"),
        ("d?wait=61", {}, 400, "wait"),
        ("d?wait=nan", {}, 400, "wait"),
        ("d?wait=soon", {}, 400, "wait"),
    ],
)
def test_a_document_outside_the_contract_names_its_field(
    writer: TestClient, world: World, path: str, fields: dict[str, Any], status: int, param: str
) -> None:
    response = writer.put(f"{PATH}/{path}", json={"text": "t", **fields})
    error = response.json()["error"]
    assert (response.status_code, error["param"]) == (status, param)
    assert error["message"].startswith(f"{param}: ")
    assert world.log.published == []


def test_half_a_character_is_refused(writer: TestClient, world: World) -> None:
    response = writer.put(f"{PATH}/d", content=b'{"text": "t", "uri": "\\ud800"}')
    assert (response.status_code, response.json()["error"]["code"]) == (400, "malformed_json")
    assert "surrogate" in response.json()["error"]["message"]
    assert writer.put(f"{PATH}/d", content=b'{"text": ').json()["error"]["code"] == "malformed_json"
    assert world.log.published == []


@pytest.mark.parametrize(("revision", "status"), [("-1", 400), ("x", 400), ("7", 202)])
def test_the_revision_of_a_deletion_is_checked(writer: TestClient, revision: str, status: int) -> None:
    response = writer.delete(f"{PATH}/d?revision={revision}")
    assert response.status_code == status
    if status == 400:
        assert response.json()["error"]["param"] == "revision"


def test_the_scope_documents_is_required(world: World) -> None:
    for label, expected in (("ask", 403), ("feedback", 403), ("documents", 202), ("admin", 202)):
        with open_client(world, KEYS[label]) as client:
            assert client.put(f"{PATH}/d", json={"text": "t"}).status_code == expected
            assert client.delete(f"{PATH}/d").status_code == expected
    with open_client(world, KEYS["documents"]) as client:
        response = client.put(f"{PATH}/d", json={"text": "t", "tenant": "globex"})
    assert (response.status_code, response.json()["error"]["code"]) == (403, "tenant_mismatch")


def test_too_many_calls_that_wait_get_429(world: World) -> None:
    with open_client(world, KEYS["documents"], max_waiting=1) as client:
        with world.log.changes.watch("acme", "another"):
            response = client.put(f"{PATH}/d?wait=1", json={"text": "t"})
            assert (response.status_code, response.json()["error"]["code"]) == (429, "too_many_requests")
            assert world.log.published == []
            assert client.put(f"{PATH}/d", json={"text": "t"}).status_code == 202
        assert client.put(f"{PATH}/d?wait=1", json={"text": "t"}).status_code == 200


async def test_the_change_of_an_earlier_record_is_not_that_of_this_one() -> None:
    """Two clients replace a document: the first one's change does not end the wait of the second."""
    log = MemoryLog(Waiting(1), index=lambda e, at: changed(e, at - timedelta(milliseconds=1)))
    submitted = asyncio.ensure_future(Indexer(log, log.changes).submit(UPSERT, 60))
    await asyncio.sleep(0.01)
    assert not submitted.done()
    log.changes.deliver(changed(UPSERT, datetime.now(UTC), tenant="globex"))
    await asyncio.sleep(0.01)
    assert not submitted.done()
    log.changes.deliver(changed(UPSERT, datetime.now(UTC), change="updated"))
    change = await asyncio.wait_for(submitted, 5)
    assert change is not None
    assert change.change == "updated"
    assert not log.changes.is_expected("acme", change.request_id)


async def test_the_follower_delivers_changes_of_documents_that_a_call_waits_for() -> None:
    class Record:
        def __init__(self, topic: str, value: bytes) -> None:
            self.topic, self.value = topic, value

    changes = Changes(10)
    follower = Follower(KafkaConnection("127.0.0.1:9"), SHARED_ONLY, Waiting(1), changes)
    now = datetime.now(UTC)
    topic = "septet.documents-changed.v1"
    with changes.watch("acme", "d") as watch:
        follower._receive(Record(topic, b"{}"))
        follower._receive(Record("septet.responses.v2", encode(changed(UPSERT, now))))
        follower._receive(Record(topic, encode(changed(UPSERT, now, document_id="e"))))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(watch.reach(now), 0.01)
        follower._receive(Record(topic, encode(changed(UPSERT, now))))
        assert (await asyncio.wait_for(watch.reach(now), 5)).document_id == "d"


def test_invalid_feedback_names_its_field(world: World) -> None:
    with open_client(world, KEYS["feedback"]) as client:
        response = client.post("/v1/septet/feedback", json={"kind": "thumbs", "request_id": "r"})
    error = response.json()["error"]
    assert (error["param"], error["message"]) == ("value", "value: Field required; add `value`")
