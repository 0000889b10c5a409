"""What makes a request, or a policy, unusable.

ValueError
├── Rejected        the request cannot be served as it stands
└── InvalidPolicy   a policy file says something that is not understood
"""

from __future__ import annotations


class Rejected(ValueError):
    """``code`` is for programs; ``message``, ``field`` and ``fix`` are for the client."""

    def __init__(self, code: str, message: str, *, field: str, fix: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.fix = fix


class InvalidPolicy(ValueError):
    """Names the file, the field and what is wrong with it."""
