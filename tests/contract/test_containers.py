"""The compose file and the Dockerfiles, checked without a container engine."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic_settings import BaseSettings
from septet_contracts import HTTP_SERVICES
from septet_contracts import SERVICES as STAGES
from septet_judge.settings import JudgeSettings
from septet_kit import KitSettings
from septet_kit.settings import SECRETS_DIR
from septet_native.credentials.containers import Layout
from septet_native.packages.versions import pinned

from tests.support.images import DOCKERFILES, image_of

ROOT = Path(__file__).parents[2]
SERVICES = (*STAGES, *HTTP_SERVICES)
COMPOSE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{([^}]*)\}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))
    return parsed


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


def test_compose_file_satisfies_the_specification(compose: dict[str, Any]) -> None:
    schema = json.loads((Path(__file__).parent / "data" / "compose-spec.json").read_text("utf-8"))
    errors = [
        f"{list(e.absolute_path)}: {e.message}" for e in Draft202012Validator(schema).iter_errors(compose)
    ]
    assert errors == []


def test_every_variable_has_a_default() -> None:
    found = VARIABLE.findall(COMPOSE.read_text("utf-8"))
    assert len(found) > 10
    assert [v for v in found if ":-" not in v] == []


def test_every_image_is_pinned(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        tag = VARIABLE.sub(lambda m: m[1].partition(":-")[2], service["image"]).rpartition(":")[2]
        assert re.fullmatch(r"dev|v?\d[\w.\-]*", tag), f"{name}: {tag}"
    for path in DOCKERFILES:
        for image in re.findall(r"^FROM (\S+)", path.read_text("utf-8"), re.MULTILINE):
            assert re.search(r":\d+\.\d+\.\d+", image), f"{path}: {image}"


def test_servers_have_the_versions_of_the_native_stack(services: dict[str, dict[str, Any]]) -> None:
    tags = {
        name: VARIABLE.sub(lambda m: m[1].partition(":-")[2], s["image"]).rpartition(":")[2]
        for name, s in services.items()
    }
    for name in ("kafka", "opensearch", "jaeger"):
        assert tags[name] == pinned(name)["version"], name
    assert tags["postgres"] == "{pgvector}-pg{version}".format(**pinned("postgres"))


def test_every_service_is_its_own_principal_and_sees_its_own_secrets(
    services: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    Layout(tmp_path, "postgres:5432").write()
    for name in SERVICES:
        assert services[name]["environment"]["SEPTET_KAFKA_USERNAME"] == name
        secrets = [v for v in services[name]["volumes"] if v["target"] == "/run/secrets/septet"]
        assert [v["volume"]["subpath"] for v in secrets] == [name]
        assert f"//{name}:" in (tmp_path / name / "septet_postgres_dsn").read_text("utf-8")
    held = {p: p.read_text("utf-8") for n in SERVICES for p in (tmp_path / n).iterdir()}
    shared = [p for p in held if p.name == "septet_answer_keys"]
    assert {p.parent.name for p in shared} == {"guardrails", "eval"}
    assert [p.parent.name for p in held if p.name == "septet_guardrails_restore_keys"] == ["guardrails"]
    assert len(set(held.values())) == len(held) - 1, "all but the key of answers differ"


def test_the_chart_names_every_secret_of_a_service(tmp_path: Path) -> None:
    Layout(tmp_path, "postgres:5432").write()
    names = {path.name for service in SERVICES for path in (tmp_path / service).iterdir()}
    assert {"septet_answer_keys", "septet_guardrails_restore_keys"} < names
    for page in ("README.md", "septet/values.yaml"):
        named = set(re.findall(r"\bseptet_\w+", (ROOT / "infra" / "k8s" / page).read_text("utf-8")))
        assert names - {"septet_kafka_username"} <= named, page


def test_every_directory_that_is_mounted_is_made(services: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    Layout(tmp_path, "postgres:5432").write()
    mounts = [v for s in services.values() for v in s.get("volumes", ()) if isinstance(v, dict)]
    assert len(mounts) > len(SERVICES)
    for mount in mounts:
        assert (tmp_path / mount["volume"]["subpath"]).is_dir(), mount
        assert mount["read_only"] is True
        assert mount["volume"]["subpath"] != "authority"


def test_credentials_are_kept_and_closed_to_others(tmp_path: Path) -> None:
    def held() -> dict[Path, str]:
        return {p: p.read_text("utf-8") for p in tmp_path.rglob("*") if p.is_file()}

    Layout(tmp_path, "postgres:5432").write()
    first = held()
    Layout(tmp_path, "postgres:5432").write()
    assert held() == first
    assert [p for p in first if p.stat().st_mode & 0o007] == []


def test_configuration_is_that_of_the_native_stack(services: dict[str, dict[str, Any]]) -> None:
    mounted = {
        volume.split(":")[0]
        for s in services.values()
        for volume in s.get("volumes", ())
        if isinstance(volume, str)
    }
    wanted = {"kafka/server.properties", "opensearch/opensearch.yml", "jaeger/config.yaml", "postgres"}
    assert {f"./infra/{name}" for name in wanted} <= mounted
    assert [m for m in mounted if m.startswith("./") and not (ROOT / m).exists()] == []


def test_the_broker_is_told_all_that_its_configuration_asks_for(services: dict[str, dict[str, Any]]) -> None:
    asked = set(re.findall(r"\$\{env:(\w+)\}", (ROOT / "infra/kafka/server.properties").read_text("utf-8")))
    kafka = services["kafka"]
    assert asked <= {*kafka["environment"], *re.findall(r"export (\w+)=", kafka["command"][0])}


@pytest.mark.parametrize("profile", ["small", "gpu", "provider"])
def test_each_profile_has_its_models(profile: str, services: dict[str, dict[str, Any]]) -> None:
    file = ROOT / (".env" if profile == "small" else f"infra/compose/{profile}.env")
    variables = dict(
        line.split("=", 1) for line in file.read_text("utf-8").splitlines() if "=" in line and line[0] != "#"
    )
    assert variables.pop("COMPOSE_PROFILES") == profile
    used = set(re.findall(r"\$\{(\w+):-", COMPOSE.read_text("utf-8")))
    assert set(variables) <= used
    started = {n for n, s in services.items() if profile in s.get("profiles", [profile])}
    for name in ("SEPTET_LLM_URL", "SEPTET_EMBEDDINGS_URL"):
        default = re.search(rf"{name}:-http://(\w+):", COMPOSE.read_text("utf-8"))
        assert default is not None
        host = re.sub(r"https?://([\w.-]+).*", r"\1", variables.get(name, f"http://{default[1]}:"))
        assert host in started or "." in host


def test_every_service_is_there_with_an_image_of_its_own(
    services: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    assert {"kafka", "opensearch", "postgres", "jaeger", "embeddings", "llm"} <= set(services)
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    for name in SERVICES:
        image = image_of(services[name])
        copied = re.findall(r"^COPY services/(\S+)", image.instructions, re.MULTILINE)
        assert set(copied) == {"kit", name}
        env = image.environment | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        ran = subprocess.run(
            [*image.entrypoint, "reindex"], env=env, capture_output=True, text=True, check=True
        )
        assert ran.stdout == f"-m septet_{name} reindex\n"


def test_what_is_waited_for_can_become_true(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            other = services[needed]
            if how["condition"] == "service_healthy":
                assert "healthcheck" in other or "HEALTHCHECK" in image_of(other).instructions, (
                    f"{name} waits for {needed}"
                )


def test_a_failure_of_a_job_is_not_hidden_by_a_restart(services: dict[str, dict[str, Any]]) -> None:
    awaited = {
        needed
        for service in services.values()
        for needed, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    assert {name: services[name]["restart"] for name in awaited} == dict.fromkeys(
        ("secrets", "topics", "migrations"), "no"
    )


def test_every_server_says_whether_it_is_healthy(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        checked = "healthcheck" in service or "HEALTHCHECK" in image_of(service).instructions
        assert checked, name


def test_everything_is_limited_and_published_on_loopback_only(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"]), name
        assert service["cap_drop"] == ["ALL"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name


def test_images_of_ours_run_read_only_and_not_as_root(services: dict[str, dict[str, Any]]) -> None:
    ours = [s for s in services.values() if s["image"].startswith("septet/")]
    assert len(ours) > len(SERVICES)
    assert all(s["read_only"] for s in ours)
    for path in DOCKERFILES:
        assert "\nUSER 10001:10001\n" in path.read_text("utf-8"), path


def test_variables_are_settings_that_the_service_reads(services: dict[str, dict[str, Any]]) -> None:
    for name in SERVICES:
        module = importlib.import_module(f"septet_{name}.settings")
        own = [v for v in vars(module).values() if isinstance(v, type) and issubclass(v, BaseSettings)]
        known = {
            f"{cls.model_config.get('env_prefix', '')}{field}".upper()
            for cls in (KitSettings, *own)
            if cls is not BaseSettings
            for field in cls.model_fields
        }
        image = {v for v in image_of(services[name]).environment if v.startswith("SEPTET_")}
        assert {*services[name]["environment"], *image} <= known | {SECRETS_DIR}, name


@pytest.mark.parametrize(
    "field", ["calls_per_day", "tokens_per_day", "usd_per_day", "prompt_usd", "completion_usd"]
)
def test_the_limits_of_what_the_judge_costs_reach_its_container(
    field: str, services: dict[str, dict[str, Any]]
) -> None:
    name = f"SEPTET_JUDGE_{field.upper()}"
    default = JudgeSettings.model_fields[field].default
    assert services["judge"]["environment"][name] == f"${{{name}:-{default}}}"


@pytest.mark.parametrize("name", ["embeddings", "llm"])
def test_model_servers_know_their_arguments(name: str, services: dict[str, dict[str, Any]]) -> None:
    _, _, module, *arguments = services[name]["command"]
    help_text = subprocess.run(
        [sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert [a for a in arguments if a.startswith("--") and a not in help_text] == []


def test_the_image_of_the_command_has_every_package_that_it_needs() -> None:
    """``--no-sources`` ignores the workspace, so each package of the workspace must be named."""
    dockerfile = (ROOT / "cli/Dockerfile").read_text("utf-8")
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    project = tomllib.loads((ROOT / "cli/pyproject.toml").read_text("utf-8"))["project"]
    needed = {
        re.split(r"[\[<>=]", name)[0].removeprefix("septet-")
        for name in project["dependencies"]
        if "septet-" in name
    }
    folders = {
        "experiments": "experiments",
        "readers": "readers",
        "tuning": "tuning",
        "native": "infra/native",
    } | {path.name: f"services/{path.name}" for path in (ROOT / "services").iterdir() if path.is_dir()}
    for name in needed:
        folder = folders[name]
        assert f"./{folder}" in dockerfile, folder
        copied = folder if f"COPY {folder} {folder}" in dockerfile else folder.split("/")[0]
        assert f"COPY {copied} {copied}" in dockerfile, folder
        assert f"!{copied}" in ignored, folder


@pytest.mark.parametrize("path", DOCKERFILES, ids=[p.parent.name for p in DOCKERFILES])
def test_dockerfile_passes_the_linter(path: Path) -> None:
    linter = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if linter is None:
        pytest.skip("hadolint is not installed")
    result = subprocess.run([linter, str(path)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_docker_reads_the_compose_file() -> None:
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("docker compose is not installed")
    command = [docker, "compose", "--file", str(COMPOSE), "config", "--quiet"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
