"""The result of one check of the doctor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One result.

    Attributes:
        name: what was checked.
        ok: whether the check passed.
        detail: what was found.
        fix: how to repair it; empty when the check passed.
    """

    name: str
    ok: bool
    detail: str
    fix: str = ""
