"""The router, and a broker with the settings that it needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar, Unpack

from faststream import AckPolicy
from faststream.exceptions import SetupError
from faststream.kafka import KafkaBroker, KafkaRouter
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512
from pydantic import BaseModel
from septet_contracts import Evaluation, FeedbackEvent, Request, Response, client_access, tenancy, topic

from septet_client.connection import Connection, as_connection
from septet_client.documents import deletion, upsert
from septet_client.faststream.delivery import AtLeastOnce, Decoder
from septet_client.faststream.tracing import TraceMiddleware
from septet_client.feedback import FeedbackOptions, feedback_body
from septet_client.options import AskOptions, encode_body, prepare, validate

Handler = TypeVar("Handler", bound=Callable[..., Any])

MAX_RECORD_BYTES = 2 * 1024 * 1024
_JSON = {"content-type": "application/json"}
_SASL = {"SCRAM-SHA-512": SASLScram512, "SCRAM-SHA-256": SASLScram256, "PLAIN": SASLPlaintext}


class SeptetRouter(KafkaRouter):
    """A router of one tenant, to be included in a broker.

    Delivery is at least once (:class:`AtLeastOnce`): a handler that fails gets its record again, in order, after a pause.

    Args:
        group: name of the consumer groups; each kind of event has its own group, ``{group}.responses`` for instance.
        tenant: tenant of what is published.
        own_topics: whether the tenant has topics of its own. Its groups then begin with ``tenant-{tenant}.``.
        start: where a new group begins: at the oldest retained record, or behind the newest.
        delivery: pauses between repetitions.
    """

    def __init__(
        self,
        group: str,
        *,
        tenant: str = "default",
        own_topics: bool = False,
        start: Literal["earliest", "latest"] = "earliest",
        delivery: AtLeastOnce | None = None,
    ) -> None:
        super().__init__(middlewares=[delivery or AtLeastOnce(), TraceMiddleware])
        self.tenant = tenant
        self._own = frozenset({tenant}) if own_topics else frozenset[str]()
        prefix = client_access(tenant).group_prefix if own_topics else ""
        self._group = group if group.startswith(prefix) else f"{prefix}{group}"
        self._start = start
        self._handled: set[str] = set()
        self._requests = self.publisher(self._address("requests"), schema=Request, title="Requests")
        self._feedback = self.publisher(self._address("feedback"), schema=FeedbackEvent, title="Feedback")
        self._documents = self.publisher(self._address("documents"), title="Documents")

    def on_response(self, handler: Handler) -> Handler:
        """Subscribe a handler to the tenant's responses, of every status.

        Raises:
            SetupError: there is a handler already. Two of one group would share the records.
        """
        return self._subscribe("responses", Response, handler)

    def on_evaluation(self, handler: Handler) -> Handler:
        """Subscribe a handler to scores that are computed after the release, of all tenants.

        Raises:
            SetupError: there is a handler already.
        """
        return self._subscribe("evaluations", Evaluation, handler)

    async def ask(self, question: str | None = None, **options: Unpack[AskOptions]) -> Request:
        """Publish a request. Its response comes to the handler of :meth:`on_response`.

        Raises:
            InvalidInput: it breaks the contract; nothing was published.
        """
        prepared = prepare(self.tenant, question, options)
        await self._requests.publish(prepared.value, key=prepared.key, headers=_JSON)
        return prepared.request

    async def feedback(self, response: Response | str, **options: Unpack[FeedbackOptions]) -> FeedbackEvent:
        """Publish feedback on a response (or request id).

        Raises:
            InvalidInput: it breaks the contract; nothing was published.
        """
        request_id = response if isinstance(response, str) else response.request_id
        value = encode_body(feedback_body(self.tenant, request_id, options))
        event: FeedbackEvent = validate("feedback", value)
        await self._feedback.publish(value, key=f"{self.tenant}:{request_id}".encode(), headers=_JSON)
        return event

    async def upsert(self, document_id: str, text: str, **fields: Any) -> None:
        """Publish a document; ``fields`` are those of :meth:`septet_client.Documents.upsert`.

        Raises:
            InvalidInput: it breaks the contract; nothing was published.
        """
        await self._publish_document(document_id, upsert(self.tenant, document_id, text, **fields))

    async def delete(self, document_id: str, *, revision: int | None = None) -> None:
        """Publish the deletion of a document.

        Raises:
            InvalidInput: it breaks the contract; nothing was published.
        """
        await self._publish_document(document_id, deletion(self.tenant, document_id, revision))

    async def _publish_document(self, document_id: str, value: bytes) -> None:
        await self._documents.publish(value, key=f"{self.tenant}:{document_id}".encode(), headers=_JSON)

    def _subscribe(self, name: str, contract: type[BaseModel], handler: Handler) -> Handler:
        if name in self._handled:
            raise SetupError(f"there is a handler of {name} already; use another router with another group")
        self._handled.add(name)
        subscriber = self.subscriber(
            self._address(name),
            group_id=f"{self._group}.{name}",
            # See `delivery`: with the default, a record is lost when its handler fails.
            ack_policy=AckPolicy.NACK_ON_ERROR,
            auto_offset_reset=self._start,
            decoder=Decoder(contract).__call__,
            isolation_level="read_committed",
            max_partition_fetch_bytes=MAX_RECORD_BYTES,
            title=name.capitalize(),
        )
        subscriber(handler)
        return handler

    def _address(self, name: str) -> str:
        return tenancy.address(topic(name).name, self.tenant, self._own)


def broker(kafka: Connection | str | None = None, *routers: KafkaRouter, **options: Any) -> KafkaBroker:
    """A broker that acknowledges by all replicas, publishes idempotently and creates no topics.

    Args:
        kafka: connection to Kafka, or the address of a broker without users; by default the environment's.
        routers: routers to include.
        options: further arguments of ``KafkaBroker``.

    Raises:
        InvalidInput: the settings of the connection contradict each other.
    """
    connection = as_connection(kafka)
    defaults: dict[str, Any] = {
        "acks": "all",
        "enable_idempotence": True,
        "allow_auto_create_topics": False,
        "max_request_size": MAX_RECORD_BYTES,
        "security": _security(connection),
    }
    made = KafkaBroker(connection.bootstrap.split(","), **(defaults | options))
    made.include_routers(*routers)
    return made


def _security(connection: Connection) -> BaseSecurity:
    connection.options()  # raises for incomplete credentials
    context = connection.ssl_context()
    if not connection.authenticated:
        return BaseSecurity(ssl_context=context, use_ssl=connection.encrypted)
    return _SASL[connection.mechanism](
        connection.username, connection.password, ssl_context=context, use_ssl=connection.encrypted
    )
