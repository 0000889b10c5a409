"""`septet dataset`: from records of the log and from files to a version."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest
from septet_cli.datasets.masking import mask_texts
from septet_cli.datasets.reading import LogReader
from septet_cli.evaluation.from_traffic import filters_of
from septet_cli.main import app
from septet_contracts import Label, Outcome, Release, Thumbs, encode, topic
from septet_kit.tenants import Tenants
from septet_kit.testing import flow
from typer.testing import CliRunner

TENANTS = Tenants(frozenset({"default", "acme"}), consenting=frozenset({"default"}))
INTENTS = {
    "refund": [
        "환불해 주세요",
        "I want my money back",
        "결제를 취소하고 싶어요",
        "Return this order",
        "돈을 돌려받고 싶습니다",
    ],
    "delivery": [
        "배송이 언제 오나요",
        "Where is my parcel",
        "택배가 안 왔어요",
        "Track the shipment",
        "도착 예정일 알려줘",
    ],
}


def reader(*where: str, traffic: bool = False) -> LogReader:
    return LogReader(TENANTS, filters_of(where), feedback=True, traffic=traffic)


def fill(
    into: LogReader, request: str, tenant: str = "default", user: str | None = "alice", **fields: object
) -> None:
    outcome = flow(Outcome, request_id=request, tenant=tenant, **fields)
    now, response = outcome.occurred_at, uuid4()
    head = {"request_id": request, "tenant": tenant, "event_id": uuid4(), "occurred_at": now}
    release = Release.model_validate(
        {**head, "response_event_id": response, "status": outcome.status, "answer": "A."}
    )
    thumbs = Thumbs(
        request_id=request, tenant=tenant, feedback_id=f"f-{request}", user=user, kind="thumbs", value="up"
    )
    label = Label.model_validate(
        {
            **head,
            "feedback_id": f"f-{request}",
            "kind": "thumbs",
            "explicit": True,
            "polarity": "positive",
            "weight": 1,
            "response_event_id": str(response),
        }
    )
    for name, event in (
        ("outcomes", outcome),
        ("releases", release),
        ("feedback", thumbs),
        ("labels", label),
    ):
        into.add(name, encode(event), topic(name).name)


def test_labels_are_joined_with_the_user_of_their_feedback() -> None:
    made = reader()
    fill(made, "r-1")
    fill(made, "r-2", user=None)
    fill(made, "r-3", tenant="acme")
    found = made.join()
    users = [judgement.user for each in found.evidence for judgement in each.judgements]
    assert [user is not None for user in users] == [True, False]
    assert "alice" not in users
    assert found.refused == {"no consent": 1}


@pytest.mark.parametrize(("where", "kept"), [("language=ko", ["r-2"]), ("tenant=default", ["r-1", "r-2"])])
def test_conditions_select_requests(where: str, kept: list[str]) -> None:
    made = reader(where)
    fill(made, "r-1")
    fill(made, "r-2", language="ko")
    fill(made, "r-3", tenant="acme", language="en")
    found = made.join()
    assert [each.outcome.request_id for each in found.evidence] == kept
    assert not found.refused


def test_a_record_that_cannot_be_decoded_is_left_out() -> None:
    made = reader()
    made.add("labels", b"{", topic("labels").name)
    assert not made.join().evidence


def test_personal_data_is_masked_once_and_then_found_no_more() -> None:
    masked = mask_texts(("메일은 kim@example.com 입니다", "Write to kim@example.com"))
    assert "kim@example.com" not in " ".join(masked)
    assert mask_texts(masked) == masked


def test_a_version_is_built_from_a_file_shown_and_listed(tmp_path: Path) -> None:
    file = tmp_path / "intents.jsonl"
    rows = [{"text": text, "label": label} for label, texts in INTENTS.items() for text in texts]
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    common = ["--data-dir", str(tmp_path)]
    build = [
        "dataset",
        "build",
        "intents",
        "--kind",
        "classification",
        "--from",
        "files",
        "--file",
        str(file),
    ]
    made = CliRunner().invoke(app, [*build, *common])
    assert made.exit_code == 0, made.output
    shown = CliRunner().invoke(app, ["dataset", "show", "intents", *common])
    assert "class: refund" in shown.output
    listed = CliRunner().invoke(app, ["dataset", "list", *common])
    assert listed.output.startswith("intents@1  classification")
    wrong = CliRunner().invoke(app, ["dataset", "export", "intents", "--format", "trl-kto", *common])
    assert wrong.exit_code == 1
    assert "is a format of kto datasets" in " ".join(wrong.output.split())


def test_a_single_class_exits_with_the_counts(tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    texts = [text for texts in INTENTS.values() for text in texts]
    file.write_text("".join(json.dumps({"text": text, "label": "x"}) + "\n" for text in texts))
    options = [
        "--kind",
        "classification",
        "--from",
        "files",
        "--file",
        str(file),
        "--data-dir",
        str(tmp_path),
    ]
    made = CliRunner().invoke(app, ["dataset", "build", "one", *options])
    assert made.exit_code == 1
    assert "training rows have the class 'x'" in " ".join(made.output.split())
