"""A record on its way into a stage: decoded as far as it can be, and attributed to its tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiokafka.structs import ConsumerRecord
from septet_contracts import ContractError, Partial, decode, peek
from septet_contracts import topic as find_topic

from septet_kit.messaging.batches import UndecodableRecord
from septet_kit.spec import Stage
from septet_kit.tenants import Tenants

QUARANTINED = "quarantined"
"""Error code of a record that ended its process repeatedly."""


@dataclass(frozen=True)
class Job:
    """A record, its event, and what is wrong with it.

    ``event`` is the decoded event, or a :class:`septet_contracts.Partial` where there is an ``error``.
    """

    record: ConsumerRecord[bytes, bytes]
    stage: Stage
    event: Any
    error: ContractError | None = None

    @property
    def lane(self) -> tuple[str, bytes]:
        """Key of the records that are handled serially: topic and key, or topic and partition without a key.

        The topic is part of it because clients choose keys: one tenant's must not hold up another's records.
        """
        key = self.record.key if self.record.key is not None else b"\x00%d" % self.record.partition
        return self.record.topic, key


def to_job(record: ConsumerRecord[bytes, bytes], stage: Stage, tenants: Tenants) -> Job:
    """Decode a record for its stage. No value raises: what is wrong with it is the job's ``error``."""
    if isinstance(record, UndecodableRecord):
        return _invalid(record, stage, tenants, _undecodable(record))
    try:
        decoded = decode(find_topic(stage.topic), record.value)
    except ContractError as error:
        return _invalid(record, stage, tenants, error)
    except Exception as error:
        # A fault of the decoder: the record is refused like any other that cannot be read.
        found = ContractError(
            "undecodable",
            f"the decoder failed with {type(error).__name__}",
            fix="correct the body",
            partial=peek(record.value or b""),
        )
        return _invalid(record, stage, tenants, found)
    event, refused = tenants.identify(decoded, record.topic)
    return Job(record, stage, event, refused)


def condemned_job(
    record: ConsumerRecord[bytes, bytes], stage: Stage, tenants: Tenants, *, deaths: int
) -> Job:
    """The job of a record that ends its process. Its value is not decoded: that may be what ends it."""
    error = ContractError(
        QUARANTINED,
        f"the process ended {deaths} times with this record in flight",
        fix="find the cause in the logs of the service, then redrive the dead letter",
        partial=_peeked(record),
    )
    return _invalid(record, stage, tenants, error)


def _invalid(
    record: ConsumerRecord[bytes, bytes], stage: Stage, tenants: Tenants, error: ContractError
) -> Job:
    event, _ = tenants.identify(error.partial, record.topic)
    return Job(record, stage, event, error)


def _undecodable(record: UndecodableRecord) -> ContractError:
    what = "record batch" if record.raw else "record"
    return ContractError(
        "undecodable",
        f"the {what} cannot be decoded: {record.reason}",
        fix="publish with UTF-8 header keys and a codec of gzip, snappy, lz4 or zstd",
        partial=_peeked(record),
    )


def _peeked(record: ConsumerRecord[bytes, bytes]) -> Partial:
    is_raw = isinstance(record, UndecodableRecord) and record.raw
    return Partial() if is_raw else peek(record.value or b"")
