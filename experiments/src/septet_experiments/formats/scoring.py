"""How a benchmark's answers are scored. Only generated text can be scored through a chat API."""

from __future__ import annotations

from septet_experiments.errors import InvalidSuite

GENERATION = "generation"
GENERATED_OUTPUT = "generate_until"
"""lm-evaluation-harness's output type for generated text."""


def check_scoring(scoring: str) -> None:
    """Check that a scoring method works through chat completions.

    Args:
        scoring: `generation` or `loglikelihood`, or an output type of lm-evaluation-harness.

    Raises:
        InvalidSuite: it needs log probabilities of a given text, or it is unknown.
    """
    if scoring in (GENERATION, GENERATED_OUTPUT):
        return
    if scoring in ("loglikelihood", "loglikelihood_rolling", "multiple_choice"):
        raise InvalidSuite(
            f"{scoring}: it compares the log probabilities of given answers, and chat completions do not return those "
            "of a prompt's tokens. llama.cpp's server returns none at all, and every value would be that of chance",
            "score by generation: the model writes the letter of an option",
        )
    raise InvalidSuite(f"{scoring}: no such scoring", f"use {GENERATION}")
