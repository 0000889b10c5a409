"""``python -m septet_cli``: the same as ``septet``."""

from __future__ import annotations

from septet_cli.main import app

if __name__ == "__main__":
    app(prog_name="septet")
