"""A cluster of brokers, so that a leader can be killed while its followers live.

Each node is broker and controller, every partition has a replica on each, and a write is acknowledged once two have
it. One machine stands for all of them: what is tried is the change of leaders, not the loss of a disk.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from septet_contracts import topic
from septet_kit.messaging.connection import KafkaConnection
from septet_native.processes import ports
from septet_native.processes.ports import LOOPBACK
from septet_native.servers.kafka import Kafka, new_cluster_id
from septet_native.servers.server import Server
from septet_native.stack.addresses import Addresses
from septet_native.stack.composition import Composition
from septet_native.stack.settings import StackSettings
from septet_native.stack.stack import Progress, Stack

NODES = 3
# Later lines win over those of a single broker.
_REPLICATED = """
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
share.coordinator.state.topic.replication.factor=3
"""


@dataclass(frozen=True)
class Node(Kafka):
    """A plaintext broker of a cluster; ``voters`` are its controllers, as Kafka's configuration names them."""

    node: int = 1
    voters: str = ""

    def _write_config(self) -> None:
        super()._write_config()
        with self._embedded_properties.open("a", encoding="utf-8") as properties:
            properties.write(f"\nnode.id={self.node}\ncontroller.quorum.voters={self.voters}\n{_REPLICATED}")


@dataclass
class Cluster(Composition):
    """A stack's servers with more than one broker: ``kafka``, and ``others``."""

    others: list[Node] = field(default_factory=list)

    @property
    def servers(self) -> list[Server]:
        return [*super().servers, *self.others]

    def addresses(self) -> Addresses:
        brokers = (self.kafka, *self.others)
        return replace(super().addresses(), kafka=",".join(f"{LOOPBACK}:{b.port}" for b in brokers))


class ClusterStack(Stack):
    """An embedded stack whose log is a cluster."""

    def __init__(self, settings: StackSettings) -> None:
        super().__init__(settings.model_copy(update={"stack": "embedded"}))

    def _compose(self, progress: Progress) -> Composition:
        made = super()._compose(progress)
        first, *others = self._nodes(made.kafka)
        kept = {f.name: getattr(made, f.name) for f in fields(Composition)}
        return Cluster(**{**kept, "kafka": first}, others=others)

    def _nodes(self, one: Kafka) -> Iterator[Node]:
        """As many brokers as there are to be, made of the one that a stack has."""
        numbers = range(1, NODES + 1)
        taken = {n: [ports.choose(0, self._taken_ports) for _ in ("clients", "controller")] for n in numbers}
        voters = ",".join(f"{n}@{LOOPBACK}:{controller}" for n, (_, controller) in taken.items())
        cluster = new_cluster_id()
        for number, (clients, controller) in taken.items():
            yield Node(
                one.places,
                clients,
                controller,
                tenants=one.tenants,
                name=_name(number),
                cluster_id=cluster,
                node=number,
                voters=voters,
            )


def _name(node: int) -> str:
    return f"kafka-{node}"


async def leader(kafka: KafkaConnection, name: str, rng: random.Random) -> str:
    """The server that leads a partition of a topic, taken at random."""
    client = AIOKafkaClient(**kafka.options())
    await client.bootstrap()
    try:
        client.add_topic(name)
        await client.force_metadata_update()
        place = TopicPartition(name, rng.randrange(topic(name).partitions))
        return _name(client.cluster.leader_for_partition(place))
    finally:
        await client.close()


async def in_sync(kafka: KafkaConnection, timeout_s: float = 60) -> None:
    """Wait until each partition has all its replicas again.

    Raises:
        TimeoutError: it has not.
    """
    admin = AIOKafkaAdminClient(**kafka.options())
    await admin.start()
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                replicas = [p["isr"] for t in await admin.describe_topics() for p in t["partitions"]]
                if replicas and all(len(isr) == NODES for isr in replicas):
                    return
                await asyncio.sleep(0.2)
    finally:
        await admin.close()
