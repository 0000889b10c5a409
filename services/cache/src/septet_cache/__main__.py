"""Run the cache: ``python -m septet_cache``."""

from septet_kit import run

from septet_cache.app import SPEC, wire

if __name__ == "__main__":
    run(SPEC, wire)
