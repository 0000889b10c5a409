"""Finds out whether a judge's endpoint offers token probabilities."""

from __future__ import annotations

from typing import Literal

from septet_experiments.judges.calls import ChatCall
from septet_experiments.judges.protocols import JudgeModel
from septet_experiments.judges.store import JudgmentStore
from septet_experiments.judges.templates import render

Weighting = Literal["logprobs", "samples"]


def probe(model: JudgeModel) -> ChatCall:
    """A small call whose reply shows whether there are token probabilities. It is recorded like every other call."""
    texts = {"question": "1 + 1 = ?", "answer": "2", "sources": ""}
    prompt = render("rubric", "en", texts, criterion="The answer is correct.", low=1, high=5)
    return model.call(prompt, top_logprobs=20, max_tokens=8)


def weighting_of(store: JudgmentStore, model: JudgeModel) -> Weighting:
    """The weighting that the recorded reply to :func:`probe` allows.

    Raises:
        MissingJudgment: the reply is not recorded.
    """
    return "logprobs" if store.get(probe(model)).tokens is not None else "samples"
