"""What `septet up` shows while the stack runs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from septet_native.addresses import Addresses
from septet_native.state import ProcessState

STYLES = {"ready": "green", "starting": "yellow", "restarting": "yellow", "failed": "red", "stopped": "dim"}


def status_screen(processes: Sequence[ProcessState], addresses: Addresses, uptime_s: float) -> RenderableType:
    """One table of processes, the addresses, and what to do next."""
    table = Table(box=None, pad_edge=False, header_style="bold dim")
    for name in ("", "state", "pid", "port", "memory", "restarts", "log"):
        table.add_column(name, justify="right" if name in ("pid", "port", "memory", "restarts") else "left")
    kind = ""
    for process in processes:
        if kind and process.kind != kind:
            table.add_row()
        kind = process.kind
        table.add_row(
            process.name, Text(process.state, style=STYLES.get(process.state, "")), str(process.pid or "-"),
            str(process.port or "-"), f"{process.rss_mb:.0f} MB" if process.rss_mb else "-",
            Text(str(process.restarts), style="red" if process.restarts else "dim"),
            Text(_short(process.log, addresses.data_dir), style="dim"),
        )  # fmt: skip
    ready = sum(p.state == "ready" for p in processes)
    total = sum(p.rss_mb for p in processes)
    head = Text.assemble(
        ("septet", "bold"), f"  {ready}/{len(processes)} ready · up {_duration(uptime_s)} · {total / 1000:.1f} GB",
    )  # fmt: skip
    return Group(head, Text(), table, Text(), _places(addresses))


def _places(addresses: Addresses) -> Text:
    return Text.assemble(
        ("Kafka   ", "dim"), addresses.kafka, "\n",
        ("traces  ", "dim"), addresses.traces_url, "\n",
        ("data    ", "dim"), addresses.data_dir, "\n",
        ("next    ", "dim"), 'septet ingest docs/   ·   septet ask "…"   ·   Ctrl-C stops everything',
    )  # fmt: skip


def _short(path: str, data_dir: str) -> str:
    return path.removeprefix(data_dir).lstrip("/")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
