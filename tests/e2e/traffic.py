"""Traffic for replays and shadows, and their commands."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import septet_generation
from septet_cli.ingest.document import Document
from septet_cli.ingest.publish import publish_documents, upsert
from septet_cli.stub.answers import NO_CITATIONS
from septet_contracts import Response
from septet_kit.access.namespaces import Contents, existing

from ..conftest import Backend

TENANT = "default"
SCHEMAS = ["cache", "eval", "feedback", "gateway", "generation", "retrieval"]


async def start(
    shop: Backend, tenants_file: Path, *arguments: str, **variables: str
) -> asyncio.subprocess.Process:
    """Start a command of ``septet``."""
    env = {
        **os.environ,
        "SEPTET_DATA_DIR": shop.addresses.data_dir,
        "SEPTET_TENANTS_FILE": str(tenants_file),
        "COLUMNS": "200",
        **variables,
    }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "septet_cli", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=env,
    )


async def ask_all(shop: Backend, count: int, **fields: Any) -> list[Response]:
    """Ingest documents in English and Korean, and ask for each of them."""
    run = uuid4().hex[:6]
    documents, questions = [], []
    for n in range(count):
        name = f"{run}-{n}"
        if n % 2:
            documents.append(
                Document(name, f"{name} 창고의 도자기 보관함은 강릉 항구 {n}번 부두 옆에 있습니다.")
            )
            questions.append(f"{name} 창고의 도자기 보관함은 어디에 있나요?")
        else:
            documents.append(Document(name, f"The {name} gateway listens on port {7000 + n} of the host."))
            questions.append(f"Which port does the {name} gateway listen on?")
    report = await publish_documents(
        shop.addresses.connection(), [upsert(d) for d in documents], TENANT, stall=120
    )
    assert report.complete, report.summary()
    places = asyncio.Semaphore(8)

    async def ask(question: str) -> Response:
        async with places:
            return await shop.ask(question, timeout=120, **fields)

    return await asyncio.gather(*map(ask, questions))


async def rows_that_name(dsn: str, text: str) -> dict[str, int]:
    """Number of rows of live tables that contain a text, by table."""
    connection = await asyncpg.connect(dsn)
    try:
        names = await connection.fetch(
            "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname = ANY($1)", SCHEMAS
        )
        query = "SELECT count(*) FROM {} t WHERE t::text LIKE $1"
        counts = {r["name"]: await connection.fetchval(query.format(r["name"]), f"%{text}%") for r in names}
    finally:
        await connection.close()
    return {name: count for name, count in counts.items() if count}


async def namespaces(shop: Backend) -> Mapping[str, Contents]:
    return await existing(shop.addresses.connection("admin"), shop.addresses.postgres_dsn)


async def group_started(shop: Backend) -> None:
    """Wait until a service of a replay has joined its group."""
    async with asyncio.timeout(120):
        while not any(found.groups for found in (await namespaces(shop)).values()):  # noqa: ASYNC110
            await asyncio.sleep(0.5)


def without_citations(folder: Path) -> Path:
    """The packaged prompts, with the instruction to cite turned around."""
    for file in (Path(septet_generation.__file__).parent / "prompts").glob("*.j2"):
        text = file.read_text("utf-8").replace("{% block system %}", "{% block system %}\n" + NO_CITATIONS, 1)
        (folder / file.name).write_text(text, "utf-8")
    return folder
