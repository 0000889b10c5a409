"""``python -m septet_eval`` runs the service."""

from septet_kit import run

from septet_eval.app import SPEC, wire

if __name__ == "__main__":
    run(SPEC, wire)
