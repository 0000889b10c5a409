"""Groundedness by an entailment model in a whole stack: its verdict decides, and the rules decide without it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from septet_cli.ingest.document import Document
from septet_cli.ingest.publish import publish_documents, upsert
from septet_cli.stub.server import StubOptions, serve_stub
from septet_contracts import Response, Verdict
from septet_guardrails.adapters.entailment_http import ModelAddress
from septet_guardrails.application.judging import COMPONENT

from ..conftest import Backend, stack_settings, started
from ..support.entailment import EntailmentServer, serve_entailment

pytestmark = pytest.mark.slow

POLICY = "output: {groundedness: {method: both}}\ncorrection: {max_attempts: 1, extractive: false}\n"
SENTENCES = {
    "en": "The Harbour gateway listens on port 7381 of the host.",
    "ko": "하버 창고의 도자기 보관함은 강릉 항구 옆에 있습니다.",
}
QUESTIONS = {
    "en": "Which port does the Harbour gateway listen on?",
    "ko": "하버 창고의 도자기 보관함은 어디에 있나요?",
}
PREFIX = "SEPTET_GUARDRAILS_"


@dataclass(frozen=True)
class Scene:
    """A stack whose guardrails ask a scripted entailment model."""

    backend: Backend
    model: EntailmentServer

    async def ask(self, language: str) -> tuple[Response, Verdict]:
        """Ask a question whose draft quotes the document; return the response and the verdict on its groundedness."""
        response = await self.backend.ask(QUESTIONS[language], timeout=120, cache={"use": "bypass"})
        return response, next(v for v in response.verdicts if v.rail == "groundedness")


@pytest.fixture(scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder: Path = tmp_path_factory.mktemp("entailment")
    (folder / "policies").mkdir()
    (folder / "policies" / "default.yaml").write_text(POLICY, "utf-8")
    async with serve_entailment() as model, serve_stub(StubOptions()) as url:
        digest = ModelAddress("chat", model.url, "judge-1").digest
        calibration = f'{{"model": "judge-1", "digest": "{digest}", "thresholds": {{"en": 0.6, "ko": 0.6}}}}'
        (folder / "judge.json").write_text(calibration)
        env = {
            f"{PREFIX}POLICIES_DIR": str(folder / "policies"),
            f"{PREFIX}ENTAILMENT_URL": model.url,
            f"{PREFIX}ENTAILMENT_MODEL": "judge-1",
            f"{PREFIX}ENTAILMENT_CALIBRATION": str(folder / "judge.json"),
            f"{PREFIX}ENTAILMENT_API_KEY": "sk-judge",
            f"{PREFIX}ENTAILMENT_CACHE": "1",
        }
        settings = stack_settings(folder / "data", llm_url=url, llm_model="stub")
        async with started(settings, env) as backend:
            documents = [upsert(Document(f"judged-{name}", text)) for name, text in SENTENCES.items()]
            report = await publish_documents(backend.addresses.connection(), documents, "default", stall=60)
            assert report.complete, report.summary()
            yield Scene(backend, model)


async def test_the_model_decides_and_the_rules_stand_in(scene: Scene) -> None:
    for language, sentence in SENTENCES.items():
        response, verdict = await scene.ask(language)
        assert (response.status, verdict.decision, response.degraded) == ("answered", "pass", ())
        assert sentence in scene.model.claims
    assert {headers["Authorization"] for headers in scene.model.headers} == {"Bearer sk-judge"}

    scene.model.scores = {"7381": 0.1, "강릉": 0.1}
    for language in SENTENCES:
        response, verdict = await scene.ask(language)
        assert (response.status, verdict.decision) == ("refused", "reask")
        assert "not supported according to the model" in verdict.reason

    scene.model.status = 503
    response, verdict = await scene.ask("en")
    assert (response.status, verdict.decision) == ("answered", "pass")
    assert response.degraded == (COMPONENT,)
