"""OTLP trace exports decoded into spans shaped as Jaeger's query API shows them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
ERROR_STATUS = 2
MAX_VALUE = 16_384

Tag = dict[str, Any]


@dataclass(frozen=True)
class Span:
    """One span.

    Attributes:
        trace_id, span_id: lower-case hex.
        service: ``service.name`` of the resource.
        operation: name of the span.
        start: microseconds since the epoch.
        duration: microseconds.
        error: whether its status says so.
        resource: the resource's attributes as Jaeger tags.
        body: the span as Jaeger shows it, without its process.
    """

    trace_id: str
    span_id: str
    service: str
    operation: str
    start: int
    duration: int
    error: bool
    resource: tuple[Tag, ...]
    body: dict[str, Any]


class Malformed(ValueError):
    """The bytes are no OTLP trace export."""


def decode(data: bytes) -> list[Span]:
    """The spans of an ``ExportTraceServiceRequest``.

    Raises:
        Malformed: the bytes do not parse.
    """
    try:
        request = ExportTraceServiceRequest.FromString(data)
    except DecodeError as error:
        raise Malformed("body is not an OTLP trace export in protobuf") from error
    return list(_spans(request))


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource_spans in request.resource_spans:
        resource = tags(resource_spans.resource.attributes)
        service = next((tag["value"] for tag in resource if tag["key"] == "service.name"), "unknown_service")
        others = tuple(tag for tag in resource if tag["key"] != "service.name")
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                # Ids of the wrong length are no spans by the specification.
                if len(span.trace_id) == 16 and len(span.span_id) == 8:
                    yield _span(span, str(service), others)


def _span(span: ProtoSpan, service: str, resource: tuple[Tag, ...]) -> Span:
    trace_id, span_id = span.trace_id.hex(), span.span_id.hex()
    start = span.start_time_unix_nano // 1000
    duration = max(0, span.end_time_unix_nano - span.start_time_unix_nano) // 1000
    error = span.status.code == ERROR_STATUS
    body = {
        "traceID": trace_id,
        "spanID": span_id,
        "operationName": span.name,
        "references": _references(span, trace_id),
        "startTime": start,
        "duration": duration,
        "tags": [*tags(span.attributes), *_own_tags(span, error=error)],
        "logs": [
            {
                "timestamp": event.time_unix_nano // 1000,
                "fields": [_tag("event", event.name), *tags(event.attributes)],
            }
            for event in span.events
        ],
        "warnings": None,
    }
    return Span(trace_id, span_id, service, span.name, start, duration, error, resource, body)


def _references(span: ProtoSpan, trace_id: str) -> list[dict[str, str]]:
    parent = span.parent_span_id.hex()
    references = [{"refType": "CHILD_OF", "traceID": trace_id, "spanID": parent}] if parent else []
    for link in span.links:
        reference = {"traceID": link.trace_id.hex(), "spanID": link.span_id.hex()}
        references.append({"refType": "FOLLOWS_FROM", **reference})
    return references


def _own_tags(span: ProtoSpan, *, error: bool) -> list[Tag]:
    own = [_tag("span.kind", KINDS.get(span.kind, "internal"))]
    if error:
        own += [_tag("error", True), _tag("otel.status_description", span.status.message)]
    return own


def tags(attributes: Iterable[KeyValue]) -> list[Tag]:
    """OTLP attributes as Jaeger tags."""
    return [_tag(attribute.key, _value(attribute.value)) for attribute in attributes]


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
