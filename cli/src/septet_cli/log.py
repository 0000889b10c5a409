"""The log of the Kafka client, with the errors of the command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from septet_client.adapters.kafka import KafkaLog
from septet_client.connection import Connection
from septet_client.errors import InvalidInput, NotPermitted
from septet_client.errors import Unreachable as ClientUnreachable
from septet_kit.messaging.connection import Kafka, KafkaConnection

from septet_cli.errors import Unreachable
from septet_cli.wire import unreachable


def connection_of(kafka: Kafka) -> Connection:
    """The client's connection to the Kafka of the services' settings."""
    of = KafkaConnection.of(kafka)
    return Connection(of.bootstrap, of.protocol, of.username, of.password, of.ca_file, of.mechanism)


@asynccontextmanager
async def open_log(kafka: Kafka) -> AsyncIterator[KafkaLog]:
    """An open log.

    Raises:
        Unreachable: Kafka does not answer, or has no such topic; also for what the block does with the log.
    """
    log = KafkaLog(connection_of(kafka), client_id="septet-cli")
    try:
        await log.start()
    except (ClientUnreachable, InvalidInput) as error:
        raise await unreachable(kafka) from error
    try:
        yield log
    except ClientUnreachable as error:
        raise Unreachable(
            str(error), "run `septet doctor`; create missing topics with `septet up` or `septet kafka apply`"
        ) from error
    except NotPermitted as error:
        raise Unreachable(str(error), "use a principal with this permission: `septet kafka acls`") from error
    except InvalidInput as error:
        raise Unreachable(
            f"The record could not be sent: {error}", "if it is too large, send a smaller body"
        ) from error
    finally:
        await log.close()
