"""Sampling: OpenTelemetry's own variables decide, and every service decides the same for a derived trace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Sampler, TraceIdRatioBased
from septet_kit.observe import tracing


@pytest.fixture
def sampled_by(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Install a sampler for the provider that the kit asks."""

    def install(sampler: Sampler) -> None:
        provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)

    return install  # type: ignore[return-value]


def _sampled(count: int) -> list[bool]:
    return [tracing.derived_context("default", f"r{n}").trace_flags.sampled for n in range(count)]


def test_a_ratio_samples_part_of_the_derived_traces_and_always_the_same(sampled_by: object) -> None:
    assert callable(sampled_by)
    sampled_by(TraceIdRatioBased(0.25))
    first = _sampled(400)
    assert 60 <= sum(first) <= 140
    assert _sampled(400) == first


def test_sampling_can_be_switched_off(sampled_by: object) -> None:
    assert callable(sampled_by)
    sampled_by(ALWAYS_OFF)
    assert not any(_sampled(20))


def test_without_a_provider_every_trace_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: trace.NoOpTracerProvider())
    assert all(_sampled(5))


def test_trace_context_of_absurd_length_is_ignored() -> None:
    valid = b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"
    headers = {"traceparent": valid, "baggage": b"k=v," * 10_000}
    span = trace.get_current_span(tracing.parent_of(headers, "default", "r1"))
    assert trace.format_trace_id(span.get_span_context().trace_id) == "a" * 32
