"""``septet shadow`` on all services: no effect on live traffic, and a planted regression ends it."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from septet_native.processes.ports import free_port

from ..conftest import Backend
from .traffic import ask_all, namespaces, rows_that_name, start, without_citations

pytestmark = pytest.mark.slow

CASES = 20
GATE = (
    "--where",
    "policy=observe",
    "--cases",
    str(CASES),
    "--look",
    "10",
    "--rate",
    "20",
    "--in-flight",
    "8",
)


@pytest.fixture
async def clean(shop: Backend) -> AsyncIterator[None]:
    """No namespace before and after a test."""
    assert await namespaces(shop) == {}
    yield
    assert await namespaces(shop) == {}


async def shadowing(shop: Backend, tenants_file: Path, *options: str) -> asyncio.subprocess.Process:
    """A shadow that follows the log."""
    child = await start(shop, tenants_file, "shadow", *options)
    assert child.stderr is not None
    said = []
    async with asyncio.timeout(180):
        while not said or not said[-1].startswith(b"mirror"):
            said.append(await child.stderr.readline())
            assert said[-1], b"".join(said).decode()
    return child


async def served(port: int, pattern: str) -> str:
    """The metrics of a shadow, once they contain a pattern."""
    async with asyncio.timeout(120), httpx.AsyncClient() as http:
        while True:
            text = (await http.get(f"http://127.0.0.1:{port}")).text
            if re.search(pattern, text):
                return text
            await asyncio.sleep(0.5)


async def finished(child: asyncio.subprocess.Process, timeout: float = 120) -> tuple[int, str, str]:
    """Exit code and output of a shadow that ends by itself; after *timeout* seconds it is interrupted."""
    ending = asyncio.get_running_loop().call_later(timeout, child.send_signal, signal.SIGINT)
    shown, said = await child.communicate()
    ending.cancel()
    return child.returncode or 0, shown.decode(), said.decode()


async def test_an_identical_candidate_passes_beside_live_traffic(
    shop: Backend, tenants_file: Path, clean: None, tmp_path: Path
) -> None:
    report, port = tmp_path / "shadow.json", free_port()
    options = (*GATE, "--share", "1", "--margin", "0.3", "--json", str(report), "--metrics-port", str(port))
    child = await shadowing(shop, tenants_file, *options)
    asked = await ask_all(shop, CASES + 4, policy="observe")
    assert all(r.request_id and not r.request_id.startswith("replay-") for r in asked)
    metrics = await served(port, r'looks_total{verdict="\w+"}')
    assert 'septet_shadow_requests{state="mirrored"}' in metrics
    child.send_signal(signal.SIGINT)
    code, shown, said = await finished(child)
    assert code == 130, shown + said
    assert "FAIL" not in shown + said
    # No live row belongs to the shadow: no cached answer, no feedback, no paid work.
    assert await rows_that_name(shop.addresses.postgres_dsn, "replay-") == {}
    assert await rows_that_name(shop.addresses.postgres_dsn, asked[0].request_id) != {}
    comparison = json.loads(report.read_text())
    assert {case["baseline"]["answer"] == case["candidate"]["answer"] for case in comparison["cases"]} == {
        True
    }


@pytest.mark.embedded
async def test_a_prompt_that_drops_citations_ends_the_shadow(
    shop: Backend, tenants_file: Path, clean: None, tmp_path: Path
) -> None:
    for folder in ("prompts", "policies"):
        (tmp_path / folder).mkdir()
    prompts = without_citations(tmp_path / "prompts")
    (tmp_path / "policies" / "observe.yaml").write_text("output: {citations: {action: flag}}\n")
    change = ("--with", f"prompt={prompts}", "--with", f"policy={tmp_path / 'policies'}")
    child = await shadowing(shop, tenants_file, *GATE, "--share", "1", "--metric", "citation_recall", *change)
    await ask_all(shop, CASES + 4, policy="observe")
    code, shown, said = await finished(child)
    assert code == 1, shown + said
    assert shown.startswith("FAIL")


@pytest.mark.embedded
async def test_a_share_of_conversations_is_mirrored_and_what_does_not_fit_is_dropped(
    shop: Backend, tenants_file: Path, clean: None
) -> None:
    options = (
        "--share",
        "1",
        "--where",
        "policy=observe",
        "--queue",
        "1",
        "--rate",
        "0.2",
        "--in-flight",
        "1",
    )
    port = free_port()
    child = await shadowing(shop, tenants_file, *options, "--metrics-port", str(port))
    asked = await ask_all(shop, 12, policy="observe")
    assert {r.status for r in asked} <= {"answered", "abstained"}
    await served(port, 'dropped{reason="queue_full"}')
    child.send_signal(signal.SIGINT)
    code, shown, said = await finished(child)
    assert code == 130, shown + said
