"""Child processes: start, health, restart and stop; no child outlives its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from septet_native.errors import DiskFull, NotWritable, ServerFailed
from septet_native.processes.health import wait_healthy
from septet_native.processes.process import Command, Process, tail
from septet_native.processes.supervisor import Spec, Supervised
from septet_native.processes.tool import run_tool

SLEEP = "import time; time.sleep(60)"
IGNORES_SIGTERM = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ignoring', flush=True); time.sleep(60)"


def command(tmp_path: Path, code: str, grace: float = 5) -> Command:
    """A Python one-liner as a server."""
    return Command(
        name="thing",
        argv=(sys.executable, "-c", code),
        log=tmp_path / "logs" / "thing.log",
        env=dict(os.environ),
        grace=timedelta(seconds=grace),
    )


async def ready() -> bool:
    return True


async def never() -> bool:
    return False


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for *condition*."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0.02)


async def test_stop_sends_the_stop_signal_first(tmp_path: Path) -> None:
    process = await Process.spawn(command(tmp_path, SLEEP), tmp_path / "run")
    assert (tmp_path / "run" / "thing.json").exists()
    await until(lambda: process.rss_mb() > 1)
    assert await process.stop() == -signal.SIGTERM
    assert not list((tmp_path / "run").iterdir())


async def test_stop_kills_a_process_that_ignores_the_signal(tmp_path: Path) -> None:
    process = await Process.spawn(command(tmp_path, IGNORES_SIGTERM, grace=0.3), tmp_path / "run")
    await until(lambda: "ignoring" in tail(process.command.log))
    assert await process.stop() == -signal.SIGKILL


async def test_previous_log_is_kept(tmp_path: Path) -> None:
    for text in ("first", "second"):
        process = await Process.spawn(command(tmp_path, f"print({text!r})"), tmp_path / "run")
        assert await process.wait() == 0
    assert tail(tmp_path / "logs" / "thing.log") == "second"
    assert tail(tmp_path / "logs" / "thing.log.1") == "first"


async def test_log_that_cannot_be_written_raises_not_writable(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    with pytest.raises(NotWritable):
        await Process.spawn(command(tmp_path, SLEEP), tmp_path / "run")


async def test_error_of_an_early_exit_contains_the_log_and_a_fix(tmp_path: Path) -> None:
    code = "import sys; print('bind: Address already in use'); sys.exit(3)"
    process = await Process.spawn(command(tmp_path, code), tmp_path / "run")
    with pytest.raises(ServerFailed, match="exit status 3") as caught:
        await wait_healthy(process, never, timedelta(seconds=10))
    assert "Address already in use" in caught.value.message
    assert "port" in caught.value.fix


async def test_full_disk_raises_disk_full(tmp_path: Path) -> None:
    code = "import sys; print('write failed: No space left on device'); sys.exit(1)"
    process = await Process.spawn(command(tmp_path, code), tmp_path / "run")
    with pytest.raises(DiskFull):
        await wait_healthy(process, never, timedelta(seconds=10))
    with pytest.raises(DiskFull, match="formatting failed"):
        await run_tool((sys.executable, "-c", code), "formatting failed", "")


async def test_tool_is_killed_when_its_caller_is_cancelled(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    tool = asyncio.create_task(run_tool((sys.executable, "-c", code), "", ""))
    await until(lambda: pid_file.exists() and bool(pid_file.read_text()))
    tool.cancel()
    await asyncio.gather(tool, return_exceptions=True)
    assert not psutil.pid_exists(int(pid_file.read_text()))


async def test_server_that_hangs_fails_after_the_timeout(tmp_path: Path) -> None:
    process = await Process.spawn(command(tmp_path, SLEEP), tmp_path / "run")
    try:
        with pytest.raises(ServerFailed, match="did not become healthy"):
            await wait_healthy(process, never, timedelta(seconds=0.2))
    finally:
        await process.stop()


async def test_failed_start_leaves_no_process(tmp_path: Path) -> None:
    spec = Spec("service", command(tmp_path, SLEEP), never, None)
    supervised = Supervised(spec, tmp_path / "run", timedelta(seconds=0.2), lambda: None)
    with pytest.raises(ServerFailed):
        await supervised.start()
    assert supervised.status().state == "failed"
    assert supervised.status().pid is None


async def test_unexpected_exit_is_followed_by_a_restart(tmp_path: Path) -> None:
    changes = 0

    def changed() -> None:
        nonlocal changes
        changes += 1

    spec = Spec("service", command(tmp_path, SLEEP), ready, 1)
    supervised = Supervised(spec, tmp_path / "run", timedelta(seconds=5), changed)
    await supervised.start()
    first = supervised.status().pid
    assert first is not None
    before = changes
    os.kill(first, signal.SIGKILL)
    await until(lambda: supervised.status().state == "ready" and supervised.status().pid != first)
    assert supervised.status().restarts == 1
    assert changes > before
    await supervised.stop()
    assert supervised.status().pid is None


PARENT = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from septet_native.processes.process import Command, Process
async def main():
    folder = Path(sys.argv[1])
    command = Command("child", (sys.executable, "-c", "import time; time.sleep(60)"), folder / "child.log", {})
    process = await Process.spawn(command, folder / "run")
    print(process.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
def test_no_child_outlives_a_killed_parent(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        # The launcher must have asked for the death signal before the parent ends.
        time.sleep(0.3)
        parent.kill()
    deadline = time.monotonic() + 5
    while psutil.pid_exists(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(child)
