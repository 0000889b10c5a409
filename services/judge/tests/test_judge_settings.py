"""Settings and wiring of judge."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError
from septet_experiments.judges import (
    CalibrationCard,
    CardFolder,
    ChatCall,
    JudgeRejected,
    JudgeUnavailable,
)
from septet_judge.app import calibrated, open_endpoint, refuse_generator
from septet_judge.domain.budget import Spend
from septet_judge.settings import JudgeSettings
from septet_kit import KitSettings, Permanent


def settings(**fields: object) -> JudgeSettings:
    return JudgeSettings.model_validate({"url": "http://judge:1/v1", "model": "large", **fields})


@pytest.mark.parametrize("missing", ["url", "model"])
def test_a_judge_without_an_endpoint_does_not_start(missing: str) -> None:
    with pytest.raises(Permanent) as caught:
        settings(**{missing: ""}).check_complete()
    assert caught.value.field == f"SEPTET_JUDGE_{missing.upper()}"


def test_a_judge_that_is_the_generator_does_not_start() -> None:
    kit = KitSettings(llm_url="http://judge:1/v1", llm_model="large")
    with pytest.raises(Permanent) as caught:
        refuse_generator(settings(), kit)
    assert caught.value.code == "judge_is_generator"
    refuse_generator(settings(allow_self=True), kit)
    refuse_generator(settings(), KitSettings(llm_url="http://other:1/v1", llm_model="large"))


def test_the_card_of_the_same_signature_is_found(tmp_path: Path) -> None:
    judge = settings(cards=tmp_path, protocols=("rubric", "groundedness"))
    rubric, _ = calibrated(judge)
    card = CalibrationCard(
        judge="large",
        protocol="rubric",
        signature=rubric.protocol.signature,
        data="d",
        data_digest="0",
        seed=1,
        measured_at=datetime.now(UTC),
    )
    CardFolder(tmp_path).write(card)
    rubric, groundedness = calibrated(judge)
    assert rubric.scorer.endswith(f"calibration={card.digest[:12]}")
    assert groundedness.scorer.endswith("calibration=none")


def test_money_is_counted_in_millionths() -> None:
    assert settings(usd_per_day=0.5).limits == Spend(1000, 2_000_000, 500_000)


@pytest.mark.parametrize(
    "fields",
    [
        {"share": 1.1},
        {"share": "nan"},
        {"policy_shares": {"a": -1}},
        {"protocols": ("pairwise",)},
        {"usd_per_day": "inf"},
        {"usd_per_day": "nan"},
        {"prompt_usd": "inf"},
        {"calls_per_day": 2**63},
        {"tokens_per_day": 2**63},
        {"timeout": "PT0S"},
        {"response_timeout": "PT0S"},
        {"max_age": "-PT1S"},
        {"breaker_pause": "PT0S"},
        {"breaker_longest": "PT0S"},
    ],
)
def test_settings_that_cannot_work_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**fields)


def test_the_key_is_not_shown() -> None:
    made = settings(api_key="sk-secret-1")
    assert "sk-secret-1" not in f"{made!r} {made.endpoint!r}"


@pytest.mark.parametrize(("status", "kind"), [(400, JudgeRejected), (500, JudgeUnavailable)])
async def test_errors_of_the_endpoint_quote_no_text(status: int, kind: type[Exception]) -> None:
    endpoint = open_endpoint(settings(attempts=1))
    reply = httpx.Response(status, json={"error": {"message": "cannot read: the patient's name"}})
    await endpoint.aclose()
    endpoint._http = httpx.AsyncClient(
        base_url="http://judge:1/v1", transport=httpx.MockTransport(lambda _: reply)
    )
    with pytest.raises(kind, match=str(status)) as caught:
        await endpoint.reply(ChatCall(model="m", prompt="p", system="s", user="the patient's name"))
    await endpoint.aclose()
    assert "patient" not in str(caught.value)
