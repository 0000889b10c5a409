"""Names and permissions of tenants' own topics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from septet_contracts import TOPICS, client_access, own_topics, split, tenant_topic, topic, topics_for
from septet_contracts.tenancy import CLIENT_READS, CLIENT_WRITES, OWNABLE, address, addresses

NAMES = st.from_regex(r"[a-z0-9][a-z0-9\-]{0,62}", fullmatch=True)


@given(NAMES, st.sampled_from(CLIENT_READS + CLIENT_WRITES))
def test_split_inverts_tenant_topic(tenant: str, name: str) -> None:
    base, owner = split(tenant_topic(name, tenant))
    assert (base, owner) == (topic(name), tenant)


@pytest.mark.parametrize("name", TOPICS)
def test_a_topic_of_the_table_has_no_tenant(name: str) -> None:
    assert split(name) == (TOPICS[name], None)


@pytest.mark.parametrize(
    "name",
    [
        "septet.requests.v2.acme",
        "septet.responses.v3.acme",
        "septet.releases.v1.acme",
        "septet.screened.v1.acme",
        "septet.requests.v1.",
        "requests",
        "acme",
        "",
    ],
)
def test_other_names_are_rejected(name: str) -> None:
    with pytest.raises(KeyError, match="neither"):
        split(name)


def test_an_internal_topic_cannot_be_a_tenants_own() -> None:
    for name in ("screened", "labels", "documents-changed", "guardrails.dead"):
        full = TOPICS.get(f"septet.{name}.v1", TOPICS["septet.guardrails.dead.v1"]).name
        with pytest.raises(ValueError, match="shared by all tenants"):
            tenant_topic(full, "acme")
        assert address(full, "acme", frozenset({"acme"})) == full
        assert addresses(full, {"acme"}) == [full]


def test_own_topics_have_the_settings_of_the_shared_ones() -> None:
    made = own_topics("acme")
    assert {t.name for t in made} == {f"{t.name}.acme" for t in TOPICS.values() if t.short in OWNABLE}
    for own in made:
        base = split(own.name)[0]
        assert (own.partitions, own.config, own.contract) == (base.partitions, base.config, base.contract)
        assert own.from_clients == base.from_clients
    assert [t.name for t in topics_for({"acme"})] == [*TOPICS, *(t.name for t in made)]
    assert topics_for(()) == list(TOPICS.values())


def test_events_travel_on_the_tenants_own_topic_where_it_has_one() -> None:
    own = frozenset({"acme"})
    assert address("responses", "acme", own) == "septet.responses.v2.acme"
    assert address("responses.v1", "acme", own) == "septet.responses.v1.acme"
    assert address("responses", "globex", own) == "septet.responses.v2"
    assert address("responses", None, own) == "septet.responses.v2"
    assert addresses("requests", own) == ["septet.requests.v1", "septet.requests.v1.acme"]


def test_a_client_writes_four_topics_and_reads_responses_in_every_version() -> None:
    access = client_access("acme")
    assert access.principal == "tenant-acme"
    assert set(access.writes) | set(access.reads) == {t.name for t in own_topics("acme")}
    written = ("requests", "cancellations", "documents", "feedback")
    assert access.writes == tuple(f"septet.{n}.v1.acme" for n in written)
    assert access.reads == tuple(
        f"septet.{n}.acme" for n in ("responses.v2", "responses.v1", "released-tokens.v1")
    )


@given(NAMES, NAMES)
def test_group_prefixes_of_tenants_never_overlap(one: str, other: str) -> None:
    if one != other:
        assert not client_access(other).group_prefix.startswith(client_access(one).group_prefix)
