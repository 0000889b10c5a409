"""``septet cache warm`` and ``septet cache advise`` on all services."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from septet_cli.ingest.document import Document
from septet_cli.ingest.publish import publish_documents, upsert

from ..conftest import Backend

pytestmark = pytest.mark.slow

TENANT = "default"


async def septet(shop: Backend, tenants_file: Path, *arguments: str) -> tuple[int, str]:
    """Run a command of the command line; return its exit code and its standard output."""
    env = {
        **os.environ,
        "SEPTET_DATA_DIR": shop.addresses.data_dir,
        "SEPTET_TENANTS_FILE": str(tenants_file),
        "COLUMNS": "200",
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "septet_cli", *arguments, stdout=asyncio.subprocess.PIPE, env=env
    )
    shown, _ = await asyncio.wait_for(child.communicate(), 120)
    return child.returncode or 0, shown.decode()


@pytest.fixture
async def questions(shop: Backend) -> list[str]:
    """Two questions with an answer in a document, and one without."""
    name = uuid4().hex[:6]
    documents = [
        Document(f"warm-{name}-en", f"The {name} gateway listens on port 7381 of the host."),
        Document(f"warm-{name}-ko", f"{name} 창고의 도자기 보관함은 강릉 항구 옆에 있습니다."),
    ]
    report = await publish_documents(
        shop.addresses.connection(), [upsert(d) for d in documents], TENANT, stall=60
    )
    assert report.complete, report.summary()
    return [
        f"Which port does the {name} gateway listen on?",
        f"{name} 창고의 도자기 보관함은 어디에 있나요?",
        f"Who painted the ceiling of the {name} opera in 1923?",
    ]


async def until_hit(shop: Backend, question: str, **fields: Any) -> str:
    """Cache status of the question, asked until it is a hit: the cache follows the log with a short delay."""
    for _ in range(10):
        response = await shop.ask(question, **fields)
        status = response.cache.status if response.cache else "none"
        if status.startswith("hit"):
            return status
        await asyncio.sleep(0.5)
    return status


async def test_answers_are_computed_in_advance_and_the_traffic_is_reported(
    shop: Backend, tenants_file: Path, questions: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "questions.txt"
    file.write_text("\n".join(questions), encoding="utf-8")

    code, shown = await septet(shop, tenants_file, "cache", "warm", str(file))
    assert (code, "2 answers admitted, 0 stored before, 1 not admitted" in shown) == (3, True), shown
    assert "questions.txt:3: Who painted" in shown
    assert [await until_hit(shop, q) for q in questions[:2]] == ["hit_exact", "hit_exact"]

    code, shown = await septet(shop, tenants_file, "cache", "warm", str(file))
    assert (code, "(3 by an earlier run today;" in shown) == (3, True), shown
    code, shown = await septet(shop, tenants_file, "cache", "warm", str(file), "--run", "again")
    assert (code, "0 answers admitted, 2 stored before, 1 not admitted" in shown) == (3, True), shown

    response = await shop.ask(questions[0], cache={"use": "bypass"})
    assert response.status == "answered"
    code, shown = await septet(shop, tenants_file, "cache", "advise", "--hours", "1", "--json")
    advice = json.loads(shown)
    assert code == 0
    assert advice["served"]["hit_exact"] >= 4
    unserved = {(group["cause"], group["repeats"] > 0) for group in advice["unserved"]}
    assert {("bypassed", True), ("not_admitted", True)} <= unserved, advice["unserved"]
    assert any("bypass" in line for line in advice["advice"])

    code, shown = await septet(shop, tenants_file, "cache", "warm", "--top", "100", "--dry-run")
    candidates = [json.loads(line)["question"] for line in shown.splitlines()]
    assert code == 0
    assert questions[2] in candidates
    assert not {*questions[:2]} & {*candidates}
    code, shown = await septet(shop, tenants_file, "cache", "advise", "--hours", "1")
    assert (code, "its rules allow" in shown) == (0, True), shown
