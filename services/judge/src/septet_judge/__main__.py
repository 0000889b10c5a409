"""``python -m septet_judge`` runs the service."""

from septet_kit import run

from septet_judge.app import SPEC, wire

if __name__ == "__main__":
    run(SPEC, wire)
