"""The small part of the chaos suite that continuous integration runs: ``make chaos-short``.

Some rows in their short form, and proofs that the checker can fail; the whole is `make chaos`.
"""

from __future__ import annotations

import logging
import os

import pytest

from .proofs import PROOFS
from .suite import ROWS, SHORT, run_proof, run_row

SWITCH = "SEPTET_TEST_CHAOS"
SEED = int(os.environ.get(SWITCH) or 0)
# Crashes at every boundary, of the broker and of PostgreSQL, a stale instance, repetition, hostile clients; the first proof kills every
# service at once. Rows whose claim is a time that a busy machine cannot hold are left to `make chaos`.
CHOSEN, CHOSEN_PROOFS = (2, 4, 5, 7, 14, 17), ("acknowledge", "release")

pytestmark = pytest.mark.skipif(not SEED, reason="takes minutes: run `make chaos-short`")


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Clients complain of every broker that a scenario kills."""
    caplog.set_level(logging.CRITICAL, "aiokafka")


@pytest.mark.parametrize("number", CHOSEN)
async def test_row(number: int) -> None:
    result = await run_row(ROWS[number], SEED, SHORT)
    assert result.broken == ()
    assert (result.lost, result.duplicated) == (0, 0)
    assert result.sent > 0


@pytest.mark.parametrize("name", CHOSEN_PROOFS)
async def test_the_checker_is_silent_and_speaks_where_it_has_to(name: str) -> None:
    proof = await run_proof(PROOFS[name], SEED)
    assert proof.broken == ()
    assert proof.intact["violations"] == {}
    assert proof.weakened["violations"][proof.kind] > 0
