"""Maps OpenSearch errors to ``Transient`` and ``Permanent``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opensearchpy.exceptions import ConnectionError as OpenSearchConnectionError
from opensearchpy.exceptions import ConnectionTimeout, OpenSearchException, TransportError
from septet_kit import Permanent, Transient

UNAVAILABLE = "lexical_unavailable"
TIMED_OUT = "lexical_timeout"
MISSING = "lexical_missing"
REJECTED = "lexical_rejected"

CONFLICT = 409
_NOT_FOUND = 404
_TOO_MANY = 429
_SERVER_ERROR = 500
_LOGIN = (401, 403)


def is_retryable(status: int) -> bool:
    """Whether an HTTP status is retryable. A missing index is: it is being created or swapped."""
    return status in (_NOT_FOUND, _TOO_MANY) or status >= _SERVER_ERROR


@contextmanager
def typed_errors() -> Iterator[None]:
    """Raise the client's errors as ``Transient`` (down, slow, busy) or ``Permanent`` (rejected)."""
    try:
        yield
    except ConnectionTimeout as error:
        raise Transient(
            TIMED_OUT, "OpenSearch: no response in time", fix="see SEPTET_OPENSEARCH_TIMEOUT"
        ) from error
    except OpenSearchConnectionError as error:
        raise Transient(UNAVAILABLE, f"OpenSearch: {error}", fix="check SEPTET_OPENSEARCH_URL") from error
    except TransportError as error:
        status = error.status_code if isinstance(error.status_code, int) else _SERVER_ERROR
        raise error_from_status(status, str(error)) from error
    except OpenSearchException as error:
        raise Transient(UNAVAILABLE, f"OpenSearch: {error}") from error


def error_from_status(status: int, message: str) -> Transient | Permanent:
    """Return the error for the HTTP status of a request or of a bulk item."""
    if status == _NOT_FOUND:
        return Transient(MISSING, f"OpenSearch {status}: {message}")
    if is_retryable(status):
        return Transient(UNAVAILABLE, f"OpenSearch {status}: {message}")
    if status in _LOGIN:
        fix = "check SEPTET_OPENSEARCH_USER and SEPTET_OPENSEARCH_PASSWORD, and the user's permissions"
    else:
        fix = "see the index's mapping"
    return Permanent(REJECTED, f"OpenSearch {status}: {message}", fix=fix)
