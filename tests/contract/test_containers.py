"""The compose file and the Dockerfiles, checked without a container engine."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic_settings import BaseSettings
from septet_contracts import SERVICES
from septet_kit import KitSettings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILES = sorted([*ROOT.glob("services/*/Dockerfile"), *ROOT.glob("infra/*/Dockerfile")])
VARIABLE = re.compile(r"\$\{([^}]*)\}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))
    return parsed


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


def dockerfile_of(service: dict[str, Any]) -> str:
    return (ROOT / service["build"]["dockerfile"]).read_text("utf-8") if "build" in service else ""


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
        assert re.fullmatch(r"dev|\d[\w.\-]*", tag), f"{name}: {tag}"
    for path in DOCKERFILES:
        for image in re.findall(r"^FROM (\S+)", path.read_text("utf-8"), re.MULTILINE):
            assert re.search(r":\d+\.\d+\.\d+", image), f"{path}: {image}"


def test_every_service_is_there_with_an_image_of_its_own(services: dict[str, dict[str, Any]]) -> None:
    assert {"kafka", "opensearch", "postgres", "jaeger", "embeddings", "llm"} <= set(services)
    for name in SERVICES:
        text = dockerfile_of(services[name])
        assert f'ENTRYPOINT ["python", "-m", "septet_{name}"]' in text
        assert set(re.findall(r"^COPY services/(\S+)", text, re.MULTILINE)) == {"kit", name}


def test_what_is_waited_for_can_become_true(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            other = services[needed]
            if how["condition"] == "service_healthy":
                assert "healthcheck" in other or "HEALTHCHECK" in dockerfile_of(other), (
                    f"{name} waits for {needed}"
                )


def test_every_server_says_whether_it_is_healthy(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        checked = "healthcheck" in service or "HEALTHCHECK" in dockerfile_of(service)
        assert checked, name


def test_everything_is_limited_and_published_on_loopback_only(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"]), name
        assert service["cap_drop"] == ["ALL"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name


def test_images_of_ours_run_read_only_and_not_as_root(services: dict[str, dict[str, Any]]) -> None:
    ours = [s for s in services.values() if s["image"].startswith("septet/")]
    assert len(ours) == len(SERVICES) + 3
    assert all(s["read_only"] for s in ours)
    for path in DOCKERFILES:
        assert "\nUSER 10001:10001\n" in path.read_text("utf-8"), path


def test_variables_are_settings_that_the_service_reads(services: dict[str, dict[str, Any]]) -> None:
    for name in SERVICES:
        module = importlib.import_module(f"septet_{name}.settings")
        own = [v for v in vars(module).values() if isinstance(v, type) and issubclass(v, BaseSettings)]
        known = {
            f"{cls.model_config.get('env_prefix', '')}{field}".upper()
            for cls in (KitSettings, *own) if cls is not BaseSettings for field in cls.model_fields
        }  # fmt: skip
        image = re.findall(r"(SEPTET_\w+)=", dockerfile_of(services[name]))
        assert {*services[name]["environment"], *image} <= known, name


@pytest.mark.parametrize("name", ["embeddings", "llm"])
def test_model_servers_know_their_arguments(name: str, services: dict[str, dict[str, Any]]) -> None:
    _, _, module, *arguments = services[name]["command"]
    help_text = subprocess.run(
        [sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert [a for a in arguments if a.startswith("--") and a not in help_text] == []


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
