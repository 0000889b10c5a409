"""A background stack: starts once, survives its shell, and stops without leftover processes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from septet_cli import daemon
from septet_cli.embedded import stack_settings
from septet_cli.errors import CliError
from septet_native.stack import start_progress
from septet_native.stack.data_dir import remove_data_dir
from septet_native.stack.settings import StackSettings
from septet_native.stack.state import find_state

PORTS = [name for name in StackSettings.model_fields if name.endswith("_port")]


async def septet(data_dir: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """Run ``septet stack`` in its own session, as a shell does."""
    environment = {
        **os.environ,
        **{f"SEPTET_{name.upper()}": "0" for name in PORTS},
        "SEPTET_DATA_DIR": str(data_dir),
        "SEPTET_LLM": "false",
        "SEPTET_LLM_URL": "http://127.0.0.1:9/v1",
        **variables,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "septet_cli",
        "stack",
        *arguments,
        "--stack",
        "embedded",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@pytest.fixture
async def data_dir(tmp_path: Path) -> AsyncIterator[Path]:
    yield tmp_path / "data"
    await daemon.stop(tmp_path / "data")
    remove_data_dir(tmp_path / "data")


@pytest.mark.servers
@pytest.mark.timeout(240)
async def test_up_is_idempotent_and_down_stops_every_process(data_dir: Path) -> None:
    code, output = await septet(data_dir, "up")
    assert code == 0, output
    assert "ready after" in output
    state = find_state(data_dir)
    assert state is not None
    assert start_progress.read_starting(data_dir) is None

    code, output = await septet(data_dir, "up")
    assert (code, f"already running (pid {state.pid})" in output) == (0, True), output
    code, output = await septet(data_dir, "status")
    assert code == 0, output
    assert state.addresses.kafka in output

    processes = [psutil.Process(p.pid) for p in state.processes if p.pid] + [psutil.Process(state.pid)]
    code, output = await septet(data_dir, "down")
    assert (code, "stopped: stack" in output) == (0, True), output
    assert not any(process.is_running() and process.status() != "zombie" for process in processes)
    assert find_state(data_dir) is None
    assert (await septet(data_dir, "status"))[0] == 1
    assert "no embedded stack runs" in (await septet(data_dir, "down"))[1]


@pytest.mark.servers
async def test_a_failed_start_shows_its_log(data_dir: Path) -> None:
    blocking_file = data_dir / "kafka"
    await asyncio.to_thread(blocking_file.parent.mkdir)
    await asyncio.to_thread(blocking_file.touch)
    code, output = await septet(data_dir, "up")
    assert code == 1
    assert "did not start" in output
    assert "fix:" in output


def test_an_unknown_stack_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="--stack cloud: no such stack"):
        stack_settings("cloud", tmp_path)


def test_another_process_can_read_the_steps_of_a_start(tmp_path: Path) -> None:
    with start_progress.ProgressFile(tmp_path) as progress:
        progress.step("kafka", "preparing")
        progress.step("kafka", "ready")
        found = start_progress.read_starting(tmp_path)
        assert found is not None
        assert found.pid == os.getpid()
        assert found.steps == (("kafka", "preparing"), ("kafka", "ready"))
    assert start_progress.read_starting(tmp_path) is None
    with pytest.raises(CliError), start_progress.ProgressFile(tmp_path) as progress:
        raise CliError("it failed", "")
    assert start_progress.read_starting(tmp_path) is not None
    start_progress.starting_file(tmp_path).write_text('{"pid": 1, "created": 5.0, "steps": []}')
    assert start_progress.read_starting(tmp_path) is None
