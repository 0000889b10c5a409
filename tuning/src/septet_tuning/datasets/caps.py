"""Caps the weight of each user."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

from septet_tuning.errors import UnsuitableData
from septet_tuning.rows import AnyRow

_TOLERANCE = 1e-9


def user_of(row: AnyRow) -> Hashable | None:
    """Who is responsible for a row; None for rows of the operator's own files.

    Feedback without a user counts as one user per tenant: the absence of a name must not avoid the cap.
    """
    if row.origin.source == "file":
        return None
    return (row.origin.tenant, row.origin.user or "")


def cap_users(rows: Sequence[AnyRow], share: float) -> tuple[list[AnyRow], int]:
    """Scale the rows of each user so that no user has more than ``share`` of the total weight.

    Returns:
        The rows, and the number of users whose rows were scaled.

    Raises:
        UnsuitableData: there are too few users for this share.
    """
    weights: dict[Hashable, float] = defaultdict(float)
    fixed = 0.0
    for row in rows:
        user = user_of(row)
        if user is None:
            fixed += row.weight
        else:
            weights[user] += row.weight
    limit = _limit(sorted(weights.values(), reverse=True), fixed, share)
    factors = {user: min(1.0, limit / weight) for user, weight in weights.items()}
    capped = [row.model_copy(update={"weight": row.weight * factors.get(user_of(row), 1.0)}) for row in rows]
    return capped, sum(factor < 1 for factor in factors.values())


def _limit(weights: Sequence[float], fixed: float, share: float) -> float:
    """The largest weight of a user that is at most ``share`` of the total of all capped weights."""
    if not weights:
        return 0.0
    rest = fixed + sum(weights)
    for capped in range(len(weights) + 1):
        free = 1 - share * capped
        if free <= _TOLERANCE:
            # As many users as fit are capped, and others remain only if the weights tie.
            break
        limit = share * rest / free
        if capped == len(weights) or limit >= weights[capped] - _TOLERANCE:
            if limit > _TOLERANCE:
                return limit
            break
        rest -= weights[capped]
    largest = weights[0] / (fixed + sum(weights))
    raise UnsuitableData(
        f"{len(weights)} users gave all feedback, the largest of them {largest:.0%} of its weight; "
        f"a share of {share:.0%} needs feedback of at least {round(1 / share)} users",
        "Collect feedback of more users, add rows from files, or raise --user-share.",
    )
