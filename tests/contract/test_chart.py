"""The Helm chart: linted, rendered, and every manifest checked against the schemas of Kubernetes and KEDA."""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft202012Validator
from kubernetes_validate import utils as schemas
from septet_contracts import HTTP_SERVICES, SERVICES, TOPICS, topic
from septet_gateway.settings import GatewaySettings

CHART = Path(__file__).parents[2] / "infra" / "k8s" / "septet"
EXAMPLES = sorted((CHART.parent / "examples").glob("values-*.yaml"))
KUBERNETES = ("1.30", "1.34")

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]
JUDGE = ("--set=models.judge.url=https://judge.example/v1", "--set=models.judge.model=judge")
VARIANTS = {
    "defaults": (),
    "deployments": ("--set=workload.kind=Deployment",),
    "plaintext": ("--set=kafka.protocol=PLAINTEXT", "--set=autoscaling.enabled=false"),
    "tenants": ('--set-json=tenants=["default",{"name":"acme","topics":"own"}]',),
    "tls": ("--set=gateway.tls.secret=septet-gateway-tls",),
    "policies": ('--set-json=policies={"default.yaml":"name: default"}',),
    "judge": JUDGE,
    "bare": (
        "--set=traces.collector.enabled=false",
        "--set=networkPolicy.enabled=false",
        "--set=setup.enabled=false",
    ),
    **{path.stem: (f"--values={path}",) for path in EXAMPLES},
}


def run_helm(helm: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([helm, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module", autouse=True)
def _schemas_read_once() -> Iterator[None]:
    """Cache the schema files: the validator reads megabytes of definitions for each manifest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schemas, "schema_contents", cache(schemas.schema_contents))
        yield


@pytest.fixture(scope="module")
def render(helm: str) -> Render:
    def rendered(*options: str) -> list[Manifest]:
        done = run_helm(helm, "template", "septet", str(CHART), "--kube-version=1.34.0", *options)
        assert done.returncode == 0, done.stderr
        return [m for m in yaml.safe_load_all(done.stdout) if m]

    return rendered


@pytest.fixture(scope="module")
def manifests(render: Render) -> list[Manifest]:
    return render()


def kind(manifests: list[Manifest], wanted: str) -> dict[str, Manifest]:
    return {m["metadata"]["labels"]["app.kubernetes.io/name"]: m for m in manifests if m["kind"] == wanted}


def problems(manifest: Manifest, keda: dict[str, dict[str, Any]]) -> list[str]:
    """What the schemas of the manifest's kind say against it."""
    where = f"{manifest['kind']}/{manifest['metadata']['name']}"
    if manifest["apiVersion"].startswith("keda.sh/"):
        found = Draft202012Validator(closed(keda[manifest["kind"]])).iter_errors(manifest)
        return [f"{where}: {list(e.absolute_path)}: {e.message}" for e in found]
    for version in KUBERNETES:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            return [f"{where} ({version}): {list(error.absolute_path)}: {error.message}"]
    return []


def closed(schema: Any) -> Any:
    """The schema without fields that it does not name: the API server would drop them in silence."""
    if isinstance(schema, list):
        return [closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    made = {k: closed(v) for k, v in schema.items()}
    if "properties" in made and made["properties"] and "additionalProperties" not in made:
        made["additionalProperties"] = False
    return made


def pod_specs(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for m in manifests:
        if m["kind"] in ("StatefulSet", "Deployment", "Job"):
            yield m["metadata"]["name"], m["spec"]["template"]["spec"]


@pytest.mark.slow
def test_chart_passes_helm_lint(helm: str) -> None:
    for options in VARIANTS.values():
        done = run_helm(helm, "lint", "--strict", str(CHART), "--kube-version=1.34.0", *options)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("variant", VARIANTS)
def test_manifests_satisfy_the_schemas(
    variant: str, render: Render, keda_schemas: dict[str, dict[str, Any]]
) -> None:
    rendered = render(*VARIANTS[variant])
    assert len(rendered) > 20
    assert [p for m in rendered for p in problems(m, keda_schemas)] == []


@pytest.mark.parametrize(
    ("wanted", "path", "value"),
    [
        ("StatefulSet", ("spec", "template", "spec", "containers", 0, "imagePulPolicy"), "Always"),
        ("StatefulSet", ("spec", "replicas"), "two"),
        ("NetworkPolicy", ("spec", "egres"), []),
        ("ScaledObject", ("spec", "maxReplicaCount"), "four"),
        ("ScaledObject", ("spec", "maxReplicas"), 4),
    ],
)
def test_a_broken_manifest_is_refused(
    wanted: str, path: tuple[Any, ...], value: Any, render: Render, keda_schemas: dict[str, dict[str, Any]]
) -> None:
    manifest = next(m for m in render() if m["kind"] == wanted)
    place: Any = manifest
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert problems(manifest, keda_schemas)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--set=kafka.partitions=1", "kafka.partitions"),
        ("--set=workload.kind=DaemonSet", "workload"),
        ("--set=kafka.bootstrap=nowhere", "bootstrap"),
        ("--set=services.cache.typo=1", "typo"),
        ("--set=services.cache.needs={redis}", "needs"),
        ("--set=gateway.tls.secretName=x", "secretName"),
    ],
)
def test_values_that_cannot_work_are_refused(option: str, said: str, helm: str) -> None:
    done = run_helm(helm, "template", "septet", str(CHART), "--kube-version=1.34.0", option)
    assert done.returncode != 0
    assert said in done.stderr


def test_the_judge_is_left_out_without_an_address(manifests: list[Manifest]) -> None:
    assert [m for m in manifests if m["metadata"]["labels"].get("app.kubernetes.io/name") == "judge"] == []


def test_every_service_has_its_workload_budget_scaler_and_policy(render: Render) -> None:
    manifests = render(*JUDGE)
    workloads = {*SERVICES, *HTTP_SERVICES}
    for name in ("StatefulSet", "PodDisruptionBudget"):
        assert set(kind(manifests, name)) == workloads
    assert set(kind(manifests, "ScaledObject")) == set(SERVICES)
    assert set(kind(manifests, "NetworkPolicy")) == {*workloads, "collector", "setup", "default-deny"}


def test_the_http_api_has_an_address_that_only_ready_pods_serve(manifests: list[Manifest]) -> None:
    (api,) = [m for m in manifests if m["kind"] == "Service" and m["metadata"]["name"].endswith("-api")]
    assert "publishNotReadyAddresses" not in api["spec"]
    (port,) = api["spec"]["ports"]
    workload = kind(manifests, "StatefulSet")["gateway"]["spec"]
    container = workload["template"]["spec"]["containers"][0]
    assert workload["replicas"] == 2
    assert {"name": "http", "containerPort": port["port"], "protocol": "TCP"} in container["ports"]
    assert {"name": "SEPTET_GATEWAY_PORT", "value": str(port["port"])} in container["env"]
    rules = kind(manifests, "NetworkPolicy")["gateway"]["spec"]["ingress"]
    assert [r for r in rules if r["ports"] == [{"port": port["port"], "protocol": "TCP"}]] != []


def test_the_certificate_of_the_http_api_is_mounted_where_its_settings_name_it(render: Render) -> None:
    rendered = render(*VARIANTS["tls"], "--set=gateway.tls.key=private.pem")
    pod = kind(rendered, "StatefulSet")["gateway"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (folder,) = [m["mountPath"] for m in container["volumeMounts"] if m["name"] == "gateway-tls"]
    (volume,) = [v for v in pod["volumes"] if v["name"] == "gateway-tls"]
    env = {v["name"]: v.get("value") for v in container["env"]}
    assert volume["secret"]["secretName"] == "septet-gateway-tls"
    assert env["SEPTET_GATEWAY_TLS_CERTIFICATE"] == f"{folder}/tls.crt"
    assert env["SEPTET_GATEWAY_TLS_KEY"] == f"{folder}/private.pem"
    assert {"SEPTET_GATEWAY_TLS_CERTIFICATE", "SEPTET_GATEWAY_TLS_KEY"} <= settings_of_the_gateway()
    (api,) = [m for m in rendered if m["kind"] == "Service" and m["metadata"]["name"].endswith("-api")]
    assert api["spec"]["ports"][0]["appProtocol"] == "https"
    others = [name for name, spec in pod_specs(rendered) if "gateway-tls" in yaml.safe_dump(spec)]
    assert others == ["septet-gateway"]


def test_the_http_api_has_no_certificate_by_default(manifests: list[Manifest]) -> None:
    (api,) = [m for m in manifests if m["kind"] == "Service" and m["metadata"]["name"].endswith("-api")]
    assert "appProtocol" not in api["spec"]["ports"][0]
    assert not [name for name, spec in pod_specs(manifests) if "tls" in yaml.safe_dump(spec).lower()]


def settings_of_the_gateway() -> set[str]:
    """The variables that the gateway reads."""
    return {f"SEPTET_GATEWAY_{name.upper()}" for name in GatewaySettings.model_fields}


def test_scaling_follows_the_topics_that_a_service_declares(render: Render) -> None:
    manifests = render(*JUDGE)
    least = min(t.partitions for t in TOPICS.values() if not t.raw and not t.compacted)
    for name, scaled in kind(manifests, "ScaledObject").items():
        spec = importlib.import_module(f"septet_{name}.app").SPEC
        triggers = [t["metadata"] for t in scaled["spec"]["triggers"]]
        assert [t["topic"] for t in triggers] == [topic(t).name for t in spec.consumes]
        assert {t["consumerGroup"] for t in triggers} == {f"septet.{name}"}
        assert scaled["spec"]["maxReplicaCount"] <= least


def test_a_tenant_with_own_topics_drives_the_scaling_too(render: Render) -> None:
    rendered = render(*VARIANTS["tenants"])
    triggers = kind(rendered, "ScaledObject")["guardrails"]["spec"]["triggers"]
    assert "septet.requests.v1.acme" in [t["metadata"]["topic"] for t in triggers]


@pytest.mark.parametrize("variant", ["defaults", "deployments"])
def test_every_pod_is_hardened(variant: str, render: Render) -> None:
    found = dict(pod_specs(render(*VARIANTS[variant], *JUDGE)))
    assert len(found) == len(SERVICES) + len(HTTP_SERVICES) + 3
    for name, spec in found.items():
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in spec["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True, name
            assert security["allowPrivilegeEscalation"] is False, name
            assert security["capabilities"] == {"drop": ["ALL"]}, name
            assert "memory" in container["resources"]["limits"], name


def test_secrets_are_referred_to_and_never_held(manifests: list[Manifest]) -> None:
    assert [m for m in manifests if m["kind"] == "Secret"] == []
    secret = ("PASSWORD", "DSN", "KEY")
    for name, spec in pod_specs(manifests):
        for variable in spec["containers"][0]["env"]:
            assert not variable["name"].endswith(secret), f"{name}: {variable['name']}"


def test_pods_of_a_service_have_names_of_their_own(manifests: list[Manifest]) -> None:
    for name, workload in kind(manifests, "StatefulSet").items():
        env = {v["name"]: v for v in workload["spec"]["template"]["spec"]["containers"][0]["env"]}
        assert env["SEPTET_INSTANCE"]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}, name
        assert env["SEPTET_KAFKA_USERNAME"]["value"] == name


def egress_ports(manifests: list[Manifest], name: str) -> set[int]:
    rules = kind(manifests, "NetworkPolicy")[name]["spec"]["egress"]
    return {p["port"] for rule in rules for p in rule["ports"]}


def test_a_service_reaches_what_it_needs_and_nothing_else(manifests: list[Manifest], render: Render) -> None:
    assert "egress" not in kind(manifests, "NetworkPolicy")["default-deny"]["spec"]
    assert egress_ports(manifests, "guardrails") == {53, 9093, 4318}
    assert egress_ports(manifests, "generation") == {53, 9093, 4318, 5432, 8000}
    assert egress_ports(manifests, "retrieval") == {53, 9093, 4318, 5432, 8080, 9200}
    judged = render("--set=networkPolicy.entailment.port=8443")
    assert egress_ports(judged, "guardrails") == {53, 9093, 4318, 8443}
    assert egress_ports(judged, "generation") == egress_ports(manifests, "generation")


def test_the_setup_runs_before_the_services(manifests: list[Manifest]) -> None:
    jobs = [m for m in manifests if m["kind"] == "Job"]
    steps = sorted(jobs, key=lambda m: int(m["metadata"]["annotations"]["helm.sh/hook-weight"]))
    commands = [m["spec"]["template"]["spec"]["containers"][0]["command"] for m in steps]
    apply = ["septet", "kafka", "apply", "--replication", "3"]
    assert commands == [apply, ["python", "-m", "septet_kit.migrate"]]
    assert all("pre-upgrade" in m["metadata"]["annotations"]["helm.sh/hook"] for m in jobs)
