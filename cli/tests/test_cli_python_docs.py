"""Documents from Python modules, which are parsed and not run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from septet_cli.errors import CliError
from septet_cli.ingest import python_docs, python_source

SOURCE = '''
"""A module about things, at some length."""
raise SystemExit("was run")

class Thing(Base):
    """A thing that does something."""

    async def go(self, far: int = 3) -> bool:
        """Go far, and say whether it worked."""

    def _hidden(self):
        """Not for the public to see at all."""

def undocumented(): ...
'''


def test_source_is_parsed_with_signatures_and_not_run() -> None:
    found = {d.document_id: d.text for d in python_source.documents(SOURCE, "pkg.mod")}
    assert list(found) == ["python:pkg.mod", "python:pkg.mod.Thing", "python:pkg.mod.Thing.go"]
    assert found["python:pkg.mod.Thing"].startswith("class pkg.mod.Thing(Base): A thing")
    assert found["python:pkg.mod.Thing.go"].startswith(
        "async pkg.mod.Thing.go(self, far: int=3) -> bool: Go far"
    )


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("json", "json.loads"),
        ("json", "json.decoder.JSONDecoder"),
        ("collections", "collections.deque"),
        ("functools", "functools.lru_cache"),
        ("builtins", "str.lstrip"),
        ("math", "math.gcd"),
        ("itertools", "itertools.islice"),
    ],
)
def test_objects_written_in_c_are_documented(module: str, name: str) -> None:
    found = {d.title: d for d in python_docs.load_modules(module)}
    document = found[name]
    assert document.location == name
    assert document.uri == f"python:{module}#{name}" or module == "json"
    assert name.rpartition(".")[2] in document.text.splitlines()[0]


def test_a_submodule_is_loaded_alone() -> None:
    titles = {d.title for d in python_docs.load_modules("json.decoder")}
    assert "json.decoder.JSONDecoder" in titles
    assert "json.loads" not in titles


def test_unknown_and_unsafe_modules_are_rejected() -> None:
    with pytest.raises(CliError, match="no Python module"):
        list(python_docs.load_modules("no_such_module_anywhere"))
    with pytest.raises(CliError, match="side effects"):
        list(python_docs.load_modules("antigravity"))
    assert "antigravity" not in sys.modules


def test_other_packages_are_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loud_package.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    assert len(list(python_docs.load_modules("loud_package"))) == 3
    assert "loud_package" not in sys.modules


async def test_the_demo_has_enough_documents_with_unique_ids() -> None:
    from septet_cli.demo.corpus import shared_documents

    documents = await shared_documents()
    assert len({d.document_id for d in documents}) == len(documents) >= 1000
    assert any("\uac00" <= c <= "\ud7a3" for d in documents for c in d.title)
