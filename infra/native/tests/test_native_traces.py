"""The trace receiver: OTLP, Jaeger's query API and the page."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from septet_native.traces import jaeger_shape, otlp
from septet_native.traces import store as stored
from septet_native.traces.app import ASSETS, SMALL_BODY, create_app
from septet_native.traces.store import TraceStore

TRACE = "0af7651916cd43dd8448eb211c80319c"
PROTOBUF = {"content-type": "application/x-protobuf"}
START = 1_700_000_000_000_000_000


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def export(
    trace: str = TRACE, request_id: str = "req-1", services: tuple[str, ...] = ("gateway", "검색")
) -> ExportTraceServiceRequest:
    """One span per service, each the child of the one before; the last one failed."""
    request = ExportTraceServiceRequest()
    for number, service in enumerate(services, start=1):
        resource = request.resource_spans.add()
        resource.resource.attributes.append(text("service.name", service))
        span = resource.scope_spans.add().spans.add()
        span.trace_id = bytes.fromhex(trace)
        span.span_id = number.to_bytes(8, "big")
        span.parent_span_id = (number - 1).to_bytes(8, "big") if number > 1 else b""
        span.name = f"step {number}"
        span.kind = ProtoSpan.SPAN_KIND_CONSUMER
        span.start_time_unix_nano = START + number * 1_000_000
        span.end_time_unix_nano = span.start_time_unix_nano + 2_500_000
        span.attributes.append(text("septet.request_id", request_id))
        span.attributes.append(text("question", "서울의 수도는?"))
        event = span.events.add(name="gen_ai.evaluation.result", time_unix_nano=span.start_time_unix_nano)
        event.attributes.append(KeyValue(key="score", value=AnyValue(double_value=0.5)))
    span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="no luck"))
    return request


@pytest.fixture
def store(tmp_path: Path) -> TraceStore:
    return TraceStore(tmp_path / "traces.sqlite", max_traces=3)


@pytest.fixture
async def client(store: TraceStore) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(store))
    async with httpx.AsyncClient(transport=transport, base_url="http://traces") as client:
        yield client
    store.close()


async def send(client: httpx.AsyncClient, request: ExportTraceServiceRequest) -> httpx.Response:
    return await client.post("/v1/traces", content=request.SerializeToString(), headers=PROTOBUF)


async def test_trace_is_returned_in_jaegers_json(client: httpx.AsyncClient) -> None:
    assert (await send(client, export())).status_code == 200
    (trace,) = (await client.get(f"/api/traces/{TRACE}")).json()["data"]
    assert {process["serviceName"] for process in trace["processes"].values()} == {"gateway", "검색"}
    root, child = trace["spans"]
    assert root["references"] == []
    assert child["references"] == [{"refType": "CHILD_OF", "traceID": TRACE, "spanID": root["spanID"]}]
    assert (child["startTime"], child["duration"]) == (START // 1000 + 2000, 2500)
    tags = {tag["key"]: tag["value"] for tag in child["tags"]}
    assert tags["question"] == "서울의 수도는?"
    assert (tags["span.kind"], tags["error"]) == ("consumer", True)
    assert child["logs"][0]["fields"][0]["value"] == "gen_ai.evaluation.result"


async def test_large_export_is_split_by_trace(client: httpx.AsyncClient, store: TraceStore) -> None:
    traces = [f"{number:032x}" for number in range(1, 4)]
    request = ExportTraceServiceRequest()
    for trace in traces:
        request.MergeFrom(export(trace, "r" * SMALL_BODY))
    assert (await send(client, request)).status_code == 200
    for number, trace in enumerate(traces, start=1):
        (shown,) = (await client.get(f"/api/traces/{trace}")).json()["data"]
        assert [span["traceID"] for span in shown["spans"]] == [f"{number:032x}"] * 2
        assert len(shown["processes"]) == 2


async def test_gzip_is_accepted_and_a_decompression_bomb_is_rejected(client: httpx.AsyncClient) -> None:
    headers = {**PROTOBUF, "content-encoding": "gzip"}
    body = gzip.compress(export().SerializeToString())
    assert (await client.post("/v1/traces", content=body, headers=headers)).status_code == 200
    bomb = gzip.compress(bytes(40_000_000))
    assert (await client.post("/v1/traces", content=bomb, headers=headers)).status_code == 413


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"\xff\xff\xff", PROTOBUF, 400),
        (b"not gzip", {**PROTOBUF, "content-encoding": "gzip"}, 400),
        (b"{}", {"content-type": "application/json"}, 415),
    ],
)
async def test_invalid_exports_are_rejected_with_the_reason(
    client: httpx.AsyncClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    reply = await client.post("/v1/traces", content=body, headers=headers)
    assert reply.status_code == status
    assert reply.json()["errors"][0]["msg"]


async def test_traces_are_found_by_service_tag_and_request(client: httpx.AsyncClient) -> None:
    await send(client, export())
    await send(client, export("1" * 32, "req-2", ("gateway",)))

    async def found(**query: str) -> list[str]:
        reply = await client.get("/api/traces", params=query)
        return [trace["traceID"] for trace in reply.json()["data"]]

    assert await found(service="검색") == [TRACE]
    assert set(await found(service="gateway")) == {TRACE, "1" * 32}
    assert await found(service="gateway", tags=json.dumps({"septet.request_id": "req-2"})) == ["1" * 32]
    assert await found(tags=json.dumps({"question": "없음"})) == []
    assert await found(service="gateway", operation="step 2") == []
    assert (await client.get("/api/search", params={"q": "req-1"})).json()["data"] == [TRACE]
    assert (await client.get("/api/search", params={"q": TRACE.upper()})).json()["data"] == [TRACE]
    assert (await client.get("/api/services")).json()["data"] == ["gateway", "검색"]
    assert (await client.get("/api/services/gateway/operations")).json()["data"] == ["step 1"]


@pytest.mark.parametrize("query", [{"tags": "nonsense"}, {"tags": "[]"}, {"limit": "many"}])
async def test_invalid_queries_return_400(client: httpx.AsyncClient, query: dict[str, str]) -> None:
    assert (await client.get("/api/traces", params=query)).status_code == 400


async def test_unknown_trace_returns_404(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/api/traces/{TRACE}")).status_code == 404


def test_retried_export_changes_nothing(store: TraceStore) -> None:
    spans = otlp.decode(export().SerializeToString())
    store.add(spans)
    store.add(spans)
    trace = store.trace(TRACE)
    assert trace is not None
    assert len(trace["spans"]) == 2
    store.close()


def test_first_version_of_a_repeated_span_is_kept(store: TraceStore) -> None:
    store.add(otlp.decode(export(services=("a",)).SerializeToString()))
    before = store.trace(TRACE)
    again = export(services=("a",))
    (spans,) = again.resource_spans[0].scope_spans
    spans.spans[0].name = "renamed"
    late = spans.spans.add()
    late.CopyFrom(spans.spans[0])
    late.span_id = b"\xff" * 8
    store.add(otlp.decode(again.SerializeToString()))
    trace = store.trace(TRACE)
    assert before is not None
    assert trace is not None
    assert [span for span in trace["spans"] if span["spanID"] != "ff" * 8] == before["spans"]
    assert len(trace["spans"]) == 2
    store.close()


def test_trace_is_limited_to_the_maximum_of_spans(store: TraceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "MAX_SPANS_PER_TRACE", 3)
    request = export(services=("a",))
    (spans,) = request.resource_spans[0].scope_spans
    for number in range(7, 10):
        span = spans.spans.add()
        span.CopyFrom(spans.spans[0])
        span.span_id, span.name = number.to_bytes(8, "big"), f"step {number}"
    del spans.spans[0]
    store.add(otlp.decode(export().SerializeToString()))
    for _ in range(2):
        store.add(otlp.decode(request.SerializeToString()))
    trace = store.trace(TRACE)
    assert trace is not None
    assert [int(span["spanID"], 16) for span in trace["spans"]] == [1, 7, 2]
    assert store.operations("a") == ["step 7"]
    store.close()


def test_traces_with_the_oldest_last_span_are_dropped_first(store: TraceStore) -> None:
    names = [str(number) * 32 for number in range(1, 5)]
    for name in names[:3]:
        store.add(otlp.decode(export(name, name, ("a",)).SerializeToString()))
    # A late span, such as feedback's, renews its trace.
    store.add(otlp.decode(export(names[0], names[0], ("a", "b")).SerializeToString()))
    store.add(otlp.decode(export(names[3], names[3], ("a",)).SerializeToString()))
    assert [name for name in names if store.trace(name)] == [names[0], names[2], names[3]]
    assert store.by_identifier(names[1]) == []
    assert store.operations("b") == ["step 2"]
    store.close()


def test_dropped_traces_leave_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "traces.sqlite"
    for number in range(1, 8):
        # A reopened store counts the traces in the file.
        store = TraceStore(path, max_traces=2)
        name = str(number) * 32
        store.add(otlp.decode(export(name, name, (f"service {number}",)).SerializeToString()))
        store.close()
    with sqlite3.connect(path) as db:
        counts = {
            t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("traces", "parts", "ids")
        }
    db.close()
    assert counts == {"traces": 2, "parts": 2, "ids": 2}
    store = TraceStore(path)
    assert store.services() == ["service 6", "service 7"]
    store.close()


def test_traces_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "traces.sqlite"
    first = TraceStore(path)
    first.add(otlp.decode(export().SerializeToString()))
    first.close()
    second = TraceStore(path)
    assert second.by_identifier("req-1") == [TRACE]
    trace = second.trace(TRACE)
    assert trace is not None
    assert len(trace["spans"]) == 2
    second.close()


def test_file_of_another_schema_version_is_emptied(tmp_path: Path) -> None:
    path = tmp_path / "traces.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE traces (trace_id TEXT PRIMARY KEY) WITHOUT ROWID")
        db.execute("CREATE TABLE spans (trace_id TEXT, body TEXT)")
        db.execute("INSERT INTO spans VALUES ('1', 'old')")
    db.close()
    store = TraceStore(path)
    store.add(otlp.decode(export().SerializeToString()))
    assert store.services() == ["gateway", "검색"]
    assert [trace["traceID"] for trace in store.find(service="gateway", operation="step 1")] == [TRACE]
    store.close()


def test_nested_values_become_json() -> None:
    nested = ArrayValue(values=[AnyValue(int_value=1), AnyValue(string_value="둘")])
    (tag,) = jaeger_shape.tags([KeyValue(key="list", value=AnyValue(array_value=nested))])
    assert tag == {"key": "list", "type": "string", "value": '[1, "둘"]'}


def test_spans_with_ids_of_the_wrong_length_are_dropped() -> None:
    request = export(services=("a",))
    request.resource_spans[0].scope_spans[0].spans[0].span_id = b"short"
    assert otlp.decode(request.SerializeToString()) == []


async def test_page_and_assets_load_nothing_from_other_hosts(client: httpx.AsyncClient) -> None:
    for path in ("/", f"/trace/{TRACE}"):
        page = await client.get(path)
        assert page.status_code == 200
        assert "default-src 'none'" in page.headers["content-security-policy"]
    for name in ASSETS:
        asset = await client.get(f"/assets/{name}")
        assert asset.status_code == 200
        assert "://" not in asset.text
    assert (await client.get("/assets/../app.py")).status_code == 404
