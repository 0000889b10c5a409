"""Downloads and builds of ``make setup``: Kafka's jars and the files of the models.

usage: python -m septet_native.prepare
"""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from septet_native.errors import StackError
from septet_native.models import smollm
from septet_native.models.build import MODELS
from septet_native.packages import jars
from septet_native.stack.settings import StackSettings


def main() -> int:
    """Fill the cache and show a progress bar; returns the exit code."""
    cache = StackSettings().places().cache
    columns = (TextColumn("setup: {task.description:<34}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, console=Console()) as progress:
            locked = jars.read_lock("kafka")
            task = progress.add_task("Kafka's jars (45 MB)", total=len(locked))
            jars.fetch(
                locked, jars.repository("kafka", cache), lambda done, _: progress.update(task, completed=done)
            )
            progress.update(task, completed=len(locked))
            task = progress.add_task("embedding and language models", total=1 + len(MODELS))
            smollm.ensure_model(cache)
            progress.advance(task)
            for model in MODELS.values():
                model.ensure(cache)
                progress.advance(task)
    except StackError as error:
        print(f"setup: {error.message}\nfix: {error.fix}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
