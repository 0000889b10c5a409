"""Settings of the entailment model: what the service refuses at its start, versions of policies, and spans."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from septet_guardrails.adapters.entailment_http import EntailmentEndpoint, Kind, ModelAddress
from septet_guardrails.adapters.entailment_nli import label_score
from septet_guardrails.adapters.policies import PolicyFiles
from septet_guardrails.app import SPEC, wire
from septet_guardrails.domain.entailment import Pair
from septet_guardrails.domain.policy import Policy, parse_policy
from septet_kit import Kit, KitSettings, Permanent, Transient, Wiring

from tests.support.entailment import EntailmentServer

PREFIX = "SEPTET_GUARDRAILS_"
PAIR = Pair("The Team plan costs 12 USD a month.", "Team costs 12 USD a month.")
JUDGED = "output: {groundedness: {method: both}}"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the variables of the service, with a policy that needs the model."""
    (tmp_path / "default.yaml").write_text(JUDGED)

    def put(**variables: str) -> None:
        base = {
            "POLICIES_DIR": str(tmp_path),
            "ENTAILMENT_URL": "http://127.0.0.1:9/v1",
            "ENTAILMENT_MODEL": "m",
        }
        for name, value in (base | variables).items():
            monkeypatch.setenv(PREFIX + name, value)

    return put


@asynccontextmanager
async def started() -> AsyncIterator[Wiring]:
    kit = Kit(SPEC, KitSettings())
    try:
        async with wire(kit) as wiring:
            yield wiring
    finally:
        await kit.publisher.stop()


def calibration(folder: Path, model: str = "m", **changes: Any) -> str:
    digest = ModelAddress("chat", "http://elsewhere/v1", model).digest
    file = folder / "calibration.json"
    file.write_text(json.dumps({"model": model, "digest": digest, "thresholds": {"en": 0.7}} | changes))
    return str(file)


async def code_of_start() -> tuple[str, str]:
    with pytest.raises(Permanent) as raised:
        async with started():
            pass
    return raised.value.code, raised.value.message


async def test_a_policy_that_needs_the_model_fails_without_it(environment: Any) -> None:
    environment(ENTAILMENT_URL="")
    assert (await code_of_start())[0] == "entailment_model_missing"
    environment(ENTAILMENT_MODEL="")
    assert (await code_of_start())[0] == "entailment_model_missing"


@pytest.mark.parametrize("model", ["septet-small", "SmolLM2-135M-Instruct", "hf/smollm2_135m-q8"])
async def test_the_embedded_model_is_refused_by_name(environment: Any, model: str) -> None:
    environment(ENTAILMENT_MODEL=model)
    code, message = await code_of_start()
    assert code == "entailment_model_refused"
    assert "SmolLM2-135M" in message
    assert "chance" in message


async def test_the_embedded_server_is_refused_under_any_name(environment: Any) -> None:
    environment(ENTAILMENT_URL=KitSettings().llm_url, ENTAILMENT_MODEL="large")
    assert (await code_of_start())[0] == "entailment_model_refused"


async def test_the_service_starts_with_a_calibrated_model(environment: Any, tmp_path: Path) -> None:
    environment(ENTAILMENT_CALIBRATION=calibration(tmp_path))
    async with started() as wiring:
        drafts = next(stage for stage in wiring.stages if stage.topic == "drafts")
        assert drafts.handle.judge is not None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "changes",
    [{"digest": "0"}, {"thresholds": {}}, {"thresholds": {"en": 1.0}}, {"thresholds": None}],
)
async def test_a_calibration_of_another_model_is_refused(
    environment: Any, tmp_path: Path, changes: dict[str, Any]
) -> None:
    environment(ENTAILMENT_CALIBRATION=calibration(tmp_path, **changes))
    assert (await code_of_start())[0] == "entailment_calibration_invalid"
    environment(ENTAILMENT_CALIBRATION=str(tmp_path / "missing.json"))
    assert (await code_of_start())[0] == "entailment_calibration_invalid"


def test_the_digest_is_that_of_model_and_request_and_not_of_the_address() -> None:
    base = ModelAddress("chat", "http://a/v1", "m")
    assert base.digest == ModelAddress("chat", "http://b/v1", "m").digest
    others = (
        ModelAddress("tei", "http://a", "m"),
        ModelAddress("chat", "http://a/v1", "n"),
        ModelAddress("chat", "http://a/v1", "m", extra_body={"seed": 1}),
        ModelAddress("chat", "http://a/v1", "m", label="0"),
    )
    assert len({base.digest, *(other.digest for other in others)}) == 5


def test_the_version_of_a_policy_depends_on_its_model(tmp_path: Path) -> None:
    assert parse_policy(JUDGED, "x", "a").version != parse_policy(JUDGED, "x", "b").version
    assert parse_policy("", "x", "a").version == Policy().version
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "own.yaml").write_text(JUDGED)
    versions = {PolicyFiles.load(tmp_path, v).find("acme", "own").version for v in ("a", "b")}
    assert len(versions) == 2


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ([{"label": "ENTAILMENT", "score": 0.7}, {"label": "neutral", "score": 0.3}], 0.7),
        ([[{"label": "neutral", "score": 0.8}, {"label": "entailment", "score": 0.2}]], 0.2),
        ({"label": "entailment", "score": 0.9}, 0.9),
        ({"label": "contradiction", "score": 0.9}, 0.0),
        ({"entailment": 0.6, "contradiction": 0.4}, 0.6),
    ],
)
def test_replies_of_classifiers_are_read(reply: Any, score: float) -> None:
    assert label_score(reply, "entailment") == score


@pytest.mark.parametrize(
    "reply", [[], [{"label": "A", "score": 1}, {"label": "B", "score": 0}], {"entailment": 7}, {"code": 429}]
)
def test_replies_without_the_label_are_rejected(reply: Any) -> None:
    with pytest.raises(ValueError, match=r"labels|between"):
        label_score(reply, "entailment")


@pytest.fixture(scope="module")
def spans() -> Iterator[InMemorySpanExporter]:
    """Spans of the tests that follow."""
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter
    exporter.shutdown()


async def called(server: EntailmentServer, kind: Kind, spans: InMemorySpanExporter) -> ReadableSpan:
    spans.clear()
    model = EntailmentEndpoint(ModelAddress(kind, server.url, "judge-1"))
    try:
        await model.score(PAIR)
    finally:
        await model.aclose()
    (span,) = spans.get_finished_spans()
    return span


async def test_a_call_is_a_span_of_the_genai_conventions(
    entailment: EntailmentServer, spans: InMemorySpanExporter
) -> None:
    span = await called(entailment, "chat", spans)
    found = dict(span.attributes or {})
    assert (span.name, span.kind) == ("chat judge-1", trace.SpanKind.CLIENT)
    assert found["gen_ai.operation.name"] == "chat"
    assert (found["gen_ai.request.model"], found["gen_ai.response.model"]) == ("judge-1", "judge-1")
    assert (found["gen_ai.usage.input_tokens"], found["server.address"]) == (90, "127.0.0.1")
    assert "Team" not in str(found)
    assert "traceparent" in {name.lower() for name in entailment.headers[0]}
    assert (await called(entailment, "tei", spans)).name == "classify judge-1"


async def test_a_failed_call_marks_its_span(
    entailment: EntailmentServer, spans: InMemorySpanExporter
) -> None:
    entailment.status = 503
    with pytest.raises(Transient):
        await called(entailment, "chat", spans)
    (span,) = spans.get_finished_spans()
    assert (span.attributes or {})["error.type"] == "entailment_rejected"


_TOKEN = {"token": "yes", "logprob": "The Team plan"}


@pytest.mark.parametrize(
    ("kind", "reply"),
    [
        ("tei", {"error": "cannot read: The Team plan"}),
        ("tei", {"entailment": "The Team plan"}),
        ("tei", [{"label": "entailment", "score": 10**400}]),
        ("chat", {"choices": [{"message": {"content": "yes"}, "logprobs": {"content": [_TOKEN]}}]}),
    ],
)
async def test_neither_error_nor_span_repeats_the_reply(
    entailment: EntailmentServer, spans: InMemorySpanExporter, kind: Kind, reply: Any
) -> None:
    entailment.garbage = json.dumps(reply)
    with pytest.raises(Transient) as caught:
        await called(entailment, kind, spans)
    assert caught.value.code == "entailment_unreadable"
    (span,) = spans.get_finished_spans()
    assert "The Team plan" not in str(caught.value) + span.to_json()
