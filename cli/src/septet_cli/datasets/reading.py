"""Reads what a dataset is built from: outcomes, releases, labels and feedback of the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from septet_contracts import ContractError, Label, Outcome, Release, decode, topic
from septet_kit.messaging.connection import Kafka
from septet_kit.tenants import Tenants
from septet_tuning.datasets.evidence import Joined, Key, join

from septet_cli.evaluation.from_traffic import DEFAULT_STATUSES, matches
from septet_cli.window import read_window
from septet_cli.wire import Record


@dataclass
class LogReader:
    """Collects the records of the log that a dataset needs.

    Args:
        tenants: the known tenants, with their consent and topics.
        filters: as ``filters_of`` returns.
        feedback, traffic: whether labels, and answers without labels, are read.
    """

    tenants: Tenants
    filters: Mapping[str, frozenset[str]]
    feedback: bool
    traffic: bool
    _outcomes: dict[Key, Outcome] = field(default_factory=dict)
    _releases: dict[Key, Release] = field(default_factory=dict)
    _labels: list[Label] = field(default_factory=list)
    _users: dict[tuple[str, str], str | None] = field(default_factory=dict)

    async def read(self, kafka: Kafka, since: datetime, limit: int) -> datetime | None:
        """Read the newest records since a time, about *limit* of each topic.

        Returns:
            The time from which on no record was left out; None if none since *since* was.
        """
        names = ["outcomes", "releases", *(("labels", "feedback") if self.feedback else ())]
        cuts = []
        for address, name in self.tenants.addresses(names).items():

            def receive(record: Record, name: str = name) -> None:
                self.add(name, record.value, record.topic)

            cuts.append(await read_window(kafka, address, since, limit, receive))
        return max((cut for cut in cuts if cut is not None), default=None)

    def add(self, name: str, value: bytes | None, address: str) -> None:
        """Add a record of a topic. The first outcome and release of a request, and the first copy of feedback, count."""
        try:
            event: Any = decode(topic(name), value or b"")
        except ContractError:
            return
        event, error = self.tenants.identify(event, address)
        if error is not None:
            return
        key = (event.tenant, event.request_id)
        match name:
            case "outcomes":
                self._outcomes.setdefault(key, event)
            case "releases":
                self._releases.setdefault(key, event)
            case "labels":
                self._labels.append(event)
            case "feedback":
                self._users.setdefault((event.tenant, event.feedback_id), event.user)

    def join(self) -> Joined:
        """Join what was read."""
        accepted = {"status": DEFAULT_STATUSES | {"blocked"}, **self.filters}
        outcomes = {key: each for key, each in self._outcomes.items() if matches(each, accepted)}
        left_out = self._outcomes.keys() - outcomes.keys()
        labels = [each for each in self._labels if (each.tenant, each.request_id) not in left_out]
        if "tenant" in self.filters:
            labels = [each for each in labels if each.tenant in self.filters["tenant"]]
        if not self.traffic:
            labelled = {(each.tenant, each.request_id) for each in labels}
            outcomes = {key: each for key, each in outcomes.items() if key in labelled}
        return join(outcomes, self._releases, labels, self._users, self.tenants.consenting)
