"""What metrics read of a response."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from septet_contracts import Response

from septet_experiments.cases import Case
from septet_experiments.errors import NotApplicable, NotComputable

ANSWERED = "answered"
ABSTAINED = "abstained"
REFUSED = ("blocked", "refused")
DECLINED = (ABSTAINED, *REFUSED)

_MARKER = re.compile(r"\s?\[\d{1,3}(?:\s*,\s*\d{1,3})*\]")


def require_result(response: Response) -> None:
    """Require that the request ended with a result: an answer, or a reply that declines.

    Raises:
        NotComputable: it failed, expired or was cancelled, or its status is unknown.
    """
    if response.status != ANSWERED and response.status not in DECLINED:
        code = f" ({response.error.code})" if response.error else ""
        raise NotComputable(f"the status is {response.status}{code}")


def answer_of(response: Response) -> str:
    """The answer without citation markers; of a JSON answer the values, one a line, as eval's scorers read them.

    A reply that declines counts as an empty answer, as in SQuAD 2.0.

    Raises:
        NotComputable: the request has no result, or an answer without text.
    """
    require_result(response)
    if response.status in DECLINED:
        return ""
    if response.answer is None:
        raise NotComputable("the response has no answer text")
    if response.answer_json is not None:
        return "\n".join(_leaves(response.answer_json))
    return _MARKER.sub("", response.answer).strip()


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def searches(case: Case) -> bool:
    """Whether the request of a case searches documents."""
    retrieval = case.request.get("retrieval")
    return not (isinstance(retrieval, dict) and retrieval.get("mode") == "off")


def has_references(case: Case) -> bool:
    """Whether a case states correct answers."""
    return bool(case.references)


def references_of(case: Case) -> tuple[str, ...]:
    """The correct answers of a case.

    Raises:
        NotComputable: it has none.
    """
    if not case.references:
        raise NotComputable("the case has no `references`")
    return case.references


def score_of(response: Response, name: str) -> float:
    """A score that eval computed for the response.

    Raises:
        NotComputable: there is none.
    """
    require_result(response)
    for score in response.scores:
        if score.name == name:
            return score.value
    if f"eval.{name}" in response.degraded:
        raise NotComputable(f"eval did not compute the score `{name}` in time, or it failed")
    message = f"the response ({response.status}) has no score `{name}`"
    raise NotApplicable(message) if response.status in DECLINED else NotComputable(message)


def declines_in_words(response: Response) -> bool:
    """Whether the text of an answer declines or abstains, by eval's score ``refusal``. A JSON answer does not.

    Raises:
        NotComputable: the answer has no such score.
    """
    if response.answer_json is not None:
        return False
    return score_of(response, "refusal") >= 0.5
