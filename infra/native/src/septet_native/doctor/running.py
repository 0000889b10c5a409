"""Checks of the stack on the data directory: its ports, its processes, and those that a crash left behind."""

from __future__ import annotations

import psutil

from septet_native.doctor.check import Check
from septet_native.processes import pid_records, ports
from septet_native.processes.health import http_probe
from septet_native.servers.server import Places
from septet_native.stack.settings import StackSettings
from septet_native.stack.start_progress import Starting
from septet_native.stack.state import State


def check_ports(settings: StackSettings, running: State | Starting | None) -> list[Check]:
    """The preferred ports are free. A taken port passes, too, because the stack chooses another."""
    if running is not None:
        return []
    wanted = {
        "kafka": settings.kafka_port,
        "postgres": settings.postgres_port,
        "embeddings": settings.embeddings_port,
        "llm": settings.llm_port,
        "traces": settings.traces_port,
    }
    if settings.stack == "native":
        wanted |= {"opensearch": settings.opensearch_port, "jaeger": settings.jaeger_port}
    checks = []
    for name, port in wanted.items():
        free = port == 0 or ports.is_free(port)
        detail = f"{port} is free" if free else f"another program has {port}: the stack will choose another"
        checks.append(Check(f"port of {name}", True, detail))
    return checks


def check_leftovers(places: Places, running: State | Starting | None) -> Check:
    """No process of an earlier stack runs without it."""
    found = [] if running is not None else pid_records.leftovers(places.run)
    if not found:
        return Check("leftover processes", True, "none")
    names = ", ".join(f"{item.name} (pid {item.process.pid})" for item in found)
    return Check("leftover processes", False, names, "`septet up` ends them, or kill those pids")


def check_starting(starting: Starting) -> Check:
    """A stack that is starting passes; the detail lists its steps."""
    steps = dict(starting.steps)
    waiting = [f"{name} {state}" for name, state in steps.items() if state != "ready"]
    ready = len(steps) - len(waiting)
    rest = f"; {', '.join(waiting)}" if waiting else ""
    return Check("stack", True, f"starting (pid {starting.pid}): {ready} ready{rest}")


async def check_running(running: State | None) -> list[Check]:
    """Every process of the running stack, by its state file and its health endpoint."""
    if running is None:
        return [Check("stack", True, "not running")]
    name = f"the {running.addresses.stack} stack"
    checks = [Check("stack", True, f"{name} runs since {running.started_at} (pid {running.pid})")]
    for left_out in running.missing:
        detail = f"left out: {left_out.message} {left_out.instead}"
        checks.append(Check(f"server {left_out.name}", False, detail, left_out.fix))
    for process in running.processes:
        alive = process.pid is not None and psutil.pid_exists(process.pid)
        if alive and process.kind == "service" and process.port is not None:
            alive = await http_probe(process.port, "/readyz")()
        fix = "" if alive else f"read {process.log}"
        checks.append(
            Check(f"{process.kind} {process.name}", alive, process.state if alive else "not ready", fix)
        )
    return checks
