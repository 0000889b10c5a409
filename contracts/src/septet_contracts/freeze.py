"""Frozen schemas: a file for each published schema. Each change is checked against all of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from septet_contracts.compat import breaks
from septet_contracts.published import record, violations
from septet_contracts.schema import dump, topic_schema
from septet_contracts.topics import TOPICS, Topic

ACCEPTED = frozenset(
    {
        ("septet.requests.v1", "v1.1.json", "$.retrieval", "default_changed"),
        ("septet.requests.v1", "v1.1.json", "$.retrieval.fusion", "default_changed"),
    }
)
"""Breaks from before the check could find them; decision 0027 gives the reasons. Do not add any."""


@dataclass(frozen=True)
class Finding:
    """A problem with the contract of a topic, and the command or edit that fixes it."""

    topic: str
    message: str
    fix: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.message}\n    fix: {self.fix}"


class SchemaStore:
    """The folder of frozen schemas, ``<topic>/v<major>.<n>.json``; ``n`` starts at 1."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def versions(self, topic: Topic) -> list[tuple[Path, dict[str, Any]]]:
        """Every frozen schema of the topic, oldest first."""
        paths = (self.folder / topic.short).glob(f"v{topic.major}.*.json")
        return [(p, json.loads(p.read_text("utf-8"))) for p in sorted(paths, key=_number)]

    def add(self, topic: Topic, schema: dict[str, Any]) -> Path:
        known = self.versions(topic)
        number = _number(known[-1][0]) + 1 if known else 1
        path = self.folder / topic.short / f"v{topic.major}.{number}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dump(schema), "utf-8")
        record(self.folder, path)
        return path

    def names(self) -> set[str]:
        """Full names of the topics that have a frozen schema."""
        return {f"septet.{p.parent.name}.{p.name.split('.')[0]}" for p in self.folder.glob("*/v*.json")}


def default_folder() -> Path:
    """``contracts/schemas`` of the checkout that contains the working folder or else this module.

    Raises:
        FileNotFoundError: neither is in a checkout.
    """
    for start in (Path.cwd(), Path(__file__).resolve()):
        for parent in (start, *start.parents):
            if (parent / "contracts" / "src" / "septet_contracts").is_dir():
                return parent / "contracts" / "schemas"
    raise FileNotFoundError("no contracts/schemas above the working folder; name one with --dir")


def check(store: SchemaStore, topics: Iterable[Topic] = TOPICS.values()) -> list[Finding]:
    """Compare each model with every frozen schema of its topic, and each frozen schema with its digest.

    Returns:
        Incompatible models, models that differ from their newest frozen schema, frozen topics that are missing from
        the table, and frozen schemas that were edited.
    """
    wired = [t for t in topics if not t.raw]
    findings = [finding for topic in wired for finding in _check_topic(store, topic)]
    gone = sorted(store.names() - {t.name for t in wired})
    findings += [Finding(n, "the topic is missing from the table", "restore it") for n in gone]
    fix = "restore it, and freeze the change as the next version"
    return findings + [Finding(name, message, fix) for name, message in violations(store.folder)]


def freeze(store: SchemaStore, topics: Iterable[Topic] = TOPICS.values()) -> tuple[list[Path], list[Finding]]:
    """Write the schema of each model that differs from its newest frozen schema and is compatible with all of them.

    Returns:
        The written files, and the findings that prevented others.
    """

    written: list[Path] = []
    findings: list[Finding] = []
    for topic in topics:
        if topic.raw:
            continue
        schema, known = topic_schema(topic), store.versions(topic)
        broken = _breaks(topic, schema, known)
        findings += broken
        if not broken and (not known or known[-1][1] != schema):
            written.append(store.add(topic, schema))
    return written, findings


def _check_topic(store: SchemaStore, topic: Topic) -> list[Finding]:
    schema, known = topic_schema(topic), store.versions(topic)
    broken = _breaks(topic, schema, known)
    if broken or (known and known[-1][1] == schema):
        return broken
    message = f"the model differs from {known[-1][0].name}" if known else "has no frozen schema"
    return [Finding(topic.name, message, "run `python -m septet_contracts freeze` and commit the new file")]


def _breaks(topic: Topic, schema: dict[str, Any], known: list[tuple[Path, dict[str, Any]]]) -> list[Finding]:
    fix = "undo it, add an optional field instead, or open a topic of the next major version"
    return [
        Finding(topic.name, f"breaks {path.name}: {found}", fix)
        for path, frozen in known
        for found in breaks(frozen, schema, defaults=topic.from_clients)
        if (topic.name, path.name, found.path, found.kind) not in ACCEPTED
    ]


def _number(path: Path) -> int:
    return int(path.stem.split(".")[1])
