"""Groups of cases with the same value of a slice key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

VALUES = 20
"""Values of one key that a report shows: those with the most cases."""


class Sliced(Protocol):
    """A case with its slices."""

    @property
    def slices(self) -> Mapping[str, str]: ...


S = TypeVar("S", bound=Sliced)


def groups(cases: Sequence[S]) -> Iterator[tuple[str, str, list[S]]]:
    """Key, value and members of each group, the largest first. A key with one value for all cases is left out."""
    found: defaultdict[str, defaultdict[str, list[S]]] = defaultdict(lambda: defaultdict(list))
    for case in cases:
        for key, value in case.slices.items():
            found[key][value].append(case)
    for key, values in sorted(found.items()):
        largest = sorted(values.items(), key=lambda item: (-len(item[1]), item[0]))[:VALUES]
        if len(largest[0][1]) < len(cases):
            for value, members in largest:
                yield key, value, members
