"""``septet replay`` on all services: no side effects, and planted regressions are detected."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from septet_cli.evaluation.pace import Pace
from septet_cli.evaluation.store import RunStore
from septet_cli.replay.candidate import parse_candidate
from septet_cli.replay.group import Place, instance_group
from septet_cli.replay.runner import Replayer, replay_all
from septet_cli.replay.selection import parse_selection
from septet_cli.replay.session import Options, prepare, select
from septet_cli.replay.workspace import Workspace
from septet_contracts import Response
from septet_experiments.suites import Decision, SuiteSettings
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.migrate import installed, migrate
from septet_kit.namespace import Namespace
from septet_kit.tenants import Tenants
from septet_native.stack.state import find_state

from ..conftest import Backend
from .traffic import ask_all, group_started, namespaces, start, without_citations

pytestmark = pytest.mark.slow

TENANT = "default"
# The proof with 500 requests takes minutes: SEPTET_TEST_REPLAY=500 python -m pytest tests/e2e/test_replay.py
REQUESTS = int(os.environ.get("SEPTET_TEST_REPLAY", "40"))
# The proof with twenty runs takes minutes, too: SEPTET_TEST_REPLAY_RUNS=20.
RUNS = int(os.environ.get("SEPTET_TEST_REPLAY_RUNS", "4"))
SCHEMAS = ("cache", "eval", "feedback", "gateway", "generation", "retrieval")
# Each process of retrieval notes from time to time that it uses its embedding model.
HEARTBEATS = ("retrieval.models",)
# Forty cases without any change leave a bound of .07: with the default margin of .05 the gate is inconclusive.
MARGIN = ("--margin", "0.1")
Snapshot = dict[str, Any]


async def septet_replay(
    shop: Backend, tenants_file: Path, *arguments: str, timeout: float = 540
) -> tuple[int, str, str]:
    """Run ``septet replay``; return its exit code, standard output and standard error."""
    child = await start(shop, tenants_file, "replay", *arguments)
    shown, said = await asyncio.wait_for(child.communicate(), timeout)
    return child.returncode or 0, shown.decode(), said.decode()


async def tables(dsn: str) -> Snapshot:
    """Number and checksum of the rows of every live table."""
    connection = await asyncpg.connect(dsn)
    try:
        names = await connection.fetch(
            "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname = ANY($1) ORDER BY 1",
            list(SCHEMAS),
        )
        return {
            row["name"]: tuple(
                await connection.fetchrow(
                    f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {row['name']} t"
                )
            )
            for row in names
            if row["name"] not in HEARTBEATS
        }
    finally:
        await connection.close()


async def offsets(kafka: KafkaConnection) -> Snapshot:
    """The end of every partition of every topic, and every committed offset; names of namespaces left out."""
    admin: Any = AIOKafkaAdminClient(**kafka.options())
    consumer: Any = AIOKafkaConsumer(**kafka.options(), enable_auto_commit=False)
    await admin.start()
    await consumer.start()
    try:
        described = await admin.describe_topics(
            [t for t in await admin.list_topics() if not t.startswith("_")]
        )
        places = [TopicPartition(t["topic"], p["partition"]) for t in described for p in t["partitions"]]
        ends = await consumer.end_offsets([p for p in places if not p.topic.startswith("replay-")])
        groups = [g for g, *_ in await admin.list_consumer_groups() if not g.startswith("replay-")]
        committed = {g: await admin.list_consumer_group_offsets(g) for g in groups}
    finally:
        await consumer.stop()
        await admin.close()
    return {
        "ends": ends,
        "committed": {(g, p): o.offset for g, found in committed.items() for p, o in found.items()},
    }


async def snapshot(shop: Backend) -> Snapshot:
    """Everything live, once nothing changes any more."""

    async def take() -> Snapshot:
        return {
            "tables": await tables(shop.addresses.postgres_dsn),
            "log": await offsets(shop.addresses.connection("admin")),
        }

    before = await take()
    for _ in range(30):
        await asyncio.sleep(1)
        found = await take()
        if found == before:
            return found
        before = found
    raise AssertionError("the stack does not come to rest")


@pytest.fixture(scope="module")
async def asked(shop: Backend) -> list[Response]:
    """Logged requests whose policy only observes, so that what a model writes reaches the client."""
    return await ask_all(shop, REQUESTS, policy="observe")


@pytest.fixture
async def clean(shop: Backend) -> AsyncIterator[None]:
    """No namespace before and after a test."""
    assert await namespaces(shop) == {}
    yield
    assert await namespaces(shop) == {}


async def test_an_identical_candidate_passes_and_nothing_live_changes(
    shop: Backend, tenants_file: Path, asked: list[Response], clean: None, tmp_path: Path
) -> None:
    answered = [r for r in asked if r.status == "answered"]
    assert len(answered) > REQUESTS * 0.8
    before = await snapshot(shop)
    report = tmp_path / "replay.json"
    code, shown, said = await septet_replay(
        shop, tenants_file, "--where", "policy=observe", "--json", str(report), "--rate", "20", *MARGIN
    )
    assert code == 0, shown + said
    after = await snapshot(shop)
    assert after == before
    comparison = json.loads(report.read_text())
    assert comparison["verdict"] == "PASS"
    assert comparison["metrics"][0]["n"] >= REQUESTS * 0.8
    assert all(case["baseline"]["answer"] == case["candidate"]["answer"] for case in comparison["cases"])
    traces = [(c["baseline"]["trace_id"], c["candidate"]["trace_id"]) for c in comparison["cases"]]
    assert all(logged and replayed and logged != replayed for logged, replayed in traces)
    assert "not part of live totals" in said


@pytest.mark.embedded
async def test_a_prompt_that_drops_citations_fails_and_its_cases_are_shown(
    shop: Backend, tenants_file: Path, asked: list[Response], clean: None, tmp_path: Path
) -> None:
    """The rail `citations` adds missing citations, so the policy of the candidate only flags them."""
    for folder in ("prompts", "policies"):
        (tmp_path / folder).mkdir()
    prompts = without_citations(tmp_path / "prompts")
    (tmp_path / "policies" / "observe.yaml").write_text("output: {citations: {action: flag}}\n")
    changes = ("--with", f"prompt={prompts}", "--with", f"policy={tmp_path / 'policies'}")
    options = ("--where", "policy=observe", "--rate", "20", "--metric", "citation_recall")
    code, shown, said = await septet_replay(shop, tenants_file, *options, *changes)
    assert code == 1, shown + said
    assert shown.startswith("FAIL")
    assert "language ko" in shown
    assert "40 of 40 cases became worse" in shown or REQUESTS != 40
    assert shown.count("trace ") == 10


@pytest.mark.embedded
async def test_an_index_without_half_of_its_documents_fails(
    shop: Backend, tenants_file: Path, asked: list[Response], clean: None, half_of_the_passages: str
) -> None:
    options = ("--where", "policy=observe", "--with", f"index=schema:{half_of_the_passages}", "--rate", "20")
    code, shown, said = await septet_replay(shop, tenants_file, *options)
    assert code == 1, shown + said
    # The documents are so similar that most answers come from another one, in which they are grounded.
    assert re.search(r"recall +FAIL", shown)


@pytest.fixture
async def half_of_the_passages(shop: Backend) -> AsyncIterator[str]:
    """A schema of retrieval that lacks every other document."""
    dsn, space = shop.addresses.postgres_dsn, Namespace("half")
    await migrate(dsn, installed(["retrieval"], space))
    schema = space.qualify("retrieval")
    connection = await asyncpg.connect(dsn)
    try:
        for table in ("documents", "passages"):
            await connection.execute(
                f'INSERT INTO "{schema}".{table} SELECT * FROM retrieval.{table} WHERE hashtext(document_id) % 2 = 0'
            )
        yield schema
        await connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
    finally:
        await connection.close()


@pytest.mark.embedded
@pytest.mark.timeout(900)
async def test_an_identical_candidate_never_fails_in_several_runs(
    shop: Backend, tenants_file: Path, asked: list[Response], clean: None, tmp_path: Path
) -> None:
    """One instance group, through which the logged requests go several times."""
    verdicts = []
    live = Tenants.load(tenants_file)
    kafka = shop.addresses.connection()
    options = Options(
        parse_candidate([]),
        timedelta(hours=1),
        parse_selection(["policy=observe"]),
        40,
        Pace(None, 16, 60),
        SuiteSettings(
            name="replay", cases=("traffic",), primary=Decision(metric="groundedness", margin=0.05)
        ),
    )
    logged = await select(kafka, live, options)
    place = Place(
        kafka,
        shop.addresses.postgres_dsn,
        replace(live, namespace=Namespace("replay-several")),
        Workspace.of(tmp_path, "replay-several"),
        find_state(Path(shop.addresses.data_dir)),
    )
    async with instance_group(place, options.candidate, lambda *_: None):
        for _ in range(RUNS):
            runs = prepare(RunStore(tmp_path), options, logged.requests)
            run = runs.candidate.path.name
            async with Replayer.opened(
                kafka, place.tenants, run, options.candidate, options.pace
            ) as replayer:
                await replay_all(replayer, logged.requests, runs.candidate, lambda _: None)
            assert all(sample.response for sample in runs.candidate.samples())
            result, _ = runs.compare()
            verdicts.append(result.verdict)
    assert len(logged.requests) == 40
    assert "FAIL" not in verdicts
    assert len(verdicts) == RUNS


async def test_services_elsewhere_are_waited_for(
    shop: Backend, tenants_file: Path, asked: list[Response], clean: None
) -> None:
    """Without a local stack the command prints the variables of each service."""
    addresses = shop.addresses
    child = await start(
        shop,
        tenants_file,
        *("replay", "--where", "policy=observe", "--rate", "20", *MARGIN),
        **addresses.kafka_environment("operator"),
        SEPTET_POSTGRES_OWNER_DSN=addresses.postgres_dsn,
    )
    assert child.stderr is not None
    assert child.stdout is not None
    said: list[str] = []
    services: list[asyncio.subprocess.Process] = []
    try:
        async for line in child.stderr:
            said.append(line.decode())
            step, *words = line.decode().split() or [""]
            if step == "start":
                service = words[-1].removeprefix("septet_")
                given = dict(word.split("=", 1) for word in words[:-3])
                env = {**os.environ, **addresses.environment(service), **given}
                command = (sys.executable, "-m", f"septet_{service}")
                services.append(await asyncio.create_subprocess_exec(*command, env=env))
            if step == "stop":
                for each in services:
                    each.terminate()
        shown = (await child.stdout.read()).decode()
        assert await child.wait() == 0, shown + "".join(said)
        assert "PASS" in shown
        assert len(services) == 3
    finally:
        for each in services:
            if each.returncode is None:
                each.kill()
            await each.wait()


@pytest.mark.embedded
async def test_a_killed_replay_is_found_named_and_removed(
    shop: Backend, tenants_file: Path, asked: list[Response], clean: None
) -> None:
    child = await start(shop, tenants_file, "replay", "--where", "policy=observe", "--rate", "0.5")
    await group_started(shop)
    (name,) = await namespaces(shop)
    child.send_signal(signal.SIGKILL)
    await child.wait()
    code, shown, _ = await septet_replay(shop, tenants_file, "clean", "--dry-run")
    assert code == 0
    assert name in shown
    assert name in await namespaces(shop)
    code, shown, said = await septet_replay(shop, tenants_file, "clean", name)
    assert code == 0, shown + said


@pytest.mark.embedded
async def test_an_interrupted_replay_removes_its_namespace(
    shop: Backend, tenants_file: Path, asked: list[Response], clean: None
) -> None:
    child = await start(shop, tenants_file, "replay", "--where", "policy=observe", "--rate", "0.5")
    await group_started(shop)
    child.send_signal(signal.SIGINT)
    await asyncio.wait_for(child.communicate(), 60)
    assert child.returncode == 130
