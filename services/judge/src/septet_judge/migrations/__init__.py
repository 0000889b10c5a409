"""Revisions of the schema ``judge``; see :mod:`septet_kit.migrate`."""

from __future__ import annotations

from septet_kit.store.revision import head_of

HEAD = head_of(__name__)
