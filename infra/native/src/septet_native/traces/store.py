"""Traces in SQLite: bounded, searchable by request id, kept over restarts."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from septet_native.errors import writing
from septet_native.traces import jaeger_shape, otlp
from septet_native.traces.otlp import Part

# Version of the schema below, stored in the file.
LAYOUT = 2
SCHEMA = """
CREATE TABLE IF NOT EXISTS traces (
    id INTEGER PRIMARY KEY, trace_id TEXT NOT NULL UNIQUE, started INTEGER NOT NULL, seen INTEGER NOT NULL,
    spans INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS traces_seen ON traces (seen);
CREATE TABLE IF NOT EXISTS parts (
    id INTEGER PRIMARY KEY, trace INTEGER NOT NULL, digest BLOB NOT NULL, service TEXT NOT NULL,
    operations TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (trace, digest));
CREATE INDEX IF NOT EXISTS parts_operations ON parts (service, operations);
CREATE TABLE IF NOT EXISTS ids (
    value TEXT NOT NULL, key TEXT NOT NULL, trace INTEGER NOT NULL, PRIMARY KEY (value, key, trace)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ids_trace ON ids (trace);
"""
SCANNED_TRACES = 500
MAX_SPANS_PER_TRACE = 5000


class TraceStore:
    """The latest traces, each as the parts that its services sent.

    Worker threads share one connection under a lock; SQLite allows one writer at a time.

    Args:
        path: the database file; ``:memory:`` stores nothing on disk.
        max_traces: above this number, the traces with the oldest last span are dropped.
    """

    def __init__(self, path: Path | str, max_traces: int = 5000) -> None:
        if isinstance(path, Path):
            with writing(path.parent):
                path.parent.mkdir(parents=True, exist_ok=True)
        self._max_traces = max_traces
        self._lock = threading.Lock()
        self._db = _open(path)
        latest = self._db.execute("SELECT coalesce(max(seen), 0), count(*) FROM traces")
        self._clock, self._kept = latest.fetchone()

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def add(self, parts: Iterable[Part]) -> None:
        """Store *parts*; a part that exists already, as after a retried export, is ignored."""
        with self._lock:
            with self._db:
                kept = self._kept + sum([self._add(part) for part in parts])
                kept -= self._evict(kept - self._max_traces)
            # A counter, because counting the rows takes longer than adding them.
            self._kept = kept

    def _add(self, part: Part) -> bool:
        """Store *part*; returns whether its trace is new."""
        self._clock += 1
        find = "SELECT id, spans FROM traces WHERE trace_id = ?"
        known = self._db.execute(find, (part.trace_id,)).fetchone()
        if known is None:
            new = "INSERT INTO traces VALUES (NULL, ?, ?, ?, 0)"
            trace = self._db.execute(new, (part.trace_id, part.started, self._clock)).lastrowid
            self._append(part, trace, MAX_SPANS_PER_TRACE)
        elif known[1] < MAX_SPANS_PER_TRACE:
            self._append(part, known[0], MAX_SPANS_PER_TRACE - known[1])
        return known is None

    def _append(self, part: Part, trace: int | None, room: int) -> None:
        if part.spans > room:
            part = otlp.first(part, room)
        digest = blake2b(part.body, digest_size=8).digest()
        operations = json.dumps(part.operations, ensure_ascii=False)
        added = self._db.execute(
            "INSERT OR IGNORE INTO parts VALUES (NULL, ?, ?, ?, ?, ?)",
            (trace, digest, part.service, operations, part.body),
        ).rowcount
        self._db.execute(
            "UPDATE traces SET started = min(started, ?), seen = ?, spans = spans + ? WHERE id = ?",
            (part.started, self._clock, added * part.spans, trace),
        )
        for value, key in part.identifiers:
            self._db.execute("INSERT OR IGNORE INTO ids VALUES (?, ?, ?)", (value, key, trace))

    def _evict(self, excess: int) -> int:
        """Drop the *excess* traces with the oldest last span; returns the number dropped."""
        if excess <= 0:
            return 0
        oldest = self._db.execute("SELECT id FROM traces ORDER BY seen LIMIT ?", (excess,)).fetchall()
        self._db.executemany("DELETE FROM ids WHERE trace = ?", oldest)
        self._db.executemany("DELETE FROM parts WHERE trace = ?", oldest)
        self._db.executemany("DELETE FROM traces WHERE id = ?", oldest)
        return len(oldest)

    def services(self) -> list[str]:
        """Names of the services that sent spans."""
        with self._lock:
            return [row[0] for row in self._db.execute("SELECT DISTINCT service FROM parts ORDER BY service")]

    def operations(self, service: str) -> list[str]:
        """Names of the spans of *service*."""
        query = "SELECT DISTINCT operations FROM parts WHERE service = ?"
        with self._lock:
            rows = self._db.execute(query, (service,)).fetchall()
        return sorted({name for (names,) in rows for name in json.loads(names)})

    def trace(self, trace_id: str) -> dict[str, Any] | None:
        """One trace in Jaeger's JSON, or None."""
        query = "SELECT body FROM parts JOIN traces ON trace = traces.id WHERE trace_id = ? ORDER BY parts.id"
        with self._lock:
            rows = self._db.execute(query, (trace_id,)).fetchall()
        parts = [ResourceSpans.FromString(body) for (body,) in rows]
        return jaeger_shape.trace(trace_id, parts) if parts else None

    def find(
        self,
        *,
        service: str | None = None,
        operation: str | None = None,
        wanted: dict[str, str] | None = None,
        limit: int = 20,
    ) -> list[dict[str, Any]]:
        """The latest traces with a span that matches every condition.

        Args:
            service: of the span.
            operation: name of the span.
            wanted: tags of the span; values are compared as text without regard to case.
            limit: maximum number of traces.
        """
        tags = {key: str(value) for key, value in (wanted or {}).items()}
        found = []
        for trace_id in self._candidates(service, operation, tags, limit):
            trace = self.trace(trace_id)
            if trace is not None and _matches(trace, service, operation, tags):
                found.append(trace)
                if len(found) >= limit:
                    break
        return found

    def by_identifier(self, value: str, limit: int = 50) -> list[str]:
        """Ids of traces with a request, conversation, event or similar id equal to *value*, latest first."""
        query = (
            "SELECT DISTINCT trace_id, started FROM ids JOIN traces ON trace = traces.id"
            " WHERE value = ? ORDER BY started DESC LIMIT ?"
        )
        with self._lock:
            return [row[0] for row in self._db.execute(query, (value, limit))]

    def _candidates(
        self, service: str | None, operation: str | None, tags: dict[str, str], limit: int
    ) -> list[str]:
        indexed = {key: value for key, value in tags.items() if otlp.is_identifier(key)}
        if indexed:
            key, value = next(iter(indexed.items()))
            query = (
                "SELECT trace_id FROM ids JOIN traces ON trace = traces.id WHERE value = ? AND key = ?"
                " ORDER BY started DESC LIMIT ?"
            )
            arguments: tuple[Any, ...] = (value, key, max(limit, SCANNED_TRACES))
        else:
            query = (
                "SELECT trace_id FROM traces WHERE EXISTS (SELECT 1 FROM parts WHERE trace = traces.id"
                " AND service = coalesce(?, service)"
                " AND (? IS NULL OR EXISTS (SELECT 1 FROM json_each(operations) WHERE json_each.value = ?)))"
                " ORDER BY started DESC LIMIT ?"
            )
            arguments = (service, operation, operation, SCANNED_TRACES if tags else limit)
        with self._lock:
            return [row[0] for row in self._db.execute(query, arguments)]


def _open(path: Path | str) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False)
    (layout,) = db.execute("PRAGMA user_version").fetchone()
    if layout != LAYOUT:
        # Traces are short-lived, so those of another schema version are dropped instead of migrated.
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            db.execute(f'DROP TABLE "{table}"')
        db.execute("VACUUM")
    # A crash of this process loses nothing; a crash of the machine may lose the last seconds.
    db.executescript(
        f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA user_version={LAYOUT};" + SCHEMA
    )
    return db


def _matches(trace: dict[str, Any], service: str | None, operation: str | None, tags: dict[str, str]) -> bool:
    return any(
        (service is None or trace["processes"][span["processID"]]["serviceName"] == service)
        and (operation is None or span["operationName"] == operation)
        and _has_tags(span["tags"], tags)
        for span in trace["spans"]
    )


def _has_tags(tags: list[dict[str, Any]], wanted: dict[str, str]) -> bool:
    have = {(tag["key"], str(tag["value"]).lower()) for tag in tags}
    return all((key, value.lower()) in have for key, value in wanted.items())
