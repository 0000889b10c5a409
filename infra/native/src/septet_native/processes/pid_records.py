"""Pid records of started processes, by which a later start ends the processes that a crash left behind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Leftover:
    """A recorded process that still runs."""

    name: str
    process: psutil.Process


def write(run_dir: Path, name: str, pid: int) -> None:
    """Record *pid* with its creation time, which distinguishes it from a later process with the same pid."""
    run_dir.mkdir(parents=True, exist_ok=True)
    try:
        created = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return
    (run_dir / f"{name}.json").write_text(json.dumps({"pid": pid, "created": created}))


def remove(run_dir: Path, name: str) -> None:
    """Delete the record of a process that has ended."""
    (run_dir / f"{name}.json").unlink(missing_ok=True)


def is_alive(pid: int, created: float) -> psutil.Process | None:
    """The running process *pid* if its creation time is *created* (seconds since the epoch), else None."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - created) < 0.05
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def leftovers(run_dir: Path) -> list[Leftover]:
    """Recorded processes that still run."""
    found = []
    for path in sorted(run_dir.glob("*.json")):
        try:
            record = json.loads(path.read_text())
            process = is_alive(int(record["pid"]), float(record["created"]))
        except (ValueError, KeyError, TypeError):
            # A crash can truncate a record.
            process = None
        if process is not None:
            found.append(Leftover(path.stem, process))
    return found


def reap(run_dir: Path, grace: float = 8.0) -> list[str]:
    """End the recorded processes that still run; returns their names.

    Args:
        run_dir: directory of the records.
        grace: seconds between SIGTERM and SIGKILL.
    """
    found = leftovers(run_dir)
    family = [child for item in found for child in _descendants(item.process)]
    for item in found:
        _signal(item.process, kill=False)
    _, alive = psutil.wait_procs([item.process for item in found] + family, timeout=grace if found else 0)
    for process in alive:
        _signal(process, kill=True)
    psutil.wait_procs(alive, timeout=2)
    for path in run_dir.glob("*.json"):
        path.unlink(missing_ok=True)
    return [item.name for item in found]


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        if kill:
            process.kill()
        else:
            process.terminate()
    except psutil.NoSuchProcess:
        return
