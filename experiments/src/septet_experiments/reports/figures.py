"""Numbers as reports print them."""

from __future__ import annotations

NOTHING = "–"
"""What stands for a value that does not exist."""


def figure(value: float | None) -> str:
    """A value with three decimals, or with thousands separators if it is large."""
    if value is None:
        return NOTHING
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"


def signed(value: float | None) -> str:
    """The same with its sign."""
    if value is None:
        return NOTHING
    return f"+{figure(value)}" if value >= 0 else f"−{figure(-value)}"


def cut(text: str, length: int) -> str:
    """*text* on one line, shortened to *length* characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"
