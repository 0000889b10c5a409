"""What a check of the doctor found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        name: what was checked.
        ok: whether it is as it should be.
        detail: what was found.
        fix: what to do when it is not; empty when it is.
    """

    name: str
    ok: bool
    detail: str
    fix: str = ""
