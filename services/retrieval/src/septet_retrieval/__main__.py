"""Run retrieval: ``python -m septet_retrieval``."""

from septet_kit import run

from septet_retrieval.app import SPEC, wire

if __name__ == "__main__":
    run(SPEC, wire)
