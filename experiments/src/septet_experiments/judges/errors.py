"""Errors of judges.

ExperimentError
├── JudgeUnavailable   the endpoint does not answer, or limits the rate; a later call may succeed
├── JudgeRejected      the endpoint rejects the call; a retry cannot succeed
├── SelfJudge          judge and generator are the same model
└── NotComputable
    ├── Unparsed           a reply contains no verdict
    └── MissingJudgment    replay has no recorded reply
"""

from __future__ import annotations

from septet_experiments.errors import ExperimentError, NotComputable
from septet_experiments.judges.calls import Usage

_NOTHING = Usage()


class JudgeUnavailable(ExperimentError):
    """The endpoint does not answer, or limits the rate.

    Attributes:
        retry_after: seconds that the endpoint asks to wait; None if it names none.
        usage: what all tries of the call cost, as far as it is known.
    """

    def __init__(self, message: str, retry_after: float | None = None, usage: Usage = _NOTHING) -> None:
        super().__init__(message, "retry later, or check the address of the judge")
        self.retry_after = retry_after
        self.usage = usage


class JudgeRejected(ExperimentError):
    """The endpoint rejects the call, or its reply is no chat completion. ``usage`` is as in :class:`JudgeUnavailable`."""

    def __init__(self, message: str, fix: str = "", usage: Usage = _NOTHING) -> None:
        super().__init__(message, fix)
        self.usage = usage


class SelfJudge(ExperimentError):
    """Judge and generator are the same model."""


class Unparsed(NotComputable):
    """A reply contains no verdict. It is counted and is never a score."""


class MissingJudgment(NotComputable):
    """Replay has no recorded reply to a call."""
