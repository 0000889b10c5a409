"""The audit of dependencies passes, and finds what is planted."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ..support.script import load_script

ROOT = Path(__file__).parents[2]
AUDIT = ROOT / "infra" / "audit" / "audit.py"
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-tuning.lock")
HASH = "--hash=sha256:" + "0" * 64


@pytest.fixture(scope="module")
def script() -> Any:
    """The script as a module, loaded once: it reads the list of licences and of what is installed."""
    module = load_script(AUDIT)
    # Nothing is installed between two tests, and parsing the metadata takes most of a run.
    installed = [SimpleNamespace(metadata=d.metadata, version=d.version) for d in module.distributions()]
    vars(module)["distributions"] = lambda: installed
    return module


@pytest.fixture
def audit(script: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    """The script, run in this process: its exit code and what it printed."""

    def run(*options: str) -> SimpleNamespace:
        code = script.main(options)
        return SimpleNamespace(returncode=code, stdout=capsys.readouterr().out)

    return run


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A copy of the lock that a test may spoil."""
    copy = tmp_path / "requirements.lock"
    copy.write_bytes((ROOT / "requirements.lock").read_bytes())
    return copy


def test_locks_and_licences_pass_and_the_report_says_what_was_not_checked(audit: Any) -> None:
    done = audit()
    assert done.returncode == 0, done.stdout
    assert "advisories were not checked" in done.stdout


def test_both_locks_are_read(audit: Any) -> None:
    counted = [int(audit(f"--lock={ROOT / n}").stdout.split("audit: ")[1].split()[0]) for n in LOCKS]
    both = int(audit().stdout.split("audit: ")[1].split()[0])
    assert max(counted) < both <= sum(counted)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("loose>=1.0 " + HASH, "loose is not pinned"),
        ("starred==1.* " + HASH, "starred is not pinned"),
        ("unhashed==1.0", "unhashed has no hash"),
        ("weak==1.0 --hash=md5:" + "0" * 32, "weak has no hash"),
        ("--index-url elsewhere", "options and addresses"),
        ("direct @ file:///tmp/direct.whl " + HASH, "options and addresses"),
        ("aiokafka==0.14.0 " + HASH, "aiokafka is listed twice"),
    ],
)
def test_what_does_not_belong_into_the_lock_is_found(line: str, said: str, lock: Path, audit: Any) -> None:
    lock.write_text(lock.read_text("utf-8") + line + "\n", "utf-8")
    done = audit(f"--lock={lock}")
    assert done.returncode == 1
    assert said in done.stdout


def test_an_installed_version_that_is_not_the_locked_one_is_found(lock: Path, audit: Any) -> None:
    lock.write_text(lock.read_text("utf-8").replace("aiokafka==", "aiokafka==9.", 1), "utf-8")
    done = audit(f"--lock={lock}")
    assert done.returncode == 1
    assert "installed: aiokafka" in done.stdout


def test_a_licence_that_is_not_allowed_is_found(tmp_path: Path, audit: Any) -> None:
    policy = tmp_path / "policy.toml"
    text = (ROOT / "infra" / "audit" / "policy.toml").read_text("utf-8")
    policy.write_text(text.replace('"MPL-2.0",', "", 1), "utf-8")
    done = audit(f"--policy={policy}")
    assert done.returncode == 1
    assert "licence: certifi: MPL-2.0" in done.stdout


@pytest.mark.parametrize(
    ("affected", "hit"),
    [
        ({"versions": ["0.14.0"]}, True),
        ({"versions": ["0.13.0"]}, False),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}]}, True),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "0.2"}]}]}, False),
        (
            {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"last_affected": "0.14.0"}]}]},
            True,
        ),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "50"}]}]}, False),
    ],
)
def test_advisories_of_a_local_export_are_matched(
    affected: dict[str, object], hit: bool, tmp_path: Path, audit: Any
) -> None:
    package = {"package": {"ecosystem": "PyPI", "name": "AIOKafka"}, **affected}
    record = {"id": "TEST-2026-1", "summary": "planted", "affected": [package]}
    (tmp_path / "TEST-2026-1.json").write_text(json.dumps(record), "utf-8")
    done = audit(f"--osv={tmp_path}")
    assert ("advisory: aiokafka 0.14.0: TEST-2026-1" in done.stdout) is hit
    assert "1 advisories" in done.stdout


def test_the_bill_of_materials_names_every_distribution(tmp_path: Path, audit: Any) -> None:
    path = tmp_path / "sbom.json"
    audit(f"--sbom={path}")
    bom = json.loads(path.read_text("utf-8"))
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")
    urls = {c["purl"] for c in bom["components"]}
    assert "pkg:pypi/aiokafka@0.14.0" in urls
    assert len(urls) > 100
