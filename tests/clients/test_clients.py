"""Runs the suites of others, each in a process of its own. The output has the counts and each skip's reason."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from benchmarks.peers import environment as bench

from .conftest import Gateway
from .environment import ENVIRONMENT, NODE, OPENAI_TESTS

pytestmark = [pytest.mark.servers, pytest.mark.slow]

SUITES = Path(__file__).with_name("suites")
OPENAI_FILES = ("chat/test_completions.py", "test_models.py", "test_embeddings.py", "test_responses.py")
PYTEST = (str(ENVIRONMENT.python), "-m", "pytest", "-p", "expected", "-p", "no:cacheprovider", "-q", "-rs")


needs_node = pytest.mark.skipif(
    shutil.which("node") is None or shutil.which("npm") is None, reason="npm: node or npm is missing"
)


async def run(*command: str, cwd: Path, gateway: Gateway) -> str:
    """Run a program that must succeed; returns its output."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env={**gateway.environment, "PYTHONPATH": str(SUITES)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    text = output.decode(errors="replace")
    print(text)
    assert process.returncode == 0, text
    return text


async def test_the_openai_package(gateway: Gateway) -> None:
    """Its own tests, from its source distribution, and tests of the Responses API in the same strict mode."""
    files = [f"tests/api_resources/{name}" for name in OPENAI_FILES]
    own = ("-o", "addopts=", "--tb=short", "--suite", "openai")
    await run(*PYTEST, *own, *files, cwd=OPENAI_TESTS, gateway=gateway)
    await run(*PYTEST, "-c", "pytest.ini", "--suite", "own", "openai_suite.py", cwd=SUITES, gateway=gateway)


@pytest.mark.parametrize("name", ["langchain", "litellm"])
async def test_a_library(name: str, gateway: Gateway) -> None:
    suite = ("--suite", name, f"{name}_suite.py")
    await run(*PYTEST, "-c", "pytest.ini", *suite, cwd=SUITES, gateway=gateway)


async def test_llama_index(gateway: Gateway) -> None:
    """In the environment of the benchmark's peers: LlamaIndex needs an older openai package than the other clients."""
    if not bench.installed():
        pytest.skip(f"llama-index: run `{bench.COMMAND}`")
    await run(str(bench.PYTHON), "llama_index_smoke.py", cwd=SUITES, gateway=gateway)


@needs_node
async def test_packages_of_npm(gateway: Gateway) -> None:
    """``openai`` and ``ai``. Modules are found from the script's folder, so it runs from a copy there."""
    shutil.copyfile(Path(__file__).with_name("node") / "smoke.mjs", NODE / "smoke.mjs")
    await run("node", "smoke.mjs", cwd=NODE, gateway=gateway)


@needs_node
async def test_compatcanary(gateway: Gateway) -> None:
    """One probe fails: tools are never called."""
    scan = ("scan", "--model", "septet", "--format", "json", "--fail-on", "never")
    report = await run("node", "node_modules/compatcanary/src/cli.js", *scan, cwd=NODE, gateway=gateway)
    results = json.loads(report)["results"]
    assert len(results) == 7
    failed = [probe["name"] for probe in results if probe["status"] != "pass"]
    assert failed == ["Forced tool call"]
