"""Exceptions of the client.

SeptetError
├── InvalidInput        the request, document or feedback breaks its contract; nothing was published
├── NotAnswered         the response is on the log, and has no answer: ``response``
│   ├── Blocked         a rail blocked the question or refused the answer; only with ``raise_blocked=True``
│   ├── Expired         the deadline passed
│   └── Failed          a service failed, or the status is unknown to this version
│       └── Conflict    the request id was already used with another body
├── StreamWithdrawn     the response does not continue the text that was streamed: ``response``
├── NoResponse          no response arrived in time: ``request_id`` reads it later
├── NotIndexed          documents were not indexed in time, or were rejected: ``missing``, ``rejected``
├── Unreachable         Kafka does not answer, or has no such topic; it is worth another try
├── NotPermitted        the broker does not allow this principal to do it
└── Closed              the client is not open, or was closed during the call
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from septet_contracts import ErrorInfo, Response


class SeptetError(Exception):
    """Base of all."""


class InvalidInput(SeptetError):
    """What was given breaks its contract.

    Attributes:
        code: that of :class:`septet_contracts.ContractError`.
        field: the field to correct, if one is to blame.
    """

    def __init__(self, message: str, code: str = "invalid_field", field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


class NotAnswered(SeptetError):
    """The response is on the log, and has no answer.

    Attributes:
        response: the response.
    """

    def __init__(self, response: Response) -> None:
        self.response = response
        error = self.error
        why = f"{error.code}: {error.message}" if error else "no reason given"
        super().__init__(f"request {response.request_id} is {response.status} ({why})")

    @property
    def error(self) -> ErrorInfo | None:
        """Code, message and fix, if the response has them."""
        return self.response.error


class Blocked(NotAnswered):
    """A rail blocked the question or refused the answer."""


class Expired(NotAnswered):
    """The deadline passed before there was an answer."""


class Failed(NotAnswered):
    """A service failed."""


class Conflict(Failed):
    """The request id was already used with another body."""

    def __init__(self, response: Response) -> None:
        super().__init__(response)
        if self.error is None:
            self.args = (
                f"request {response.request_id} was already asked with another question or other options",
            )


class StreamWithdrawn(SeptetError):
    """The response does not continue the text that was streamed. Discard that text.

    Attributes:
        response: the response.
    """

    def __init__(self, response: Response) -> None:
        super().__init__(f"the streamed text of request {response.request_id} was withdrawn")
        self.response = response


class NoResponse(SeptetError):
    """No response arrived in time. If the request was published, it may still come: :meth:`Septet.response` reads it later.

    Attributes:
        request_id: the request.
        published: whether this call has begun to publish it.
    """

    def __init__(
        self, request_id: str, seconds: float, why: str | None = None, *, published: bool = True
    ) -> None:
        message = (
            f"no response to request {request_id} arrived within {seconds:.0f} s"
            if published
            else f"request {request_id} was not published within {seconds:.0f} s"
        )
        super().__init__(message + (f": {why}" if why else ""))
        self.request_id = request_id
        self.published = published


class NotIndexed(SeptetError):
    """Documents were not indexed in time, or were rejected.

    Attributes:
        missing: ids of documents without an outcome.
        rejected: reasons by document id.
    """

    def __init__(self, missing: Sequence[str], rejected: Mapping[str, str]) -> None:
        found = [f"{name}: {why}" for name, why in rejected.items()]
        found += [f"{name}: not indexed yet" for name in missing]
        more = len(found) - 5
        super().__init__("; ".join(found[:5]) + (f"; and {more} more" if more > 0 else ""))
        self.missing = tuple(missing)
        self.rejected = dict(rejected)


class Unreachable(SeptetError):
    """Kafka does not answer, or has no such topic."""


class NotPermitted(SeptetError):
    """The broker does not allow this principal to read or write a topic."""


class Closed(SeptetError):
    """The client is not open, or was closed during the call."""
