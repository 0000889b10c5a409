"""Each service as its image runs it: the ENTRYPOINT and variables of the image, the compose file's environment and
secrets as files, an unprivileged user, and a root file system that cannot be written."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from septet_contracts import SERVICES
from septet_native.processes import ports
from septet_native.processes.privileges import Identity, can_traverse
from septet_native.stack.addresses import Addresses

from tests.support.images import image_of

ROOT = Path(__file__).parents[2]
USER = Identity(10001, 10001)
SECRETS = ("SEPTET_KAFKA_PASSWORD", "SEPTET_POSTGRES_DSN", "SEPTET_LLM_API_KEY", "SEPTET_EMBEDDINGS_API_KEY")
# Required variables without a default. The judge's endpoint is called only for a response.
VARIABLES = {"judge": {"SEPTET_JUDGE_URL": "http://127.0.0.1:9/v1", "SEPTET_JUDGE_MODEL": "judge"}}
PLACE = "/mnt"
# Everything that is mounted becomes read-only, save a small file system in memory, as a container's /tmp is one.
SANDBOX = f"""
set -eu
mount --make-rprivate /
mount -t tmpfs -o size=256m,mode=755 tmpfs {PLACE}
mkdir -m 1777 {PLACE}/tmp
cp -r "$1" {PLACE}/secrets
if [ "$2" ]; then chown -R "$2" {PLACE}/secrets; fi
for place in / /tmp /var /home /root; do
  if mountpoint -q "$place"; then mount -o remount,bind,ro "$place"; fi
done
shift 2
cd /
exec "$@"
"""


def compose_service(name: str) -> dict[str, Any]:
    """A service of the compose file."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"][name]
    return found


def compose_environment(service: str) -> dict[str, str]:
    """The environment that the compose file gives a service, with the variables' defaults."""
    found = compose_service(service)["environment"]
    return {k: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(v)) for k, v in found.items()}


@dataclass
class Container:
    """A service that runs as in its image."""

    process: asyncio.subprocess.Process
    port: int
    log: Path

    async def ready(self) -> None:
        """Wait until it says that it is ready.

        Raises:
            AssertionError: it ended instead.
        """
        async with httpx.AsyncClient() as http:
            while True:
                with suppress(httpx.HTTPError):
                    if (await http.get(f"http://127.0.0.1:{self.port}/readyz")).status_code == 200:
                        return
                assert self.process.returncode is None, self.log.read_text("utf-8")[-3000:]
                await asyncio.sleep(0.2)


def namespaces() -> list[str]:
    """The command that opens a file system view of its own; skips where the machine does not allow one."""
    if sys.platform != "linux" or shutil.which("unshare") is None or shutil.which("setpriv") is None:
        pytest.skip("unshare and setpriv (util-linux) are not installed")
    command = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
    probe = subprocess.run([*command, "mount", "--make-rprivate", "/"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this machine does not allow mount namespaces")
    return command


def sandbox(secrets: Path) -> list[str]:
    """The command that runs the rest of its line in the sandbox, with a copy of *secrets*."""
    # A namespace that an ordinary user opens knows nobody but that user, who owns the copy already.
    reader = f"{USER.uid}:{USER.gid}" if os.geteuid() == 0 else ""
    return [*namespaces(), "sh", "-c", SANDBOX, "sh", str(secrets), reader]


def launch(service: str, secrets: Path) -> list[str]:
    entrypoint = image_of(compose_service(service)).entrypoint
    drop = ["setpriv", "--no-new-privs"]
    # A checkout below root's home is closed to others; the file system is read-only all the same.
    if os.geteuid() == 0 and can_traverse(Path(sys.executable).resolve(), USER):
        drop += [f"--reuid={USER.uid}", f"--regid={USER.gid}", "--clear-groups", "--bounding-set=-all"]
    return [*sandbox(secrets), *drop, *entrypoint]


def environment(service: str, addresses: Addresses, port: int, secrets: Path) -> dict[str, str]:
    """The image's and the compose file's variables, with this stack's addresses; secrets become files."""
    image = image_of(compose_service(service)).environment
    wanted = compose_environment(service)
    here = addresses.environment(service)
    secrets.mkdir()
    for name in SECRETS:
        if name in here:
            (secrets / name.lower()).write_text(here.pop(name), "utf-8")
    if ca := here.get("SEPTET_KAFKA_CA_FILE"):
        shutil.copy(ca, secrets / "ca.pem")
        here["SEPTET_KAFKA_CA_FILE"] = f"{PLACE}/secrets/ca.pem"
    moved = {k: v.replace("/tmp", f"{PLACE}/tmp") for k, v in image.items() if k != "PATH"}
    for name in ("SEPTET_OPENSEARCH_URL", "SEPTET_OPENSEARCH_INDEX", "SEPTET_KAFKA_CA_FILE"):
        wanted.pop(name, None)
    given = {k: v for k, v in here.items() if v and (k in wanted or k.startswith("SEPTET_KAFKA"))}
    return (
        wanted
        | given
        | VARIABLES.get(service, {})
        | moved
        | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "SEPTET_SECRETS_DIR": f"{PLACE}/secrets",
            "SEPTET_HEALTH_PORT": str(port),
            "SEPTET_INSTANCE": f"image-{service}",
            "TMPDIR": f"{PLACE}/tmp",
        }
    )


@pytest.fixture
async def containers(addresses: Addresses, tmp_path: Path) -> AsyncIterator[dict[str, Container]]:
    started: dict[str, Container] = {}
    taken: set[int] = set()
    try:
        for service in SERVICES:
            port = ports.choose(0, taken)
            log = tmp_path / f"{service}.log"
            env = environment(service, addresses, port, tmp_path / service)
            with log.open("wb") as output:
                process = await asyncio.create_subprocess_exec(
                    *launch(service, tmp_path / service), env=env, stdout=output, stderr=output
                )
            started[service] = Container(process, port, log)
        yield started
    finally:
        for container in started.values():
            if container.process.returncode is None:
                container.process.kill()
            await container.process.wait()


async def test_every_image_becomes_ready_on_a_read_only_root_and_ends_when_told(
    containers: dict[str, Container],
) -> None:
    async with asyncio.timeout(180):
        await asyncio.gather(*(c.ready() for c in containers.values()))
    for container in containers.values():
        container.process.terminate()
    for name, container in containers.items():
        async with asyncio.timeout(60):
            assert await container.process.wait() == 0, f"{name}: {container.log.read_text('utf-8')[-2000:]}"


def test_the_sandbox_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    command = [
        "sh",
        "-c",
        f"touch {PLACE}/tmp/mine && ! touch {ROOT}/x && ! touch /var/tmp/x && ! touch {tmp_path}/x",
    ]
    done = subprocess.run(
        [*sandbox(tmp_path / "secrets"), *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Read-only file system") == 3
