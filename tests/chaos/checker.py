"""What a run of requests and the log that it left have to agree on. Pure: no broker, no clock."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

BY_DEADLINE = "deadline_exceeded"
TERMINAL = frozenset({"answered", "abstained", "blocked", "refused", "failed", "expired", "cancelled"})


@dataclass(frozen=True)
class Sent:
    """A request that the broker has acknowledged.

    ``place`` counts the requests of one conversation in the order in which they were acknowledged.
    """

    request_id: str
    tenant: str
    conversation: str | None = None
    place: int = 0


@dataclass(frozen=True)
class Seen:
    """A record of the responses topic, in the order of its partition.

    ``code`` is that of its error, ``degraded`` names what it was made without.
    """

    request_id: str
    tenant: str
    status: str
    partition: int
    offset: int
    code: str = ""
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Violations:
    """Request ids per kind of broken promise; all empty is what a run has to show.

    ``disagreeing``: the database says released and the topic has no response, or the other way round.
    ``repeated``: event ids that stand twice on a topic which is written through an outbox.
    """

    lost: tuple[str, ...] = ()
    duplicated: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    disordered: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    disagreeing: tuple[str, ...] = ()
    invented: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many there are, over all kinds."""
        return sum(len(ids) for ids in vars(self).values())

    def __str__(self) -> str:
        found = (f"{len(ids)} {kind} ({ids[0]}…)" for kind, ids in vars(self).items() if ids)
        return ", ".join(found) or "none"


@dataclass
class Run:
    """What was sent, what was seen, and which requests the database calls released.

    ``events`` are the event ids of the records on topics with an outbox, one for each record.
    """

    sent: Sequence[Sent]
    seen: Sequence[Seen]
    released: Mapping[str, str] | None = None
    ordered: bool = True
    deadlines_apart: bool = False
    statuses: Counter[str] = field(default_factory=Counter)
    events: Sequence[str] = ()


def check(run: Run) -> Violations:
    """Compare the sets. A request counts once its publish was acknowledged, and not before.

    Args:
        run: with ``released`` as request id → status, or ``None`` where no database is compared; ``ordered``
            says whether responses of a conversation must come in the order of its requests; with ``deadlines_apart``
            those are not compared that a deadline has made, which the deadline sweeper sends past all others.
    """
    wanted = {s.request_id: s for s in run.sent}
    times = Counter(s.request_id for s in run.seen)
    run.statuses = Counter(s.status for s in run.seen)
    return Violations(
        lost=tuple(i for i in wanted if not times[i]),
        duplicated=tuple(i for i, n in times.items() if n > 1),
        foreign=tuple(s.request_id for s in run.seen if _foreign(wanted.get(s.request_id), s)),
        disordered=_disordered(run) if run.ordered else (),
        unfinished=tuple(s.request_id for s in run.seen if s.status not in TERMINAL),
        disagreeing=_disagreeing(run, times),
        invented=tuple(i for i in times if i not in wanted),
        repeated=tuple(i for i, n in Counter(run.events).items() if n > 1),
    )


def _foreign(sent: Sent | None, seen: Seen) -> bool:
    return sent is not None and sent.tenant != seen.tenant


def _disordered(run: Run) -> tuple[str, ...]:
    """Requests whose response stands before that of an earlier request of their conversation."""
    first: dict[str, tuple[int, int]] = {}
    for seen in run.seen:
        if not (run.deadlines_apart and seen.code == BY_DEADLINE):
            first.setdefault(seen.request_id, (seen.partition, seen.offset))
    conversations: defaultdict[str, list[Sent]] = defaultdict(list)
    for sent in run.sent:
        if sent.conversation is not None and sent.request_id in first:
            conversations[sent.conversation].append(sent)
    wrong: list[str] = []
    for requests in conversations.values():
        requests.sort(key=lambda s: s.place)
        places = [first[s.request_id] for s in requests]
        wrong += [
            s.request_id
            for s, here, before in zip(requests[1:], places[1:], places, strict=False)
            if here[0] != before[0] or here[1] < before[1]
        ]
    return tuple(wrong)


def _disagreeing(run: Run, times: Counter[str]) -> tuple[str, ...]:
    if run.released is None:
        return ()
    status = {s.request_id: s.status for s in reversed(run.seen)}
    wanted = {s.request_id for s in run.sent}
    return tuple(
        i
        for i in _union(wanted, run.released)
        if (times[i] > 0) != (i in run.released) or (i in run.released and status.get(i) != run.released[i])
    )


def _union(*groups: Iterable[str]) -> list[str]:
    return sorted({i for group in groups for i in group})
