"""A watch on the parent process, for systems whose kernel sends no signal when a parent dies."""

from __future__ import annotations

import os
import signal
import threading
import time


def follow_parent(interval: float = 1.0) -> None:
    """Send SIGTERM to this process once its parent has ended; check every *interval* seconds."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(interval)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()
