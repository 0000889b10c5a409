"""Spans in SQLite: bounded, searchable by request id, and there again after a restart."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from septet_native.errors import writing
from septet_native.traces.otlp import Span

SCHEMA = """
CREATE TABLE IF NOT EXISTS traces (
    trace_id TEXT PRIMARY KEY, started INTEGER NOT NULL, seen INTEGER NOT NULL, spans INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS traces_seen ON traces (seen);
CREATE TABLE IF NOT EXISTS spans (
    trace_id TEXT NOT NULL, span_id TEXT NOT NULL, service TEXT NOT NULL, operation TEXT NOT NULL,
    error INTEGER NOT NULL, body TEXT NOT NULL, resource TEXT NOT NULL, PRIMARY KEY (trace_id, span_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS spans_service ON spans (service, trace_id);
CREATE TABLE IF NOT EXISTS ids (
    value TEXT NOT NULL, key TEXT NOT NULL, trace_id TEXT NOT NULL, PRIMARY KEY (value, key, trace_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ids_trace ON ids (trace_id);
"""
# Attributes that name a thing somebody may look for; the rest is found by reading the latest traces.
IDENTIFIER = re.compile(
    r"(^|[._])(request|conversation|event|message|session|feedback|document|user|tenant)[._]id$"
)
MAX_IDENTIFIER = 200
SCANNED_TRACES = 500
MAX_SPANS_PER_TRACE = 5000


class TraceStore:
    """Spans of the latest traces.

    One connection under a lock: called from worker threads, and SQLite has one writer anyway.

    Args:
        path: the database file; ``:memory:`` keeps nothing.
        max_traces: the traces not added to for longest are dropped above this number.
    """

    def __init__(self, path: Path | str, max_traces: int = 5000) -> None:
        if isinstance(path, Path):
            with writing(path.parent):
                path.parent.mkdir(parents=True, exist_ok=True)
        self._max_traces = max_traces
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        # A crash of this process loses nothing; one of the machine may lose the last seconds.
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)
        (latest,) = self._db.execute("SELECT coalesce(max(seen), 0) FROM traces").fetchone()
        self._clock = int(latest)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def add(self, spans: Iterable[Span]) -> None:
        """Store *spans*; one that is there already (an export that was retried) stays as it is."""
        with self._lock, self._db:
            for span in spans:
                self._add(span)
            self._evict()

    def _add(self, span: Span) -> None:
        self._clock += 1
        row = self._db.execute("SELECT spans FROM traces WHERE trace_id = ?", (span.trace_id,)).fetchone()
        if row is not None and row[0] >= MAX_SPANS_PER_TRACE:
            return
        added = self._db.execute(
            "INSERT OR IGNORE INTO spans VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                span.trace_id, span.span_id, span.service, span.operation, span.error,
                json.dumps(span.body, ensure_ascii=False), json.dumps(span.resource, ensure_ascii=False),
            ),
        ).rowcount  # fmt: skip
        self._db.execute(
            "INSERT INTO traces VALUES (?, ?, ?, 1) ON CONFLICT (trace_id) DO UPDATE SET"
            " started = min(started, excluded.started), seen = excluded.seen, spans = spans + ?",
            (span.trace_id, span.start, self._clock, added),
        )
        self._db.executemany(
            "INSERT OR IGNORE INTO ids VALUES (?, ?, ?)",
            [(tag["value"], tag["key"], span.trace_id) for tag in span.body["tags"] if _is_identifier(tag)],
        )

    def _evict(self) -> None:
        (count,) = self._db.execute("SELECT count(*) FROM traces").fetchone()
        excess = count - self._max_traces
        if excess <= 0:
            return
        oldest = self._db.execute("SELECT trace_id FROM traces ORDER BY seen LIMIT ?", (excess,)).fetchall()
        for table in ("traces", "spans", "ids"):
            self._db.executemany(f"DELETE FROM {table} WHERE trace_id = ?", oldest)  # noqa: S608 - names above

    def services(self) -> list[str]:
        """Names of the services that sent spans."""
        with self._lock:
            return [row[0] for row in self._db.execute("SELECT DISTINCT service FROM spans ORDER BY service")]

    def operations(self, service: str) -> list[str]:
        """Names of the spans of *service*."""
        query = "SELECT DISTINCT operation FROM spans WHERE service = ? ORDER BY operation"
        with self._lock:
            return [row[0] for row in self._db.execute(query, (service,))]

    def trace(self, trace_id: str) -> dict[str, Any] | None:
        """One trace as Jaeger shows it, or None."""
        query = "SELECT service, body, resource FROM spans WHERE trace_id = ?"
        with self._lock:
            rows = self._db.execute(query, (trace_id,)).fetchall()
        return _assemble(trace_id, rows) if rows else None

    def find(
        self,
        *,
        service: str | None = None,
        operation: str | None = None,
        wanted: dict[str, str] | None = None,
        limit: int = 20,
    ) -> list[dict[str, Any]]:
        """The latest traces with a span that fits every condition.

        Args:
            service: of the span.
            operation: name of the span.
            wanted: tags the span must carry; values are compared as text, case ignored.
            limit: at most so many.
        """
        tags = {key: str(value) for key, value in (wanted or {}).items()}
        found = []
        for trace_id in self._candidates(service, operation, tags, limit):
            trace = self.trace(trace_id)
            if trace is not None and _fits(trace, service, operation, tags):
                found.append(trace)
                if len(found) >= limit:
                    break
        return found

    def by_identifier(self, value: str, limit: int = 50) -> list[str]:
        """Ids of traces with a request, conversation, event or similar id equal to *value*, latest first."""
        query = (
            "SELECT DISTINCT trace_id, started FROM ids JOIN traces USING (trace_id)"
            " WHERE value = ? ORDER BY started DESC LIMIT ?"
        )
        with self._lock:
            return [row[0] for row in self._db.execute(query, (value, limit))]

    def _candidates(
        self, service: str | None, operation: str | None, tags: dict[str, str], limit: int
    ) -> list[str]:
        indexed = {key: value for key, value in tags.items() if IDENTIFIER.search(key)}
        if indexed:
            key, value = next(iter(indexed.items()))
            query = (
                "SELECT trace_id FROM ids JOIN traces USING (trace_id) WHERE value = ? AND key = ?"
                " ORDER BY started DESC LIMIT ?"
            )
            arguments: tuple[Any, ...] = (value, key, max(limit, SCANNED_TRACES))
        else:
            query = (
                "SELECT trace_id FROM traces WHERE EXISTS (SELECT 1 FROM spans WHERE spans.trace_id = traces.trace_id"
                " AND service = coalesce(?, service) AND operation = coalesce(?, operation))"
                " ORDER BY started DESC LIMIT ?"
            )
            arguments = (service, operation, SCANNED_TRACES if tags else limit)
        with self._lock:
            return [row[0] for row in self._db.execute(query, arguments)]


def _is_identifier(tag: dict[str, Any]) -> bool:
    value = tag["value"]
    return isinstance(value, str) and 0 < len(value) <= MAX_IDENTIFIER and bool(IDENTIFIER.search(tag["key"]))


def _assemble(trace_id: str, rows: list[tuple[str, str, str]]) -> dict[str, Any]:
    processes: dict[str, Any] = {}
    names: dict[tuple[str, str], str] = {}
    spans = []
    for service, body, resource in rows:
        # Two processes of one service differ in their resource, for example by instance id.
        name = names.setdefault((service, resource), f"p{len(names) + 1}")
        processes.setdefault(name, {"serviceName": service, "tags": json.loads(resource)})
        spans.append({**json.loads(body), "processID": name})
    spans.sort(key=lambda span: (span["startTime"], -span["duration"]))
    return {"traceID": trace_id, "spans": spans, "processes": processes, "warnings": None}


def _fits(trace: dict[str, Any], service: str | None, operation: str | None, tags: dict[str, str]) -> bool:
    return any(
        (service is None or trace["processes"][span["processID"]]["serviceName"] == service)
        and (operation is None or span["operationName"] == operation)
        and _carries(span["tags"], tags)
        for span in trace["spans"]
    )


def _carries(tags: list[dict[str, Any]], wanted: dict[str, str]) -> bool:
    have = {(tag["key"], str(tag["value"]).lower()) for tag in tags}
    return all((key, value.lower()) in have for key, value in wanted.items())
