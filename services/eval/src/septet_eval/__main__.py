from septet_kit import run

from septet_eval.app import SPEC, wire

run(SPEC, wire)
