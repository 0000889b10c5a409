"""``python -m septet_native.traces --port 4318 --data FILE``."""

from __future__ import annotations

import argparse
from pathlib import Path

from septet_native.processes.http_server import run_app
from septet_native.processes.parent import follow_parent
from septet_native.traces.app import create_app
from septet_native.traces.store import TraceStore


def main() -> None:
    """Receive traces by OTLP/HTTP on loopback and show them."""
    parser = argparse.ArgumentParser(prog="python -m septet_native.traces", description=main.__doc__)
    parser.add_argument("--port", type=int, default=4318)
    parser.add_argument("--data", type=Path, help="SQLite file (default: nothing is kept)")
    parser.add_argument("--max-traces", type=int, default=5000, help="older ones are dropped")
    parser.add_argument("--follow-parent", action="store_true", help="end when the parent process ends")
    arguments = parser.parse_args()
    if arguments.follow_parent:
        follow_parent()
    store = TraceStore(arguments.data or ":memory:", arguments.max_traces)
    run_app(create_app(store), arguments.port)
    store.close()


if __name__ == "__main__":
    main()
