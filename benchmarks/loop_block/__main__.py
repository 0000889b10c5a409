"""The longest block of each service's event loop, for records at their size limits.

``python -m benchmarks.loop_block`` runs every case and fails if a service blocks its loop for more than 50 ms.
``--json FILE`` writes the result, ``--only NAME`` runs one service, ``--slowest N`` prints the N slowest cases.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.loop_block.case import Case
from benchmarks.loop_block.meter import longest_block

SERVICES = ("decoding", "guardrails", "cache", "retrieval", "generation", "eval", "feedback")
LIMIT_MS = 50.0


async def measure(name: str, slowest: int) -> dict[str, Any]:
    """Run all cases of a service in sequence."""
    cases: Callable[[], Iterator[Case]] = import_module(f"benchmarks.loop_block.{name}").cases
    found, rejected = [], 0
    for case in cases():
        gc.collect()
        gc.freeze()  # as a service does after its start
        block, handled = await longest_block(case.run)
        rejected += not handled
        found.append((round(block.longest_ms, 1), case.name))
    found.sort(reverse=True)
    for longest, what in found[:slowest]:
        print(f"  {longest:8.1f} ms  {what}")
    print(f"  {len(found)} cases, {rejected} of them rejected")
    return {"longest_block_ms": found[0][0], "by": found[0][1], "cases": len(found), "refused": rejected}


def main() -> int:
    """Measure the named services, each on its own loop; return 1 if a loop was blocked too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=SERVICES, action="append")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--slowest", type=int, default=3)
    options = parser.parse_args()
    results = {}
    for name in options.only or SERVICES:
        print(name, flush=True)
        results[name] = uvloop.run(measure(name, options.slowest))
    if options.json:
        about = {"limit_ms": LIMIT_MS, "python": platform.python_version(), "machine": platform.machine()}
        options.json.write_text(json.dumps({**about, "services": results}, indent=1) + "\n", encoding="utf-8")
    late = [name for name, result in results.items() if result["longest_block_ms"] > LIMIT_MS]
    for name in late:
        print(
            f"{name}: loop blocked for {results[name]['longest_block_ms']} ms (limit {LIMIT_MS:.0f} ms)",
            file=sys.stderr,
        )
    return bool(late)


if __name__ == "__main__":
    sys.exit(main())
