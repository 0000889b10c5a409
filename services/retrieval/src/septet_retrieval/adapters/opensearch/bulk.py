"""Bulk writes that check the result of each item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from septet_kit import Permanent
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_attempt, wait_random_exponential

from septet_retrieval.adapters.opensearch.calls import Calls
from septet_retrieval.adapters.opensearch.errors import CONFLICT, error_from_status, is_retryable

_OPERATIONS = 500
_ATTEMPTS = 5
_wait = wait_random_exponential(multiplier=0.1, max=2.0)

Refresh = Literal["false", "wait_for", "true"]


@dataclass(frozen=True)
class Operation:
    """Write ``source`` under the id ``name``, unless the index has a newer ``version``."""

    name: str
    routing: str
    version: int
    source: Mapping[str, Any]
    document_id: str

    def lines(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Return the two lines of the bulk format."""
        version = {"version": self.version, "version_type": "external_gte"}
        return {"index": {"_id": self.name, "routing": self.routing, **version}}, self.source


@dataclass(frozen=True)
class _FailedItem:
    operation: Operation
    status: int
    reason: str


async def write(
    calls: Calls, index: str, operations: Sequence[Operation], *, alias: bool, refresh: Refresh = "false"
) -> Mapping[str, Permanent]:
    """Write all operations; return the errors of rejected documents by document id.

    Items that failed because the server is busy are retried with backoff. A version conflict is a success: the
    index has a newer version. With ``alias`` set, the server rejects the write unless ``index`` is an alias, so
    that it does not create a missing index.

    Raises:
        Transient: the server is down, or an item failed in every attempt.
        Permanent: the server rejects the whole request.
    """
    rejected: dict[str, Permanent] = {}
    for start in range(0, len(operations), _OPERATIONS):
        last = start + _OPERATIONS >= len(operations)
        part = operations[start : start + _OPERATIONS]
        rejected |= await _write_part(calls, index, part, alias, refresh if last else "false")
    return rejected


async def _write_part(
    calls: Calls, index: str, operations: Sequence[Operation], alias: bool, refresh: Refresh
) -> dict[str, Permanent]:
    rejected: dict[str, Permanent] = {}
    busy: list[_FailedItem] = []
    pending = operations

    async def attempt() -> list[_FailedItem]:
        nonlocal pending
        failed = list(_failed(pending, await _send(calls, index, pending, alias, refresh)))
        for item in failed:
            if not is_retryable(item.status):
                error = error_from_status(item.status, f"{item.operation.document_id}: {item.reason}")
                assert isinstance(error, Permanent)
                rejected[item.operation.document_id] = error
        busy[:] = [item for item in failed if is_retryable(item.status)]
        pending = [item.operation for item in busy]
        return busy

    retrying = AsyncRetrying(stop=stop_after_attempt(_ATTEMPTS), wait=_wait, retry=retry_if_result(bool))
    try:
        await retrying(attempt)
    except RetryError as error:
        raise error_from_status(busy[0].status, f"{len(busy)} items: {busy[0].reason}") from error
    return rejected


async def _send(
    calls: Calls, index: str, operations: Sequence[Operation], alias: bool, refresh: Refresh
) -> Mapping[str, Any]:
    body = [line for operation in operations for line in operation.lines()]
    params = {"refresh": refresh, "require_alias": str(alias).lower()}
    response: Mapping[str, Any] = await calls(
        "bulk", index, lambda client: client.bulk(body=body, index=index, params=params)
    )
    return response


def _failed(operations: Sequence[Operation], response: Mapping[str, Any]) -> Iterator[_FailedItem]:
    for operation, item in zip(operations, response["items"], strict=True):
        result = item["index"]
        if "error" in result and result["status"] != CONFLICT:
            reason = result["error"].get("reason", result["error"].get("type", ""))
            yield _FailedItem(operation, result["status"], reason)
