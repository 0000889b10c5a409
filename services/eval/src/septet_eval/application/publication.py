"""The events of a release."""

from __future__ import annotations

from collections.abc import Sequence

from septet_kit import Emit

from septet_eval.domain.caster import to_v1
from septet_eval.domain.response import Publication


def events_of(publication: Publication, versions: Sequence[int]) -> list[Emit]:
    """The events of a release in the order in which they are sent: the client's response first.

    ``versions`` are the major versions in which the response is published.
    """
    sealed = publication.sealed_answer
    emits = [Emit("responses", publication.response, sealed=sealed)]
    if 1 in versions:
        emits.append(Emit("responses.v1", to_v1(publication), sealed=sealed))
    if not publication.is_conflict:
        emits.append(Emit("releases", publication.release))
    return emits
