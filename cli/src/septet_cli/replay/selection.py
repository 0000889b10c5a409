"""Which logged requests a replay takes: ``--from`` and ``--where``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from septet_contracts import Response

from septet_cli.errors import CliError

FIELDS: Mapping[str, Callable[[Response], set[str | None]]] = {
    "tenant": lambda r: {r.tenant},
    "conversation": lambda r: {r.conversation_id},
    "status": lambda r: {r.status},
    "language": lambda r: {r.language},
    "policy": lambda r: {r.policy},
    "model": lambda r: {r.model},
    "prompt": lambda r: {r.prompt_version},
    "document": lambda r: {source.document_id for source in r.sources},
    "answer_kind": lambda r: {r.answer_kind},
}
"""The values of a response by the name of a condition."""
_LONGEST = timedelta(days=3650)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True)
class Selection:
    """Conditions on logged responses. Values of one field are alternatives; different fields must all match.

    Without a condition on the status, only answered requests match.
    """

    conditions: Mapping[str, frozenset[str]]

    def matches(self, response: Response) -> bool:
        """Whether a response satisfies the conditions."""
        conditions = {"status": frozenset({"answered"}), **self.conditions}
        return all(wanted & FIELDS[name](response) for name, wanted in conditions.items())


def parse_selection(values: Sequence[str]) -> Selection:
    """Read the values of ``--where``.

    Raises:
        CliError: a value is not ``FIELD=VALUE`` or ``FIELD=VALUE,VALUE``, or names an unknown field.
    """
    conditions: dict[str, set[str]] = {}
    for text in values:
        name, separator, value = text.partition("=")
        if not separator or name not in FIELDS:
            raise CliError(
                f"--where {text}: there is no such condition.", f"give FIELD=VALUE with {', '.join(FIELDS)}"
            )
        conditions.setdefault(name, set()).update(value.split(","))
    return Selection({name: frozenset(wanted) for name, wanted in conditions.items()})


def parse_duration(text: str, option: str = "--from") -> timedelta:
    """Read ``90s``, ``30m``, ``24h`` or ``7d``, the value of an option.

    Raises:
        CliError: it is none of them.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if match is None:
        raise CliError(
            f"{option} {text}: this is no time span.", "give a number and a unit: 90s, 30m, 24h or 7d"
        )
    seconds = float(match[1]) * _UNITS[match[2]]
    if not 0 < seconds <= _LONGEST.total_seconds():
        raise CliError(
            f"{option} {text}: not between 0 and {_LONGEST.days} days.", "the log keeps 7 days: 7d"
        )
    return timedelta(seconds=seconds)
