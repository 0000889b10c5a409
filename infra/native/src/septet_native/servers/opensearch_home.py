"""OpenSearch's home directory, made from its published jars in the layout of the distribution."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from septet_native.packages.cache import build_once
from septet_native.packages.jars import LockedJar
from septet_native.packages.versions import pinned

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
    """A part of the server with its own class loader.

    Attributes:
        name: of its folder below ``modules``.
        plugin: its main class.
        artifacts: matches the names of the artifacts that only this module loads.
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
    """Build *home* once from *jars* below *repository*.

    The jars are linked, or copied where the two directories are on different disks. Every user can read them.

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
    """Folder of the jar of *artifact*, relative to the home."""
    for module in MODULES:
        if module.artifacts.fullmatch(artifact):
            return Path("modules", module.name)
    return Path("lib")


def _link(source: Path, target: Path) -> None:
    # Two groups publish an artifact of the same name; the versions differ, so the file names do, too.
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
