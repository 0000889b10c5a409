"""``python -m benchmarks.pgvector.measure``: writes ``results/pgvector.json``.

Uses vectors of real texts if the data sets exist (``SEPTET_DATA``); the first run embeds them.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from benchmarks.pgvector.precision import precision
from benchmarks.pgvector.release import release
from benchmarks.pgvector.server import corpus, server
from benchmarks.pgvector.tenants import tenants

RESULT = Path(__file__).parent / "results" / "pgvector.json"


async def main() -> None:
    data = corpus()
    result: dict[str, Any] = {
        "command": "python -m benchmarks.pgvector.measure",
        "passages": len(data.passages),
        "questions": len(data.questions),
        "source": data.source,
    }
    async with server() as postgres:
        result["precision"] = await precision(postgres.dsn, data)
        result["tenants"] = await tenants(postgres, data)
        result["release"] = await release(postgres)
    result["load_average"] = round(os.getloadavg()[0], 1)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    asyncio.run(main())
