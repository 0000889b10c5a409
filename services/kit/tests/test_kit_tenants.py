"""The tenants file, and whose a record is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from septet_contracts import SHARED, DeleteDocument, Partial, Request
from septet_kit.errors import Permanent
from septet_kit.tenants import Tenants

OWN = "septet.requests.v1.acme"
COMMON = "septet.requests.v1"
KNOWN = Tenants(frozenset({"default", "acme", "globex"}), frozenset({"acme"}))


def load(folder: Path, text: str) -> Tenants:
    path = folder / "tenants.yaml"
    path.write_text(text, encoding="utf-8")
    return Tenants.load(path)


def request(**fields: Any) -> Request:
    return Request(request_id="r", question="질문?", **fields)


def test_the_file_lists_names_and_says_who_has_own_topics(tmp_path: Path) -> None:
    found = load(tmp_path, "tenants: [default, {name: acme, topics: own}, {name: globex, topics: shared}]")
    assert found == KNOWN
    assert "septet.released-tokens.v1.acme" in [t.name for t in found.topics()]


def test_the_packaged_file_has_no_own_topics() -> None:
    assert "default" in Tenants.load().names
    assert not Tenants.load().own


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("tenants: acme", "list"),
        ("- acme", "valid dictionary"),
        ("tenants: [Acme Corp]", "pattern"),
        ("tenants: [{name: acme, topics: mine}]", "'shared' or 'own'"),
        ("tenants: [{name: acme, topic: own}]", "Extra inputs"),
        ("tenants: [acme, {name: acme, topics: own}]", "listed twice"),
        (f"tenants: [{SHARED}]", "may be called"),
        ("tenants: [", "flow node"),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(Permanent, match=reason) as caught:
        load(tmp_path, text)
    assert caught.value.code == "invalid_tenants_file"
    assert "SEPTET_TENANTS_FILE" in (caught.value.fix or "")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match=r"none\.yaml"):
        Tenants.load(tmp_path / "none.yaml")


@pytest.mark.parametrize("event", [request(), request(tenant="acme"), Partial("r"), Partial("r", "globex")])
def test_on_an_own_topic_a_record_is_its_tenants(event: Any) -> None:
    found, error = KNOWN.identify(event, OWN)
    assert (found.tenant, error) == ("acme", None)


@pytest.mark.parametrize("named", ["globex", "default", "nobody", SHARED])
def test_a_payload_that_names_another_tenant_stays_its_senders_and_is_refused(named: str) -> None:
    found, error = KNOWN.identify(request(tenant=named), OWN)
    assert found.tenant == "acme"
    assert error is not None
    assert (error.code, error.field) == ("tenant_mismatch", "tenant")


@pytest.mark.parametrize("event", [request(tenant="acme"), Partial("r", "acme")])
def test_the_shared_topic_does_not_speak_for_a_tenant_with_own_topics(event: Any) -> None:
    found, error = KNOWN.identify(event, COMMON)
    assert found.tenant == SHARED
    assert error is not None
    assert error.code == "wrong_topic"
    assert OWN in (error.fix or "")


@pytest.mark.parametrize("event", [request(tenant="globex"), request(), Partial("r", "globex")])
def test_other_tenants_use_the_shared_topic_as_before(event: Any) -> None:
    assert KNOWN.identify(event, COMMON) == (event, None)


def test_documents_are_judged_alike() -> None:
    document = DeleteDocument(action="delete", document_id="d", tenant="globex")
    assert KNOWN.identify(document, "septet.documents.v1.acme")[0].tenant == "acme"
    assert KNOWN.identify(document, "septet.documents.v1") == (document, None)


def test_between_services_the_event_says_whose_it_is() -> None:
    event = request(tenant="acme")
    assert KNOWN.identify(event, "septet.screened.v1") == (event, None)


@pytest.mark.parametrize(
    ("default", "expected"), [("", {"acme"}), ("tuning_consent: true\n", {"acme", "demo"})]
)
def test_consent_for_tuning_is_off_unless_the_file_sets_it(
    tmp_path: Path, default: str, expected: set[str]
) -> None:
    file = tmp_path / "tenants.yaml"
    file.write_text(
        f"{default}tenants: [demo, {{name: acme, tuning_consent: true}}, {{name: globex, tuning_consent: false}}]\n"
    )
    assert Tenants.load(file).consenting == expected
    assert not Tenants.load().consenting
