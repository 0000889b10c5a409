"""Status screen of a running stack, for `septet up` and `septet stack status`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from septet_native.processes.process_state import ProcessState
from septet_native.stack.addresses import Addresses
from septet_native.stack.state import Missing

STYLES = {"ready": "green", "starting": "yellow", "restarting": "yellow", "failed": "red", "stopped": "dim"}


def status_screen(
    processes: Sequence[ProcessState],
    addresses: Addresses,
    uptime_s: float,
    missing: Sequence[Missing] = (),
    *,
    background: bool = False,
) -> RenderableType:
    """The processes, the servers that were left out, the addresses and the next commands."""
    table = Table(box=None, pad_edge=False, header_style="bold dim")
    for name in ("", "state", "pid", "port", "memory", "restarts", "log"):
        table.add_column(name, justify="right" if name in ("pid", "port", "memory", "restarts") else "left")
    kind = ""
    for process in processes:
        if kind and process.kind != kind:
            table.add_row()
        kind = process.kind
        table.add_row(
            process.name,
            Text(process.state, style=STYLES.get(process.state, "")),
            str(process.pid or "-"),
            str(process.port or "-"),
            f"{process.rss_mb:.0f} MB" if process.rss_mb else "-",
            Text(str(process.restarts), style="red" if process.restarts else "dim"),
            Text(_short(process.log, addresses.data_dir), style="dim"),
        )
    ready = sum(p.state == "ready" for p in processes)
    total = sum(p.rss_mb for p in processes)
    head = Text.assemble(
        ("septet", "bold"),
        f"  {ready}/{len(processes)} ready · up {_duration(uptime_s)} · {total / 1000:.1f} GB",
    )
    return Group(head, Text(), table, Text(), *map(_left_out, missing), _places(addresses, background))


def _left_out(missing: Missing) -> Text:
    return Text.assemble(
        (f"{missing.name} left out: ", "yellow"),
        f"{missing.message} Now {missing.instead}.\n",
        ("fix: ", "green"),
        f"{missing.fix}\n",
    )


def _places(addresses: Addresses, background: bool) -> Text:
    stop = "septet stack down" if background else "Ctrl-C stops everything"
    places = {
        "Kafka": f"{addresses.kafka} ({addresses.kafka_protocol})",
        "search": addresses.opensearch_url,
        "traces": addresses.traces_url,
        "data": addresses.data_dir,
        "logs": f"{addresses.data_dir}/logs",
        "next": f'septet ingest docs/   ·   septet ask "…"   ·   {stop}',
    }
    lines = Text()
    for number, (name, place) in enumerate((n, p) for n, p in places.items() if p):
        lines.append("\n" if number else "").append(f"{name:<8}", "dim").append(place)
    return lines


def _short(path: str, data_dir: str) -> str:
    return path.removeprefix(data_dir).lstrip("/")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
