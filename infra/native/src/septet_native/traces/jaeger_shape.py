"""Conversion of OTLP spans to the JSON of Jaeger's query API, done when a trace is read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
ERROR_STATUS = 2
MAX_VALUE = 16_384

Tag = dict[str, Any]


def trace(trace_id: str, parts: Iterable[ResourceSpans]) -> dict[str, Any]:
    """One trace from the parts that its services sent, in order of arrival; of a repeated span the first counts."""
    senders: dict[bytes, tuple[str, list[Tag]]] = {}
    spans: dict[bytes, ProtoSpan] = {}
    for part in parts:
        sender = process(part.resource)
        for span in (span for scope_spans in part.scope_spans for span in scope_spans.spans):
            senders.setdefault(span.span_id, sender)
            spans.setdefault(span.span_id, span)
    processes: dict[str, Any] = {}
    names: dict[tuple[str, str], str] = {}
    shown = []
    for span_id, span in sorted(spans.items()):
        service, resource = senders[span_id]
        # Processes of the same service differ in their resource, for example in the instance id.
        name = names.setdefault((service, json.dumps(resource)), f"p{len(names) + 1}")
        processes.setdefault(name, {"serviceName": service, "tags": resource})
        shown.append({**_span(span, trace_id), "processID": name})
    shown.sort(key=lambda span: (span["startTime"], -span["duration"]))
    return {"traceID": trace_id, "spans": shown, "processes": processes, "warnings": None}


def process(resource: Resource) -> tuple[str, list[Tag]]:
    """``service.name`` of the resource, and its other attributes."""
    every = tags(resource.attributes)
    service = next((tag["value"] for tag in every if tag["key"] == "service.name"), "unknown_service")
    return str(service), [tag for tag in every if tag["key"] != "service.name"]


def tags(attributes: Iterable[KeyValue]) -> list[Tag]:
    """OTLP attributes as Jaeger tags."""
    return [_tag(attribute.key, _value(attribute.value)) for attribute in attributes]


def _span(span: ProtoSpan, trace_id: str) -> dict[str, Any]:
    return {
        "traceID": trace_id,
        "spanID": span.span_id.hex(),
        "operationName": span.name,
        "references": _references(span, trace_id),
        "startTime": span.start_time_unix_nano // 1000,
        "duration": max(0, span.end_time_unix_nano - span.start_time_unix_nano) // 1000,
        "tags": [*tags(span.attributes), *_own_tags(span)],
        "logs": [
            {
                "timestamp": event.time_unix_nano // 1000,
                "fields": [_tag("event", event.name), *tags(event.attributes)],
            }
            for event in span.events
        ],
        "warnings": None,
    }


def _references(span: ProtoSpan, trace_id: str) -> list[dict[str, str]]:
    parent = span.parent_span_id.hex()
    references = [{"refType": "CHILD_OF", "traceID": trace_id, "spanID": parent}] if parent else []
    for link in span.links:
        reference = {"traceID": link.trace_id.hex(), "spanID": link.span_id.hex()}
        references.append({"refType": "FOLLOWS_FROM", **reference})
    return references


def _own_tags(span: ProtoSpan) -> list[Tag]:
    own = [_tag("span.kind", KINDS.get(span.kind, "internal"))]
    if span.status.code == ERROR_STATUS:
        own += [_tag("error", True), _tag("otel.status_description", span.status.message)]
    return own


def _tag(key: str, value: Any) -> Tag:
    if isinstance(value, bool):
        kind = "bool"
    elif isinstance(value, int):
        kind = "int64"
    elif isinstance(value, float):
        kind = "float64"
    else:
        kind = "string"
        value = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        value = value[:MAX_VALUE]
    return {"key": key, "type": kind, "value": value}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return ""
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: _value(item.value) for item in value.kvlist_value.values}
    if kind == "bytes_value":
        return value.bytes_value.hex()
    return getattr(value, kind)
