"""Labelled data for the calibration of judges, from explicit feedback on live answers."""

from __future__ import annotations

from typing import Any

from septet_contracts import Label

from septet_cli.evaluation.scrub import Scrubber


def labelled_line(label: Label) -> dict[str, Any] | None:
    """The line of a label, with personal data masked; None if the label rates no answer.

    A correction is a pair whose second answer is better. Other explicit feedback rates the answer as good or not. Implicit
    feedback is left out: it is too weak to measure a judge by.
    """
    if not label.explicit or not label.question or not label.answer:
        return None
    scrub = Scrubber([label.question, label.answer, label.corrected_answer or ""])
    question, answer = scrub(label.question), scrub(label.answer)
    if label.corrected_answer:
        pair = {"output_1": answer, "output_2": scrub(label.corrected_answer), "label": 2}
        return {"id": str(label.event_id), "subset": "correction", "instruction": question, **pair}
    if label.polarity not in ("positive", "negative"):
        return None
    return {
        "id": str(label.event_id),
        "question": question,
        "answer": answer,
        "good": label.polarity == "positive",
    }
