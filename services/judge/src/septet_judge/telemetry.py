"""Spans and metrics of judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from opentelemetry import propagate, trace
from prometheus_client import Gauge
from septet_contracts import Evaluation
from septet_experiments.judges import ChatCall, Reply, Usage
from septet_kit.observe import semconv
from septet_kit.observe.metrics import counter, histogram
from septet_kit.observe.tracing import span

from septet_judge.domain.budget import Spend
from septet_judge.domain.selection import Skip

PROMPT = "septet.judge.prompt"

_skipped = counter("septet_judge_skipped_total", "Responses that were not judged, by reason.", ["reason"])
_judged = counter("septet_judge_judged_total", "Responses that were judged.")
_unparsed = counter("septet_judge_unparsed_total", "Judgments without a verdict.", ["protocol"])
_calls = counter("septet_judge_calls_total", "Calls of the model, with retries.")
_tokens = counter("septet_judge_tokens_total", "Tokens read and written.", ["direction"])
_cost = counter("septet_judge_cost_usd_total", "Cost by the prices of the settings, in US dollars.")
_seconds = histogram("septet_judge_seconds", "Time of a model call, with its retries.", ["prompt"])
_spent = Gauge("septet_judge_spent_today", "Spent or reserved of the day's budget (UTC).", ["unit"])


def count_skipped(reason: Skip) -> None:
    """Count a response that is not judged."""
    _skipped.labels(reason).inc()


def count_unparsed(protocol: str) -> None:
    """Count a judgment without a verdict."""
    _unparsed.labels(protocol).inc()


def count_usage(usage: Usage) -> None:
    """Count what calls cost."""
    _calls.inc(usage.calls)
    _tokens.labels("input").inc(usage.prompt_tokens)
    _tokens.labels("output").inc(usage.completion_tokens)
    _cost.inc(usage.cost_usd)


def show_spent(spend: Spend) -> None:
    """Set the gauges of the day's budget."""
    _spent.labels("calls").set(spend.calls)
    _spent.labels("tokens").set(spend.tokens)
    _spent.labels("usd").set(spend.micro_usd / 1e6)


@contextmanager
def call_span(call: ChatCall) -> Iterator[Callable[[Reply], None]]:
    """Span ``chat {model}`` of a call; yields the function that records its reply."""
    attributes = {
        semconv.GEN_AI_OPERATION: "chat",
        semconv.GEN_AI_REQUEST_MODEL: call.model,
        PROMPT: call.prompt,
    }
    with _seconds.labels(call.prompt).time(), span(f"chat {call.model}", "client") as current:
        current.set_attributes(attributes)

        def record(reply: Reply) -> None:
            current.set_attributes(
                {
                    semconv.GEN_AI_RESPONSE_MODEL: reply.model or call.model,
                    semconv.GEN_AI_INPUT_TOKENS: reply.usage.prompt_tokens,
                    semconv.GEN_AI_OUTPUT_TOKENS: reply.usage.completion_tokens,
                    semconv.GEN_AI_FINISH_REASONS: ["length" if reply.truncated else "stop"],
                }
            )

        yield record


def report(evaluation: Evaluation) -> None:
    """Count a judged response, and add each score as an evaluation event to the current span."""
    _judged.inc()
    current = trace.get_current_span()
    for score in evaluation.scores:
        attributes: dict[str, str | float] = {
            semconv.EVALUATION_NAME: score.name,
            semconv.EVALUATION_SCORE: score.value,
        }
        if score.label is not None:
            attributes[semconv.EVALUATION_LABEL] = score.label
        current.add_event(semconv.EVALUATION_EVENT, attributes)


def trace_headers() -> dict[str, str]:
    """W3C trace context, for endpoints that record spans."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers
