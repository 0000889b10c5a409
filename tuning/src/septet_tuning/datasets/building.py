"""Builds a version from evidence and files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from septet_tuning.datasets.candidates import candidates
from septet_tuning.datasets.curation import Rules, Scrub, curate
from septet_tuning.datasets.dataset import SPLITS, Dataset, load, names, versions, write
from septet_tuning.datasets.evidence import Joined
from septet_tuning.rows import AnyRow, Kind


def build(
    root: Path,
    name: str,
    kind: Kind,
    *,
    joined: Joined,
    files: Iterable[AnyRow],
    scrub: Scrub,
    rules: Rules,
    traffic: bool,
    now: datetime,
    settings: dict[str, object] | None = None,
) -> Dataset:
    """Write the next version of a dataset.

    Args:
        root: folder of all datasets.
        name: name of the dataset.
        kind: kind of its rows.
        joined: requests of the log, with what was shown.
        files: rows of the operator's files.
        scrub: masks personal data.
        rules: settings of the curation.
        traffic: whether answers without feedback count.
        now: time of the build, for the card.
        settings: shown in the card.

    Raises:
        UnsuitableData: the rows cannot train a model. Nothing is written.
        InvalidDataset: the name is invalid.
    """
    refused = Counter(joined.refused)
    rows = [*candidates(kind, joined.evidence, traffic=traffic, refused=refused), *files]
    curated = curate(rows, scrub, rules, refused)
    shown = {
        "held_out": rules.held_out,
        "user_share": rules.user_share,
        "minimum": rules.minimum,
        "suite_questions": len(rules.suite),
    }
    details: dict[str, object] = {
        "created_at": now.isoformat(timespec="seconds"),
        "refused": dict(sorted(curated.refused.items())),
        "warnings": tuple(curated.warnings),
        "settings": {**shown, **(settings or {})},
    }
    splits = {"train": curated.train, "held_out": curated.held_out}
    return write(root, name, {split: splits[split] for split in SPLITS}, kind=kind, details=details)


def find_affected(
    root: Path, *, tenant: str | None = None, document: str | None = None
) -> list[tuple[str, int]]:
    """Versions with rows of a tenant, or with rows made from a document: name and number of rows.

    With both, a row must match both. The names are ``NAME@VERSION``.
    """
    found = []
    for name in names(root):
        for version in versions(name, root):
            dataset = load(f"{name}@{version}", root)
            rows = [row for split in SPLITS for row in dataset.rows(split)]
            count = sum(_matches(row, tenant, document) for row in rows)
            if count:
                found.append((f"{name}@{version}", count))
    return found


def _matches(row: AnyRow, tenant: str | None, document: str | None) -> bool:
    documents: Sequence[str] = [each[0] for each in row.origin.documents]
    return (tenant is None or row.origin.tenant == tenant) and (document is None or document in documents)
