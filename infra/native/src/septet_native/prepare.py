"""Fetch and build once what the servers need: Kafka's jars and the two models' files.

usage: python -m septet_native.prepare
"""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from septet_native import jars, minilm, smollm
from septet_native.errors import StackError
from septet_native.settings import StackSettings


def main() -> int:
    """Prepare the cache with a progress bar; returns the exit code."""
    cache = StackSettings().places().cache
    columns = (TextColumn("setup: {task.description:<34}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, console=Console()) as progress:
            locked = jars.read_lock()
            task = progress.add_task("Kafka's jars (45 MB)", total=len(locked))
            jars.fetch(locked, cache / "maven", lambda done, _: progress.update(task, completed=done))
            progress.update(task, completed=len(locked))
            models = progress.add_task("embedding and language model", total=2)
            for build in (minilm.ensure_model, smollm.ensure_model):
                build(cache)
                progress.advance(models)
    except StackError as error:
        print(f"setup: {error.message}\nfix: {error.fix}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
