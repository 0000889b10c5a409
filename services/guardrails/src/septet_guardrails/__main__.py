"""Run the guardrails service: ``python -m septet_guardrails``."""

from septet_kit import run

from septet_guardrails.app import SPEC, wire

if __name__ == "__main__":
    run(SPEC, wire)
