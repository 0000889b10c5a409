"""Entailment by a classifier of sentence pairs: its request bodies, and the score of the label for entailment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from septet_guardrails.domain.entailment import Pair


def nli_body(pair: Pair) -> dict[str, Any]:
    """Return the body of a text classification server."""
    return {"premise": pair.premise, "hypothesis": pair.claim}


def tei_body(pair: Pair) -> dict[str, Any]:
    """Return the body of ``/predict`` of text-embeddings-inference. A pair that is too long loses its end."""
    return {"inputs": [pair.premise, pair.claim], "truncate": True}


def label_score(reply: Any, label: str) -> float:
    """Return the score of ``label``. It is 0 if the reply has the best label only, and this is another one.

    Accepts ``[{"label": …, "score": …}]``, also inside another list, one such object, and ``{label: score}``.

    Raises:
        ValueError: the reply has several labels without ``label``, or the score is not between 0 and 1.
        KeyError, TypeError, AttributeError: the reply has no labels.
    """
    scores = dict(_labels(reply))
    if label.lower() not in scores:
        if len(scores) != 1:
            raise ValueError(f"the labels are {', '.join(sorted(scores)[:5]) or 'missing'}")
        return 0.0
    score = scores[label.lower()]
    if not 0.0 <= score <= 1.0:
        raise ValueError("the score is not between 0 and 1")
    return score


def _labels(reply: Any) -> Iterator[tuple[str, float]]:
    if isinstance(reply, list):
        for item in reply:
            yield from _labels(item)
    elif "label" in reply:
        yield str(reply["label"]).lower(), float(reply["score"])
    else:
        for name, score in reply.items():
            yield str(name).lower(), float(score)
