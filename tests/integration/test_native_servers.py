"""The running native stack: on loopback only, unprivileged, each service with its own credentials alone."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import psutil
import pytest
from septet_native.services import SERVICES
from septet_native.stack.settings import StackSettings
from septet_native.stack.state import State, read_state

from ..conftest import NATIVE

pytestmark = pytest.mark.skipif(not NATIVE, reason="native stack: runs with `make test-stack`")


@pytest.fixture(scope="module")
def state() -> State:
    found = read_state(StackSettings(stack="native").places().data)
    assert found is not None
    return found


def processes(state: State, kind: str) -> dict[str, psutil.Process]:
    """The processes of one kind by name."""
    return {p.name: psutil.Process(p.pid) for p in state.processes if p.kind == kind and p.pid}


def test_every_server_listens_on_loopback_only(state: State) -> None:
    for name, process in processes(state, "server").items():
        ips = {c.laddr.ip for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
        assert {ip.removeprefix("::ffff:") for ip in ips} == {"127.0.0.1"}, name


@pytest.mark.skipif(os.geteuid() != 0, reason="the stack does not run as root")
def test_servers_that_take_text_from_everywhere_are_not_root(state: State) -> None:
    running = processes(state, "server")
    for name in {"postgres", "opensearch"} & running.keys():
        assert running[name].uids().real != 0, name


def test_each_service_holds_its_own_credentials_alone(state: State) -> None:
    addresses = state.addresses
    assert addresses.kafka_protocol == "SASL_SSL"
    assert set(addresses.kafka_passwords) >= {*SERVICES, "admin", "operator"}
    for name, process in processes(state, "service").items():
        environment = process.environ()
        assert environment["SEPTET_KAFKA_USERNAME"] == name
        others = {p for principal, p in addresses.kafka_passwords.items() if principal != name}
        others |= {dsn for role, dsn in addresses.postgres_dsns.items() if role != name}
        others.add(addresses.postgres_dsn)
        assert not others & set(environment.values()), name


def test_no_command_line_shows_a_secret(state: State) -> None:
    addresses = state.addresses
    secrets = {*addresses.kafka_passwords.values()}
    secrets |= {dsn.split("@")[0].rsplit(":", 1)[1] for dsn in addresses.postgres_dsns.values()}
    for kind in ("server", "service"):
        for name, process in processes(state, kind).items():
            command = " ".join(process.cmdline())
            assert not any(secret in command for secret in secrets), name


async def test_opensearch_makes_no_index_by_accident(state: State) -> None:
    url = state.addresses.opensearch_url
    if not url:
        pytest.skip("OpenSearch: the machine has no JDK 21")
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
        assert (await http.put("/misspelt/_doc/1", json={"text": "x"})).status_code == 404
        assert (await http.get("/")).json()["version"]["distribution"] == "opensearch"


def test_what_a_machine_lacks_is_said(state: State) -> None:
    names = {process.name for process in state.processes}
    left_out = {missing.name for missing in state.missing}
    assert {"opensearch", "jaeger"} <= names | left_out
    assert all(missing.fix and missing.instead for missing in state.missing)
    assert Path(state.addresses.kafka_ca_file).stat().st_mode & 0o022 == 0
