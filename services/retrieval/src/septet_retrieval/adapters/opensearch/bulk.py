"""Bulk writes, each item's result read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from septet_kit import Permanent
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_attempt, wait_random_exponential

from septet_retrieval.adapters.opensearch.calls import Calls
from septet_retrieval.adapters.opensearch.errors import CONFLICT, of_status, passes

_OPERATIONS = 500
_ATTEMPTS = 5
_wait = wait_random_exponential(multiplier=0.1, max=2.0)

Refresh = Literal["false", "wait_for", "true"]


@dataclass(frozen=True)
class Operation:
    """Write ``source`` as ``name`` unless a newer ``version`` is there; ``document_id`` says whose part it is."""

    name: str
    routing: str
    version: int
    source: Mapping[str, Any]
    document_id: str

    def lines(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The two lines of the bulk format."""
        header = {
            "_id": self.name, "routing": self.routing, "version": self.version,
            "version_type": "external_gte",
        }  # fmt: skip
        return {"index": header}, self.source


@dataclass(frozen=True)
class _Refused:
    operation: Operation
    status: int
    reason: str


async def write(
    calls: Calls, index: str, operations: Sequence[Operation], *, alias: bool, refresh: Refresh = "false"
) -> Mapping[str, Permanent]:
    """Write all of it; returns the errors of documents whose items the server cannot take.

    Items for which it is too busy are sent again with backoff; a version conflict means that something newer
    is there, which is as good. With ``alias`` nothing is written where ``index`` is no alias, so that a
    missing index is not made up by the server.

    Raises:
        Transient: the server is down, or stays too busy for an item.
        Permanent: it refuses the request as a whole.
    """
    rejected: dict[str, Permanent] = {}
    for start in range(0, len(operations), _OPERATIONS):
        last = start + _OPERATIONS >= len(operations)
        wanted = refresh if last else "false"
        rejected |= await _write_part(calls, index, operations[start : start + _OPERATIONS], alias, wanted)
    return rejected


async def _write_part(
    calls: Calls, index: str, operations: Sequence[Operation], alias: bool, refresh: Refresh
) -> dict[str, Permanent]:
    rejected: dict[str, Permanent] = {}
    busy: list[_Refused] = []
    left = operations

    async def attempt() -> list[_Refused]:
        nonlocal left
        refused = list(_refused(left, await _send(calls, index, left, alias, refresh)))
        for item in refused:
            if not passes(item.status):
                error = of_status(item.status, f"{item.operation.document_id}: {item.reason}")
                assert isinstance(error, Permanent)
                rejected[item.operation.document_id] = error
        busy[:] = [item for item in refused if passes(item.status)]
        left = [item.operation for item in busy]
        return busy

    retrying = AsyncRetrying(stop=stop_after_attempt(_ATTEMPTS), wait=_wait, retry=retry_if_result(bool))
    try:
        await retrying(attempt)
    except RetryError as error:
        raise of_status(busy[0].status, f"{len(busy)} items: {busy[0].reason}") from error
    return rejected


async def _send(
    calls: Calls, index: str, operations: Sequence[Operation], alias: bool, refresh: Refresh
) -> Mapping[str, Any]:
    body = [line for operation in operations for line in operation.lines()]
    answer: Mapping[str, Any] = await calls(
        "bulk", index,
        lambda client: client.bulk(body=body, index=index, params={"refresh": refresh, "require_alias": str(alias).lower()}),
    )  # fmt: skip
    return answer


def _refused(operations: Sequence[Operation], answer: Mapping[str, Any]) -> Iterator[_Refused]:
    for operation, item in zip(operations, answer["items"], strict=True):
        result = item["index"]
        if "error" in result and result["status"] != CONFLICT:
            reason = result["error"].get("reason", result["error"].get("type", ""))
            yield _Refused(operation, result["status"], reason)
