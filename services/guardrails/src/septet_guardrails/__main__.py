from septet_kit import run

from septet_guardrails.app import SPEC, wire

run(SPEC, wire)
