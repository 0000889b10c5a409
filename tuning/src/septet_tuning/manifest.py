"""``manifest.json`` of an artifact. The digest of the artifact is that of the manifest's bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

MANIFEST = "manifest.json"


class ArtifactFile(BaseModel):
    """One file of an artifact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    sha256: str
    bytes: int


class ArtifactManifest(BaseModel):
    """What an artifact is and what it was made from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    method: str
    base: str
    files: tuple[ArtifactFile, ...]
    dataset: str
    dataset_digest: str
    template_digest: str | None = None
    parameters: dict[str, Any] = {}
    seed: int = 0
    figures: dict[str, dict[str, float]] = {}


def list_files(folder: Path) -> tuple[ArtifactFile, ...]:
    """The files of an artifact with their digests, sorted by path, without the manifest."""
    files = sorted(each for each in folder.rglob("*") if each.is_file() and each != folder / MANIFEST)
    return tuple(
        ArtifactFile(
            path=each.relative_to(folder).as_posix(),
            sha256=hashlib.sha256(each.read_bytes()).hexdigest(),
            bytes=each.stat().st_size,
        )
        for each in files
    )


def write_manifest(folder: Path, manifest: ArtifactManifest) -> str:
    """Write the manifest, and return the digest of the artifact."""
    content = manifest.model_dump_json(indent=2).encode() + b"\n"
    (folder / MANIFEST).write_bytes(content)
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
