"""``python -m septet_generation``."""

from septet_kit import run

from septet_generation.app import SPEC, wire

if __name__ == "__main__":
    run(SPEC, wire)
