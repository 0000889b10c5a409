"""Splits OTLP trace exports by trace, and extracts the attributes by which a trace is found.

Spans stay protobuf until a trace is read. Most traces are never read, and every request pays for storing them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

from septet_native.traces import jaeger_shape

# Attributes that are indexed. A search for another attribute reads the latest traces.
IDENTIFIER = re.compile(
    r"(^|[._])(request|conversation|event|message|session|feedback|document|user|tenant)[._]id$"
)
MAX_IDENTIFIER = 200


@dataclass(frozen=True, slots=True)
class Part:
    """The spans of one trace from one resource in one export.

    Attributes:
        trace_id: lower-case hex.
        service: ``service.name`` of the resource.
        operations: distinct names of the spans, sorted.
        started: start of the first span, microseconds since the epoch.
        spans: number of spans.
        identifiers: value and key of the indexed attributes, such as the request id.
        body: a serialized ``ResourceSpans`` of these spans.
    """

    trace_id: str
    service: str
    operations: tuple[str, ...]
    started: int
    spans: int
    identifiers: frozenset[tuple[str, str]]
    body: bytes


class Malformed(ValueError):
    """The bytes are not an OTLP trace export."""


def decode(data: bytes) -> list[Part]:
    """The parts of an ``ExportTraceServiceRequest``.

    Raises:
        Malformed: the bytes do not parse.
    """
    try:
        request = ExportTraceServiceRequest.FromString(data)
    except DecodeError as error:
        raise Malformed("body is not an OTLP trace export in protobuf") from error
    return [part for sent in request.resource_spans for part in _parts(sent)]


def first(part: Part, count: int) -> Part:
    """The part with only its first *count* spans, at least 1."""
    sent = ResourceSpans.FromString(part.body)
    return _part(part.trace_id, part.service, sent.resource, sent.scope_spans[0].spans[:count])


@lru_cache(maxsize=1024)
def is_identifier(key: str) -> bool:
    """Whether traces are indexed by the attribute *key*."""
    return IDENTIFIER.search(key) is not None


def _parts(sent: ResourceSpans) -> Iterator[Part]:
    traces: dict[bytes, list[ProtoSpan]] = {}
    for scope_spans in sent.scope_spans:
        for span in scope_spans.spans:
            trace_id = span.trace_id
            # The specification fixes the length of the ids; other spans are invalid.
            if len(trace_id) == 16 and len(span.span_id) == 8:
                traces.setdefault(trace_id, []).append(span)
    service, _ = jaeger_shape.process(sent.resource)
    for trace_id, spans in traces.items():
        yield _part(trace_id.hex(), service, sent.resource, spans)


def _part(trace_id: str, service: str, resource: Resource, spans: Sequence[ProtoSpan]) -> Part:
    kept = ResourceSpans()
    kept.resource.CopyFrom(resource)
    kept.scope_spans.add().spans.extend(spans)
    return Part(
        trace_id=trace_id,
        service=service,
        operations=tuple(sorted({span.name for span in spans})),
        started=min([span.start_time_unix_nano for span in spans]) // 1000,
        spans=len(spans),
        identifiers=frozenset(_identifiers(spans)),
        body=kept.SerializeToString(),
    )


def _identifiers(spans: Iterable[ProtoSpan]) -> Iterator[tuple[str, str]]:
    for span in spans:
        for attribute in span.attributes:
            if is_identifier(attribute.key):
                (tag,) = jaeger_shape.tags([attribute])
                if isinstance(tag["value"], str) and 0 < len(tag["value"]) <= MAX_IDENTIFIER:
                    yield tag["value"], tag["key"]
