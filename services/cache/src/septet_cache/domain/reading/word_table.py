"""Word lists and word tables in compact text form."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


def table(text: str) -> dict[str, str]:
    """Return a value by word. Each line is ``value: word word …``; several lines may have the same value."""
    found: dict[str, str] = {}
    for line in text.strip().splitlines():
        value, _, listed = line.partition(":")
        found.update(dict.fromkeys(listed.split(), value.strip()))
    return found
