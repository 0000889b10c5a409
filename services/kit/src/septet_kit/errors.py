"""The errors a service may raise.

SeptetError
├── Transient          try again: in place, with jitter, while the deadline allows
│   └── Outage         as often as the deadline allows: a server of ours is away, and comes back
├── Permanent          trying again cannot help: dead letter, and a typed failure to the client
└── DeadlineExceeded   nobody waits any more: a typed failure, no dead letter
    └── TooLate        nobody waited when the step began: dropped, because eval's deadline sweeper has answered
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
    """A server of ours cannot be asked at all. Nothing was attempted, so no attempt is counted."""


class Permanent(SeptetError):
    """The input, or the configuration, cannot lead to a result."""


class DeadlineExceeded(SeptetError):
    """The request's deadline, or the stage's own budget, has passed."""

    def __init__(self, message: str, code: str = "deadline_exceeded") -> None:
        super().__init__(code, message, fix="send a later deadline, or ask for less")


class TooLate(DeadlineExceeded):
    """The deadline passed while the record waited to be handled.

    Reporting it would be work for a request that has its response: what is too late under overload has to cost little.
    """
