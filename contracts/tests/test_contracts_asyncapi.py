"""The AsyncAPI document and the topics page, generated from descriptions like those of the services."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from septet_contracts import TOPICS
from septet_contracts.__main__ import main, write_reference
from septet_contracts.asyncapi import CLIENT, OPERATOR, Party, asyncapi, load_parties, render, short_name
from septet_contracts.reference import topics_page

GUARD = Party("guardrails", ("requests", "drafts"), ("screened", "outcomes"), "Looks at what comes and goes.")
PARTIES = [CLIENT, GUARD]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def resolve(document: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


def test_every_reference_resolves() -> None:
    document = asyncapi(PARTIES)
    found = list(references(document))
    assert len(found) > 100
    for reference in found:
        assert resolve(document, reference), reference


def test_every_topic_is_a_channel() -> None:
    document = asyncapi(PARTIES)
    assert {c["address"] for c in document["channels"].values()} == set(TOPICS)
    assert (
        document["channels"]["tokens"]["bindings"]["kafka"]["topicConfiguration"]["retention.ms"] == 3_600_000
    )


def test_operations_follow_the_descriptions() -> None:
    operations = asyncapi(PARTIES)["operations"]
    assert {n for n in operations if n.startswith("guardrails.")} == {
        "guardrails.receive.requests",
        "guardrails.receive.drafts",
        "guardrails.send.screened",
        "guardrails.send.outcomes",
        "guardrails.send.guardrails.dead",
    }
    assert operations["guardrails.send.screened"]["channel"] == {"$ref": "#/channels/screened"}


def test_an_unknown_topic_is_rejected() -> None:
    with pytest.raises(KeyError, match="unknown topic 'nonsense'"):
        asyncapi([Party("x", ("nonsense",), ())])


@pytest.mark.slow
def test_rendering_is_stable_and_reads_back() -> None:
    text = render(asyncapi(PARTIES))
    assert text == render(asyncapi(PARTIES))
    assert yaml.safe_load(text) == asyncapi(PARTIES)


def test_page_names_writers_readers_and_fields() -> None:
    page = topics_page(PARTIES)
    assert "| [`septet.requests.v1`](#septetrequestsv1) | client | guardrails | 4 | 7 days |" in page
    assert "| `request_id` | string (1…128 characters) | **required** |" in page
    assert "### DeleteDocument" in page
    for topic in TOPICS:
        assert f"\n## {topic}\n" in page


def test_short_names() -> None:
    assert [short_name(TOPICS[t]) for t in ("septet.requests.v1", "septet.cache.dead.v1")] == [
        "requests",
        "cache.dead",
    ]


def test_parties_are_resolved_by_name() -> None:
    found = load_parties(["septet_contracts.asyncapi:CLIENT"])
    assert found == [CLIENT, OPERATOR, CLIENT]


@pytest.mark.slow
def test_reference_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "septet_contracts.asyncapi:CLIENT"
    assert main(["asyncapi", name, "--write", "--dir", str(tmp_path)]) == 0
    assert (tmp_path / "asyncapi.yaml").read_text("utf-8") == render(asyncapi([CLIENT, OPERATOR, CLIENT]))
    assert write_reference(tmp_path, [name]) == [tmp_path / "asyncapi.yaml", tmp_path / "topics.md"]
    capsys.readouterr()
    assert main(["asyncapi", name]) == 0
    assert capsys.readouterr().out.startswith("asyncapi: 3.0.0\n")


def test_an_unknown_service_is_an_error_not_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["asyncapi", "septet_nowhere.app:SPEC"]) == 2
    assert "septet_nowhere" in capsys.readouterr().err
