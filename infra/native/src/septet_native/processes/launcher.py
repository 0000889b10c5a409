"""Drops privileges, asks for a signal on the parent's death, and executes another program.

It runs by path with ``python -I -S``, starts fast, and imports nothing of the project.

usage: launcher.py PARENT_PID DEATH_SIGNAL UID GID PROGRAM [ARGUMENT ...]   (UID -1: keep the user)
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> None:
    """Change to the user, set *DEATH_SIGNAL* as the signal of the parent's death, and execute the program."""
    parent, death_signal, uid, gid = (int(value) for value in argv[:4])
    program = argv[4:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # After the change of user, because the kernel clears the death signal when credentials change.
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    # If the parent ended before the call above, the kernel sends no signal.
    if os.getppid() != parent:
        sys.exit(128 + signal.SIGTERM)
    os.execv(program[0], program)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
