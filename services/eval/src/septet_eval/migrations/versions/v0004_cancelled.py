"""Add the state ``cancelled``: the id of a request that was cancelled before it was registered.

Processes of the previous version do not know the state, so upgrade eval before anyone writes cancellations.
"""

from __future__ import annotations

from alembic import op

revision, down_revision = "0004", "0003"

STATEMENTS = (
    "ALTER TABLE requests DROP CONSTRAINT requests_state_check",
    # NOT VALID: the old constraint was narrower, so no row needs a check.
    """
    ALTER TABLE requests ADD CONSTRAINT requests_state_check
        CHECK (state IN ('pending', 'released', 'cancelled')) NOT VALID
    """,
    "CREATE INDEX requests_cancelled ON requests (expires_at) WHERE state = 'cancelled'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
