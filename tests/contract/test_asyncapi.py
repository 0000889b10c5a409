"""The committed reference is what the contracts and the services say today."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from faststream.specification.asyncapi.v3_0_0.schema.schema import ApplicationSchema
from septet_contracts import HTTP_SERVICES, SERVICES, TOPICS
from septet_contracts.asyncapi import Describes, asyncapi, load_parties, read, render, written
from septet_contracts.reference import topics_page

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.fixture(scope="module")
def parties() -> list[Describes]:
    return load_parties()


def test_committed_document_is_current(parties: list[Describes]) -> None:
    committed = (REFERENCE / "asyncapi.yaml").read_text("utf-8")
    assert committed == render(asyncapi(parties)), "run `make contracts` and commit docs/reference"


def test_committed_topics_page_is_current(parties: list[Describes]) -> None:
    committed = (REFERENCE / "topics.md").read_text("utf-8")
    assert committed == topics_page(parties), "run `make contracts` and commit docs/reference"


def test_document_is_asyncapi_3() -> None:
    document = yaml.safe_load((REFERENCE / "asyncapi.yaml").read_text("utf-8"))
    schema = ApplicationSchema.model_validate(document)
    assert schema.asyncapi == "3.0.0"
    assert len(schema.channels) == len(TOPICS)


def test_services_are_called_what_the_table_calls_them(parties: list[Describes]) -> None:
    assert [p.name for p in parties] == ["client", "operator", *SERVICES, *HTTP_SERVICES]


def test_every_topic_has_a_writer_and_a_reader(parties: list[Describes]) -> None:
    """What later services will write or read is named here, so that a forgotten topic stands out."""
    unwritten = {"septet.models.v1"}
    unread = {"septet.evaluations.v1", *unwritten}
    wired = {t.name for t in TOPICS.values() if not t.raw}
    assert {t.name for p in parties for t in written(p)} >= wired - unwritten
    assert {t.name for p in parties for t in read(p)} >= wired - unread
