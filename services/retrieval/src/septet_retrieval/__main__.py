"""``python -m septet_retrieval`` runs the service; ``python -m septet_retrieval reindex`` rebuilds its index."""

import sys

from septet_kit import run

from septet_retrieval.app import SPEC, wire

if __name__ == "__main__":
    if sys.argv[1:2] == ["reindex"]:
        from septet_retrieval.command import main

        sys.exit(main(sys.argv[2:]))
    run(SPEC, wire)
