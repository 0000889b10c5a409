"""Septet's images as the compose file builds them, read from their Dockerfiles without a container engine."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCKERFILES = [
    ROOT / "services/Dockerfile",
    *sorted(ROOT.glob("infra/*/Dockerfile")),
    ROOT / "cli/Dockerfile",
]
"""Every Dockerfile of the repository."""

_RUNTIME = ("ENTRYPOINT", "CMD")


@dataclass(frozen=True)
class Image:
    """An image's instructions, one a line, with the build's arguments filled in."""

    instructions: str

    @property
    def entrypoint(self) -> list[str]:
        """The command that a container runs."""
        found: list[str] = json.loads(self._all("ENTRYPOINT")[-1])
        return found

    @property
    def environment(self) -> dict[str, str]:
        """The variables that a container starts with."""
        return dict(a.split("=", 1) for line in self._all("ENV") for a in line.split())

    def _all(self, name: str) -> list[str]:
        return re.findall(rf"^{name} (.+)$", self.instructions, re.MULTILINE)


def image_of(service: dict[str, Any]) -> Image:
    """The image that a service of the compose file builds; without instructions if it builds none."""
    if "build" not in service:
        return Image("")
    text = (ROOT / service["build"]["dockerfile"]).read_text("utf-8").replace("\\\n", " ")
    arguments: dict[str, str] = service["build"].get("args", {})
    return Image("\n".join(_filled(line, arguments) for line in text.splitlines()))


def _filled(line: str, arguments: dict[str, str]) -> str:
    # Docker fills in arguments while it builds; a container's command has its environment only.
    if line.startswith(_RUNTIME):
        return line
    return re.sub(r"\$\{(\w+)(?::\?)?\}", lambda m: arguments.get(m[1], m[0]), line)
