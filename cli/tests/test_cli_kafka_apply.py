"""``septet kafka apply`` retries transient failures for ``--patience`` seconds, and no other failures."""

from __future__ import annotations

import pytest
from septet_cli.commands.kafka import _retry_transient
from septet_kit.errors import Permanent, SeptetError, Transient

BUSY = Transient("kafka_refused", "the broker is fenced")
REFUSED = Permanent("kafka_not_admin", "'cache' may not administer Kafka")


class Action:
    """Raises one of the given errors per call, then succeeds."""

    def __init__(self, *errors: SeptetError) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self) -> int:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return 0


async def test_a_transient_failure_is_retried() -> None:
    action = Action(BUSY)
    assert await _retry_transient(30, lambda: action()) == 0
    assert action.calls == 2


async def test_without_patience_a_transient_failure_is_raised() -> None:
    action = Action(BUSY)
    with pytest.raises(Transient):
        await _retry_transient(0, action)
    assert action.calls == 1


async def test_a_permanent_failure_is_raised_at_once() -> None:
    action = Action(REFUSED)
    with pytest.raises(Permanent):
        await _retry_transient(30, action)
    assert action.calls == 1
