"""A version of a dataset on disk: ``<root>/<name>/<version>/``.

The folder has ``dataset.json``, ``train.jsonl``, ``held_out.jsonl`` and ``card.md``. A version never changes.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from septet_tuning.datasets.balance import measure_balance
from septet_tuning.datasets.card import render_card
from septet_tuning.datasets.manifest import Manifest
from septet_tuning.errors import InvalidDataset
from septet_tuning.rows import AnyRow, Kind

Split = Literal["train", "held_out"]
SPLITS: tuple[Split, ...] = ("train", "held_out")

_ROW: TypeAdapter[AnyRow] = TypeAdapter(AnyRow)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_REFERENCE = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]{0,63})(?:@(?P<version>[1-9][0-9]{0,8}))?")


@dataclass(frozen=True)
class Dataset:
    """A loaded version. Its rows match its digest."""

    folder: Path
    manifest: Manifest
    splits: Mapping[Split, tuple[AnyRow, ...]]

    @property
    def name(self) -> str:
        """Name of the dataset."""
        return self.manifest.name

    @property
    def version(self) -> int:
        """Number of the version, from 1."""
        return self.manifest.version

    @property
    def kind(self) -> Kind:
        """Kind of all rows."""
        return self.manifest.kind

    @property
    def digest(self) -> str:
        """SHA-256 over the rows of both splits, as ``sha256:<hex>``."""
        return self.manifest.digest

    def rows(self, split: Split) -> tuple[AnyRow, ...]:
        """The rows of one split, in the order of the file."""
        return self.splits[split]


def load(reference: str, root: Path) -> Dataset:
    """Load ``NAME`` (the newest version), ``NAME@VERSION`` or a folder, and verify its digest.

    Raises:
        InvalidDataset: the version does not exist, a row breaks its format, or the digest does not match.
    """
    folder = _find(reference, root)
    manifest = read_manifest(folder)
    splits = {split: _read_rows(folder / f"{split}.jsonl", manifest.kind) for split in SPLITS}
    digest = digest_rows(splits)
    if digest != manifest.digest:
        raise InvalidDataset(
            f"{folder}: the rows have digest {digest}, and dataset.json has {manifest.digest}",
            "Build a new version. A version must not be edited.",
        )
    return Dataset(folder=folder, manifest=manifest, splits=splits)


def write(
    root: Path,
    name: str,
    splits: Mapping[Split, Iterable[AnyRow]],
    *,
    kind: Kind,
    details: Mapping[str, object] | None = None,
) -> Dataset:
    """Write the next version. ``details`` sets further fields of the manifest.

    Raises:
        InvalidDataset: the name is invalid, or a row has another kind.
    """
    if not _NAME.fullmatch(name):
        raise InvalidDataset(
            f"{name!r} is no name of a dataset", "Use a-z, 0-9 and '-', up to 64 characters."
        )
    rows: dict[Split, tuple[AnyRow, ...]] = {split: tuple(splits.get(split, ())) for split in SPLITS}
    for row in (row for split in SPLITS for row in rows[split]):
        if row.kind != kind:
            raise InvalidDataset(f"row {row.id} has kind {row.kind}, and the dataset has {kind}")
    balances: dict[str, object] = {split: measure_balance(rows[split]) for split in SPLITS}
    parent = root / name
    parent.mkdir(parents=True, exist_ok=True)
    while True:
        number = max(versions(name, root), default=0) + 1
        fields: dict[str, object] = {
            "name": name,
            "version": number,
            "kind": kind,
            "digest": digest_rows(rows),
        }
        manifest = Manifest.model_validate({**fields, **balances, **(details or {})})
        if _publish(parent / str(number), manifest, rows):
            return Dataset(folder=parent / str(number), manifest=manifest, splits=rows)


def versions(name: str, root: Path) -> list[int]:
    """The versions of a dataset, oldest first."""
    folder = root / name
    if not folder.is_dir():
        return []
    return sorted(int(each.name) for each in folder.iterdir() if re.fullmatch(r"[1-9][0-9]*", each.name))


def names(root: Path) -> list[str]:
    """The names of all datasets, sorted."""
    if not root.is_dir():
        return []
    return sorted(
        each.name for each in root.iterdir() if _NAME.fullmatch(each.name) and versions(each.name, root)
    )


def read_manifest(folder: Path) -> Manifest:
    """Read ``dataset.json``.

    Raises:
        InvalidDataset: the file is missing or breaks its format.
    """
    path = folder / "dataset.json"
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InvalidDataset(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise InvalidDataset(f"{path} is invalid: {error}") from error


def digest_rows(splits: Mapping[Split, Iterable[AnyRow]]) -> str:
    """SHA-256 over the lines of both splits."""
    hashed = hashlib.sha256()
    for split in SPLITS:
        hashed.update(f"{split}\n".encode())
        for row in splits.get(split, ()):
            hashed.update(row.model_dump_json().encode() + b"\n")
    return f"sha256:{hashed.hexdigest()}"


def _find(reference: str, root: Path) -> Path:
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        folder = Path(reference)
        if not folder.is_dir():
            raise InvalidDataset(f"no dataset {reference!r}", "Give NAME, NAME@VERSION or a folder.")
        return folder
    name, version = match["name"], match["version"]
    found = versions(name, root)
    if not found:
        raise InvalidDataset(f"no dataset {name!r} in {root}", "`septet dataset list` lists them.")
    number = int(version) if version else found[-1]
    if number not in found:
        raise InvalidDataset(f"dataset {name!r} has no version {number}; the newest is {found[-1]}")
    return root / name / str(number)


def _read_rows(path: Path, kind: Kind) -> tuple[AnyRow, ...]:
    rows: list[AnyRow] = []
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidDataset(f"{path} cannot be read: {error.strerror}") from error
    # `str.splitlines` would split texts at U+0085 and U+2028.
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = _ROW.validate_json(line)
        except ValidationError as error:
            raise InvalidDataset(f"{path}:{number}: {error.errors()[0]['msg']}") from error
        if row.kind != kind:
            raise InvalidDataset(f"{path}:{number}: kind {row.kind}, and the dataset has {kind}")
        rows.append(row)
    return tuple(rows)


def _publish(folder: Path, manifest: Manifest, rows: Mapping[Split, tuple[AnyRow, ...]]) -> bool:
    """Write a folder and give it its name. Returns False if another process took the version."""
    temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
    try:
        for split in SPLITS:
            lines = b"".join(row.model_dump_json().encode() + b"\n" for row in rows[split])
            (temporary / f"{split}.jsonl").write_bytes(lines)
        (temporary / "card.md").write_text(render_card(manifest), encoding="utf-8")
        (temporary / "dataset.json").write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        temporary.chmod(0o750)
        # A rename onto a folder that has files fails, so a version is never replaced.
        temporary.rename(folder)
    except OSError:
        if not folder.exists():
            raise
        return False
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return True
