"""``python -m septet_native.credentials DIR`` writes the passwords and certificates of a stack of containers."""

from __future__ import annotations

import argparse
from pathlib import Path

from septet_native.credentials.containers import Layout


def main() -> None:
    """Write the credentials below the directory named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m septet_native.credentials", description=main.__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--database", default="postgres:5432", help="host:port of PostgreSQL")
    options = parser.parse_args()
    Layout(options.directory, options.database).write()


if __name__ == "__main__":
    main()
