"""Divides the time of a request by its trace: transit between services, chassis, and work of the services.

A request passes through processes in sequence. The trace has a span ``process`` for each of them, with a child ``send``
for the record of the next process. Along that path:

- *transit* of a hop: from the start of ``send`` to the start of the next ``process`` (for the first hop from the
  client's call, for the last to the broker's acknowledgement of the response);
- *time in a service*: from the start of ``process`` to the start of ``send``, of which
  - *work*: the time covered by child spans other than sends (search, embeddings, model call, cache look-up), the rails,
    by the latency that each verdict states, and the scorers with their embedding, by the time before eval's first
    statement;
  - *chassis*: the rest: contract, encoding, publish, and the statements of generation and eval for ledger, release and
    outbox.

All times are in milliseconds of the wall clock of one machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from septet_cli.waterfall import Node, forest
from septet_contracts import topic

SEND, PROCESS = "send ", "process "
LEDGERS = ("generation", "eval")
SCORED = "septet.outcomes.v1"
SCREENED, REVIEWED = "septet.requests.v1", "septet.drafts.v1"


@dataclass(frozen=True)
class Hop:
    """One service on the path of a request; times in milliseconds.

    Attributes:
        topic: short name of the source topic.
        transit: time from the sender's call to the start of processing.
        work: work of the service, by name.
        chassis: remaining time until the send.
    """

    service: str
    topic: str
    transit: float
    work: Mapping[str, float]
    chassis: float


@dataclass(frozen=True)
class Journey:
    """A request from the client's call to the broker's acknowledgement of its response; times in milliseconds."""

    hops: Sequence[Hop]
    delivery: float

    @property
    def work(self) -> float:
        """Work of all services."""
        return sum(sum(hop.work.values()) for hop in self.hops)

    @property
    def bus(self) -> float:
        """Transit and chassis of every hop, and the delivery."""
        return sum(hop.transit + hop.chassis for hop in self.hops) + self.delivery

    @property
    def total(self) -> float:
        """Sum of work and bus."""
        return self.work + self.bus


def journey(trace: Mapping[str, Any], answer: Mapping[str, Any], sent_at: float) -> Journey | None:
    """The journey of a request, or None while spans are missing.

    Args:
        trace: JSON of Jaeger's query API.
        answer: the response; its verdicts have the latency of the rails.
        sent_at: time of the client's call, in seconds since the epoch.
    """
    path = _path(list(_walk(forest(dict(trace)))))
    if not path:
        return None
    hops, left = [], sent_at * 1e6
    for process, send in path:
        work = _work(process, send, answer)
        inside = (send.start - process.start) / 1000
        chassis = inside - sum(work.values())
        topic = _topic(process)
        hops.append(Hop(process.service, topic.split(".")[1], (process.start - left) / 1000, work, chassis))
        left = send.start
    return Journey(hops, path[-1][1].duration / 1000)


def _path(nodes: Sequence[Node]) -> list[tuple[Node, Node]]:
    """Pairs of ``process`` and its ``send`` from the request to the response, found from the last span backwards."""
    by_id = {node.span_id: node for node in nodes}
    last = next((n for n in nodes if n.name == f"{SEND}{topic('responses').name}"), None)
    path: list[tuple[Node, Node]] = []
    while last is not None:
        process = by_id.get(last.parent_id or "")
        while process is not None and not process.name.startswith(PROCESS):
            process = by_id.get(process.parent_id or "")
        if process is None:
            return []
        path.insert(0, (process, last))
        if _topic(process) == SCREENED:
            return path
        last = by_id.get(process.parent_id or "")
    return []


def _work(process: Node, send: Node, answer: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    topic = _topic(process)
    if topic == SCORED:
        first = min((n.start for n in process.children if n.is_query), default=send.start)
        return {"scorers": max(0.0, (first - process.start) / 1000)}
    side = {SCREENED: "input", REVIEWED: "output"}.get(topic)
    for verdict in answer["verdicts"]:
        if verdict["stage"] == side:
            found[f"rail {verdict['rail']}"] = (
                found.get(f"rail {verdict['rail']}", 0.0) + verdict["latency_ms"]
            )
    for name, spans in _by_name(n for n in process.children if _is_work(n) and n.start < send.start).items():
        found[name] = _covered(spans) / 1000
    return _without_overlap(found, process, send)


def _is_work(node: Node) -> bool:
    if node.is_query:
        return node.service not in LEDGERS
    return not node.name.startswith((SEND, PROCESS))


def _without_overlap(found: dict[str, float], process: Node, send: Node) -> dict[str, float]:
    """Scale concurrent spans (such as both searches) to the time that they cover together."""
    spans = [n for n in process.children if _is_work(n) and n.start < send.start]
    summed = sum(_covered(group) for group in _by_name(spans).values())
    if not summed:
        return found
    names, factor = _by_name(spans).keys(), _covered(spans) / summed
    return {name: took * factor if name in names else took for name, took in found.items()}


def _by_name(nodes: Iterable[Node]) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {}
    for node in nodes:
        found.setdefault("statements" if node.is_query else node.name, []).append(node)
    return found


def _covered(nodes: Iterable[Node]) -> float:
    """Length of the union of the spans in microseconds."""
    total, until = 0.0, float("-inf")
    for node in sorted(nodes, key=lambda n: n.start):
        total += max(0.0, node.end - max(until, node.start))
        until = max(until, node.end)
    return total


def _topic(node: Node) -> str:
    return node.name.partition(" ")[2]


def _walk(nodes: Iterable[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _walk(node.children)
