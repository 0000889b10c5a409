"""Client of Septet over Kafka.

::

    async with Septet("127.0.0.1:9092") as septet:
        response = await septet.ask("What is a deque?")
        print(response.answer)

It depends on the contracts and on a Kafka client alone. :mod:`septet_client.errors` draws the tree of exceptions, and
:mod:`septet_client.faststream` has a router for FastStream applications.
"""

from septet_contracts import (
    CacheOptions,
    Check,
    DocumentChanged,
    FeedbackEvent,
    Message,
    Response,
    RetrievalOptions,
)

from septet_client.client import Septet
from septet_client.connection import Connection
from septet_client.documents import Documents, PublishedDocument
from septet_client.errors import (
    Blocked,
    Closed,
    Conflict,
    Expired,
    Failed,
    InvalidInput,
    NoResponse,
    NotAnswered,
    NotIndexed,
    NotPermitted,
    SeptetError,
    StreamWithdrawn,
    Unreachable,
)
from septet_client.feedback import FeedbackOptions
from septet_client.options import AskOptions

__all__ = [
    "AskOptions",
    "Blocked",
    "CacheOptions",
    "Check",
    "Closed",
    "Conflict",
    "Connection",
    "DocumentChanged",
    "Documents",
    "Expired",
    "Failed",
    "FeedbackEvent",
    "FeedbackOptions",
    "InvalidInput",
    "Message",
    "NoResponse",
    "NotAnswered",
    "NotIndexed",
    "NotPermitted",
    "PublishedDocument",
    "Response",
    "RetrievalOptions",
    "Septet",
    "SeptetError",
    "StreamWithdrawn",
    "Unreachable",
]
