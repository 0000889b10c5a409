"""Cancellations from Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from aiokafka.errors import KafkaError
from septet_contracts import ContractError, decode, topic
from septet_kit import SeptetError
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.messaging.following import following
from septet_kit.observe import get_logger
from septet_kit.tenants import Tenants

log = get_logger()

_RETRY = timedelta(seconds=5)
_TOPIC = topic("cancellations")


class CancellationFollower:
    """Reads the cancellations of all tenants from the end, without a consumer group.

    Each process reads all of them, because any process may work on the request. One that is missed costs a model call.
    So a failure of the follower does not end the process.
    """

    def __init__(
        self,
        kafka: KafkaConnection,
        tenants: Tenants,
        cancel: Callable[[str, str], None],
        retry: timedelta = _RETRY,
    ) -> None:
        self._kafka = kafka
        self._tenants = tenants
        self._cancel = cancel
        self._retry_s = retry.total_seconds()

    async def run(self) -> None:
        """Follow until cancelled. After a failure, start again at the end."""
        topics = list(self._tenants.addresses([_TOPIC.short]))
        while True:
            try:
                async with following(self._kafka, topics, self.receive) as read:
                    await read()
            except (KafkaError, SeptetError) as error:
                log.warning("cancellations are not read, retrying", error=str(error))
            await asyncio.sleep(self._retry_s)

    def receive(self, record: Any) -> None:
        """Cancel the request of a record. Eval reports a record that is not valid, or names a foreign tenant."""
        try:
            event = decode(_TOPIC, record.value)
        except ContractError:
            return
        event, refused = self._tenants.identify(event, record.topic)
        if refused is None:
            self._cancel(event.tenant, event.request_id)
