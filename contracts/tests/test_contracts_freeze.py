"""Freezing and checking a folder of schemas, and the commands for it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, create_model
from septet_contracts import TOPICS, Topic
from septet_contracts.__main__ import main
from septet_contracts.compat import breaks
from septet_contracts.freeze import ACCEPTED, SchemaStore, check, default_folder, freeze
from septet_contracts.published import DIGESTS
from septet_contracts.schema import topic_schema

AUTHOR = ("-c", "user.name=t", "-c", "user.email=t@example.org")


def topic_of(name: str = "septet.things.v1", **fields: Any) -> Topic:
    model: type[BaseModel] = create_model("Thing", **fields)
    return Topic(name, "septet.thing", model, "Things.")


FIRST = topic_of(a=(int, ...))
GROWN = topic_of(a=(int, ...), b=(int | None, None))
BROKEN = topic_of(a=(str, ...))


@pytest.fixture
def store(tmp_path: Path) -> SchemaStore:
    return SchemaStore(tmp_path / "schemas")


def test_a_frozen_schema_is_immutable_including_its_titles(store: SchemaStore) -> None:
    (path,) = freeze(store, [FIRST])[0]
    whole = path.read_text("utf-8")
    path.write_text(whole.replace('"title": "Thing"', '"title": "Other"'), "utf-8")
    assert "differs from the published one" in str(check(store, [FIRST]))
    path.unlink()
    assert "the file is missing" in str(check(store, [FIRST]))


def test_a_schema_without_a_digest_is_found(store: SchemaStore) -> None:
    (path,) = freeze(store, [FIRST])[0]
    path.with_name("v1.2.json").write_text(path.read_text("utf-8"), "utf-8")
    assert "things/v1.2.json: the file has no line in digests.txt" in str(check(store, [FIRST])[0])


def test_a_schema_and_its_digest_cannot_be_changed_together(store: SchemaStore) -> None:
    (path,) = freeze(store, [FIRST])[0]
    for command in (("init", "-q"), ("add", "."), (*AUTHOR, "commit", "-q", "-m", "published")):
        subprocess.run(["git", "-C", store.folder, *command], check=True)
    assert check(store, [FIRST]) == []
    path.unlink()
    (store.folder / DIGESTS).unlink()
    freeze(store, [BROKEN])
    (finding,) = check(store, [BROKEN])
    assert "its line in digests.txt was changed or removed" in finding.message
    freeze(store, [topic_of("septet.others.v1", a=(int, ...))])
    subprocess.run(["git", "-C", store.folder, *AUTHOR, "commit", "-q", "-a", "-m", "edited"], check=True)
    assert check(store, [BROKEN])[-1].message == finding.message, "committing the edit does not hide it"


def test_a_changed_default_is_found_where_clients_write(store: SchemaStore) -> None:
    """Only the recorded change of `retrieval.fusion` is accepted."""
    requests = TOPICS["septet.requests.v1"]
    (path, first), *_ = SchemaStore(default_folder()).versions(requests)
    assert path.name == "v1.1.json"
    found = {(b.path, b.kind) for b in breaks(first, topic_schema(requests), defaults=True)}
    assert found == {(where, kind) for _, _, where, kind in ACCEPTED}


def test_unfrozen_topic_is_found(store: SchemaStore) -> None:
    (finding,) = check(store, [FIRST])
    assert finding.topic == "septet.things.v1"
    assert "no frozen schema" in finding.message
    assert "freeze" in finding.fix


def test_freezing_is_numbered_and_idempotent(store: SchemaStore) -> None:
    assert [p.name for p in freeze(store, [FIRST])[0]] == ["v1.1.json"]
    assert freeze(store, [FIRST]) == ([], [])
    assert [p.name for p in freeze(store, [GROWN])[0]] == ["v1.2.json"]
    assert check(store, [GROWN]) == []


def test_the_order_of_versions_is_numeric(store: SchemaStore) -> None:
    for _ in range(11):
        store.add(FIRST, topic_schema(FIRST))
    assert [p.name for p, _ in store.versions(FIRST)][-2:] == ["v1.10.json", "v1.11.json"]


def test_a_compatible_change_must_still_be_frozen(store: SchemaStore) -> None:
    freeze(store, [FIRST])
    (finding,) = check(store, [GROWN])
    assert "differs from v1.1.json" in finding.message


def test_a_break_fails_the_check_and_is_not_frozen(store: SchemaStore) -> None:
    freeze(store, [FIRST])
    written, findings = freeze(store, [BROKEN])
    assert written == []
    assert findings == check(store, [BROKEN])
    assert "breaks v1.1.json: $.a: type_changed" in str(findings[0])


def test_a_model_is_compared_with_every_frozen_version(store: SchemaStore) -> None:
    """A field that is missing from the newest file is still required by the first one."""
    store.add(GROWN, topic_schema(GROWN))
    store.add(FIRST, topic_schema(FIRST))
    findings = check(store, [topic_of(a=(int, ...), b=(str | None, None))])
    assert any("breaks v1.1.json: $.b: type_changed" in f.message for f in findings)


def test_a_topic_missing_from_the_table_is_found(store: SchemaStore) -> None:
    freeze(store, [FIRST, topic_of("septet.others.v1", a=(int, ...))])
    (finding,) = check(store, [FIRST])
    assert finding.topic == "septet.others.v1"


def test_raw_topics_have_no_schema(store: SchemaStore) -> None:
    dead = TOPICS["septet.cache.dead.v1"]
    assert freeze(store, [dead]) == ([], [])
    with pytest.raises(ValueError, match="any shape"):
        topic_schema(dead)


def test_members_of_a_union_require_their_tag() -> None:
    upsert = topic_schema(TOPICS["septet.documents.v1"])["$defs"]["UpsertDocument"]
    assert "action" in upsert["required"]


def test_the_committed_schemas_pass_the_check() -> None:
    assert check(SchemaStore(default_folder())) == []


def test_check_command(store: SchemaStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--dir", str(store.folder)]) == 1
    assert "septet.requests.v1: has no frozen schema" in capsys.readouterr().err
    assert main(["freeze", "--dir", str(store.folder)]) == 0
    assert "wrote" in capsys.readouterr().out
    assert main(["check", "--dir", str(store.folder)]) == 0
    assert capsys.readouterr().out == "contracts: 0 findings\n"


def test_schema_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "requests"]) == 0
    assert json.loads(capsys.readouterr().out)["$id"] == "urn:septet:septet.requests.v1"
    assert main(["schema", "nonsense"]) == 2
    assert "unknown topic 'nonsense'" in capsys.readouterr().err


def test_default_folder_is_in_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "contracts" / "src" / "septet_contracts").mkdir(parents=True)
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert default_folder() == tmp_path / "contracts" / "schemas"
