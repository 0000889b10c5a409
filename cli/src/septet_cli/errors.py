"""Errors of the command.

CliError            a failure a user can act on: a message, the fix and an exit code
├── NoStack         nothing runs where the command looked
├── Unreachable     a recorded server does not answer
└── NoResponse      no response came in time
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_NOT_ANSWERED = 3
EXIT_INTERRUPTED = 130


class CliError(Exception):
    """A failure with its fix; ends the command with ``exit_code``."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class NoStack(CliError):
    """No running stack was found."""


class Unreachable(CliError):
    """A server is recorded, and does not answer."""


class NoResponse(CliError):
    """No response was read in time."""
