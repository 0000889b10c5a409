"""``python infra/audit/audit.py`` checks the dependencies offline.

Locks: each requirement has one exact version and hashes, and no address; the installed versions match the locks.
Licences: ``policy.toml`` allows each licence, or lists the package with a reason. Advisories: matched against a local
export in OSV's format (``--osv DIR``, one JSON file per advisory); without one, the report says that they were not
checked. ``--sbom FILE`` writes a CycloneDX document for scanners.

Exit code: 0 without problems, 1 with problems, one line each.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from license_expression import ExpressionError, get_spdx_licensing
from packageurl import PackageURL
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parents[2]
LOCKS = (ROOT / "requirements.lock", ROOT / "requirements-dev.lock", ROOT / "requirements-tuning.lock")
POLICY = Path(__file__).with_name("policy.toml")
OURS = "septet"
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


@dataclass(frozen=True)
class Locked:
    """One requirement of the lock: name, exact version, environment marker."""

    name: str
    version: str
    marker: str


def read_locks(paths: Sequence[Path]) -> tuple[list[Locked], list[str]]:
    """The distinct requirements of several locks, and the problems found."""
    found: dict[Locked, None] = {}
    problems: list[str] = []
    for path in paths:
        entries, wrong = read_lock(path.read_text("utf-8"))
        found |= dict.fromkeys(entries)
        problems += wrong
    return list(found), problems


def read_lock(text: str) -> tuple[list[Locked], list[str]]:
    """The requirements of a lock, and the problems found."""
    found: list[Locked] = []
    problems: list[str] = []
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        wanted, *options = re.split(r"\s(?=--)", line.strip())
        if wanted.startswith("-") or "://" in line:
            problems.append(f"lock: {wanted}: options and addresses are not allowed")
            continue
        try:
            requirement = Requirement(wanted)
        except InvalidRequirement as error:
            problems.append(f"lock: {wanted}: {error}")
            continue
        pins = [s for s in requirement.specifier if s.operator == "==" and "*" not in s.version]
        if len(pins) != 1 or len(requirement.specifier) != 1:
            problems.append(f"lock: {requirement.name} is not pinned to one version")
            continue
        if not any(HASH.fullmatch(o.strip()) for o in options):
            problems.append(f"lock: {requirement.name} has no hash")
        found.append(
            Locked(canonicalize_name(requirement.name), pins[0].version, str(requirement.marker or ""))
        )
    names = [(entry.name, entry.marker) for entry in found]
    problems += [
        f"lock: {name} is listed twice" for name, marker in sorted({n for n in names if names.count(n) > 1})
    ]
    return found, problems


def installed_differently(lock: Iterable[Locked], found: Iterable[Distribution]) -> Iterator[str]:
    """Distributions whose installed version differs from the lock."""
    versions: dict[str, set[str]] = {}
    for entry in lock:
        versions.setdefault(entry.name, set()).add(entry.version)
    for distribution in found:
        name = canonicalize_name(distribution.metadata["Name"])
        if name in versions and distribution.version not in versions[name]:
            yield f"installed: {name} {distribution.version}, the lock has {', '.join(sorted(versions[name]))}"


def licence_of(distribution: Distribution, names: dict[str, str]) -> str:
    """The licence of a distribution as an SPDX expression; empty when its metadata has none."""
    metadata = distribution.metadata
    if "License-Expression" in metadata:
        return str(metadata["License-Expression"])
    classifiers = [
        c.split("::")[-1].strip() for c in metadata.get_all("Classifier", []) if c.startswith("License ::")
    ]
    stated = str(metadata["License"]) if "License" in metadata else ""
    found = [c for c in classifiers if c != "OSI Approved"] or stated.strip().splitlines()[:1]
    # Several classifiers may be alternatives or apply together; require that all of them are allowed.
    return " AND ".join(names.get(s, s) for s in found)


@cache
def _licensing() -> Any:
    # It reads the whole SPDX list, which takes a second or more.
    return get_spdx_licensing()


@cache
def _parsed(expression: str) -> Any:
    try:
        return _licensing().parse(expression, validate=True, simple=True)
    except ExpressionError:
        return None


def allowed(expression: str, identifiers: set[str]) -> bool:
    """Whether an SPDX expression can be satisfied with *identifiers* alone."""
    parsed = _parsed(expression)
    return parsed is not None and _satisfied(parsed, identifiers)


def _satisfied(node: Any, identifiers: set[str]) -> bool:
    arguments = getattr(node, "args", ())
    if not arguments:
        return str(node) in identifiers
    parts = [_satisfied(a, identifiers) for a in arguments]
    return any(parts) if node.operator.strip() == "OR" else all(parts)


def licences(found: Iterable[Distribution], policy: dict[str, Any]) -> Iterator[str]:
    """Distributions whose licence the policy does not allow."""
    identifiers, excepted = set(policy["allowed"]), set(policy["exceptions"])
    for distribution in found:
        name = canonicalize_name(distribution.metadata["Name"])
        expression = licence_of(distribution, policy["names"])
        if name not in excepted and not allowed(expression, identifiers):
            yield f"licence: {name}: {expression or 'none named'}"


def advisories(found: Iterable[tuple[str, str]], folder: Path) -> Iterator[str]:
    """Advisories of a local OSV export that affect one of the (name, version) pairs."""
    versions = dict(found)
    for path in sorted(folder.rglob("*.json")):
        record = json.loads(path.read_text("utf-8"))
        if record.get("withdrawn"):
            continue
        for affected in record.get("affected", ()):
            package = affected.get("package", {})
            name = canonicalize_name(package.get("name", ""))
            if (
                package.get("ecosystem") == "PyPI"
                and name in versions
                and _is_affected(affected, versions[name])
            ):
                yield f"advisory: {name} {versions[name]}: {record['id']}: {record.get('summary', '')}"


def _is_affected(affected: dict[str, Any], version: str) -> bool:
    if version in affected.get("versions", ()):
        return True
    return any(
        _in_range(r["events"], version) for r in affected.get("ranges", ()) if r["type"] == "ECOSYSTEM"
    )


def _in_range(events: list[dict[str, str]], version: str) -> bool:
    hit = False
    for event in events:
        ((kind, at),) = event.items()
        try:
            reached = at == "0" or Version(version) >= Version(at)
            beyond = Version(version) > Version(at) if kind == "last_affected" else reached
        except InvalidVersion:
            continue
        if kind == "introduced" and reached:
            hit = True
        elif kind in ("fixed", "last_affected") and beyond:
            hit = False
    return hit


def write_sbom(found: Iterable[Distribution], path: Path) -> int:
    """Write the installed distributions as a CycloneDX document; returns the number of components."""
    bom = Bom()
    bom.metadata.component = Component(name=OURS, type=ComponentType.APPLICATION, bom_ref=OURS)
    for distribution in found:
        name, version = canonicalize_name(distribution.metadata["Name"]), distribution.version
        url = PackageURL("pypi", name=name, version=version)
        bom.components.add(Component(name=name, version=version, purl=url, bom_ref=str(url)))
    bom.register_dependency(bom.metadata.component, list(bom.components))
    path.write_text(JsonV1Dot6(bom).output_as_string(indent=1) + "\n", "utf-8")
    return len(bom.components)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lock", type=Path, action="append", help="lock file (default: the project's two)")
    parser.add_argument("--policy", type=Path, default=POLICY)
    parser.add_argument("--osv", type=Path, help="directory of OSV records")
    parser.add_argument("--sbom", type=Path, help="write a CycloneDX document there")
    options = parser.parse_args(arguments)
    found = {canonicalize_name(d.metadata["Name"]): d for d in distributions()}
    lock, problems = read_locks(options.lock or LOCKS)
    known = {entry.name for entry in lock}
    others = [d for name, d in sorted(found.items()) if name in known]
    problems += installed_differently(lock, others)
    problems += licences(others, tomllib.loads(options.policy.read_text("utf-8")))
    checked = "advisories were not checked: no OSV export was given (--osv)"
    if options.osv is not None:
        records = sum(1 for _ in options.osv.rglob("*.json"))
        problems += advisories(((e.name, e.version) for e in lock), options.osv)
        checked = f"{records} advisories"
    if options.sbom is not None:
        print(f"{options.sbom}: {write_sbom(others, options.sbom)} components")
    for problem in problems:
        print(problem)
    print(f"audit: {len(lock)} locked, {len(others)} installed, {checked}; {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
