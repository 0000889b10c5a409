"""Latency, tokens and cost of a response."""

from __future__ import annotations

from septet_experiments.errors import NotComputable
from septet_experiments.metrics.definition import Built, Definition, Resources
from septet_experiments.metrics.metric import Observed
from septet_experiments.metrics.reply import require_result


def latency_ms(observed: Observed) -> float:
    """Milliseconds from the request's record to the release of the response."""
    require_result(observed.response)
    if observed.response.total_ms is None:
        raise NotComputable("the response has no `total_ms`")
    return observed.response.total_ms


def tokens(observed: Observed) -> float:
    """Tokens of all prompts and completions of the request."""
    require_result(observed.response)
    usage = observed.response.usage
    total = usage.prompt_tokens + usage.completion_tokens
    if usage.model_calls and not total:
        raise NotComputable("the model's endpoint reported no tokens")
    return float(total)


def cost_usd(observed: Observed) -> float:
    """Price of these tokens."""
    tokens(observed)
    return observed.response.usage.cost_usd


def _definition(name: str, measures: str, needs: str) -> Definition:
    functions = {"latency_ms": latency_ms, "tokens": tokens, "cost_usd": cost_usd}

    def build(_resources: Resources, _cutoff: int | None) -> Built:
        return Built(functions[name])

    return Definition(
        name=name,
        measures=measures,
        value_range="0 or more",
        context="context-free",
        needs=needs,
        source="the response",
        build=build,
        higher_is_better=False,
    )


DEFINITIONS = (
    _definition(
        "latency_ms", "milliseconds from the request's record to the response's release", "`total_ms`"
    ),
    _definition("tokens", "tokens of all prompts and completions of the request", "`usage`"),
    _definition(
        "cost_usd", "US dollars of these tokens; 0 for a model without a price in `models.yaml`", "`usage`"
    ),
)
