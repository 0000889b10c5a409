"""``python -m septet_feedback`` runs the service."""

from septet_kit import run

from septet_feedback.app import SPEC, wire

if __name__ == "__main__":
    run(SPEC, wire)
