"""Span and metrics of a model call, after OpenTelemetry's GenAI conventions."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry.trace import Span
from septet_kit.errors import SeptetError
from septet_kit.observe import semconv, span
from septet_kit.observe.metrics import counter, histogram
from septet_kit.observe.tracing import mark_failed
from septet_kit.observe.traffic import traffic

from septet_generation.domain.chat import ChatRequest, Completion

REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE = "gen_ai.request.temperature"
REQUEST_SEED = "gen_ai.request.seed"
OUTPUT_TYPE = "gen_ai.output.type"
RESPONSE_ID = "gen_ai.response.id"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
FIRST_TEXT_MS = "septet.first_text_ms"
COST_USD = "septet.cost_usd"

_seconds = histogram("septet_generation_seconds", "Time of a model call, whole.", ["model", "traffic"])
_first_text = histogram(
    "septet_generation_first_text_seconds", "Time to the first text.", ["model", "traffic"]
)
_tokens = counter(
    "septet_generation_tokens_total", "Tokens read and written.", ["model", "direction", "traffic"]
)
_cost = counter(
    "septet_generation_cost_usd_total", "Cost by the price table, in US dollars.", ["model", "traffic"]
)
_cancelled = counter(
    "septet_generation_cancelled_total",
    "Drafts that a cancellation prevented or stopped.",
    ["when", "traffic"],
)
_errors = counter("septet_generation_errors_total", "Model calls that failed.", ["model", "code", "traffic"])


def count_cancelled(when: str) -> None:
    """Count a draft that was cancelled ``before`` or ``during`` its model call."""
    _cancelled.labels(when, traffic()).inc()


class CallRecord:
    """Records a call on its span and in the metrics."""

    def __init__(self, current: Span, request: ChatRequest, capture: bool) -> None:
        self._span = current
        self._request = request
        self._capture = capture
        self._started = time.monotonic()
        self._first: float | None = None

    def first_text(self) -> None:
        """Record the time to the first text. Later calls have no effect."""
        if self._first is None:
            self._first = time.monotonic() - self._started
            self._span.set_attribute(FIRST_TEXT_MS, round(self._first * 1000, 3))
            _first_text.labels(self._request.model.model, traffic()).observe(self._first)

    def done(self, completion: Completion) -> None:
        """Record a successful call."""
        model = self._request.model
        usage = model.usage(completion.prompt_tokens, completion.completion_tokens)
        self._span.set_attributes(
            {
                semconv.GEN_AI_RESPONSE_MODEL: completion.response_model or model.model,
                semconv.GEN_AI_FINISH_REASONS: [completion.finish_reason or "stop"],
                semconv.GEN_AI_INPUT_TOKENS: usage.prompt_tokens,
                semconv.GEN_AI_OUTPUT_TOKENS: usage.completion_tokens,
                COST_USD: usage.cost_usd,
            }
        )
        if completion.response_id:
            self._span.set_attribute(RESPONSE_ID, completion.response_id)
        if self._capture:
            message = {"role": "assistant", "parts": [{"type": "text", "content": completion.text}]}
            self._span.set_attribute(OUTPUT_MESSAGES, json.dumps([message], ensure_ascii=False))
        _tokens.labels(model.model, "input", traffic()).inc(usage.prompt_tokens)
        _tokens.labels(model.model, "output", traffic()).inc(usage.completion_tokens)
        _cost.labels(model.model, traffic()).inc(usage.cost_usd)
        _seconds.labels(model.model, traffic()).observe(time.monotonic() - self._started)


@contextmanager
def chat_span(request: ChatRequest, conversation: str | None, capture: bool) -> Iterator[CallRecord]:
    """Client span ``chat {model}``. It holds message text only if ``capture`` is set."""
    with span(f"chat {request.model.model}", "client", **_attributes(request, conversation)) as current:
        if capture:
            current.set_attribute(INPUT_MESSAGES, _messages(request))
        try:
            yield CallRecord(current, request, capture)
        except SeptetError as error:
            mark_failed(current, error.code, error.message)
            _errors.labels(request.model.model, error.code, traffic()).inc()
            raise


def _attributes(request: ChatRequest, conversation: str | None) -> dict[str, str | int | float]:
    model, address = request.model, urlsplit(request.model.url)
    known: dict[str, str | int | float | None] = {
        semconv.GEN_AI_OPERATION: "chat",
        semconv.GEN_AI_PROVIDER: model.provider,
        semconv.GEN_AI_REQUEST_MODEL: model.model,
        semconv.GEN_AI_CONVERSATION: conversation,
        REQUEST_MAX_TOKENS: request.max_tokens,
        REQUEST_TEMPERATURE: model.temperature,
        REQUEST_SEED: model.seed,
        OUTPUT_TYPE: "text" if request.output_schema is None else "json",
        SERVER_ADDRESS: address.hostname,
        SERVER_PORT: address.port,
    }
    return {name: value for name, value in known.items() if value is not None}


def _messages(request: ChatRequest) -> str:
    messages = [{"role": m.role, "parts": [{"type": "text", "content": m.content}]} for m in request.messages]
    return json.dumps(messages, ensure_ascii=False)
