"""Dead letters: which record a service has rejected, and why."""

from __future__ import annotations

from dataclasses import dataclass

from septet_client.ports import Record

_PREFIX = "septet-dead-"


@dataclass(frozen=True)
class Rejection:
    """A rejected record.

    Attributes:
        place: topic, partition and offset of the record.
        reason: code and reason of the rejection.
    """

    place: tuple[str, int, int]
    reason: str

    @classmethod
    def of(cls, dead_letter: Record) -> Rejection:
        """What the headers of a dead letter say."""

        def fact(name: str) -> str:
            return dead_letter.headers.get(_PREFIX + name, b"").decode("utf-8", "replace")

        def number(name: str) -> int:
            return int(fact(name)) if fact(name).isdecimal() else -1

        place = fact("topic"), number("partition"), number("offset")
        return cls(place, ": ".join(filter(None, (fact("code"), fact("reason")))) or "no reason given")
