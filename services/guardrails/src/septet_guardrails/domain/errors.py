"""Errors of the guardrails domain.

ValueError
├── Rejected        the request is not valid
└── InvalidPolicy   a policy file is not valid
"""

from __future__ import annotations


class Rejected(ValueError):
    """The request is not valid. ``code`` is for programs; ``message``, ``field`` and ``fix`` are for people."""

    def __init__(self, code: str, message: str, *, field: str, fix: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.fix = fix


class InvalidPolicy(ValueError):
    """A policy file is not valid. The message names the file, the field and the error."""
