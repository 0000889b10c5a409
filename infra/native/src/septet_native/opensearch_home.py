"""OpenSearch's home directory, laid out from its published jars as the distribution does."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from septet_native.cache import build_once
from septet_native.jars import LockedJar
from septet_native.versions import pinned

DESCRIPTOR = """\
name={name}
description={name}
version={version}
opensearch.version={version}
java.version={java}
classname={plugin}
has.native.controller=false
"""


@dataclass(frozen=True)
class Module:
    """A part of the server with a class loader of its own.

    Attributes:
        name: of its folder below ``modules``.
        plugin: its main class.
        artifacts: matches the names of the artifacts that belong to it alone.
    """

    name: str
    plugin: str
    artifacts: re.Pattern[str]


MODULES = (
    Module(
        "transport-netty4",
        "org.opensearch.transport.Netty4ModulePlugin",
        re.compile(r"transport-netty4-client|netty-.*|opensearch-netty4"),
    ),
    Module(
        "analysis-common",
        "org.opensearch.analysis.common.CommonAnalysisModulePlugin",
        re.compile(r"analysis-common"),
    ),
    # Delete by query, update by query and re-index.
    Module(
        "reindex",
        "org.opensearch.index.reindex.ReindexModulePlugin",
        re.compile(
            r"reindex-client|opensearch-rest-client|opensearch-ssl-config|http(core|client)5.*"
            r"|commons-(codec|logging)"
        ),
    ),
)


def lay_out(jars: Sequence[LockedJar], repository: Path, home: Path) -> None:
    """Make *home* from *jars* below *repository*, once: it appears under its name when complete.

    The jars are linked, or copied where the two lie on different disks; every user can read them.

    Raises:
        DiskFull, NotWritable: the parent directory cannot be written.
    """
    build_once(home, lambda partial: _fill(jars, repository, partial))


def _fill(jars: Sequence[LockedJar], repository: Path, home: Path) -> None:
    entry = pinned("opensearch")
    for folder in ("bin", "lib", "plugins", "modules", "extensions"):
        (home / folder).mkdir(parents=True)
    for module in MODULES:
        (home / "modules" / module.name).mkdir()
        text = DESCRIPTOR.format(
            name=module.name, version=entry["version"], java=entry["java"], plugin=module.plugin
        )
        (home / "modules" / module.name / "plugin-descriptor.properties").write_text(text)
    for jar in jars:
        source = repository / jar.relative_path
        _link(source, home / folder_of(jar.artifact) / source.name)
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def folder_of(artifact: str) -> Path:
    """Where the jar of *artifact* lies below the home."""
    for module in MODULES:
        if module.artifacts.fullmatch(artifact):
            return Path("modules", module.name)
    return Path("lib")


def _link(source: Path, target: Path) -> None:
    # Two groups publish artifacts of one name and different versions, so that no name appears twice.
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
