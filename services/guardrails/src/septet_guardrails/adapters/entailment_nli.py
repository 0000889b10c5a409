"""Entailment by a classifier of sentence pairs: its request bodies, and the score of the label for entailment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from septet_guardrails.adapters.entailment_reply import NoScore
from septet_guardrails.domain.entailment import Pair

_SHOWN = 30


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
        NoScore: the reply has several labels without ``label``, or the score is not between 0 and 1.
        ValueError, OverflowError, KeyError, TypeError, AttributeError: the reply has no labels.
    """
    scores = dict(_labels(reply))
    name = label.lower()
    if name not in scores and len(scores) != 1:
        shown = ", ".join(other[:_SHOWN] for other in sorted(scores)[:5])
        raise NoScore(f"the labels are {shown or 'missing'}")
    score = scores[name] if name in scores else next(iter(scores.values()))
    if not 0.0 <= score <= 1.0:
        raise NoScore("the score is not between 0 and 1")
    return score if name in scores else 0.0


def _labels(reply: Any) -> Iterator[tuple[str, float]]:
    if isinstance(reply, list):
        for item in reply:
            yield from _labels(item)
    elif "label" in reply:
        yield str(reply["label"]).lower(), float(reply["score"])
    else:
        for name, score in reply.items():
            yield str(name).lower(), float(score)
