"""The errors a service may raise.

SeptetError
├── Transient          retried in place, with jitter, within the deadline
│   └── Outage         retried as often as the deadline allows: one of our servers is down
├── Permanent          not retried: dead letter, and a typed failure to the client
└── DeadlineExceeded   a typed failure, no dead letter
    └── TooLate        the deadline had passed before the step began: dropped, eval's deadline sweeper answers
"""

from __future__ import annotations


class SeptetError(Exception):
    """Base of all. ``code`` is for programs; ``message``, ``field`` and ``fix`` are for people."""

    def __init__(self, code: str, message: str, *, field: str | None = None, fix: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.fix = fix


class Transient(SeptetError):
    """A dependency is down, slow or busy."""


class Outage(Transient):
    """One of our servers does not answer at all. Nothing was attempted, so no attempt is counted."""


class Permanent(SeptetError):
    """The input, or the configuration, cannot lead to a result."""


class DeadlineExceeded(SeptetError):
    """The request's deadline, or the stage's own budget, has passed."""

    def __init__(self, message: str, code: str = "deadline_exceeded") -> None:
        super().__init__(code, message, fix="send a later deadline, or ask for less")


class TooLate(DeadlineExceeded):
    """The deadline passed while the record waited to be handled.

    It is not reported, because the request has its response: expired records must be cheap to reject under overload.
    """
