"""What the log has about an answer: the question, the shown answer with its sources, and the judgement of each user."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from septet_contracts import Label, Outcome, Release

Key = tuple[str, str]
"""Tenant and request id."""

UNJUDGED = 0.1
"""Weight of an answer without feedback: below every signal of a user."""


@dataclass(frozen=True)
class Judgement:
    """The feedback of one user on one answer.

    Attributes:
        user: pseudonym of the user, hashed; None if the feedback names none.
        value: from -1 (bad) to 1 (good). Explicit feedback overrides implicit one.
        correction: the answer that the user wrote.
        correction_weight: weight of that correction.
        flagged: documents that the user flagged.
        comments: texts of the user.
    """

    user: str | None
    value: float
    correction: str | None = None
    correction_weight: float = 0.0
    flagged: frozenset[str] = frozenset()
    comments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """One request with what was shown and how users judged it."""

    outcome: Outcome
    release: Release
    judgements: tuple[Judgement, ...] = ()


@dataclass
class Joined:
    """Evidence, with counts of the requests that were left out, by reason."""

    evidence: list[Evidence] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)


def join(
    outcomes: Mapping[Key, Outcome],
    releases: Mapping[Key, Release],
    labels: Iterable[Label],
    users: Mapping[tuple[str, str], str | None],
    consenting: Collection[str],
) -> Joined:
    """Join labels with what was shown.

    Args:
        outcomes: first outcome of each request.
        releases: release of each request.
        labels: all labels; copies of one label count once.
        users: user by tenant and feedback id.
        consenting: tenants whose data may be used for tuning.
    """
    made = Joined()
    by_request: dict[Key, dict[str, Label]] = defaultdict(dict)
    for label in labels:
        by_request[label.tenant, label.request_id][label.feedback_id] = label
    for key in sorted(outcomes.keys() | by_request.keys()):
        outcome, release = outcomes.get(key), releases.get(key)
        reason = _refusal(key, outcome, release, consenting)
        if reason is not None or outcome is None or release is None:
            made.refused[reason or "not in the log"] += 1
            continue
        made.evidence.append(Evidence(outcome, release, _judge(by_request[key].values(), users)))
    return made


def _refusal(
    key: Key, outcome: Outcome | None, release: Release | None, consenting: Collection[str]
) -> Literal["no consent", "not in the log", "evaluation", "degraded"] | None:
    if key[0] not in consenting:
        return "no consent"
    if outcome is None or release is None:
        return "not in the log"
    if outcome.ask.evaluation is not None or release.evaluation is not None:
        return "evaluation"
    if outcome.degraded or release.degraded:
        return "degraded"
    return None


def _judge(labels: Iterable[Label], users: Mapping[tuple[str, str], str | None]) -> tuple[Judgement, ...]:
    by_user: dict[str | None, list[Label]] = defaultdict(list)
    for label in sorted(labels, key=lambda label: (label.occurred_at, label.feedback_id)):
        user = users.get((label.tenant, label.feedback_id))
        by_user[_pseudonym(label.tenant, user)].append(label)
    return tuple(_judgement(user, found) for user, found in by_user.items())


def _judgement(user: str | None, labels: Sequence[Label]) -> Judgement:
    corrections = [label for label in labels if label.corrected_answer]
    newest = corrections[-1] if corrections else None
    return Judgement(
        user=user,
        value=_value(labels),
        correction=newest.corrected_answer if newest else None,
        correction_weight=newest.weight if newest else 0.0,
        flagged=frozenset(label.flagged_document_id for label in labels if label.flagged_document_id),
        comments=tuple(label.comment for label in labels if label.comment),
    )


def _value(labels: Sequence[Label]) -> float:
    """The strongest signal. Opposite signals of equal strength cancel out."""
    judged = [label for label in labels if label.polarity != "neutral"]
    counted = [label for label in judged if label.explicit] or judged
    positive = max((label.weight for label in counted if label.polarity == "positive"), default=0.0)
    negative = max((label.weight for label in counted if label.polarity == "negative"), default=0.0)
    if positive == negative:
        return 0.0
    return positive if positive > negative else -negative


def _pseudonym(tenant: str, user: str | None) -> str | None:
    if user is None:
        return None
    return hashlib.sha256(f"{tenant}:{user}".encode()).hexdigest()[:16]
