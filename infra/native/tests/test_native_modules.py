"""The modules of the package as other files name them, and what the model servers import."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MENTION = re.compile(r"\bseptet_native(?:\.[A-Za-z_]\w*)+")
IMPORT = re.compile(r"from (septet_native[\w.]*) import ([\w, ]+)")
FILES = (
    ROOT / "Makefile",
    ROOT / "docker-compose.yml",
    ROOT / "README.md",
    ROOT / "cli" / "Dockerfile",
    ROOT / "infra" / "native" / "Dockerfile",
    ROOT / "infra" / "native" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)
# Dependencies of this package that the image of the model servers does not install.
ABSENT = ("aiokafka", "asyncpg", "cryptography", "httpx", "jgo", "psutil", "septet_kit")
WITHOUT = """
import importlib, sys
sys.modules.update(dict.fromkeys({absent!r}))
importlib.import_module({module!r})
"""


def mentions(text: str) -> set[str]:
    """Dotted names below ``septet_native`` in *text*: written out, or imported."""
    imported = {f"{m[1]}.{name.strip()}" for m in IMPORT.finditer(text) for name in m[2].split(",")}
    return imported | set(MENTION.findall(text))


def exists(name: str) -> bool:
    """Whether *name* is a module, or an attribute of one."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        return hasattr(importlib.import_module(module), attribute)
    return True


@pytest.mark.parametrize("name", sorted({name for path in FILES for name in mentions(path.read_text())}))
def test_mentioned_module_exists(name: str) -> None:
    assert exists(name)


@pytest.mark.parametrize("module", ["embeddings", "build", "llm", "smollm", "gguf"])
def test_model_servers_need_only_the_packages_of_their_image(module: str) -> None:
    code = WITHOUT.format(absent=ABSENT, module=f"septet_native.models.{module}")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_readme_lists_every_module() -> None:
    package = ROOT / "infra" / "native" / "src" / "septet_native"
    readme = (ROOT / "infra" / "native" / "README.md").read_text()
    modules = {path.name for path in package.rglob("*.py") if not path.name.startswith("__")}
    assert sorted(name for name in modules if f"`{name}`" not in readme) == []
