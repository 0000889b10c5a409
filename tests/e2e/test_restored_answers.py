"""The user reads their own personal data in the answer, and nothing between request and response holds it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from septet_cli.stub import server
from septet_cli.stub.server import StubOptions, serve_stub
from septet_contracts import TOPICS, Response, topic

from ..conftest import Backend, stack_settings, started

MAIL, OTHER, PHONE, KOREAN_MAIL = (
    "kim.lee@example.org",
    "kimlee@example.org",
    "010-2345-6789",
    "minji@example.kr",
)
VALUES = (MAIL, OTHER, PHONE, KOREAN_MAIL)
PUBLIC = {topic("requests").name, topic("responses").name, topic("responses.v1").name}
SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}
DRAFTS = {
    "Write": ("Shall I write to <EMAIL_1>?", "I write to <EMAIL_2> and then to <EMAIL_1>."),
    "Call": ("I call <PHONE_1>.",),
    "메일": ("<EMAIL_1>로 메일을 보내겠습니다.",),
    "Fill": ('{"to": "<EMAIL_1>"}',),
}
QUESTIONS: dict[str, dict[str, Any]] = {
    "Write": {
        "question": f"Write to {MAIL} and to {OTHER}.",
        "expected": f"I write to {OTHER} and then to {MAIL}.",
    },
    "Call": {"question": f"Call my phone {PHONE}.", "expected": f"I call {PHONE}."},
    "메일": {
        "question": f"메일 주소는 {KOREAN_MAIL}입니다. 연락 주세요.",
        "expected": f"{KOREAN_MAIL}로 메일을 보내겠습니다.",
    },
    "Fill": {
        "question": f"Fill in my address {MAIL}.",
        "expected": json.dumps({"to": MAIL}),
        "output_schema": SCHEMA,
    },
}


class Model:
    """Answers with the drafts of :data:`DRAFTS`, and keeps every prompt."""

    def __init__(self) -> None:
        self.prompts: list[str] = []

    def __call__(self, messages: Sequence[Mapping[str, Any]], *_: Any) -> str:
        prompt = json.dumps(messages, ensure_ascii=False)
        self.prompts.append(prompt)
        drafts = next(drafts for word, drafts in DRAFTS.items() if word in str(messages[-1]["content"]))
        return drafts[-1] if drafts[0] in prompt else drafts[0]


@dataclass(frozen=True)
class Scene:
    """A stack that has answered every question, and what the model read."""

    backend: Backend
    prompts: list[str]
    responses: dict[str, Response]


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    """Replaces the answers of the stub."""
    made = Model()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "answer", made)
        yield made


@pytest.fixture(scope="module")
async def scene(model: Model, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("restored")
    (folder / "policies").mkdir()
    (folder / "policies" / "own.yaml").write_text("input:\n  pii: {action: mask, restore: true}\n", "utf-8")
    async with serve_stub(StubOptions()) as url:
        settings = stack_settings(folder / "data", llm_url=url, llm_model="stub")
        env = {"SEPTET_GUARDRAILS_POLICIES_DIR": str(folder / "policies"), "SEPTET_LOG_LEVEL": "DEBUG"}
        async with started(settings, env) as backend:
            responses = {}
            for word, fields in QUESTIONS.items():
                asked = {name: value for name, value in fields.items() if name != "expected"}
                responses[word] = await backend.ask(
                    **asked, policy="own", retrieval={"mode": "off"}, timeout=120
                )
            yield Scene(backend, model.prompts, responses)


@pytest.mark.parametrize("word", QUESTIONS)
async def test_the_answer_holds_the_user_s_values(word: str, scene: Scene) -> None:
    response = scene.responses[word]
    assert (response.status, response.answer) == ("answered", QUESTIONS[word]["expected"])
    assert response.answer_json == ({"to": MAIL} if word == "Fill" else None)
    said = next(v.reason for v in response.verdicts if (v.stage, v.rail) == ("output", "pii"))
    assert said == ("restored 2 values" if word == "Write" else "restored 1 value")
    assert not any(value in response.model_dump_json(exclude={"answer", "answer_json"}) for value in VALUES)


async def test_the_model_reads_placeholders(scene: Scene) -> None:
    assert len(scene.prompts) == len(QUESTIONS) + 1, "one draft was asked for again"
    assert not any(value in prompt for prompt in scene.prompts for value in VALUES)


async def test_no_topic_between_request_and_response_holds_a_value(scene: Scene) -> None:
    connection = scene.backend.addresses.connection("admin")
    consumer = AIOKafkaConsumer(*TOPICS, **connection.options(), auto_offset_reset="earliest")
    await consumer.start()
    holding: dict[str, int] = {}
    try:
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(list(consumer.assignment()))
        left = {tp for tp, end in ends.items() if end}
        while left:
            for tp, records in (await consumer.getmany(timeout_ms=1_000)).items():
                for record in records:
                    text = (record.value or b"").decode()
                    holding.setdefault(tp.topic, 0)
                    holding[tp.topic] += any(value in text for value in VALUES)
            left = {tp for tp in left if await consumer.position(tp) < ends[tp]}
    finally:
        await consumer.stop()
    read = {
        topic(name).name for name in ("screened", "missed", "grounded", "drafts", "revisions", "outcomes")
    }
    assert read | {topic("releases").name} <= holding.keys()
    assert {name for name, count in holding.items() if count} == PUBLIC


async def test_no_table_holds_a_value(scene: Scene) -> None:
    connection = await asyncpg.connect(scene.backend.addresses.postgres_dsn)
    rows: Counter[str] = Counter()
    try:
        await connection.execute("SET septet.tenant = '*'")
        tables = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        for schema, table in tables:
            for row in await connection.fetch(f'SELECT * FROM "{schema}"."{table}"'):
                rows[f"{schema}.{table}"] += 1
                held = b"\n".join(v if isinstance(v, bytes) else str(v).encode() for v in row.values())
                assert not any(value.encode() in held for value in VALUES), f"{schema}.{table}"
    finally:
        await connection.close()
    assert rows["eval.outbox"] == 3 * len(QUESTIONS)
    assert rows["generation.ledger"] == len(QUESTIONS) + 1


def logs(folder: Path) -> dict[str, str]:
    """The text of every log file."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): path.read_text("utf-8", errors="replace") for path in files}


async def _traces_of(http: httpx.AsyncClient, service: str) -> str:
    """The traces of a service as JSON. Services send their spans some seconds late."""
    async with asyncio.timeout(30):
        while True:
            answer = await http.get("/api/traces", params={"service": service, "limit": 500})
            if (text := json.dumps(answer.json(), ensure_ascii=False)).count("spans"):
                return text
            await asyncio.sleep(0.5)


async def test_no_log_and_no_trace_holds_a_value(scene: Scene) -> None:
    stack = scene.backend.stack
    assert stack is not None
    texts = logs(stack.places.data / "logs")
    files = len(texts)
    async with httpx.AsyncClient(
        base_url=scene.backend.addresses.traces_url, trust_env=False, timeout=30
    ) as http:
        for service in ("septet-guardrails", "septet-generation", "septet-eval"):
            texts[service] = await _traces_of(http, service)
    assert files >= 8
    assert [name for name, text in texts.items() if any(value in text for value in VALUES)] == []
