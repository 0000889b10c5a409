"""The servers of each stack, and the replacement of a server that cannot run on the machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from septet_native.doctor import programs
from septet_native.errors import ToolMissing
from septet_native.packages import jdk
from septet_native.servers import jaeger_build
from septet_native.servers.jaeger import Jaeger
from septet_native.servers.python_servers import TracesServer
from septet_native.services import SERVICES
from septet_native.stack import composition
from septet_native.stack.composition import Composition, compose
from septet_native.stack.settings import StackSettings

RELEASE = 'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\nMODULES="java.base {modules}"\n'
ALL_MODULES = "jdk.incubator.vector jdk.localedata"


def made(tmp_path: Path, **fields: object) -> Composition:
    settings = StackSettings.model_validate({"data_dir": tmp_path, "cache": tmp_path / "cache", **fields})
    return compose(settings, lambda _name, wanted: wanted)


def java_home(folder: Path, version: str, modules: str) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "java").touch()
    (folder / "release").write_text(RELEASE.format(version=version, modules=modules))
    return folder


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with a JDK and with Jaeger built."""
    monkeypatch.setattr(composition, "find_jdk", lambda _: jdk.Jdk(Path("/jdk"), 25))
    monkeypatch.setattr(jaeger_build, "available", lambda _: Path("/jaeger"))


def refuse(*_: object) -> None:
    raise ToolMissing("Not installed.", "install it")


def test_embedded_stack_needs_neither_jdk_nor_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composition, "find_jdk", refuse)
    monkeypatch.setattr(jaeger_build, "find_compiler", refuse)
    plan = made(tmp_path)
    assert [server.name for server in plan.servers] == ["kafka", "postgres", "traces", "embeddings", "llm"]
    assert plan.missing == []
    assert not plan.kafka.secured


@pytest.mark.usefixtures("everything")
def test_native_stack_has_every_server_and_is_secured(tmp_path: Path) -> None:
    plan = made(tmp_path, stack="native", llm_url="http://127.0.0.1:1/v1")
    servers = [server.name for server in plan.servers]
    assert servers == ["kafka", "postgres", "opensearch", "jaeger", "embeddings"]
    assert plan.kafka.secured
    assert plan.missing == []
    assert plan.kafka.places.data == (tmp_path / "native").resolve()


@pytest.mark.usefixtures("everything")
def test_stack_without_jdk_omits_opensearch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composition, "find_jdk", refuse)
    plan = made(tmp_path, stack="native")
    assert plan.opensearch is None
    assert isinstance(plan.traces, Jaeger)
    (missing,) = plan.missing
    assert (missing.name, missing.fix) == ("opensearch", "install it")
    assert "tantivy" in missing.instead


def test_stack_without_go_uses_the_embedded_trace_receiver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(composition, "find_jdk", lambda _: jdk.Jdk(Path("/jdk"), 21))
    monkeypatch.setattr(jaeger_build, "available", lambda _: None)
    monkeypatch.setattr(jaeger_build, "find_compiler", refuse)
    plan = made(tmp_path, stack="native")
    assert isinstance(plan.traces, TracesServer)
    assert plan.opensearch is not None
    assert [missing.name for missing in plan.missing] == ["jaeger"]


@pytest.mark.usefixtures("everything")
def test_service_gets_only_its_own_credentials(tmp_path: Path) -> None:
    addresses = made(tmp_path, stack="native").addresses()
    environment = addresses.environment("cache")
    assert environment["SEPTET_KAFKA_USERNAME"] == "cache"
    assert environment["SEPTET_POSTGRES_DSN"].startswith("postgresql://cache:")
    assert "SEPTET_OPENSEARCH_URL" not in environment
    assert "SEPTET_OPENSEARCH_URL" in addresses.environment("retrieval")
    others = {p for name, p in addresses.kafka_passwords.items() if name != "cache"}
    others |= {dsn for name, dsn in addresses.postgres_dsns.items() if name != "cache"} | {
        addresses.postgres_dsn
    }
    assert not others & set(environment.values())
    assert "SEPTET_KAFKA_PASSWORD" not in addresses.environment("another-program")
    assert not any(password in repr(addresses) for password in addresses.kafka_passwords.values())


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("stack", ["embedded", "native"])
def test_only_guardrails_and_eval_get_the_keys_of_personal_data(stack: str, tmp_path: Path) -> None:
    addresses = made(tmp_path, stack=stack).addresses()
    keys = {"SEPTET_GUARDRAILS_RESTORE_KEYS", "SEPTET_ANSWER_KEYS"}
    own = {
        name: {key: value for key, value in addresses.environment(name).items() if key in keys}
        for name in (*SERVICES, None)
    }
    assert {name: set(found) for name, found in own.items() if found} == {
        "guardrails": keys,
        "eval": {"SEPTET_ANSWER_KEYS"},
    }
    assert len(set(own["guardrails"].values())) == 2
    assert own["eval"].items() <= own["guardrails"].items()
    assert not any(key in repr(addresses) for key in own["guardrails"].values())
    assert made(tmp_path, stack=stack).addresses().sealing_keys == addresses.sealing_keys


def test_jdk_is_found_by_its_release_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java_home(tmp_path / "a-17", "17.0.1", ALL_MODULES)
    java_home(tmp_path / "b-25-jre", "25.0.1", "jdk.localedata")
    wanted = java_home(tmp_path / "c-21", "21.0.4", ALL_MODULES)
    monkeypatch.setattr(jdk, "INSTALLED", ((tmp_path, "*"),))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    assert jdk.find_jdk(21) == jdk.Jdk(wanted, 21)
    named = java_home(tmp_path / "elsewhere" / "jdk", "24", ALL_MODULES)
    monkeypatch.setenv("JAVA_HOME", str(named))
    assert jdk.find_jdk(21).home == named


def test_error_of_a_missing_jdk_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jdk, "INSTALLED", ((tmp_path, "*"),))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolMissing, match="Java 21 or later is not installed") as caught:
        jdk.find_jdk(21)
    assert "JAVA_HOME" in caught.value.fix


@pytest.mark.parametrize("needed", [True, False])
def test_missing_tool_fails_the_check_only_where_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, needed: bool
) -> None:
    monkeypatch.setattr(programs, "find_jdk", refuse)
    monkeypatch.setattr(jaeger_build, "find_compiler", refuse)
    monkeypatch.setattr(jaeger_build, "available", lambda _: None)
    checks = {check.name: check for check in programs.check_native(tmp_path, needed=needed)}
    assert [checks[name].ok for name in ("jdk", "go")] == [not needed] * 2
    assert all("install it" in check.fix + check.detail for check in (checks["jdk"], checks["go"]))
