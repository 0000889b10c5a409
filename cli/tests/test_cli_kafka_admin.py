"""`septet kafka` on a Kafka without users, and without a Kafka."""

from __future__ import annotations

from pathlib import Path

import pytest
from septet_cli.kafka_checks import check_kafka
from septet_cli.main import app
from septet_cli.settings import CliSettings
from typer.testing import CliRunner

runner = CliRunner()


def test_the_access_table_is_written_and_checked(tmp_path: Path) -> None:
    target = tmp_path / "acls.yaml"
    assert runner.invoke(app, ["kafka", "acls", "--write", str(target)]).exit_code == 0
    assert runner.invoke(app, ["kafka", "acls", "--check", str(target)]).exit_code == 0
    target.write_text(target.read_text().replace("septet.labels.v1", "septet.label.v1"))
    assert runner.invoke(app, ["kafka", "acls", "--check", str(target)]).exit_code == 1


def test_the_access_table_includes_tenants(tmp_path: Path) -> None:
    tenants = tmp_path / "tenants.yaml"
    tenants.write_text("tenants: [{name: acme, topics: own}]")
    shown = runner.invoke(app, ["kafka", "acls", "--tenants", str(tenants)], env={"COLUMNS": "200"})
    assert "tenant-acme" in shown.stdout
    assert "responses.v2.acme" in shown.stdout


def test_topics_only_works_without_an_authorizer(kafka: str) -> None:
    env = {"SEPTET_KAFKA_BOOTSTRAP": kafka}
    made = runner.invoke(app, ["kafka", "apply", "--topics-only", "--dry-run"], env=env)
    assert made.exit_code == 0
    failed = runner.invoke(app, ["kafka", "apply"], env=env)
    assert failed.exit_code == 1
    assert "authorizer" in failed.stderr


def test_an_unreachable_kafka_is_reported_with_its_setting() -> None:
    failed = runner.invoke(app, ["kafka", "apply"], env={"SEPTET_KAFKA_BOOTSTRAP": "127.0.0.1:1"})
    assert failed.exit_code == 1
    assert "SEPTET_KAFKA_BOOTSTRAP" in failed.stderr


async def test_the_doctor_reports_problems_with_kafka(kafka: str, tmp_path: Path) -> None:
    assert [c.ok for c in await check_kafka(CliSettings(kafka_bootstrap=kafka))] == [True, True]
    (absent,) = await check_kafka(CliSettings(kafka_bootstrap="127.0.0.1:1"))
    assert not absent.ok
    assert await check_kafka(CliSettings(data_dir=tmp_path)) == []


@pytest.mark.parametrize("names", [[], ["--name", "kafka.example.com"]])
def test_certificates_are_made_once(tmp_path: Path, names: list[str]) -> None:
    command = ["kafka", "certificates", str(tmp_path), *names]
    assert "made" in runner.invoke(app, command).stdout
    assert "kept" in runner.invoke(app, command).stdout
