"""Exceptions of the command line.

CliError            base class: a message, a fix and an exit code
├── NoStack         no stack runs
├── Unreachable     a server does not answer
└── NoResponse      no response arrived in time
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_NOT_ANSWERED = 3
EXIT_INTERRUPTED = 130


class CliError(Exception):
    """An error that the user can fix; the command exits with ``exit_code``."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class NoStack(CliError):
    """No stack runs."""


class Unreachable(CliError):
    """A server does not answer."""


class NoResponse(CliError):
    """No response arrived in time."""
