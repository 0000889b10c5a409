"""The last scene: replays of the demo's own requests pass a gate, and fail it with a broken prompt."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import tempfile
import time
from importlib.resources import as_file, files
from pathlib import Path

from rich.padding import Padding
from rich.text import Text

from septet_cli.console import err
from septet_cli.demo.session import Session

UNSURE = "I do not know."
MARGIN = "0.5"
"""Loss of the share of answered questions that passes. About ten requests cannot prove a smaller one."""
SHOWN_LINES = 36
_INDENT = 2
_EXAMPLE = re.compile(r"(\{% block example\d_assistant %\}\n).*?(\n\{% endblock %\})", re.DOTALL)
_CITE = "Cite the number of the passage as [n]."


async def gates(s: Session) -> None:
    """The same version passes the gate, and a broken prompt fails it."""
    s.scene("Would a change make answers worse? Replay the requests above")
    code = await _replay(s, "the same version again")
    s.checks.that("gate: the same version passes", code == 0, expected="exit code 0, PASS", got=code)
    with tempfile.TemporaryDirectory(prefix="septet-demo-prompt-") as folder:
        break_prompt(Path(folder))
        code = await _replay(
            s, f'a prompt whose examples say "{UNSURE}"', "--with", f"prompt={folder}", shown=SHOWN_LINES
        )
    s.checks.that("gate: a broken prompt fails", code == 1, expected="exit code 1, FAIL", got=code)


def break_prompt(folder: Path) -> None:
    """Copy the packaged prompts into ``folder``, and break the English one."""
    with as_file(files("septet_generation") / "prompts") as packaged:
        shutil.copytree(packaged, folder, dirs_exist_ok=True)
    for path in folder.glob("answer@*.en.j2"):
        text = _EXAMPLE.sub(rf"\g<1>{UNSURE}\g<2>", path.read_text(encoding="utf-8"))
        path.write_text(text.replace(_CITE, f"If you are not sure, say: {UNSURE}"), encoding="utf-8")


async def _replay(s: Session, what: str, *options: str, shown: int = 1) -> int:
    """Replay the requests of this demo as a user does; print the first lines and return the exit code."""
    span = f"{time.monotonic() - s.began:.0f}s"
    command = ("replay", "--from", span, "--metric", "abstention", "--margin", MARGIN, *options)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SEPTET_KAFKA_")}
    with err.status(f"[dim]septet {' '.join(command)}[/]"):
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "septet_cli",
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={
                **environment,
                "SEPTET_DATA_DIR": str(s.data_dir),
                "COLUMNS": str(s.console.width - _INDENT),
            },
        )
        found, problems = (stream.decode() for stream in await child.communicate())
    s.note(f"septet {' '.join(command)}: {what}")
    text = found if child.returncode in (0, 1, 2) else found + problems
    s.console.print(Padding(Text("\n".join(text.splitlines()[:shown])), (0, 0, 0, _INDENT)))
    return child.returncode or 0
