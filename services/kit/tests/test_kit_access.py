"""The table of access and its ACLs, without a broker."""

from __future__ import annotations

import pytest
from septet_contracts import TOPICS
from septet_kit.access.bindings import Binding, bindings, changes
from septet_kit.access.table import (
    Access,
    access_table,
    dump_table,
    for_tenants,
    load_specs,
    operator_access,
    read_table,
    service_access,
)
from septet_kit.errors import Permanent
from septet_kit.spec import ServiceSpec

SCORER = ServiceSpec("eval", ("requests",), ("responses",), outbox=("responses",))


def test_a_service_gets_what_it_declares_and_nothing_else() -> None:
    access = service_access(SCORER)
    assert access.reads == ("septet.requests.v1", "septet.responses.v2")
    assert access.writes == ("septet.eval.dead.v1", "septet.outcomes.v1", "septet.responses.v2")
    assert access.groups == ("septet.eval",)


def test_a_service_sees_the_progress_of_those_that_it_watches() -> None:
    watching = ServiceSpec("gateway", ("responses",), ("requests",), watches=("guardrails",))
    (gateway,) = for_tenants([service_access(watching)], [])
    assert gateway.watches == ("septet.guardrails",)
    assert Binding("gateway", "group", "septet.guardrails", "describe") in bindings([gateway])
    assert service_access(SCORER).watches == ()


def test_a_service_may_read_what_it_follows_without_a_group() -> None:
    access = service_access(ServiceSpec("generation", ("grounded",), ("drafts",), follows=("cancellations",)))
    assert access.reads == ("septet.cancellations.v1", "septet.grounded.v1")
    assert access.groups == ("septet.generation",)


def test_only_who_handles_requests_reports_outcomes() -> None:
    assert (
        "septet.outcomes.v1" not in service_access(ServiceSpec("feedback", ("feedback",), ("labels",))).writes
    )


def test_raw_text_of_models_reaches_guardrails_and_the_operator_alone() -> None:
    """Clients read what guardrails has released, which guardrails alone writes."""
    table = for_tenants(access_table(load_specs()), ["acme"])
    reads = {name: {a.principal for a in table if name in a.reads} for a in table for name in a.reads}
    writes = {name: {a.principal for a in table if name in a.writes} for a in table for name in a.writes}
    assert reads["septet.tokens.v1"] == {"guardrails", "operator"}
    assert "septet.tokens.v1.acme" not in reads
    assert reads["septet.released-tokens.v1.acme"] == {"gateway", "operator", "tenant-acme"}
    assert writes["septet.tokens.v1"] == {"generation", "operator"}
    for name in ("septet.released-tokens.v1", "septet.released-tokens.v1.acme"):
        assert writes[name] == {"guardrails"}


def test_the_operator_never_answers_for_the_services() -> None:
    spec = ServiceSpec("cache", ("responses", "responses.v1", "releases", "screened"), ("missed",))
    operator = operator_access([spec])
    assert operator.writes == ("septet.canaries.v1", "septet.screened.v1")
    assert set(operator.reads) == set(TOPICS)
    assert operator.watches == ("septet.cache",)


def test_tenants_topics_follow_the_shared_ones() -> None:
    service, client = for_tenants([service_access(SCORER)], ["acme"])
    assert "septet.requests.v1.acme" in service.reads
    assert "septet.responses.v2.acme" in service.writes
    assert "septet.outcomes.v1.acme" not in service.writes
    assert client.principal == "tenant-acme"
    assert all(name.endswith(".acme") for name in (*client.reads, *client.writes))
    assert client.group_prefixes == ("tenant-acme.",)


def test_a_table_survives_its_file() -> None:
    table = for_tenants([service_access(SCORER)], ["acme"])
    assert read_table(dump_table(table)) == table


@pytest.mark.parametrize("text", ["[]", "eval: {reeds: [x]}", "eval: nothing", "a: [", "eval: {reads: 3}"])
def test_a_broken_table_is_refused_with_the_fix(text: str) -> None:
    with pytest.raises(Permanent) as refused:
        read_table(text)
    assert refused.value.code == "invalid_access_table"
    assert refused.value.fix


def test_only_acls_of_ours_are_removed() -> None:
    wanted = bindings([Access("cache", reads=("septet.screened.v1",))])
    stale = Binding("cache", "topic", "septet.drafts.v1", "read")
    left = Binding("tenant-gone", "group", "tenant-gone.", "read", "prefixed")
    foreign = [
        Binding("cache", "topic", "invoices", "read"),
        Binding("billing", "topic", "septet.drafts.v1", "read"),
    ]
    found = changes(wanted, [stale, left, *foreign])
    assert set(found.missing) == wanted
    assert set(found.stale) == {stale, left}


def test_services_of_requests_take_part_in_replays_and_the_operator_manages_them() -> None:
    table = {a.principal: a for a in access_table(load_specs())}
    assert {name for name, a in table.items() if a.namespaces} == {
        "guardrails",
        "cache",
        "retrieval",
        "generation",
        "eval",
    }
    assert {b for b in bindings([table["eval"]]) if b.pattern == "prefixed"} == {
        Binding("eval", "topic", "replay-", "read", "prefixed"),
        Binding("eval", "topic", "replay-", "write", "prefixed"),
        Binding("eval", "group", "replay-", "read", "prefixed"),
    }
    managed = {(b.resource, b.operation) for b in bindings([table["operator"]]) if b.name == "replay-"}
    assert managed == {
        *(("topic", verb) for verb in ("read", "write", "create", "delete")),
        ("group", "describe"),
        ("group", "delete"),
    }
    stale = Binding("eval", "topic", "replay-", "write", "prefixed")
    assert changes(set(), [stale]).stale == (stale,)
