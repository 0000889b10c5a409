"""The present canary, from Kafka."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from aiokafka.errors import KafkaError
from septet_contracts import Canary, ContractError, decode, topic
from septet_kit import SeptetError
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.messaging.following import following_state
from septet_kit.namespace import Namespace
from septet_kit.observe import get_logger

log = get_logger()

_TOPIC = topic("canaries")
_RETRY = timedelta(seconds=5)


class CanaryFollower:
    """Knows the canary that each process reads from the compacted topic.

    A failure ends no process: without the topic, all requests go to the live version, and a known canary expires.
    """

    def __init__(self, kafka: KafkaConnection, namespace: Namespace, retry: timedelta = _RETRY) -> None:
        self._kafka = kafka
        self._topic = namespace.qualify(_TOPIC.name)
        self._retry_s = retry.total_seconds()
        self.current: Canary | None = None

    async def run(self) -> None:
        """Follow until cancelled. After a failure, start again at the beginning."""
        while True:
            try:
                async with following_state(self._kafka, self._topic, self.receive) as read:
                    await read()
            except (KafkaError, SeptetError) as error:
                log.warning("canaries are not read, retrying", error=str(error))
            await asyncio.sleep(self._retry_s)

    def receive(self, record: Any) -> None:
        """Take over a record; the newest one counts."""
        try:
            canary: Canary = decode(_TOPIC, record.value)
        except ContractError as error:
            log.warning("a record of the canaries topic is not valid", error=str(error))
            return
        known = self.current
        if known is None or (known.run, known.share) != (canary.run, canary.share):
            log.info("canary", run=canary.run, share=canary.share, reason=canary.reason)
        self.current = canary
