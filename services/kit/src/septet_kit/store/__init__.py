"""Durable state on PostgreSQL: pools, inbox and outbox in one transaction, the ledger of costly work."""

from septet_kit.store.ledger import Ledger
from septet_kit.store.pool import open_pool
from septet_kit.store.unit import Unit, once

__all__ = ["Ledger", "Unit", "once", "open_pool"]
